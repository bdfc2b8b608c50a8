"""Whether chips that came to a site may be those that a lease, a leg of a run or a deployment there used.

A ledger seldom says which chips a lease was served with: a shipment and a use are joined by the site where both are.
They are not joined where the shipment was certainly of other chips (no catalogue id of the one is that of the other,
nor a family of it), or certainly arrived after the use had ended. Where the chips of either are not known, the site
alone joins them. Serial numbers are not compared. Held by ``tests/view/test_fit.py``.
"""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from ledger.domain.when import When

__all__ = ["Goods", "Joined", "Use", "goods_of", "joined", "use_of"]

Joined = Literal["by chip", "by site", "not"]

Chips = frozenset[str] | None
"""Catalogue ids; None where they are not all known."""

_UNKNOWN: Final = (None, "unknown")


class Use(NamedTuple):
    """What a lease, leg or deployment used: its chips, and the last day on which it may have ended."""

    chips: Chips = None
    ended: str | None = None

    def within(self, wider: Use) -> Use:
        """This use as a part of a `wider` one, such as a leg under a lease."""
        ends = [day for day in (self.ended, wider.ended) if day is not None]
        return Use(wider.chips if self.chips is None else self.chips, min(ends, default=None))


class Goods(NamedTuple):
    """What a shipment brought to a site: its chips, and the first day on which any of it may have arrived."""

    chips: Chips = None
    arrived: str | None = None


def joined(use: Use, goods: Goods) -> Joined:
    """What joins a use at a site with goods that came there."""
    if use.ended is not None and goods.arrived is not None and use.ended < goods.arrived:
        return "not"
    if use.chips is None or goods.chips is None:
        return "by site"
    return "by chip" if any(_same(one, other) for one in use.chips for other in goods.chips) else "not"


def _same(one: str, other: str) -> bool:
    """Whether two catalogue ids may mean one part; a name that the catalogue does not have may mean any."""
    return one == other or not _parts(one).isdisjoint(_parts(other))


@lru_cache(maxsize=1024)
def _parts(chip: str) -> frozenset[str]:
    # Only where two ids differ is the catalogue needed, and reading it costs more than a trace.
    from ledger.catalog import load

    return frozenset(part.id for part in load().get(chip).parts)


def _chips(rows: list[tuple[str | None]]) -> Chips:
    if not rows or any(chip in _UNKNOWN or str(chip).startswith("other:") for (chip,) in rows):
        return None
    from ledger.catalog import load

    chips = frozenset(str(chip) for (chip,) in rows)
    return chips if all(chip in load() for chip in chips) else None


def goods_of(connection: sqlite3.Connection, shipment: str, site: str) -> Goods:
    """What `shipment` brought to `site`."""
    sql = """SELECT chip FROM shipment_lines WHERE shipment = :shipment
        UNION SELECT chip FROM accelerators WHERE shipment = :shipment AND site = :site"""
    chips = _chips(connection.execute(sql, {"shipment": shipment, "site": site}).fetchall())
    sql = "SELECT occurred_at FROM links WHERE from_stream = ? AND to_stream = ? AND chain AND NOT claim"
    days = [_day(when, 0) for (when,) in connection.execute(sql, (shipment, site))]
    return Goods(chips, min((day for day in days if day), default=None) if all(days) else None)


_ROLES: Final = {"lease": "let", "run": "ran", "deployment": "serves"}
_ENDS: Final = {
    "lease": ("lease.ended",), "run": ("run.completed", "run.stopped"), "deployment": ("deployment.ended",),
}  # fmt: skip


def use_of(connection: sqlite3.Connection, stream: str, part: str | None) -> Use:
    """What a lease, a deployment, or the leg `part` of a run used."""
    kind = stream.partition(":")[0]
    role = _ROLES.get(kind)
    if role is None:
        return Use()
    sql = "SELECT chip FROM accelerators WHERE stream = ? AND role = ? AND part IS ?"
    rows = connection.execute(sql, (stream, role, part)).fetchall()
    if not rows and part is not None:
        rows = connection.execute(sql, (stream, role, None)).fetchall()
    return Use(_chips(rows), _ended(connection, stream, _ENDS[kind], part))


def _ended(connection: sqlite3.Connection, stream: str, types: tuple[str, ...], part: str | None) -> str | None:
    if part is not None:
        found = connection.execute("SELECT ended FROM legs WHERE run = ? AND leg = ?", (stream, part)).fetchone()
        if found is not None and found[0] is not None:
            return _day(found[0], 1)
    # Of an end that was corrected the view's events hold what was said first: it is certain of nothing.
    sql = "SELECT occurred_last, corrected_by FROM events WHERE stream = ? AND type IN (?, ?) AND retracted_by IS NULL"
    ends = connection.execute(sql, (stream, types[0], types[-1])).fetchall()
    return max((last for last, _ in ends), default=None) if all(last and not fixed for last, fixed in ends) else None


def _day(when: str | None, which: int) -> str | None:
    """The first or the last day of a time as the view spells it; None where it has none."""
    if when in _UNKNOWN:
        return None
    try:
        parsed = When.parse(str(when))
    except ValueError:
        return None
    day = (parsed.first_day, parsed.last_day)[which]
    return day.isoformat() if day else None
