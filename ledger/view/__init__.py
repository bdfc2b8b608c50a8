"""The view: readable tables and the custody graph, made from the log while it is verified, and made again at will.

`follower.follow` brings it up to the log, `queries` and `custody` read it, `check.check_view` holds it against the log.
It opens in Datasette or sqlite3 as it is; `schema` says what stands in it.
"""

from ledger.view.check import ViewReport, check_view
from ledger.view.custody import Edge, Node, Note, down, trace, up
from ledger.view.details import details
from ledger.view.follower import follow
from ledger.view.home import State, View, view_path
from ledger.view.queries import (
    Counted,
    Filter,
    Listed,
    SubjectRow,
    count,
    event,
    events,
    facet,
    sources,
    subject,
    subjects,
)

__all__ = [
    "Counted", "Edge", "Filter", "Listed", "Node", "Note", "State", "SubjectRow", "View", "ViewReport", "check_view",
    "count", "details", "down", "event", "events", "facet", "follow", "sources", "subject", "subjects", "trace", "up", "view_path",
]  # fmt: skip
