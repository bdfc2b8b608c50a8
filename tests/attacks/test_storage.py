"""The file under the log: its indexes, schema, storage classes and bytes; and files that lie beside it."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.domain.event import Opaque
from ledger.errors import LedgerError, StoreError, TamperError
from ledger.log.checkpoint import Checkpoint
from ledger.verification import verify

from .small_ledger import ORIGIN, SIZE, SmallLedger, column, flipped, kinds, reseal, site

AT = 8


# Indexes


def empty_index(small: SmallLedger, where: str) -> None:
    """Drops rows from the indexes alone: the table is for a while one that has another's rows as well."""
    with small.schema() as connection:
        sql = column(connection, "SELECT sql FROM sqlite_schema WHERE name = 'entries_stream'")[0]
        connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'entries_stream'", (f"{sql} WHERE {where}",))
    with closing(sqlite3.connect(small.database)) as connection:
        connection.execute("REINDEX entries_stream")
        connection.commit()
    with small.schema() as connection:
        connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'entries_stream'", (sql,))


def test_an_index_that_lacks_a_row(small: SmallLedger) -> None:
    """What reads a stream through the index would not see the event."""
    empty_index(small, f"position <> {AT}")
    assert kinds(small.found(), AT) == {"storage"}


def test_an_index_that_hides_an_erasure(small: SmallLedger) -> None:
    empty_index(small, "stream <> 'ledger:self'")
    assert "storage" in {kind for _, kind in small.found()}


def test_an_index_whose_rows_lead_elsewhere(small: SmallLedger) -> None:
    """Built over other columns under the name of the true one."""
    with small.raw() as connection:
        connection.execute("DROP INDEX entries_stream")
        connection.execute("CREATE INDEX entries_stream ON entries (recorded_by, version)")
    with small.schema() as connection:
        sql = "CREATE UNIQUE INDEX entries_stream ON entries (stream, version)"
        connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'entries_stream'", (sql,))
    assert "storage" in {kind for _, kind in small.found()}


def test_two_indexes_that_swapped_their_pages(small: SmallLedger) -> None:
    with small.schema() as connection:
        pages = dict(connection.execute("SELECT name, rootpage FROM sqlite_schema WHERE type = 'index'"))
        for name, other in (("entries_stream", "entries_identity"), ("entries_identity", "entries_stream")):
            connection.execute("UPDATE sqlite_schema SET rootpage = ? WHERE name = ?", (pages[other], name))
    assert "storage" in {kind for _, kind in small.found()}


def test_two_tables_on_the_same_pages(small: SmallLedger) -> None:
    with small.schema() as connection:
        sql = "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'entries')"
        connection.execute(f"{sql} WHERE name = 'payloads'")
    assert small.faults()


# Schema


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TRIGGER forged AFTER INSERT ON entries BEGIN SELECT 1; END",
        "CREATE TRIGGER forged BEFORE INSERT ON checkpoints BEGIN SELECT RAISE(IGNORE); END",
        "CREATE VIEW forged AS SELECT * FROM entries",
        "CREATE TABLE forged (x)",
        "CREATE INDEX forged ON entries (type)",
        "CREATE VIRTUAL TABLE forged USING fts5(x)",
        "ANALYZE",
    ],
)
def test_something_foreign_in_the_schema(small: SmallLedger, sql: str) -> None:
    with closing(sqlite3.connect(small.database)) as connection:
        connection.execute(sql)
        connection.commit()
    assert small.found() == [(0, "schema")]


@pytest.mark.parametrize("name", ["entries", "payloads", "checkpoints"])
def test_a_view_in_place_of_a_table(small: SmallLedger, name: str) -> None:
    with closing(sqlite3.connect(small.database, isolation_level=None)) as connection:
        connection.execute(f"ALTER TABLE {name} RENAME TO kept_{name}")
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM kept_{name}")
    assert small.found() == [(0, "schema")]


@pytest.mark.parametrize("name", ["entries_append", "entries_update", "payloads_delete", "checkpoints_delete"])
def test_a_trigger_that_is_gone(small: SmallLedger, name: str) -> None:
    with closing(sqlite3.connect(small.database)) as connection:
        connection.execute(f"DROP TRIGGER {name}")
    assert small.found() == [(0, "schema")]


def test_a_trigger_that_was_weakened(small: SmallLedger) -> None:
    with small.schema() as connection:
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, 'BEGIN', 'WHEN 0 BEGIN') WHERE name = 'entries_update'"
        )
    assert small.found() == [(0, "schema")]


def test_a_schema_whose_text_is_not_text(small: SmallLedger) -> None:
    with small.schema() as connection:
        connection.execute("UPDATE sqlite_schema SET sql = CAST(x'43ff' AS TEXT) WHERE name = 'entries_update'")
    assert small.faults()


def test_a_generated_column_in_place_of_one_that_is_stored(small: SmallLedger) -> None:
    with small.schema() as connection:
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, 'recorded_by TEXT NOT NULL', "
            "'recorded_by TEXT NOT NULL AS (stream)') WHERE name = 'entries'"
        )
    assert small.found() == [(0, "schema")]


# Storage classes

STORED = {
    "entries": {
        "stream": "x'73697465'",
        "version": "'3'",
        "type": "7",
        "class_version": "'1'",
        "recorded_at": "'1'",
        "recorded_by": "5",
        "header_salt": "'0123456789abcdef'",
        "payload_commitment": "5",
        "nodes": "'text'",
        "identity": "'0123456789abcdef'",
    },
    "payloads": {"salt": "'0123456789abcdef'", "payload": "5"},
    "checkpoints": {"note": "5"},
}


@pytest.mark.parametrize(("table", "name"), [(table, name) for table, names in STORED.items() for name in names])
@pytest.mark.parametrize("value", ["other", "fraction", "null"])
@pytest.mark.parametrize("position", [1, AT, 10])
def test_a_wrong_storage_class(small: SmallLedger, table: str, name: str, value: str, position: int) -> None:
    """STRICT refuses it, so it is taken from the schema, and put back once the value stands."""
    key = "size" if table == "checkpoints" else "position"
    at = 9 if table == "checkpoints" else position
    before = loosen(small)
    with small.raw() as connection:
        literal = {"other": STORED[table][name], "fraction": "0.5", "null": "NULL"}[value]
        connection.execute(f"UPDATE {table} SET {name} = {literal} WHERE {key} = {at}")
    tighten(small, before)
    found = small.found()
    if table == "checkpoints":
        assert (0, "checkpoint") in found
    elif name != "identity":
        assert kinds(found, position) & {"wrong-type", "payload-missing", "genesis"}, found
    elif value != "null" or position == AT:
        assert kinds(found, position) & {"identity", "wrong-type", "genesis"}, found
    else:
        assert not found, "the ledger's own events have no source"


def loosen(small: SmallLedger) -> dict[str, str]:
    """Makes the tables take any value."""
    with small.schema() as connection:
        before = dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall())
        for name, sql in before.items():
            loose = sql.replace(") STRICT", ")").replace(" NOT NULL", "").replace(" TEXT", "").replace(" BLOB", "")
            loose = loose.replace(" INTEGER,", ",")
            connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (loose, name))
    return before


def tighten(small: SmallLedger, before: dict[str, str]) -> None:
    with small.schema() as connection:
        for name, sql in before.items():
            connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (sql, name))


def test_text_that_hashes_like_the_number_it_spells(small: SmallLedger) -> None:
    """The header is text, so the tree alone would not tell."""
    before = loosen(small)
    with small.raw() as connection:
        connection.execute(f"UPDATE entries SET version = CAST(version AS TEXT) WHERE position = {AT}")
    tighten(small, before)
    assert kinds(small.found(), AT) & {"wrong-type"}


# Bytes of the file


def content(database: Path) -> list[tuple[object, ...]]:
    """Everything that a reader of the ledger can be shown."""
    with closing(sqlite3.connect(database)) as connection:
        rows = []
        for table in ("entries NOT INDEXED", "payloads", "checkpoints", "sqlite_schema"):
            columns = "type, name, tbl_name, sql" if table == "sqlite_schema" else "*"
            rows += connection.execute(f"SELECT '{table}', * FROM (SELECT {columns} FROM {table})").fetchall()
        return rows


def test_any_byte_of_the_file(template: SmallLedger, tmp_path: Path) -> None:
    """A flipped byte is a fault, or a clear refusal, or changes nothing that anyone could be shown."""
    small = SmallLedger(tmp_path)
    small.path.mkdir()
    shutil.copytree(template.path / "evidence", small.path / "evidence")
    sound = template.database.read_bytes()
    before = content(template.database)
    turned = random.Random(17)
    # Each byte of the file's header and of each page's; and a sample of all others.
    page = int.from_bytes(sound[16:18], "big")
    places = {*range(100), *(start + i for start in range(0, len(sound), page) for i in range(0, 12, 3))}
    places |= set(turned.sample(range(len(sound)), 900))
    unaffected = 0
    for place in sorted(places):
        for rest in small.path.glob("ledger.db*"):
            rest.unlink()
        small.database.write_bytes(flipped(sound, place, 1 << turned.randrange(8)))
        try:
            found = small.verify().faults
        except LedgerError:
            continue
        if not found:
            unaffected += 1
            assert content(small.database) == before, place
    assert unaffected < len(places), "some of them matter"


@pytest.mark.parametrize("size", [0, 1, 15, 16, 99, 100, 512, 4095, 4096, 4097, 20_000])
def test_a_file_that_was_cut_short(small: SmallLedger, size: int) -> None:
    os.truncate(small.database, size)
    assert small.faults()


@pytest.mark.parametrize("seed", range(40))
def test_a_page_of_noise(small: SmallLedger, seed: int) -> None:
    noise = random.Random(seed)
    data = bytearray(small.database.read_bytes())
    start = noise.randrange(0, len(data) // 4096) * 4096
    data[start + (100 if start == 0 else 0) : start + 4096] = noise.randbytes(4096 - (100 if start == 0 else 0))
    before = content(small.database)
    small.database.write_bytes(data)
    if not small.faults():
        assert content(small.database) == before


# Files beside it


@pytest.mark.parametrize("noise", [b"", b"\x00" * 64, b"\xff" * 5000, os.urandom(40_000)])
def test_a_write_ahead_log_of_noise_changes_nothing(small: SmallLedger, noise: bytes) -> None:
    small.database.with_name("ledger.db-wal").write_bytes(noise)
    assert small.verify().ok


def test_a_write_ahead_log_of_another_ledger_is_not_taken_for_this_one(small: SmallLedger, tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "other", ORIGIN, small.signer, recorded_by="x") as other:
        other.append([site("other")])
        shutil.copyfile(tmp_path / "other" / "ledger.db-wal", small.database.with_name("ledger.db-wal"))
    found = small.found()
    assert found, "SQLite replays it, for it is whole; what comes of it is another ledger"


def test_a_write_ahead_log_that_alters_a_row(small: SmallLedger) -> None:
    """The file itself stays as it was; SQLite reads the page from the log beside it."""
    copy = small.folder / "copy"
    shutil.copytree(small.path, copy)
    with closing(sqlite3.connect(copy / "ledger.db", isolation_level=None)) as connection:
        sql = column(connection, "SELECT sql FROM sqlite_schema WHERE name = 'entries_update'")[0]
        connection.execute("BEGIN")
        connection.execute("DROP TRIGGER entries_update")
        connection.execute(f"UPDATE entries SET recorded_by = 'forged' WHERE position = {AT}")
        connection.execute(sql)
        connection.execute("COMMIT")
        shutil.copyfile(copy / "ledger.db-wal", small.database.with_name("ledger.db-wal"))
    assert small.found() == [(AT, "leaf")]


@pytest.mark.parametrize("name", ["ledger.db-wal", "ledger.db-shm", "ledger.db-journal"])
@pytest.mark.parametrize("what", ["folder", "pipe", "link"])
def test_something_else_in_place_of_a_file_of_sqlite(small: SmallLedger, name: str, what: str) -> None:
    beside = small.path / name
    if what == "folder":
        beside.mkdir()
    elif what == "pipe":
        os.mkfifo(beside)
    else:
        beside.symlink_to("/nowhere/at/all")
    assert small.found() == [(0, "storage")]


def test_a_hot_journal_that_brings_a_forged_page_is_found_or_not_let_in(small: SmallLedger) -> None:
    """SQLite rolls a journal back before anyone reads, so what it leaves is what is verified."""
    copy = SmallLedger(small.folder / "copy")
    shutil.copytree(small.path, copy.path)
    with copy.raw() as connection:
        connection.execute(f"UPDATE entries SET recorded_by = 'forged' WHERE position = {AT}")
    journal = copy.path / "ledger.db-journal"
    with closing(sqlite3.connect(copy.database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN IMMEDIATE")
        for name in ("entries_update", "checkpoints_append"):
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(f"UPDATE entries SET recorded_by = 'ops@host-7' WHERE position = {AT}")
        # More than the cache holds, so that the journal must be on the disk first.
        connection.executemany("INSERT INTO checkpoints VALUES (?, zeroblob(3000))", [(i,) for i in range(20, 60)])
        shutil.copyfile(journal, small.path / "ledger.db-journal")
        connection.execute("ROLLBACK")
    assert (small.path / "ledger.db-journal").stat().st_size > 1000
    assert small.verify().ok or set(small.found()) <= {(AT, "leaf"), (0, "storage")}
    with small.open(read_only=False) as ledger:
        found = [(fault.position, fault.kind) for fault in verify(ledger).faults]
    assert set(found) <= {(AT, "leaf")}


# Sizes that were meant to hurt


def test_a_huge_payload_is_found_without_being_read(small: SmallLedger) -> None:
    with small.raw() as connection:
        connection.execute(f"UPDATE payloads SET payload = zeroblob({1 << 27}) WHERE position = {AT}")
    assert kinds(small.found(), AT) == {"storage"}, small.faults()


def test_a_large_payload_is_found(small: SmallLedger) -> None:
    with small.raw() as connection:
        connection.execute(f"UPDATE payloads SET payload = zeroblob({1 << 24}) WHERE position = {AT}")
    assert (AT, "payload") in small.found()


def test_a_payload_nested_without_end(small: SmallLedger) -> None:
    for nested in (b"[" * 200_000, b'{"evidence":' * 50_000 + b"1" + b"}" * 50_000, b'{"source":' * 100_000):
        with small.raw() as connection:
            connection.execute("UPDATE payloads SET payload = ? WHERE position = 13", (nested,))
            connection.execute("UPDATE entries SET identity = NULL WHERE position = 13")
            reseal(connection, 13)
        with small.open() as ledger:
            assert verify(ledger).ok, (
                "an uncovered event of no shape that anyone can read is still one that was recorded"
            )
            fact = ledger.fact_at(13)
            assert fact is not None
            assert isinstance(fact.event, Opaque)


def test_fifty_thousand_checkpoints(small: SmallLedger) -> None:
    """Ones that hold cost a signature each; ones that do not end the list early."""
    note = small.checkpoints()[11]
    small.replace_checkpoints({11: note, **dict.fromkeys(range(100, 50_100), note)})
    faults = small.faults()
    assert 1 < len(faults) <= 60
    assert {fault.kind for fault in faults} == {"checkpoint"}


def test_thousands_of_checkpoints_far_beyond_the_end(small: SmallLedger) -> None:
    signer = small.signer
    far = {size: Checkpoint(ORIGIN, size, bytes(32)).sign(signer) for size in range(2**60, 2**60 + 2_000)}
    small.replace_checkpoints({11: small.checkpoints()[11], **far})
    assert small.found() == [(SIZE + 1, "row-missing")]


def test_a_thousand_altered_rows_are_not_a_thousand_faults(small: SmallLedger) -> None:
    with small.open(read_only=False) as ledger:
        ledger.append([site(f"many-{i}") for i in range(1000)])
    with small.raw() as connection:
        connection.execute("UPDATE entries SET recorded_by = 'x' WHERE position > 13")
    faults = small.faults()
    assert faults[0].position == SIZE + 1
    assert len(faults) <= 60


def test_positions_that_no_integer_holds(small: SmallLedger) -> None:
    with small.open() as ledger:
        for position in (-1, 0, SIZE + 1, 2**62, 2**63 - 1):
            assert ledger.fact_at(position) is None
        with pytest.raises(LedgerError):
            ledger.fact_at(2**63)
        with pytest.raises(LedgerError):
            ledger.prove(2**70)


def test_a_ledger_that_the_environment_names_is_not_a_ledger(tmp_path: Path) -> None:
    """A header that is SQLite's with nothing true behind it."""
    (tmp_path / "ledger.db").write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    for read_only in (True, False):
        with pytest.raises((StoreError, TamperError)):
            Ledger(tmp_path, read_only=read_only)
