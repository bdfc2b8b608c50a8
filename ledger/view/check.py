"""The view's own check: whether it says what the log says.

The short check compares how far the view came, and the log's root there. The full one makes the view again beside it,
from verified rows, and compares every table, row by row: it finds an altered view, and a view that is not what this
release would make.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from msgspec import Struct

from ledger.errors import TamperError
from ledger.view import schema
from ledger.view.follower import Log, Progress, follow, log_broken_off, no_progress
from ledger.view.home import View, view_errors

__all__ = ["ViewReport", "check_view"]

_UNCOMPARED: Final = ("meta",)


class ViewReport(Struct, frozen=True):
    """What a check came to: how far the view stands, and the first thing that is not as the log has it, or ""."""

    position: int
    size: int
    full: bool
    difference: str = ""

    @property
    def ok(self) -> bool:
        return not self.difference


def check_view(log: Log, view: View, *, full: bool = False, progress: Progress = no_progress) -> ViewReport:
    """Checks `view` against `log`. TamperError where the log itself is not as it was written."""
    state, size = view.state(), log.size()
    difference = log_broken_off(log, state)
    if full and not difference:
        with TemporaryDirectory(prefix="chipledger-view-") as folder, View(Path(folder) / "view.db") as made:
            follow(_LogUpTo(log, state.position), made, progress)
            if made.state().root != state.root:
                raise TamperError(0, "rewritten", "the log changed while it was read")
            difference = next(_differences(view, made), "")
    return ViewReport(state.position, size, full, difference)


class _LogUpTo:
    """A log as it was at `size`."""

    def __init__(self, log: Log, size: int) -> None:
        self._size = size
        self.rows, self.nodes, self.erased = log.rows, log.nodes, log.erased

    def size(self) -> int:
        return self._size


def _differences(view: View, made: View) -> Iterator[str]:
    names = [*schema.TABLES, "mentions", "facets", "unfolded"]
    with view_errors(view.path):
        for table in (name for name in names if name not in _UNCOMPARED):
            columns = [row[1] for row in made.connection.execute("SELECT * FROM pragma_table_info(?)", (table,))]
            order = "position" if table == "events" else ", ".join(map(str, range(1, len(columns) + 1)))
            sql = f"SELECT * FROM {table} ORDER BY {order}"  # noqa: S608 - names of this package
            pair = zip_longest(view.connection.execute(sql), made.connection.execute(sql))
            for found, expected in pair:
                if found != expected:
                    yield _in_words(table, columns, found, expected)
        yield from _index_differences(view.connection)


def _in_words(
    table: str, columns: list[str], found: tuple[object, ...] | None, expected: tuple[object, ...] | None
) -> str:
    if found is None or expected is None:
        row = found or expected or ()
        what = "a row too many" if expected is None else "a row is missing"
        return f"{table}: {what}: {', '.join(map(str, row[:4]))}"
    cells = zip(columns, found, expected, strict=True)
    name, is_now, should = next((name, a, b) for name, a, b in cells if a != b)
    return f"{table}, {columns[0]} {found[0]}: {name} is {is_now!r}, and the log says {should!r}"


def _index_differences(connection: sqlite3.Connection) -> Iterator[str]:
    """The full-text index against the events, and SQLite's own look at the file."""
    try:
        connection.execute("INSERT INTO events_fts(events_fts, rank) VALUES ('integrity-check', 1)")
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_READONLY:
            yield f"events_fts: the index does not agree with the events ({error})"
    for (problem,) in connection.execute("PRAGMA integrity_check(1)"):
        if problem != "ok":
            yield f"the file: {problem}"
