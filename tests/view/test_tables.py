"""The readable tables: every kind has one, they open in plain sqlite3, and every column has its cell."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from ledger.application import Ledger
from ledger.domain.registry import KINDS
from ledger.view import schema
from ledger.view.follower import follow
from ledger.view.home import View

from .many_facts import many_facts
from .tables import row


def test_every_kind_has_a_table_of_its_own() -> None:
    assert set(schema.KINDS_IN_TABLES) == set(KINDS)


def test_each_kinds_table_reads_only_fields_and_verbs_that_its_events_have() -> None:
    for kind, readable in schema.KINDS_IN_TABLES.items():
        verbs = {step.verb: step.event for step in KINDS[kind].steps}
        assert readable.verbs <= set(verbs), kind
        fields = {name for verb in readable.verbs for name in verbs[verb].__struct_fields__}
        assert readable.roots <= fields, kind


def test_columns_are_words_and_refer_to_tables_that_are_there(view: View) -> None:
    for table, columns in schema.TABLES.items():
        names = [column.name for column in columns]
        assert len(set(names)) == len(names), table
        assert all(name.replace("_", "").isalnum() and name.islower() for name in names)
        for column in columns:
            assert not column.table or column.table in schema.TABLES


@pytest.mark.parametrize("name", ["custody", "chips_at_sites", "not_received", "open_leases"])
def test_the_sql_views_can_be_read(ledger: Ledger, view: View, name: str) -> None:
    ledger.append(list(many_facts(200)))
    follow(ledger.log_recorder, view)
    assert view.connection.execute(f"SELECT * FROM {name}").fetchall()


def test_plain_sqlite_reads_and_searches_the_view(ledger: Ledger, view: View) -> None:
    ledger.append(list(many_facts(100)))
    follow(ledger.log_recorder, view)
    with closing(sqlite3.connect(ledger.folder.view)) as plain:
        sql = "SELECT count(*) FROM events JOIN events_fts f ON f.rowid = position WHERE events_fts MATCH 'auditor'"
        assert plain.execute(sql).fetchone()[0] > 0
        assert plain.execute("PRAGMA foreign_key_check(shipment_lines)").fetchall() == []


def test_a_run_shows_its_amounts_in_words_and_as_numbers(ledger: Ledger, view: View) -> None:
    ledger.append(list(many_facts(100)))
    follow(ledger.log_recorder, view)
    run = row(view, "runs", "run:r-0")
    assert run["operations"] == "2000000000000000000000000"
    assert run["operations_low"] == run["operations_high"] == 2e24
    legs = view.connection.execute("SELECT leg, site, lease, operations_low FROM legs WHERE run = 'run:r-0'").fetchall()
    assert sorted(legs) == [("a", "site:dc-0", "lease:l-0", 1e24), ("b", "site:dc-0", "lease:l-0", 1e24)]
