"""What `show` prints of a subject besides its fields: small tables of its legs, lines, movements, stock, copies, stakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import click

from ledger.cli.output import print_table
from ledger.view.details import Cells

__all__ = ["print_details"]

_MOST: Final = 40
"""Rows of a table that are printed; ``--json`` has them all."""


class _Column(NamedTuple):
    heading: str
    cell: Callable[[Cells], object]


def _named(*names: str, heading: str = "") -> _Column:
    """The first of some columns that is stated."""
    return _Column(heading or names[0], lambda row: next((row[name] for name in names if name in row), None))


def _label(name: str, *others: str, heading: str = "") -> _Column:
    """As `_named`, of an id without its kind: the heading says that."""

    def cell(row: Cells) -> object:
        found = next((row[each] for each in (name, *others) if each in row), None)
        return str(found).partition(":")[2] or found if found is not None else None

    return _Column(heading or name, cell)


def _term(row: Cells) -> str | None:
    return f"{row.get('started', '?')} – {row.get('ended', '?')}" if row.keys() & {"started", "ended"} else None  # noqa: RUF001


_QUANTITY: Final = _named("quantity")
_TAIL: Final = (_named("basis"), _named("position", heading="#"))

_TABLES: Final[Mapping[str, tuple[str, tuple[_Column, ...]]]] = {
    "legs": (
        "legs",
        (
            _named("leg"), _label("site", "country", heading="where"), _label("lease"), _named("accelerators"),
            _Column("from – to", _term), _named("share_percent", heading="share %"),  # noqa: RUF001
            _named("operations"), *_TAIL,
        ),
    ),
    "accelerators": (
        "accelerators",
        (
            _named("role"), _named("part", heading="leg"), _named("chip"), _QUANTITY, _label("shipment"),
            _named("occurred_at", heading="occurred"), *_TAIL,
        ),
    ),
    "shipment_lines": (
        "lines",
        (
            _named("line"), _named("chip"), _QUANTITY, _named("form"), _named("chips_per_item", heading="chips each"),
            _named("classifications"), *_TAIL,
        ),
    ),
    "movements": (
        "movements",
        (
            _named("movement"), _named("occurred_at", heading="occurred"), _named("line"), _QUANTITY,
            _label("site", "place", "country", heading="where"),
            _named("bound_for_site", "bound_for_place", "bound_for_country", heading="bound for"),
            _named("as_shipment", heading="as"), *_TAIL,
        ),
    ),
    "weight_transfers": (
        "copies",
        (
            _named("what"), _named("occurred_at", heading="occurred"), _named("from_party", heading="from"),
            _named("to_party", heading="to"),
            _named("to_site", "to_place", "to_country", "at_uri", "site", "country", heading="where"), _named("means"),
            *_TAIL,
        ),
    ),
    "weight_files": ("files", (_named("path"), _named("size"), _named("sha256"), *_TAIL)),
    "data_used": (
        "data",
        (
            _named("data_class", heading="class"), _named("collected_in", heading="collected in"), _named("persons"),
            _named("name"), *_TAIL,
        ),
    ),
    "stakes": (
        "stakes",
        (
            _named("holder"), _named("share_percent", heading="share %"),
            _named("economic_percent", heading="economic %"), _named("controls"),
            _named("occurred_at", heading="occurred"), *_TAIL,
        ),
    ),
}  # fmt: skip


def print_details(found: Mapping[str, Sequence[Cells]]) -> None:
    """Prints the tables that have rows, each under its name."""
    for table, rows in found.items():
        if table == "accelerators" and "legs" in found:
            rows = [row for row in rows if "part" not in row]
        if not rows or table not in _TABLES:
            continue
        name, columns = _TABLES[table]
        shown = [column for column in columns if any(column.cell(row) is not None for row in rows)]
        click.echo(f"\n{name}")
        headings = [column.heading for column in shown]
        words = [index for index, heading in enumerate(headings) if heading not in ("#", "basis", "quantity")]
        spare = [index for index in reversed(words) if headings[index] not in ("chip", "occurred", "accelerators")][:-1]
        print_table(
            headings, [[column.cell(row) for column in shown] for row in rows[:_MOST]],
            right=[index for index, heading in enumerate(headings) if heading in ("#", "quantity", "size")],
            soft=words, spare=spare,
        )  # fmt: skip
        if len(rows) > _MOST:
            click.echo(f"… and {len(rows) - _MOST:,} more: --json has them all")
