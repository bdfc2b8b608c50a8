"""The log in one SQLite file: STRICT tables, appends under an immediate lock, positions and tree from under it.

The eventsourcing library brings the datastore, its connection pool and the recorder's shape; what is overridden is what
it hard-codes: a deferred ``BEGIN`` (contended appends then fail rather than wait) and positions taken from rowids.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, cast
from uuid import UUID

import msgspec
from eventsourcing.persistence import Notification, StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder

from ledger.errors import (
    ConflictError,
    DuplicateError,
    InputError,
    LedgerError,
    RefusedError,
    StoreError,
    TamperError,
)
from ledger.log.entry import ACTOR, MAX_TIME, STREAM, TYPE
from ledger.log.lines import HASH_SIZE
from ledger.log.merkle import Frontier, Node, locate
from ledger.log.verify import Fault, LogRow
from ledger.store.database import Datastore, open_database, store_errors
from ledger.store.mapper import LedgerEvent
from ledger.store.recorder import LedgerRecorder
from ledger.store.schema import CONFLICT, DUPLICATE
from ledger.store.sealing import seal
from ledger.store.soundness import home_faults

__all__ = ["SQLiteRecorder"]

_CHUNK: Final = 500
_ROW_SQL: Final = """SELECT position, stream, version, type, class_version, recorded_at, recorded_by, header_salt,
    payload_commitment, salt, payload, nodes FROM entries LEFT JOIN payloads USING (position)
    WHERE position >= ? AND position <= ? ORDER BY position"""
_NEXT_SQL: Final = "SELECT position FROM entries WHERE position >= ? AND position <= ? ORDER BY position LIMIT 1"
_EVENT_SQL: Final = """SELECT stream, version, type, payload, class_version, identity, position, recorded_at,
    recorded_by FROM entries LEFT JOIN payloads USING (position) """
_FOREVER: Final = 2**63 - 1

_HEADER_TEXT: Final = re.compile(f"{STREAM}\n{TYPE}\n{ACTOR}")
_EVENT_TYPES: Final = {
    (str, int, str, payload, int, identity, int, int, str)
    for payload in (bytes, type(None))
    for identity in (bytes, type(None))
}


def _event(row: tuple[Any, ...]) -> LedgerEvent:
    """A row as `_EVENT_SQL` gives it; TamperError where no honest writer can have left it so."""
    if tuple(map(type, row)) not in _EVENT_TYPES:
        raise TamperError(row[6], "wrong-type", "a column is not of its own type")
    if not 0 <= row[7] <= MAX_TIME or not _HEADER_TEXT.fullmatch(f"{row[0]}\n{row[2]}\n{row[8]}"):
        raise TamperError(row[6], "header", "the columns make no canonical header")
    return LedgerEvent(*row)


class SQLiteRecorder(LedgerRecorder, SQLiteApplicationRecorder):
    """One ledger file. `recorded_by` is stamped on what this recorder appends."""

    def __init__(self, path: Path, recorded_by: str = "", *, read_only: bool = True) -> None:
        self.path = path
        self.recorded_by = recorded_by
        self.read_only = read_only
        if not read_only and not re.fullmatch(ACTOR, recorded_by):
            raise InputError(
                f"{recorded_by[:80]!r} cannot stand as who records: 1 to 128 characters of one line",
                hint="Set CHIPLEDGER_BY.",
            )
        super().__init__(Datastore(open_database(path, read_only=read_only)))
        self._frontier = Frontier()

    def construct_create_table_statements(self) -> list[str]:
        """None: the schema is made once, by `create_database`."""
        return []

    @contextmanager
    def _cursor(self, *, write: bool = False) -> Iterator[sqlite3.Cursor]:
        if write and self.read_only:
            raise StoreError("read-only", str(self.path), "the ledger is open for reading only")
        with store_errors(self.path), self.datastore.transaction(commit=write) as cursor:
            yield cursor.sqlite_cursor

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int]:
        """Appends `stored_events` in one transaction and returns their positions."""
        events = cast("Sequence[LedgerEvent]", stored_events)
        if not events:
            return []
        with self._cursor(write=True) as cursor:
            size, last = self._head(cursor)
            known = self._frontier  # another thread may replace it meanwhile
            if known.size != size:
                known = Frontier.load(size, lambda nodes: _read_nodes(cursor, nodes))
            frontier = Frontier(size, known.edge)
            recorded_at = max(last, time.time_ns() // 1_000_000)
            entries, payloads = seal(events, frontier, recorded_at, self.recorded_by)
            try:
                cursor.executemany("INSERT INTO entries VALUES (?,?,?,?,?,?,?,?,?,?,?)", entries)
                cursor.executemany("INSERT INTO payloads VALUES (?,?,?)", payloads)
            except sqlite3.IntegrityError as error:
                raise _refused(cursor, size, events, str(error)) or StoreError(
                    "io", str(self.path), str(error)
                ) from error
        self._frontier = frontier
        return range(size + 1, size + 1 + len(events))

    def _head(self, cursor: sqlite3.Cursor) -> tuple[int, int]:
        row = cursor.execute("SELECT position, recorded_at FROM entries ORDER BY position DESC LIMIT 1").fetchone()
        return (row[0], row[1]) if row else (0, 0)

    def _events(self, cursor: sqlite3.Cursor, where: str, params: Sequence[object]) -> list[LedgerEvent]:
        return [_event(row) for row in cursor.execute(_EVENT_SQL + where, params)]

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """A stream's events, in order of version."""
        where = "WHERE stream = ? AND version > ? AND version <= ? ORDER BY version"
        where += " DESC LIMIT ?" if desc else " LIMIT ?"
        params = (str(originator_id), gt or 0, _FOREVER if lte is None else lte, -1 if limit is None else limit)
        with self._cursor() as cursor:
            return cast("list[StoredEvent]", self._events(cursor, where, params))

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events by position, from `start` to `stop`, of the types in `topics` where any are given."""
        first = (start or 0) if inclusive_of_start else (start or 0) + 1
        where, params = "WHERE position >= ? AND position <= ?", [first, _FOREVER if stop is None else stop]
        if topics:
            where += " AND type IN (SELECT value FROM json_each(?))"
            params.append(cast("Any", json.dumps(list(topics))))
        with self._cursor() as cursor:
            found = self._events(cursor, where + " ORDER BY position LIMIT ?", [*params, limit])
            return cast("list[Notification]", found)

    def max_notification_id(self) -> int:
        return self.size()

    def size(self) -> int:
        with self._cursor() as cursor:
            return self._head(cursor)[0]

    def rows(self, first: int = 1, last: int | None = None) -> Generator[LogRow, None, None]:
        last = _FOREVER if last is None else last
        with self._cursor() as cursor:
            try:
                for row in cursor.execute(_ROW_SQL, (first, last)):
                    yield row
                    first = row[0] + 1
            except sqlite3.DatabaseError:
                yield from _rows_with_care(cursor, first, last)

    def nodes(self, nodes: Sequence[Node]) -> list[bytes]:
        with self._cursor() as cursor:
            return _read_nodes(cursor, nodes)

    def heads(self, streams: Sequence[str]) -> dict[str, int]:
        sql = "SELECT value, (SELECT max(version) FROM entries WHERE stream = value) FROM json_each(?)"
        heads: dict[str, int] = {}
        with self._cursor() as cursor:
            for start in range(0, len(streams), _CHUNK):
                found = cursor.execute(sql, (json.dumps(streams[start : start + _CHUNK]),))
                heads.update({stream: version for stream, version in found if version is not None})
        return heads

    def find_identities(self, identities: Sequence[bytes]) -> dict[bytes, int]:
        found: dict[bytes, int] = {}
        with self._cursor() as cursor:
            for start in range(0, len(identities), _CHUNK):
                chunk = identities[start : start + _CHUNK]
                marks = ",".join("?" * len(chunk))
                found.update(
                    cursor.execute(f"SELECT identity, position FROM entries WHERE identity IN ({marks})", chunk)  # noqa: S608 - question marks only
                )
        return found

    def identities(self, first: int, last: int) -> list[tuple[int, bytes | None]]:
        sql = "SELECT position, identity FROM entries WHERE position >= ? AND position <= ? ORDER BY position"
        with self._cursor() as cursor:
            return cursor.execute(sql, (first, last)).fetchall()

    def at(self, position: int) -> LedgerEvent | None:
        with self._cursor() as cursor:
            found = self._events(cursor, "WHERE position = ?", [position])
            return found[0] if found else None

    def erased(self) -> set[int]:
        with self._cursor() as cursor:
            found = self._events(cursor, "WHERE stream = 'ledger:self' AND type = 'ledger.payload_erased'", ())
        positions = (_field(event.state, "position") for event in found)
        return {position for position in positions if isinstance(position, int)}

    def erase_payload(self, position: int) -> None:
        with self._cursor(write=True) as cursor:
            cursor.execute("DELETE FROM payloads WHERE position = ?", (position,))
        with store_errors(self.path), self.datastore.get_connection(commit=True) as connection:
            # The write-ahead log would keep a copy of the page until it is next overwritten.
            cursor = connection.cursor().sqlite_cursor
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def checkpoints(self) -> list[tuple[int, bytes]]:
        with self._cursor() as cursor:
            return cursor.execute("SELECT size, note FROM checkpoints ORDER BY size").fetchall()

    def keep_checkpoint(self, size: int, note: bytes) -> None:
        with self._cursor(write=True) as cursor:
            if not cursor.execute("SELECT 1 FROM checkpoints WHERE size = ?", (size,)).fetchone():
                cursor.execute("INSERT INTO checkpoints VALUES (?, ?)", (size, note))

    def check_home(self) -> Iterator[Fault]:
        try:
            with self._cursor() as cursor:
                yield from home_faults(cursor)
        except (TamperError, StoreError) as error:
            yield Fault(0, "storage", str(error))

    def backup(self, target: Path) -> None:
        """Copies the log to `target`, as one state, while others read and write it; StoreError where a file stands."""
        if os.path.lexists(target):
            raise StoreError("exists", str(target), "a file stands here already")
        with self._cursor() as cursor, store_errors(target), closing(sqlite3.connect(target.absolute())) as copy:
            # Within one reading transaction: otherwise each append in between would start the copy anew.
            self._head(cursor)
            cursor.connection.backup(copy, pages=2000)
            copy.execute("PRAGMA journal_mode = WAL")

    def close(self) -> None:
        """Closes the connections."""
        self.datastore.close()


def _refused(cursor: sqlite3.Cursor, size: int, events: Sequence[LedgerEvent], reason: str) -> LedgerError | None:
    """Which of `events`, some of which stand past `size` in this transaction, made a trigger refuse them."""
    versions: dict[str, int] = {}
    identities: set[bytes] = set()
    for event in events:
        stream, version, identity = event.originator_id, event.originator_version, event.identity
        if reason == CONFLICT:
            head = cursor.execute("SELECT max(version) FROM entries WHERE stream = ? AND position <= ?", (stream, size))
            recorded = head.fetchone()[0] or 0
            if version <= recorded:
                return ConflictError(stream, version)
            before = versions.get(stream, recorded)
            if version != before + 1:
                return RefusedError(stream, f"version {version} does not follow version {before}")
            versions[stream] = version
        if reason == DUPLICATE and identity is not None:
            found = cursor.execute("SELECT position FROM entries WHERE identity = ?", (identity,)).fetchone()
            if found and found[0] <= size:
                return DuplicateError(f"{stream}: recorded already, at position {found[0]}", found[0])
            if identity in identities:
                return DuplicateError(f"{stream}: its source and key stand twice in this input", 0)
            identities.add(identity)
    return None


def _rows_with_care(cursor: sqlite3.Cursor, first: int, last: int) -> Iterator[LogRow]:
    """Rows one by one, so that the one which cannot be read stops neither those before it nor, for its text, itself.

    Text that is not UTF-8 comes with lone surrogates, which no header may hold.
    """
    connection = cursor.connection
    connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    try:
        while first <= last and (next_one := cursor.execute(_NEXT_SQL, (first, last)).fetchone()):
            yield from cursor.execute(_ROW_SQL, (*next_one, *next_one)).fetchall()
            first = next_one[0] + 1
    finally:
        connection.text_factory = str


def _read_nodes(cursor: sqlite3.Cursor, nodes: Sequence[Node]) -> list[bytes]:
    found = []
    for node in nodes:
        index, offset = locate(node)
        row = cursor.execute("SELECT nodes FROM entries WHERE position = ?", (index + 1,)).fetchone()
        stored = row[0] if row and isinstance(row[0], bytes) else b""
        found.append(stored[offset : offset + HASH_SIZE])
    return found


def _field(payload: bytes | None, name: str) -> object:
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        fields = msgspec.json.decode(payload or b"null")
        return fields.get(name) if isinstance(fields, dict) else None
    return None
