"""What the command line and the terminal ask of the view: pages of events by key, honest counts, one subject.

Pages are keyed by position and never by offset, so a page deep in ten million events costs what the first one does. A
filter's rarest field leads the search; the others are looked up per event. Every value is a parameter, and text
is quoted word by word before the full-text index sees it, so no input is syntax.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any, Final

from msgspec import Struct

from ledger.log.entry import format_time
from ledger.view.events import EventRow
from ledger.view.home import View, view_errors

__all__ = [
    "Counted",
    "Filter",
    "Listed",
    "SubjectRow",
    "count",
    "event",
    "events",
    "facet",
    "sources",
    "subject",
    "subjects",
]

PAGE: Final = 100
MOST_ARMS: Final = 100
_ODD: Final = "(e.irregular IS NOT NULL OR e.erased OR e.unknown)"


class Filter(Struct, frozen=True):
    """Which events. Fields are joined by *and*, the values within one by *or*; `without` leaves out what it matches.

    `kind`, `type`, `basis`, `source`: as the columns of ``events``. `party`, `site`, `stream`: ids of streams that the
    event names or belongs to. `country`: ISO code, where the event states one. `chip`: a catalogue id. `text`: words,
    all of which stand in the event, the last letters of each left open. `occurred_from`, `occurred_to`: ISO days, for
    events that may have occurred between them. `recorded_from`, `recorded_to`: UTC milliseconds. `odd`: irregular,
    erased or of unknown type.
    """

    kind: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    basis: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    party: tuple[str, ...] = ()
    site: tuple[str, ...] = ()
    stream: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    chip: tuple[str, ...] = ()
    text: str = ""
    occurred_from: str = ""
    occurred_to: str = ""
    recorded_from: int = 0
    recorded_to: int = 0
    odd: bool = False
    without: Filter | None = None


EVERYTHING: Final = Filter()


class Listed(Struct, frozen=True):
    """One event as a list shows it; times as text, None where not stated."""

    position: int
    recorded_at: str
    occurred_at: str | None
    kind: str
    verb: str
    type: str
    stream: str
    version: int
    title: str | None
    actor: str | None
    country: str | None
    site: str | None
    chip: str | None
    basis: str | None
    weakest_basis: str | None
    recorded_by: str
    note: str | None
    irregular: str | None
    corrected_by: str | None
    retracted_by: int | None
    erased: bool
    unknown: bool


class Counted(Struct, frozen=True):
    """How many, as far as was counted: `exact`, or more than `number`."""

    number: int
    exact: bool

    def __str__(self) -> str:
        return str(self.number) if self.exact else f">{self.number}"


class SubjectRow(Struct, frozen=True):
    """One subject, folded. `fields` are the cells of its kind's table that are stated, by column."""

    stream: str
    kind: str
    title: str
    status: str
    basis: str | None
    versions: int
    first_position: int
    last_position: int
    read_only: bool
    fields: dict[str, str | int | float]
    irregular: tuple[tuple[int, str, str], ...]


_COLUMNS: Final = ("kind", "type", "basis", "source")
_NAMED: Final = ("party", "site", "stream", "country", "chip")


def _names(field: str, values: Sequence[str]) -> list[str]:
    """Values of a filter as ``mentions`` spells them."""
    prefix = f"{field}:" if field in ("country", "chip") else ""
    return [f"{prefix}{value}" for value in values]


def match_text(text: str) -> str:
    """A full-text query for the words in `text`; empty where it has none that could be found."""
    words = [word.replace("\0", "").replace('"', '""') for word in text.split()]
    return " ".join(f'"{word}"*' for word in words if any(letter.isalnum() for letter in word))


def _conditions(view: View, chosen: Filter, lead: str) -> Iterator[tuple[str, list[Any]]]:
    """SQL conditions on an event `e`, each with its parameters; the field that leads the search is left out."""
    for field in _COLUMNS:
        values: tuple[str, ...] = getattr(chosen, field)
        if values and field != lead:
            marks = ",".join("?" * len(values))
            yield f"+e.{field} IN ({marks})", list(values)
    for field in _NAMED:
        values = getattr(chosen, field)
        if values and field != lead:
            marks = ",".join("?" * len(values))
            sql = f"EXISTS (SELECT 1 FROM mentions m WHERE m.name IN ({marks}) AND m.position = e.position)"  # noqa: S608
            yield sql, list(_names(field, values))
    if chosen.text and lead != "text":
        yield (
            "EXISTS (SELECT 1 FROM events_fts f WHERE f.rowid = e.position AND events_fts MATCH ?)",
            [_match(chosen.text)],
        )
    if chosen.occurred_from:
        yield "coalesce(e.occurred_last, '9999') >= ? AND e.occurred_at <> 'unknown'", [chosen.occurred_from]
    if chosen.occurred_to:
        yield "coalesce(e.occurred_first, '0000') <= ? AND e.occurred_at <> 'unknown'", [chosen.occurred_to]
    if chosen.recorded_from:
        yield "e.position >= ?", [_first_recorded(view.connection, chosen.recorded_from)]
    if chosen.recorded_to:
        yield "e.position < ?", [_first_recorded(view.connection, chosen.recorded_to + 1)]
    if chosen.odd and lead != "odd":
        yield _ODD, []
    if chosen.without is not None and chosen.without != EVERYTHING:
        parts = list(_conditions(view, chosen.without, ""))
        sql = " AND ".join(part for part, _ in parts)
        yield f"NOT coalesce(({sql}), 0)", [value for _, values in parts for value in values]


def _match(text: str) -> str:
    # A phrase that no tokenizer can make: nothing matches it.
    return match_text(text) or '""'


def _first_recorded(connection: sqlite3.Connection, milliseconds: int) -> int:
    """The first position recorded at that time or later: times never decrease, so a binary search finds it."""
    wanted = format_time(max(0, milliseconds))
    low, high = 1, _last(connection) + 1
    while low < high:
        middle = (low + high) // 2
        row = connection.execute("SELECT recorded_at FROM events WHERE position = ?", (middle,)).fetchone()
        low, high = (low, middle) if row is None or row[0] >= wanted else (middle + 1, high)
    return low


def _last(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT max(position) FROM events").fetchone()[0] or 0


def _lead(view: View, chosen: Filter) -> str:
    """The field that leads the search, since the fewest events have its values; "" for a walk along all positions."""
    rarest, least = "", _last(view.connection) // 4 + 1
    for field in (*_COLUMNS, *_NAMED):
        values = getattr(chosen, field)
        if values and len(values) <= MOST_ARMS:
            number = sum(_events_with(view.connection, field, value) for value in values)
            if number < least:
                rarest, least = field, number
    # The full-text index answers for one event about as slowly as it lists a thousand.
    if chosen.text and not (rarest and least < 1000):
        return "text"
    return rarest or ("odd" if chosen.odd else "")


def _events_with(connection: sqlite3.Connection, field: str, value: str) -> int:
    if field == "stream":
        sql = "SELECT versions FROM subjects WHERE stream = ?"
        row = connection.execute(sql, (value,)).fetchone()
    else:
        row = connection.execute("SELECT events FROM facets WHERE facet = ? AND value = ?", (field, value)).fetchone()
    return row[0] if row else 0


def _arms(chosen: Filter, lead: str) -> list[tuple[str, str, list[str]]]:
    """Where a search looks: for each value of the leading field a source of events, its key, and the value."""
    if lead in _NAMED:
        source = "mentions k CROSS JOIN events e ON e.position = k.position WHERE k.name = ?"
        return [(source, "k.position", [name]) for name in _names(lead, getattr(chosen, lead))]
    if lead == "text":
        source = "events_fts k CROSS JOIN events e ON e.position = k.rowid WHERE events_fts MATCH ?"
        return [(source, "k.rowid", [_match(chosen.text)])]
    if lead == "odd":
        return [(f"events e INDEXED BY events_odd WHERE {_ODD}", "e.position", [])]
    if lead:
        source = f"events e INDEXED BY events_{lead} WHERE e.{lead} = ?"
        return [(source, "e.position", [value]) for value in dict.fromkeys(getattr(chosen, lead))]
    return [("events e NOT INDEXED WHERE 1", "e.position", [])]


def _search(view: View, chosen: Filter, bound: str, at: int, limit: int) -> tuple[str, list[Any]]:
    """The statement that finds up to `limit` positions of a filter, those nearest to the bound first.

    Each value of the leading field is walked in order of position, and the walks are merged: nothing is sorted.
    """
    lead = _lead(view, chosen)
    conditions = list(_conditions(view, chosen, lead))
    held = "".join(f" AND {sql}" for sql, _ in conditions)
    selects: list[str] = []
    params: list[Any] = []
    for source, key, value in _arms(chosen, lead):
        selects.append(f"SELECT {key} AS position FROM {source} AND {key} {bound} ?{held}")  # noqa: S608 - marks only
        params += [*value, at, *(held_value for _, values in conditions for held_value in values)]
    order = "ASC" if bound == ">" else "DESC"
    return f"{' UNION '.join(selects)} ORDER BY 1 {order} LIMIT {int(limit)}", params


_LISTED: Final = ", ".join(
    "(SELECT title FROM subjects s WHERE s.stream = e.stream)" if name == "title" else f"e.{name}"
    for name in Listed.__struct_fields__
)


def events(
    view: View, chosen: Filter = EVERYTHING, *, after: int = 0, before: int | None = None, limit: int = PAGE
) -> list[Listed]:
    """A page of events: the first ones after a position; or, where `before` is given, the last ones before it.

    Either way in order of position.
    """
    bound, at = (">", after) if before is None else ("<", before)
    with view_errors(view.path):
        sql, params = _search(view, chosen, bound, at, limit)
        page = f"SELECT {_LISTED} FROM ({sql}) p CROSS JOIN events e ON e.position = p.position"  # noqa: S608
        rows = view.connection.execute(page, params).fetchall()
    return [_listed(row) for row in sorted(rows, key=itemgetter(0))]


def _listed(cells: Sequence[Any]) -> Listed:
    row = dict(zip(Listed.__struct_fields__, cells, strict=True))
    return Listed(**{**row, "erased": bool(row["erased"]), "unknown": bool(row["unknown"])})


def count(view: View, chosen: Filter = EVERYTHING, *, up_to: int = 500) -> Counted:
    """How many events a filter has, counted no further than `up_to`."""
    with view_errors(view.path):
        sql, params = _search(view, chosen, ">", 0, up_to + 1)
        found = view.connection.execute(f"SELECT count(*) FROM ({sql})", params).fetchone()[0]  # noqa: S608
    return Counted(min(found, up_to), found <= up_to)


def event(view: View, position: int) -> EventRow | None:
    """One event with everything that the view keeps of it, its payload included."""
    with view_errors(view.path):
        row = view.connection.execute("SELECT * FROM events WHERE position = ?", (position,)).fetchone()
    return None if row is None else EventRow(*row)


def facet(view: View, name: str, limit: int = 50) -> list[tuple[str, int]]:
    """The commonest values of a facet (a key of `Filter`, such as ``country``), and how many events each has."""
    with view_errors(view.path):
        sql = "SELECT value, events FROM facets WHERE facet = ? ORDER BY events DESC, value LIMIT ?"
        return view.connection.execute(sql, (name, limit)).fetchall()


def sources(view: View) -> list[tuple[str, int]]:
    """The data sets that events came from, and how many came from each."""
    return facet(view, "source", 1000)


def subject(view: View, stream: str) -> SubjectRow | None:
    """What a stream says, as folded and corrected; None where it is not on record."""
    from ledger.view.schema import KINDS_IN_TABLES

    with view_errors(view.path):
        run = view.connection.execute
        row = run(
            """SELECT stream, kind, title, status, basis, versions, first_position, last_position, read_only
            FROM subjects WHERE stream = ?""",
            (stream,),
        ).fetchone()
        if row is None:
            return None
        fields: dict[str, Any] = {}
        readable = KINDS_IN_TABLES.get(row[1])
        if readable is not None:
            found = run(f"SELECT * FROM {readable.table} WHERE stream = ?", (stream,)).fetchone()  # noqa: S608
            columns = [column.name for column in readable.columns]
            fields = {name: cell for name, cell in zip(columns, found or (), strict=False) if cell is not None}
        odd = run(
            "SELECT position, code, message FROM irregularities WHERE stream = ? ORDER BY position, code", (stream,)
        ).fetchall()
    *known, read_only = row
    values = (*known, bool(read_only), fields, tuple(odd))
    return SubjectRow(**dict(zip(SubjectRow.__struct_fields__, values, strict=True)))


def subjects(
    view: View, text: str = "", *, kind: str = "", after: str = "", limit: int = PAGE
) -> list[tuple[str, str, str]]:
    """Streams as (id, title, status), by id, those whose id or title holds `text`; after the stream `after`."""
    sql = """SELECT stream, title, status FROM subjects WHERE stream > ? AND (? = '' OR kind = ?)
        AND (? = '' OR instr(lower(title), lower(?)) OR instr(lower(stream), lower(?))) ORDER BY stream LIMIT ?"""
    with view_errors(view.path):
        return view.connection.execute(sql, (after, kind, kind, text, text, text, limit)).fetchall()
