"""What a view holds, as one value, so that two views can be compared whole."""

from __future__ import annotations

from typing import Any

from ledger.view import schema
from ledger.view.home import View


def contents(view: View) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, sorted; of the full-text index, every word and where it stands."""
    run = view.connection.execute
    tables = [*schema.TABLES, "mentions", "facets", "unfolded"]
    found = {name: sorted(run(f"SELECT * FROM {name}").fetchall(), key=repr) for name in tables}
    run("CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, events_fts, instance)")
    found["words"] = sorted(run("SELECT * FROM temp.words").fetchall())
    run("DROP TABLE temp.words")
    return found


def row(view: View, table: str, stream: str) -> dict[str, Any]:
    """The one row of a stream, by column, without what is not stated."""
    cursor = view.connection.execute(f"SELECT * FROM {table} WHERE stream = ?", (stream,))
    names = [column[0] for column in cursor.description]
    (found,) = cursor.fetchall()
    return {name: cell for name, cell in zip(names, found, strict=True) if cell is not None}
