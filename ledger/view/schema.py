"""The view's tables, in words, defined through sqlite-utils, so that Datasette and sqlite3 read them without a manual.

======================  ==============================================================================================
``events``              every event as recorded, one row per position, with what the lists show, and its payload
``events_fts``          full text over the events' words and streams
``mentions``            which event names what: streams, ``country:SG``, ``chip:…``; the filters' posting lists
``facets``              how many events there are of each kind, type, basis, country, party, site, chip, source
``subjects``            every stream, folded: kind, title, status, and where its events stand
``irregularities``      what in a stream a missing or wrong fact could explain
``links``               the edges of the custody graph (`ledger.view.links`)
``parties``, ``sites``  and so on: one table per kind, a row per subject, as corrected (`KINDS_IN_TABLES`)
``erasures``            payloads that are gone, and the event that says why
``unfolded``            streams whose tables lag, while the view catches up with a log that is far ahead
``meta``                how far the view came, at which root, and what it was made by
======================  ==============================================================================================

The first line of a row's life is `position`: the event that it comes from. ``custody``, ``chips_at_sites``,
``not_received`` and ``open_leases`` are SQL views over them.
"""

from __future__ import annotations

import sqlite3
from hashlib import sha256
from typing import Final

from ledger.domain.registry import EVENT_TYPES
from ledger.view.events import EventRow
from ledger.view.goods import ACCELERATORS, GOODS
from ledger.view.links import LINK_ROOTS, Link
from ledger.view.models import MODELS
from ledger.view.people import PEOPLE
from ledger.view.readable import Column, Readable

__all__ = ["APPLICATION_ID", "KINDS_IN_TABLES", "TABLES", "TABLES_OF_KIND", "create", "fingerprint", "made_by"]

APPLICATION_ID: Final = 0x43484C56
"""The four letters CHLV: a view, which can be made again, and not a ledger."""

VIEW_VERSION: Final = 2
"""Counted up when the tables, or what stands in them, change: older and newer views are then made anew."""

KINDS_IN_TABLES: Final[dict[str, Readable]] = {readable.kind: readable for readable in (*PEOPLE, *GOODS, *MODELS)}
READ_ROOTS: Final = {kind: readable.roots | LINK_ROOTS for kind, readable in KINDS_IN_TABLES.items()}

_INTEGERS: Final = {
    "position", "version", "class_version", "retracted_by", "erased", "unknown", "chain", "claim", "events",
    "versions", "irregular_events", "first_position", "last_position", "read_only", "erased_by", "corrections",
}  # fmt: skip
_REFERS: Final = {
    ("events", "stream"): "subjects", ("subjects", "last_position"): "events", ("irregularities", "stream"): "subjects",
    ("irregularities", "position"): "events", ("links", "from_stream"): "subjects", ("links", "to_stream"): "subjects",
    ("links", "stated_by"): "subjects", ("links", "position"): "events", ("erasures", "position"): "events",
    ("erasures", "erased_by"): "events", ("events", "actor"): "parties", ("events", "site"): "sites",
}  # fmt: skip
_KEYS: Final = {
    "events": "position",
    "erasures": "position",
    "subjects": "stream",
    **{readable.table: "stream" for readable in KINDS_IN_TABLES.values()},
}

SUBJECT_COLUMNS: Final = (
    "stream", "kind", "title", "status", "basis", "opened_at", "versions", "corrections", "irregular_events",
    "read_only", "first_position", "last_position",
)  # fmt: skip

_CORE: Final[dict[str, tuple[str, ...]]] = {
    "events": EventRow._fields,
    "subjects": SUBJECT_COLUMNS,
    "irregularities": ("stream", "version", "position", "code", "message"),
    "links": Link._fields,
    "erasures": ("position", "payload_commitment", "erased_by"),
    "meta": ("name", "value"),
}


def _columns(table: str, names: tuple[str, ...]) -> tuple[Column, ...]:
    return tuple(
        Column(name, int if name in _INTEGERS else str, _REFERS.get((table, name), "")) for name in names
    )  # fmt: skip


TABLES: Final[dict[str, tuple[Column, ...]]] = {
    **{name: _columns(name, names) for name, names in _CORE.items()},
    ACCELERATORS.name: ACCELERATORS.columns,
    **{readable.table: readable.columns for readable in KINDS_IN_TABLES.values()},
    **{child.name: child.columns for readable in KINDS_IN_TABLES.values() for child in readable.children},
}
"""The columns of every table but the two that SQLite's own forms are needed for: ``mentions`` and ``facets``."""

_WITH_ACCELERATORS: Final = ("site", "lease", "run", "deployment")

TABLES_OF_KIND: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    kind: (
        ("irregularities", "stream"), ("links", "stated_by"), (readable.table, "stream"),
        *((child.name, child.columns[0].name) for child in readable.children),
        *((("accelerators", "stream"),) if kind in _WITH_ACCELERATORS else ()),
        *((("data_used", "stream"),) if kind == "data" else ()),
    )
    for kind, readable in KINDS_IN_TABLES.items()
}  # fmt: skip
"""The tables that hold rows of a subject of a kind, each with the column that names its stream."""

_INDEXES: Final = {
    "events": (("stream", "version"), ("kind",), ("type",), ("basis",), ("occurred_first",)),
    "subjects": (("kind", "last_position"),),
    "irregularities": (("stream",), ("code",)),
    "links": (("stated_by",), ("from_stream",), ("to_stream",)),
    "accelerators": (("stream",), ("site", "chip")),
    "movements": (("shipment",), ("site",)),
}

_BY_HAND: Final = (
    """CREATE TABLE mentions (
    name TEXT NOT NULL,
    position INTEGER NOT NULL REFERENCES events(position),
    PRIMARY KEY (name, position)
) WITHOUT ROWID""",
    """CREATE TABLE facets (
    facet TEXT NOT NULL,
    value TEXT NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (facet, value)
) WITHOUT ROWID""",
    "CREATE TABLE unfolded (stream TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE INDEX events_source ON events (source) WHERE source IS NOT NULL",
    "CREATE INDEX events_odd ON events (position) WHERE irregular IS NOT NULL OR erased OR unknown",
)

_VIEWS: Final = {
    "custody": """SELECT coalesce(f.title, l.from_stream, l.place) AS "from", l.relation, l.part,
    coalesce(t.title, l.to_stream, l.place) AS "to", l.place,
    CASE WHEN l.from_stream IS NOT NULL AND f.stream IS NULL OR l.to_stream IS NOT NULL AND t.stream IS NULL
        THEN 'missing'
        WHEN l.claim AND NOT EXISTS (SELECT 1 FROM links k WHERE k.from_stream = l.from_stream
            AND k.to_stream = l.to_stream AND k.chain AND NOT k.claim) THEN 'claimed'
        ELSE 'whole' END AS state,
    l.occurred_at, l.basis, l.from_stream, l.to_stream, l.position
FROM links l LEFT JOIN subjects f ON f.stream = l.from_stream LEFT JOIN subjects t ON t.stream = l.to_stream
WHERE l.chain ORDER BY l.position""",
    "chips_at_sites": """SELECT site, chip,
    sum(CASE role WHEN 'installed' THEN quantity_low WHEN 'removed' THEN -quantity_high
        WHEN 'scrapped' THEN -quantity_high END) AS installed_at_least,
    max(CASE role WHEN 'counted' THEN quantity END) AS most_ever_counted,
    group_concat(DISTINCT shipment) AS shipments
FROM accelerators WHERE role IN ('installed', 'removed', 'scrapped', 'counted') GROUP BY site, chip""",
    "not_received": """SELECT s.stream, s.title, s.status, s.exporter, s.to_site, s.destination_country, s.opened_at,
    s.basis, s.position
FROM shipments s WHERE s.status NOT IN ('cancelled', 'merged', 'split', 'continued')
    AND NOT EXISTS (SELECT 1 FROM movements m WHERE m.shipment = s.stream AND m.movement = 'received')""",
    "open_leases": """SELECT stream, title, status, lessor, lessee, site, term_from, term_until, basis, position
FROM leases WHERE status <> 'ended'""",
}


def create(connection: sqlite3.Connection) -> None:
    """Makes the empty tables."""
    # Only making a view needs sqlite-utils, and importing it costs a terminal its first half second.
    import sqlite_utils

    db = sqlite_utils.Database(connection, recursive_triggers=False, execute_plugins=False)
    for name, columns in TABLES.items():
        db.table(name).create({column.name: column.type for column in columns}, pk=_KEYS.get(name))
    db.add_foreign_keys(
        [
            (name, column.name, column.table, _KEYS.get(column.table, "stream"))
            for name, columns in TABLES.items()
            for column in columns
            if column.table
        ]
    )
    for name, columns in TABLES.items():
        for index in _INDEXES.get(name, () if name in (*_KEYS, "meta", "erasures") else ((columns[0].name,),)):
            db.table(name).create_index(index, index_name=f"{name}_{index[0]}")
    for statement in _BY_HAND:
        connection.execute(statement)
    db.table("events").enable_fts(["stream", "words"], fts_version="FTS5", tokenize="unicode61 remove_diacritics 2")
    for name, sql in _VIEWS.items():
        db.create_view(name, sql)


def holds_only_tables(connection: sqlite3.Connection) -> bool:
    """Whether what should be tables are, and nothing in the file runs when it is read but the views made here.

    Asked before anything is read from the file: a view in a table's place could be a query that never ends.
    """
    found = {str(name): (str(kind), str(sql)) for kind, name, sql in connection.execute(_OBJECTS_SQL)}
    if any(found.get(name, ("", ""))[0] != "table" for name in TABLES):
        return False
    running = {name: sql for name, (kind, sql) in found.items() if kind in ("view", "trigger")}
    return all(sql.endswith(_VIEWS.get(name, "\0")) for name, sql in running.items())


_OBJECTS_SQL: Final = "SELECT type, name, sql FROM sqlite_schema"


def fingerprint(connection: sqlite3.Connection) -> str:
    """A digest of every table, index, trigger and view that the file holds."""
    digest = sha256()
    for row in connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"):
        digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()


def made_by() -> str:
    """What decides what the view shows: its version, and the event types that this release reads."""
    types = sorted(f"{name} {step.version}" for name, step in EVENT_TYPES.items())
    return f"{VIEW_VERSION} {sha256(chr(10).join(types).encode()).hexdigest()[:16]}"
