"""The log in one SQLite file: WAL, synchronous FULL, STRICT tables, appends under an immediate lock.

The eventsourcing library brings the datastore, its connection pool and the recorder's shape; what is overridden is what
it hard-codes: a deferred ``BEGIN`` (contended appends then fail rather than wait) and positions taken from rowids.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import stat
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote
from uuid import UUID

import msgspec
from eventsourcing.persistence import Notification, PersistenceError, StoredEvent
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteTransaction,
)

from ledger.domain.event import Source
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
from ledger.store.mapper import LedgerEvent, identity_of
from ledger.store.recorder import LedgerRecorder
from ledger.store.schema import APPLICATION_ID, CONFLICT, DUPLICATE, SCHEMA, USER_VERSION, schema_faults
from ledger.store.sealing import seal

__all__ = ["BUSY_SECONDS", "SQLiteRecorder", "create_database", "open_database"]

BUSY_SECONDS: Final = 60
_CHUNK: Final = 500
_SQLITE_HEADER: Final = b"SQLite format 3\x00"
_LARGEST: Final = 1 << 26
"""Bytes of the largest value that is read or written: a hostile file may claim a gigabyte in a few bytes."""


class _Connection(SQLiteConnection):
    """Begins a writing transaction with the write lock, so that waiting writers queue instead of failing."""

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[SQLiteCursor]:
        with _Transaction(self, commit=commit) as cursor:
            yield cursor


class _Transaction(SQLiteTransaction):
    def __enter__(self) -> SQLiteCursor:
        cursor = self.connection.cursor()
        cursor.execute("BEGIN IMMEDIATE" if self.commit else "BEGIN")
        return cursor


class _Pool(SQLiteConnectionPool):
    def _create_connection(self) -> SQLiteConnection:
        connection = sqlite3.connect(
            self.db_name, uri=True, check_same_thread=False, isolation_level=None, timeout=BUSY_SECONDS
        )
        for pragma in (
            "trusted_schema = OFF",
            "cell_size_check = ON",
            "mmap_size = 0",
            "cache_size = -16000",
            "temp_store = MEMORY",
            "secure_delete = ON",
            "synchronous = FULL",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST)
        return _Connection(connection, max_age=self.max_age)


class _Datastore(SQLiteDatastore):
    def __init__(self, uri: str) -> None:
        super().__init__("unused.db", originator_id_type="text", lock_timeout=BUSY_SECONDS)
        self.pool = _Pool(db_name=uri, lock_timeout=BUSY_SECONDS, pool_timeout=float(BUSY_SECONDS))


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turns what SQLite and the library raise into this project's errors, by what it means for the user."""
    try:
        yield
    except (sqlite3.Error, PersistenceError) as error:
        raise _translated(error, path) from error
    except UnicodeDecodeError as error:
        # SQLite's message quotes the file's schema, and Python cannot read it.
        raise TamperError(0, "storage", f"{path}: the schema is not text") from error
    except OverflowError as error:
        raise InputError("a position or version of 2^63 or more") from error


def _translated(error: BaseException, path: Path) -> LedgerError:
    cause = error
    while not isinstance(cause, sqlite3.Error) and cause.__cause__ is not None:
        cause = cause.__cause__
    text = str(cause)
    known = (
        ("is full", "full", "the disk is full", "Free some space; nothing of this command was recorded."),
        ("disk I/O error", "io", "the disk reported an error", "Nothing of this command was recorded. Check the disk."),
        ("readonly", "read-only", "the ledger cannot be written to", "Reading it works: try log, show or verify."),
        ("locked", "busy", "another process holds the ledger's lock", "Wait for it to finish, and run this again."),
        ("Timed out", "busy", "another process holds the ledger's lock", "Wait for it to finish, and run this again."),
        ("unable to open", "missing", "the ledger's file cannot be opened", "Check the path and its permissions."),
        ("not a database", "not-a-ledger", "this is not a ledger", ""),
        ("file format", "not-a-ledger", "this is not a ledger", ""),
        ("too big", "io", f"an entry holds more than {_LARGEST >> 20} MiB", ""),
    )
    for mark, reason, problem, hint in known:
        if mark in text:
            return StoreError(reason, str(path), problem, hint)
    if "malformed" in text or "corrupt" in text or "decode to UTF-8" in text:
        return TamperError(0, "storage", f"{path}: {text}")
    return StoreError("io", str(path), text)


def create_database(path: Path) -> None:
    """Creates an empty log at `path`; StoreError where something stands there already."""
    if path.exists():
        raise StoreError("exists", str(path), "a ledger stands here already")
    with store_errors(path):
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            for _, sql in SCHEMA.values():
                connection.execute(sql)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {USER_VERSION}")
            connection.execute("COMMIT")
        finally:
            connection.close()


def _uri(path: Path, mode: str) -> str:
    return f"file:{quote(os.fsencode(path.absolute()))}?{mode}"


def open_database(path: Path, *, read_only: bool) -> str:
    """The URI under which the log at `path` can be opened, checked to be a ledger of a version that this release reads.

    Raises StoreError (missing, not a ledger, newer) and TamperError (its schema is not exactly as it should be).
    """
    try:
        if not path.is_file():
            raise StoreError(
                "missing", str(path), "there is no ledger here", "Make one with: chipledger init DIR --origin NAME"
            )
        with path.open("rb") as file:
            if file.read(16) != _SQLITE_HEADER:
                raise StoreError("not-a-ledger", str(path), "this is not a ledger")
        for end in ("-wal", "-shm", "-journal"):
            beside = path.with_name(path.name + end)
            # SQLite would wait for ever at a pipe, and follow a link.
            if os.path.lexists(beside) and not stat.S_ISREG(beside.lstat().st_mode):
                raise TamperError(0, "storage", f"{beside.name} is not a file")
    except OSError as error:
        raise StoreError("io", str(path), f"the ledger cannot be read: {error.strerror}") from error
    with store_errors(path):
        uri = _readable_uri(path) if read_only else _uri(path, "mode=rw")
        _check_identity(path, uri)
    return uri


def _check_identity(path: Path, uri: str) -> None:
    """Raises where the database is not a ledger, of another version, or not of exactly the ledger's schema."""
    with _closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise StoreError("not-a-ledger", str(path), "this database is not a ledger")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > USER_VERSION:
            raise StoreError(
                "newer", str(path), f"this ledger has format {version}, and this release reads up to {USER_VERSION}",
                "Install a newer chipledger.",
            )  # fmt: skip
        for fault in schema_faults(connection):
            raise fault.error()
        if version != USER_VERSION:
            raise TamperError(0, "schema", f"user_version is {version}, not {USER_VERSION}")


def _readable_uri(path: Path) -> str:
    """Read-only, also where the disk is: there SQLite cannot make the files that a shared log needs beside it."""
    for mode in ("mode=ro", "mode=ro&immutable=1"):
        uri = _uri(path, mode)
        with suppress(sqlite3.OperationalError), _closing(sqlite3.connect(uri, uri=True, timeout=5)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if "immutable" in mode and _has_unmerged_log(path):
                break
            return uri
    if _has_unmerged_log(path):
        raise StoreError(
            "read-only", str(path), "recent entries wait in the -wal file, and this disk is read-only",
            "Copy the ledger's folder to a disk that can be written to, and read it there.",
        )  # fmt: skip
    return _uri(path, "mode=ro")


def _has_unmerged_log(path: Path) -> bool:
    wal = path.with_name(path.name + "-wal")
    return wal.exists() and wal.stat().st_size > 0


@contextmanager
def _closing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    try:
        yield connection
    finally:
        connection.close()


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
        super().__init__(_Datastore(open_database(path, read_only=read_only)))
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
                yield from schema_faults(cursor.connection)
                for (problem,) in cursor.execute("PRAGMA integrity_check(20)"):
                    if problem != "ok":
                        row = _ROW_OF_ENTRIES.match(problem)
                        yield Fault(int(row[1]) if row else 0, "storage", problem.replace("\n", " "))
                yield from _stray_rows(cursor)
                yield from _broken_streams(cursor)
                yield from _wrong_identities(cursor)
        except (TamperError, StoreError) as error:
            yield Fault(0, "storage", str(error))

    def backup(self, target: Path) -> None:
        """Copies the log to `target`, as one state, while others read and write it; StoreError where a file stands."""
        if os.path.lexists(target):
            raise StoreError("exists", str(target), "a file stands here already")
        with self._cursor() as cursor, store_errors(target), _closing(sqlite3.connect(target)) as copy:
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


_ROW_OF_ENTRIES: Final = re.compile(r"row (\d+) missing from index entries_")


def _stray_rows(cursor: sqlite3.Cursor) -> Iterator[Fault]:
    for (position,) in cursor.execute("SELECT position FROM entries WHERE position < 1 LIMIT 20"):
        yield Fault(position, "row-order", "an entry stands before the first")
    sql = (
        "SELECT position FROM payloads WHERE position NOT IN (SELECT position FROM entries) ORDER BY position LIMIT 20"
    )
    for (position,) in cursor.execute(sql):
        yield Fault(position, "row-missing", "a payload stands here without its entry")


def _broken_streams(cursor: sqlite3.Cursor) -> Iterator[Fault]:
    """Each stream's versions run from 1 without a gap, in order of position."""
    sql = """SELECT position, stream, version FROM (SELECT position, stream, version,
            row_number() OVER versions AS expected, lag(position, 1, 0) OVER versions AS earlier
            FROM entries WINDOW versions AS (PARTITION BY stream ORDER BY version))
        WHERE version <> expected OR position <= earlier LIMIT 20"""
    for position, stream, version in cursor.execute(sql):
        yield Fault(position, "stream", f"version {version} does not follow the one before it in {stream}")


class _SourceOnly(msgspec.Struct):
    source: Source | msgspec.UnsetType = msgspec.UNSET


def _wrong_identities(cursor: sqlite3.Cursor) -> Iterator[Fault]:
    """The identity column is derived from the payload, and so not hashed: it must be what the payload gives."""
    read = msgspec.json.Decoder(_SourceOnly).decode
    rows = cursor.execute("SELECT position, identity, payload FROM entries JOIN payloads USING (position)")
    for position, identity, payload in rows:
        try:
            source = read(payload).source
            expected = identity_of(source) if isinstance(source, Source) else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError):
            expected = None
        if expected != identity:
            yield Fault(position, "identity", "the identity is not the one that the payload's source gives")
