"""The rows that a subject has in the tables beside its kind's own: legs, lines, movements, stock, copies, stakes.

Held by ``tests/view/test_details.py``.
"""

from __future__ import annotations

from ledger.view.home import View, view_errors
from ledger.view.schema import TABLES, TABLES_OF_KIND

__all__ = ["Cells", "details"]

Cells = dict[str, str | int | float]
"""What a row states, by column."""

_SHOWN_ELSEWHERE = ("irregularities", "links")


def details(view: View, stream: str) -> dict[str, list[Cells]]:
    """The rows that describe `stream` by table, in the order in which they were stated; tables without any left out."""
    found: dict[str, list[Cells]] = {}
    _, *tables = (
        pair for pair in TABLES_OF_KIND.get(stream.partition(":")[0], (("", ""),)) if pair[0] not in _SHOWN_ELSEWHERE
    )
    for table, column in tables:
        names = [each.name for each in TABLES[table]]
        sql = f"SELECT * FROM {table} WHERE {column} = ? ORDER BY position, rowid"  # noqa: S608 - names of this package
        with view_errors(view.path):
            rows = view.connection.execute(sql, (stream,)).fetchall()
        if rows:
            found[table] = [
                {name: cell for name, cell in zip(names, row, strict=True) if cell is not None and name != column}
                for row in rows
            ]
    return found
