"""The SQLite schema of the log, version 1, compared exactly whenever a ledger is opened.

``entries`` has the columns of the header, the commitments and, in ``nodes``, the leaf hash followed by each tree node
which that leaf completes. A payload and its salt sit in ``payloads``, so that they can be erased. The triggers keep
honest tools from changing rows; against a dishonest one stands the tree.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

from ledger.log.verify import Fault

__all__ = ["APPLICATION_ID", "CONFLICT", "DUPLICATE", "SCHEMA", "USER_VERSION", "schema_faults"]

APPLICATION_ID: Final = 0x43484C47
"""The four letters CHLG, which `file` and SQLite tools read from the file's header."""

USER_VERSION: Final = 1

CONFLICT: Final = "this is not the next version of the stream"
DUPLICATE: Final = "this identity is recorded already"

_TABLES: Final = {
    "entries": """CREATE TABLE entries (
    position INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    type TEXT NOT NULL,
    class_version INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    recorded_by TEXT NOT NULL,
    header_salt BLOB NOT NULL,
    payload_commitment BLOB NOT NULL,
    nodes BLOB NOT NULL,
    identity BLOB
) STRICT""",
    "payloads": """CREATE TABLE payloads (
    position INTEGER PRIMARY KEY,
    salt BLOB NOT NULL,
    payload BLOB NOT NULL
) STRICT""",
    "checkpoints": """CREATE TABLE checkpoints (
    size INTEGER PRIMARY KEY,
    note BLOB NOT NULL
) STRICT""",
}

_INDEXES: Final = {
    "entries_stream": "CREATE UNIQUE INDEX entries_stream ON entries (stream, version)",
    "entries_identity": "CREATE UNIQUE INDEX entries_identity ON entries (identity) WHERE identity IS NOT NULL",
}

# The payload is canonical JSON, so this text stands in it once; within a string its quotes would be escaped.
_ERASURE_ON_RECORD: Final = """SELECT 1 FROM entries JOIN payloads USING (position)
        WHERE stream = 'ledger:self' AND type = 'ledger.payload_erased'
        AND instr(CAST(payload AS TEXT), ',"position":' || OLD.position || ',"reason":')"""

# INSERT OR REPLACE deletes the row that it replaces without firing a delete trigger, so inserts are looked at as well.
_TRIGGERS: Final = {
    "entries_append": """CREATE TRIGGER entries_append BEFORE INSERT ON entries BEGIN
    SELECT RAISE(ABORT, 'this is not the next version of the stream')
        WHERE NEW.version IS NOT (SELECT coalesce(max(version), 0) + 1 FROM entries WHERE stream = NEW.stream);
    SELECT RAISE(ABORT, 'this identity is recorded already')
        WHERE EXISTS (SELECT 1 FROM entries WHERE identity = NEW.identity);
    SELECT RAISE(ABORT, 'positions have no gaps')
        WHERE NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM entries);
END""",
    "entries_update": """CREATE TRIGGER entries_update BEFORE UPDATE ON entries BEGIN
    SELECT RAISE(ABORT, 'the log is append-only');
END""",
    "entries_delete": """CREATE TRIGGER entries_delete BEFORE DELETE ON entries BEGIN
    SELECT RAISE(ABORT, 'the log is append-only');
END""",
    "payloads_append": """CREATE TRIGGER payloads_append BEFORE INSERT ON payloads BEGIN
    SELECT RAISE(ABORT, 'a payload is recorded with its entry')
        WHERE NEW.position <= (SELECT max(position) FROM payloads)
        OR NEW.position > (SELECT max(position) FROM entries);
END""",
    "payloads_update": """CREATE TRIGGER payloads_update BEFORE UPDATE ON payloads BEGIN
    SELECT RAISE(ABORT, 'the log is append-only');
END""",
    "payloads_delete": f"""CREATE TRIGGER payloads_delete BEFORE DELETE ON payloads BEGIN
    SELECT RAISE(ABORT, 'no erasure of this payload is on record') WHERE NOT EXISTS (
        {_ERASURE_ON_RECORD});
END""",
    "checkpoints_append": """CREATE TRIGGER checkpoints_append BEFORE INSERT ON checkpoints BEGIN
    SELECT RAISE(ABORT, 'a checkpoint of this size is kept already')
        WHERE EXISTS (SELECT 1 FROM checkpoints WHERE size = NEW.size);
END""",
    "checkpoints_update": """CREATE TRIGGER checkpoints_update BEFORE UPDATE ON checkpoints BEGIN
    SELECT RAISE(ABORT, 'checkpoints are kept as they are');
END""",
    "checkpoints_delete": """CREATE TRIGGER checkpoints_delete BEFORE DELETE ON checkpoints BEGIN
    SELECT RAISE(ABORT, 'checkpoints are kept as they are');
END""",
}

SCHEMA: Final[dict[str, tuple[str, str]]] = {
    **{name: ("table", sql) for name, sql in _TABLES.items()},
    **{name: ("index", sql) for name, sql in _INDEXES.items()},
    **{name: ("trigger", sql) for name, sql in _TRIGGERS.items()},
}


def schema_faults(connection: sqlite3.Connection) -> Iterator[Fault]:
    """Each object of the file's schema that is missing, foreign, or not exactly as it should be."""
    found: dict[str, tuple[str, str]] = {}
    for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name"):
        if str(name) in found:
            yield Fault(0, "schema", f"{name!r} stands twice in the log's file")
        found[str(name)] = (str(kind), str(sql or ""))
    for name, expected in SCHEMA.items():
        if name not in found:
            yield Fault(0, "schema", f"the {expected[0]} {name!r} is missing")
        elif found[name] != expected:
            kind = found[name][0]
            what = (
                f"a {kind} stands in place of the {expected[0]}" if kind != expected[0] else f"the {kind} was altered:"
            )
            yield Fault(0, "schema", f"{what} {name!r}")
    for name in found.keys() - SCHEMA.keys():
        yield Fault(0, "schema", f"a foreign {found[name][0]} {name!r} stands in the log's file")
