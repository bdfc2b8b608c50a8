"""What can be wrong with the SQLite home itself, and no tree would tell: schema, indexes, streams, payloads."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import Final

from ledger.log.verify import Fault
from ledger.store.schema import schema_faults

__all__ = ["home_faults"]

_ROW_OF_ENTRIES: Final = re.compile(r"row (\d+) missing from index entries_")


def home_faults(cursor: sqlite3.Cursor) -> Iterator[Fault]:
    """Each of them, within the transaction that `cursor` is in."""
    yield from schema_faults(cursor.connection)
    for (problem,) in cursor.execute("PRAGMA integrity_check(20)"):
        if problem != "ok":
            row = _ROW_OF_ENTRIES.match(problem)
            yield Fault(int(row[1]) if row else 0, "storage", problem.replace("\n", " "))
    yield from _stray_rows(cursor)
    yield from _broken_streams(cursor)


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
