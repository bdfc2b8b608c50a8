"""Custody, followed through the view: what led to a stream, and what came of it, with what is broken on the way::

    exporter → shipment → site → lease → run → weights → transfer → deployment

`up` and `down` give the neighbours of one stream, cheaply; `trace` grows a tree of them, lazily where the caller says
how deep. A stream that stands above itself is a cycle and is not followed again; one that was told already is not told
twice. A node's `notes` say what is missing or not ended: silence about a shipment's receipt is drawn, not passed over.

A site joins what came to it with what used chips there, and much of that has nothing to do with each other. So on the
way up from a leg, a lease or a deployment, a shipment to its site is left out where it was certainly of other chips, or
certainly arrived after that use had ended; on the way down, a shipment leads only to the leases, legs and deployments at
the site that may have used it. Where the chips of either are not known, the edge stays and its state is ``same site``.
`ledger.view.fit` has the rule. `up` and `down`, which know no way, leave nothing out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Final, Literal, cast

import msgspec
from msgspec import Struct

from ledger.view.fit import Goods, Use, goods_of, joined, use_of
from ledger.view.home import View, view_errors

__all__ = ["Direction", "Edge", "Node", "Note", "State", "down", "notes", "trace", "up"]

Direction = Literal["up", "down", "both"]
State = Literal["whole", "claimed", "missing", "same site"]

NEIGHBOURS: Final = 50


class Edge(Struct, frozen=True):
    """What joins a stream to a neighbour, in words, and how firmly: `position` is the event that states it.

    `stream` is the neighbour; None where only a place is known, and then `place` says which. `state`: ``whole``;
    ``claimed``, where something is only said to be going there; ``missing``, where the neighbour is not on record;
    ``same site``, in a tree, where nothing but the site joins a shipment with what used chips there.
    """

    stream: str | None
    relation: str
    upward: bool
    part: str | None
    place: str | None
    occurred_at: str | None
    basis: str
    position: int
    state: State


class Note(Struct, frozen=True):
    """Something about one stream that breaks the chain (`broken`), or that an auditor should know."""

    code: str
    words: str
    broken: bool
    position: int = 0


class Node(Struct, frozen=True):
    """One stream, or a place, in a tree of custody. `edge` joins it to its parent; None at the root.

    `children` are its neighbours as far as they were followed; `more` says that there are others: ask `up` or `down`.
    """

    stream: str | None
    title: str
    kind: str
    status: str
    basis: str | None
    edge: Edge | None
    notes: tuple[Note, ...] = ()
    up: tuple[Node, ...] = ()
    down: tuple[Node, ...] = ()
    cycle: bool = False
    told_above: bool = False
    more: bool = False


_NEIGHBOURS_SQL: Final = """SELECT l.{other}, l.relation, l.part, l.place, l.occurred_at, l.basis, l.position, l.claim,
    s.stream IS NOT NULL FROM links l LEFT JOIN subjects s ON s.stream = l.{other}
    WHERE l.{this} = ? AND (l.chain OR ?) AND l.position > ? ORDER BY l.position, l.rowid LIMIT ?"""


def up(view: View, stream: str, *, roles: bool = False, after: int = 0, limit: int = NEIGHBOURS) -> list[Edge]:
    """What led to `stream`, in order of position, after position `after`; with `roles`, the parties to it as well."""
    return _neighbours(view, stream, True, roles, after, limit)


def down(view: View, stream: str, *, roles: bool = False, after: int = 0, limit: int = NEIGHBOURS) -> list[Edge]:
    """What came of `stream`, as `up`."""
    return _neighbours(view, stream, False, roles, after, limit)


def _neighbours(view: View, stream: str, upward: bool, roles: bool, after: int, limit: int) -> list[Edge]:
    ends = {"this": "to_stream", "other": "from_stream"} if upward else {"this": "from_stream", "other": "to_stream"}
    sql = _NEIGHBOURS_SQL.format(**ends)
    with view_errors(view.path):
        rows = view.connection.execute(sql, (stream, roles, after, limit)).fetchall()
    done = {row[0] for row in rows if not row[7]}
    leased = {row[2] for row in rows if row[0] and row[0].startswith("lease:")}
    groups: dict[tuple[object, ...], list[Edge]] = {}
    for other, relation, part, place, occurred_at, basis, position, claim, known in rows:
        if claim and other in done:
            continue
        if upward and relation == "ran" and part in leased and not str(other or "").startswith("lease:"):
            continue  # the leg's lease leads to its site
        state: State = "claimed" if claim else "whole"
        if other is not None and not known:
            state = "missing"
        edge = Edge(other, relation, upward, part, place, occurred_at, basis, position, state)
        groups.setdefault((other, part, place if other is None else None), []).append(edge)
    return [_one_of(edges) for edges in groups.values()]


def _one_of(edges: list[Edge]) -> Edge:
    """One edge for all that join the same two: the first to have occurred, with what the others say as well."""
    first, *others = sorted(edges, key=lambda edge: (edge.occurred_at or "~", edge.position))
    said = dict.fromkeys([first.relation, *(edge.relation for edge in others)])
    return msgspec.structs.replace(first, relation=", ".join(said))


def trace(view: View, stream: str, direction: Direction = "both", depth: int = 12) -> Node:
    """The tree of custody around `stream`: `up` to where it came from, `down` to what became of it, `depth` steps."""
    return _Tracer(view).node(stream, None, direction, depth, ())


Carried = Use | Goods | None
"""What a way through a site knows: going up, the use that it comes from; going down, the goods."""

_USES: Final = ("lease", "run", "deployment")
_PLACES: Final = ("site", "lease")


def _as_joined(edge: Edge, use: Use, goods: Goods, here: str = "site", there: str = "") -> tuple[Edge, Carried] | None:
    by = joined(use, goods)
    if by == "not":
        return None
    if by == "by site" and here == "site" and edge.state == "whole":
        edge = msgspec.structs.replace(edge, state="same site")
    return edge, goods if there == "lease" else None


class _Tracer:
    def __init__(self, view: View) -> None:
        self._view = view
        self._told: set[tuple[str, Direction, Carried]] = set()

    def node(
        self, stream: str, edge: Edge | None, direction: Direction, depth: int, above: tuple[str, ...],
        carried: Carried = None,
    ) -> Node:  # fmt: skip
        row = _subject(self._view, stream)
        kind = stream.partition(":")[0]
        if row is None:
            note = Note("not-on-record", f"{stream} is not on record", True, edge.position if edge else 0)
            return Node(stream, stream, kind, "", None, edge, (note,))
        title, status, basis = row
        found = Node(stream, title, kind, status, basis, edge)
        if stream in above:
            return msgspec.structs.replace(found, cycle=True)
        found = msgspec.structs.replace(found, notes=tuple(notes(self._view, stream)))
        if (stream, direction, carried) in self._told:
            return msgspec.structs.replace(found, told_above=True)
        # A party takes part in much that has nothing to do with what is traced; and what is only said to be going
        # somewhere has not come to anything there.
        if depth <= 0 or (kind == "party" and above) or (edge is not None and edge.state == "claimed"):
            return msgspec.structs.replace(found, more=self._has_more(stream, direction))
        self._told.add((stream, direction, carried))
        above = (*above, stream)
        return msgspec.structs.replace(
            found,
            up=self._side(stream, True, depth, above, carried) if direction != "down" else (),
            down=self._side(stream, False, depth, above, carried) if direction != "up" else (),
            more=self._has_more(stream, direction, NEIGHBOURS + 1),
        )

    def _side(
        self, stream: str, upward: bool, depth: int, above: tuple[str, ...], carried: Carried
    ) -> tuple[Node, ...]:
        direction: Direction = "up" if upward else "down"
        nodes = []
        for edge in _neighbours(self._view, stream, upward, False, 0, NEIGHBOURS):
            if self._leads_aside(stream, edge, above):
                continue
            if edge.stream is None:
                nodes.append(Node(None, edge.place or "unknown", "place", "", None, edge))
                continue
            fits = self._fit(stream, edge, carried)
            if fits is not None:
                nodes.append(self.node(edge.stream, fits[0], direction, depth - 1, above, fits[1]))
        return tuple(nodes)

    def _fit(self, stream: str, edge: Edge, carried: Carried) -> tuple[Edge, Carried] | None:
        """The edge as this way sees it, and what the way knows beyond it; None where it certainly leads elsewhere."""
        other = edge.stream or ""
        here, there = stream.partition(":")[0], other.partition(":")[0]
        with view_errors(self._view.path):
            connection = self._view.connection
            if edge.upward and here in _USES and there in _PLACES:
                use = use_of(connection, stream, edge.part)
                return edge, carried.within(use) if isinstance(carried, Use) else use
            if not edge.upward and here == "shipment" and there == "site":
                return edge, goods_of(connection, stream, other)
            if edge.upward and here == "site" and there == "shipment" and isinstance(carried, Use):
                return _as_joined(edge, carried, goods_of(connection, other, stream))
            if not edge.upward and here in _PLACES and there in _USES and isinstance(carried, Goods):
                return _as_joined(edge, use_of(connection, other, edge.part), carried, here, there)
        return edge, carried if here == there == "site" else None

    def _leads_aside(self, stream: str, edge: Edge, above: tuple[str, ...]) -> bool:
        """Whether an edge of a site that was passed on the way has nothing to do with what led there.

        Copies of weights that lie where a run took place are no part of its custody; nor are the runs and leases at
        the place that a copy went to: only its deployments there.
        """
        if not stream.startswith("site:") or len(above) < 2 or edge.stream is None:
            return False
        if edge.upward:
            return edge.stream.startswith("weights:")
        if not above[-2].startswith("weights:"):
            return False
        sql = "SELECT 1 FROM links WHERE from_stream = ? AND to_stream = ? AND chain"
        return self._view.connection.execute(sql, (above[-2], edge.stream)).fetchone() is None

    def _has_more(self, stream: str, direction: Direction, least: int = 1) -> bool:
        sides = {"up": (True,), "down": (False,), "both": (True, False)}[direction]
        return any(len(_neighbours(self._view, stream, side, False, 0, least)) >= least for side in sides)


def _subject(view: View, stream: str) -> tuple[str, str, str | None] | None:
    with view_errors(view.path):
        sql = "SELECT title, status, basis FROM subjects WHERE stream = ?"
        return cast("tuple[str, str, str | None] | None", view.connection.execute(sql, (stream,)).fetchone())


def notes(view: View, stream: str) -> Iterator[Note]:
    """What is missing, not ended or irregular about one stream."""
    look = _LOOKS.get(stream.partition(":")[0])
    with view_errors(view.path):
        if look is not None:
            yield from look(view.connection, stream)
        sql = "SELECT code, message, position FROM irregularities WHERE stream = ? ORDER BY position LIMIT 20"
        for code, message, position in view.connection.execute(sql, (stream,)).fetchall():
            yield Note(code, f"irregular: {message}", False, position)


_ENDED_OTHERWISE: Final = ("cancelled", "merged", "split", "continued", "lost", "seized", "returned", "diverted")


def _shipment(connection: sqlite3.Connection, stream: str) -> Iterator[Note]:
    row = connection.execute("SELECT status, position FROM shipments WHERE stream = ?", (stream,)).fetchone()
    sql = "SELECT 1 FROM movements WHERE shipment = ? AND movement = 'received'"
    if row is None or connection.execute(sql, (stream,)).fetchone():
        return
    status, position = row
    if status in _ENDED_OTHERWISE:
        yield Note("not-received", f"never received: {status}", False, position)
    else:
        yield Note("not-received", f"{status}, but never received on record", True, position)


def _lease(connection: sqlite3.Connection, stream: str) -> Iterator[Note]:
    row = connection.execute("SELECT status, position, term_until FROM leases WHERE stream = ?", (stream,)).fetchone()
    if row is not None and row[0] != "ended":
        until = f"; its term runs to {row[2]}" if row[2] else ""
        yield Note("not-ended", f"{row[0] or 'on record'}, and no end is on record{until}", False, row[1])


_BROUGHT_SQL: Final = """SELECT EXISTS (SELECT 1 FROM accelerators a WHERE a.site = :site AND a.chip = :chip
        AND a.role = 'installed' AND a.shipment IS NOT NULL)
    OR EXISTS (SELECT 1 FROM movements m JOIN shipment_lines l ON l.shipment = m.shipment
        WHERE m.site = :site AND m.movement = 'received' AND l.chip = :chip AND (m.line IS NULL OR m.line = l.line)),
    (SELECT min(role) FROM accelerators a
        WHERE a.site = :site AND a.chip = :chip AND a.role IN ('counted', 'installed'))
"""


def _run(connection: sqlite3.Connection, stream: str) -> Iterator[Note]:
    legs = connection.execute(
        """SELECT a.part, coalesce(a.site, l.site), a.chip, a.position FROM accelerators a
        LEFT JOIN legs g ON g.run = a.stream AND g.leg = a.part LEFT JOIN leases l ON l.stream = g.lease
        WHERE a.stream = ? AND a.role = 'ran' ORDER BY a.position, a.part""",
        (stream,),
    ).fetchall()
    if not legs:
        position = connection.execute("SELECT position FROM runs WHERE stream = ?", (stream,)).fetchone()
        yield Note("no-chips", "on which accelerators it ran is not on record", True, position[0] if position else 0)
    for part, site, chip, position in legs:
        leg = f"leg {part}: " if part else ""
        if site is None or site == "unknown":
            yield Note("no-site", f"{leg}where it ran is not on record", True, position)
        elif chip not in (None, "unknown"):
            brought, there = connection.execute(_BROUGHT_SQL, {"site": site, "chip": chip}).fetchone()
            if not brought:
                stands = f" ({there} there, though)" if there else ""
                words = f"{leg}trained on {chip}, which no shipment on record brought to {site}{stands}"
                yield Note("no-shipment", words, True, position)


def _weights(connection: sqlite3.Connection, stream: str) -> Iterator[Note]:
    sql = "SELECT 1 FROM links WHERE to_stream = ? AND relation = 'produced' AND from_stream IS NOT NULL"
    if not connection.execute(sql, (stream,)).fetchone():
        position = connection.execute("SELECT position FROM weights WHERE stream = ?", (stream,)).fetchone()
        yield Note("no-run", "the run that made these weights is not on record", True, position[0] if position else 0)


_ARRIVED_SQL: Final = """SELECT w.stream, d.country, d.position FROM links k
    JOIN (SELECT p.stream, coalesce(p.country, s.country) AS country, p.position FROM deployments p
        LEFT JOIN sites s ON s.stream = p.site WHERE p.stream = ?) d
    JOIN weights w ON w.stream = k.from_stream
    WHERE k.to_stream = d.stream AND k.relation = 'deployed as' AND d.country IS NOT NULL AND d.country <> 'unknown'
        AND coalesce(w.country, '') <> d.country AND NOT EXISTS (
            SELECT 1 FROM weight_transfers t LEFT JOIN sites s ON s.stream = t.to_site
            WHERE t.weights = w.stream AND (t.what = 'published' OR coalesce(t.to_country, s.country) = d.country))"""


def _deployment(connection: sqlite3.Connection, stream: str) -> Iterator[Note]:
    for weights, country, position in connection.execute(_ARRIVED_SQL, (stream,)).fetchall():
        yield Note("no-transfer", f"no transfer of {weights} to {country} is on record", True, position)


_LOOKS: Final[dict[str, Callable[[sqlite3.Connection, str], Iterator[Note]]]] = {
    "shipment": _shipment, "lease": _lease, "run": _run, "weights": _weights, "deployment": _deployment,
}  # fmt: skip
