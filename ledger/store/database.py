"""The SQLite database under a log: made, opened, connected to; and what SQLite raises, in this project's errors.

WAL and synchronous FULL, so that what is acknowledged is on the disk; a writing transaction begins with the lock.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from eventsourcing.persistence import PersistenceError
from eventsourcing.sqlite import (
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteTransaction,
)

from ledger.errors import InputError, LedgerError, StoreError, TamperError
from ledger.store.schema import APPLICATION_ID, SCHEMA, USER_VERSION, schema_faults

__all__ = ["BUSY_SECONDS", "Datastore", "create_database", "open_database", "store_errors"]

BUSY_SECONDS: Final = 60
_SQLITE_HEADER: Final = b"SQLite format 3\x00"
_LARGEST: Final = 1 << 26
"""Bytes of the largest value that is read or written: a hostile file may claim a gigabyte in a few bytes."""


_PRAGMAS: Final = (
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "mmap_size = 0",
    "cache_size = -16000",
    "temp_store = MEMORY",
    "secure_delete = ON",
    "synchronous = FULL",
    "wal_autocheckpoint = 4000",
)


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
        try:
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            connection.close()
            raise
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST)
        return _Connection(connection, max_age=self.max_age)


class Datastore(SQLiteDatastore):
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
        (
            "is full",
            "full",
            "the disk is full",
            "Free some space, and run this again: what is on record is passed over.",
        ),
        (
            "disk I/O error",
            "io",
            "the disk reported an error",
            "Check the disk, and run this again: what is on record is passed over.",
        ),
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
        connection = sqlite3.connect(path.absolute(), isolation_level=None)
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
    with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)) as connection:
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
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(uri, uri=True, timeout=5)) as connection:
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
