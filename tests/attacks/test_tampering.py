"""Rows altered, removed, inserted, swapped, duplicated: each found, at its position, with the right kind."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

import pytest

from ledger.application import Ledger
from ledger.errors import LedgerError, StoreError
from ledger.log.checkpoint import Checkpoint
from ledger.log.note import SignerKey

from .small_ledger import (
    CHECKPOINTS,
    ERASED,
    ERASURE,
    EVIDENCE,
    ORIGIN,
    SIZE,
    SmallLedger,
    column,
    flipped,
    kinds,
    reseal,
    site,
)

AT = 8
"""Where rows are altered: covered by a checkpoint, its leaf completing three nodes."""


def test_the_untouched_ledger_has_no_faults(small: SmallLedger) -> None:
    report = small.verify()
    assert report.ok
    assert (report.size, report.covered, report.checkpoints, report.erased) == (SIZE, 11, len(CHECKPOINTS), 1)
    assert (report.evidence_kept, report.evidence_cited) == (1, 1)


# Any byte of a column


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stream", {"leaf", "header", "stream"}),
        ("type", {"leaf", "header"}),
        ("recorded_by", {"leaf", "header"}),
        ("header_salt", {"leaf"}),
        ("payload_commitment", {"leaf", "payload"}),
        ("nodes", {"leaf", "node"}),
        ("identity", {"identity"}),
    ],
)
def test_any_byte_of_a_header_column(small: SmallLedger, name: str, expected: set[str]) -> None:
    with small.raw() as connection:
        kind, value = connection.execute(
            f"SELECT typeof({name}), CAST({name} AS BLOB) FROM entries WHERE position = ?", (AT,)
        ).fetchone()
    for at in range(len(value)):
        # The highest bit makes a byte that is not UTF-8.
        for bit in (1, 128):
            with small.raw() as connection:
                sql = f"UPDATE entries SET {name} = CAST(? AS {kind.upper()}) WHERE position = ?"
                connection.execute(sql, (flipped(value, at, bit), AT))
            found = small.found()
            assert found, (at, bit)
            # Nodes above the leaf may also stem from an altered entry below, so their fault names a span.
            first = 1 if name == "nodes" and at >= 32 else AT
            assert kinds(found, found[0][0]) <= expected, (at, bit, found)
            assert first <= found[0][0] <= AT, (at, bit, found)
            assert first != AT or found[0][0] == AT
    with small.raw() as connection:
        connection.execute(f"UPDATE entries SET {name} = CAST(? AS {kind.upper()}) WHERE position = ?", (value, AT))
    assert small.verify().ok


@pytest.mark.parametrize("name", ["version", "class_version", "recorded_at"])
def test_any_bit_of_a_number_in_the_header(small: SmallLedger, name: str) -> None:
    with small.raw() as connection:
        value = connection.execute(f"SELECT {name} FROM entries WHERE position = ?", (AT,)).fetchone()[0]
    for bit in range(64):
        altered = int.from_bytes((value ^ 1 << bit).to_bytes(8, "big"), "big", signed=False)
        altered -= (altered >> 63) << 64
        with small.raw() as connection:
            # Two events of one version would be stopped by the index, so the other one makes way.
            connection.execute(f"UPDATE entries SET version = 10000 WHERE stream = 'site:hall' AND version = {altered}")
            connection.execute(f"UPDATE entries SET {name} = ? WHERE position = ?", (altered, AT))
        found = small.found()
        assert kinds(found, AT) & {"leaf", "header", "time"}, (bit, found)
        with small.raw() as connection:
            connection.execute(f"UPDATE entries SET {name} = ? WHERE position = ?", (value, AT))
            moved = f"UPDATE entries SET version = {altered} WHERE stream = 'site:hall' AND version = 10000"
            connection.execute(moved)


@pytest.mark.parametrize("name", ["salt", "payload"])
def test_any_byte_of_a_payload_and_of_its_salt(small: SmallLedger, name: str) -> None:
    with small.raw() as connection:
        value = connection.execute(f"SELECT {name} FROM payloads WHERE position = ?", (AT,)).fetchone()[0]
    for at in range(len(value)):
        with small.raw() as connection:
            connection.execute(f"UPDATE payloads SET {name} = ? WHERE position = ?", (flipped(value, at), AT))
        assert (AT, "payload") in small.found(), at


@pytest.mark.parametrize("name", ["header_salt", "payload_commitment", "nodes"])
def test_a_hash_or_salt_cut_short(small: SmallLedger, name: str) -> None:
    with small.raw() as connection:
        connection.execute(f"UPDATE entries SET {name} = substr({name}, 2) WHERE position = ?", (AT,))
    assert kinds(small.found(), AT) & {"leaf", "node", "salt", "payload"}


def test_a_payload_cut_short_and_its_salt_lengthened_by_it(small: SmallLedger) -> None:
    """The hashed bytes stay the same: only the salt's fixed length tells."""
    with small.raw() as connection:
        salt, payload = connection.execute("SELECT salt, payload FROM payloads WHERE position = ?", (AT,)).fetchone()
        sql = "UPDATE payloads SET salt = ?, payload = ? WHERE position = ?"
        connection.execute(sql, (salt + payload[:1], payload[1:], AT))
    assert (AT, "salt") in small.found()


def test_an_identity_set_to_null(small: SmallLedger) -> None:
    """The same row could be recorded a second time."""
    with small.raw() as connection:
        connection.execute("UPDATE entries SET identity = NULL WHERE position = ?", (AT,))
    assert small.found() == [(AT, "identity")]


def test_an_identity_given_to_an_event_without_a_source(small: SmallLedger) -> None:
    with small.raw() as connection:
        connection.execute("UPDATE entries SET identity = randomblob(16) WHERE position = 1")
    assert small.found() == [(1, "identity")]


# Rows


def remove(small: SmallLedger, position: int) -> None:
    with small.raw() as connection:
        connection.execute("DELETE FROM entries WHERE position = ?", (position,))
        connection.execute("DELETE FROM payloads WHERE position = ?", (position,))


def test_a_row_removed_from_the_middle(small: SmallLedger) -> None:
    remove(small, AT)
    assert small.found()[0] == (AT, "row-missing")


def test_a_row_removed_from_the_tail_under_a_checkpoint(small: SmallLedger) -> None:
    for position in (13, 12, 11):
        remove(small, position)
    assert small.found() == [(11, "row-missing")]


def test_a_row_removed_from_the_tail_that_no_checkpoint_covers_is_told_only_by_what_was_seen(
    small: SmallLedger,
) -> None:
    assert small.verify(pins=small.pins).pinned
    remove(small, SIZE)
    assert small.verify().ok, "this is what an uncovered tail means"
    assert small.found(pins=small.pins) == [(SIZE, "row-missing")]


def test_an_entry_removed_and_its_payload_left(small: SmallLedger) -> None:
    with small.raw() as connection:
        connection.execute("DELETE FROM entries WHERE position = ?", (SIZE,))
    assert (SIZE, "row-missing") in small.found()


def test_a_row_inserted_and_those_after_it_moved_up(small: SmallLedger) -> None:
    with small.raw() as connection:
        for table in ("entries", "payloads"):
            connection.execute(f"UPDATE {table} SET position = -position - 1 WHERE position >= {AT}")
            connection.execute(f"UPDATE {table} SET position = -position WHERE position < 0")
        connection.execute(
            f"""INSERT INTO entries SELECT {AT}, 'site:forged', 1, type, class_version, recorded_at, recorded_by,
            header_salt, payload_commitment, nodes, NULL FROM entries WHERE position = {AT - 1}"""
        )
        connection.execute(f"INSERT INTO payloads SELECT {AT}, salt, payload FROM payloads WHERE position = {AT - 1}")
    assert small.found()[0] == (AT, "leaf")


def test_a_row_inserted_and_everything_after_it_hashed_anew(small: SmallLedger) -> None:
    with small.raw() as connection:
        for table in ("entries", "payloads"):
            connection.execute(f"UPDATE {table} SET position = -position - 1 WHERE position >= {AT}")
            connection.execute(f"UPDATE {table} SET position = -position WHERE position < 0")
        connection.execute(
            f"""INSERT INTO entries SELECT {AT}, 'site:forged', 1, type, class_version, recorded_at, recorded_by,
            header_salt, payload_commitment, nodes, NULL FROM entries WHERE position = {AT - 1}"""
        )
        connection.execute(f"INSERT INTO payloads VALUES ({AT}, randomblob(16), ?)", (b'{"basis":"attested"}',))
        reseal(connection, AT)
    faults = small.faults()
    assert (faults[0].position, faults[0].kind, faults[0].until) == (6, "rewritten", 9)


def test_two_rows_swapped(small: SmallLedger) -> None:
    with small.raw() as connection:
        for table in ("entries", "payloads"):
            connection.execute(f"UPDATE {table} SET position = -4 WHERE position = 4")
            connection.execute(f"UPDATE {table} SET position = 4 WHERE position = {AT}")
            connection.execute(f"UPDATE {table} SET position = {AT} WHERE position = -4")
    found = small.found()
    assert kinds(found, 4)
    assert kinds(found, AT)


def test_two_payloads_swapped(small: SmallLedger) -> None:
    with small.raw() as connection:
        connection.execute("UPDATE payloads SET position = -4 WHERE position = 4")
        connection.execute(f"UPDATE payloads SET position = 4 WHERE position = {AT}")
        connection.execute(f"UPDATE payloads SET position = {AT} WHERE position = -4")
    found = small.found()
    assert (4, "payload") in found
    assert (AT, "payload") in found


@pytest.mark.parametrize("position", [-1, 0, 2**53, 2**63 - 1])
def test_a_row_duplicated_under_another_rowid(small: SmallLedger, position: int) -> None:
    with small.raw() as connection:
        connection.execute("DROP INDEX entries_stream")
        connection.execute(
            f"""INSERT INTO entries SELECT {position}, stream, version, type, class_version, recorded_at, recorded_by,
            header_salt, payload_commitment, nodes, NULL FROM entries WHERE position = {AT}"""
        )
        connection.execute(f"INSERT INTO payloads SELECT {position}, salt, payload FROM payloads WHERE position = {AT}")
        # The index is made plain, and given its unique text afterwards: so two equal keys stand in it.
        connection.execute("CREATE INDEX entries_stream ON entries (stream, version)")
    with small.schema() as connection:
        sql = "CREATE UNIQUE INDEX entries_stream ON entries (stream, version)"
        connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'entries_stream'", (sql,))
    found = small.found()
    assert kinds(found, position) or kinds(found, SIZE + 1), found
    assert any(kind == "storage" for _, kind in found), "the index is not unique, whatever its text says"


def test_an_event_duplicated_at_the_end_and_hashed_in(small: SmallLedger) -> None:
    """The tail is uncovered, so its hashes hold: the index, the stream and the identity do not."""
    with small.raw() as connection:
        connection.execute("DROP INDEX entries_stream")
        connection.execute("DROP INDEX entries_identity")
        connection.execute(
            f"""INSERT INTO entries SELECT {SIZE + 1}, stream, version, type, class_version, recorded_at, recorded_by,
            randomblob(16), payload_commitment, nodes, identity FROM entries WHERE position = {SIZE}"""
        )
        connection.execute(
            f"INSERT INTO payloads SELECT {SIZE + 1}, salt, payload FROM payloads WHERE position = {SIZE}"
        )
        reseal(connection, SIZE + 1)
        connection.execute("CREATE INDEX entries_stream ON entries (stream, version)")
        connection.execute("CREATE INDEX entries_identity ON entries (identity) WHERE identity IS NOT NULL")
    with small.schema() as connection:
        for name, columns in (("stream", "(stream, version)"), ("identity", "(identity) WHERE identity IS NOT NULL")):
            sql = f"CREATE UNIQUE INDEX entries_{name} ON entries {columns}"
            connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (sql, f"entries_{name}"))
    assert {"storage", "stream"} <= {kind for _, kind in small.found()}


def test_recorded_at_moved_back_and_hashed_anew(small: SmallLedger) -> None:
    with small.raw() as connection:
        connection.execute(f"UPDATE entries SET recorded_at = recorded_at - 86400000 WHERE position = {SIZE}")
        reseal(connection, SIZE)
    assert small.found() == [(SIZE, "time")]


def test_a_stream_recorded_backwards_and_hashed_in(small: SmallLedger) -> None:
    """Each version stands once, but the second comes before the first."""
    with small.raw() as connection:
        connection.execute("UPDATE entries SET version = 3 WHERE position = 12")
        connection.execute("UPDATE entries SET version = 1 WHERE position = 13")
        connection.execute("UPDATE entries SET version = 2 WHERE position = 12")
        reseal(connection, 12)
    assert [kind for _, kind in small.found()] == ["stream"]


# Payloads that are gone


def test_a_payload_deleted_without_an_erasure_on_record(small: SmallLedger) -> None:
    with small.raw() as connection:
        connection.execute("DELETE FROM payloads WHERE position = ?", (AT,))
    assert small.found() == [(AT, "payload-missing")]


def test_an_erasure_whose_own_payload_is_deleted(small: SmallLedger) -> None:
    with small.raw() as connection:
        connection.execute("DELETE FROM payloads WHERE position = ?", (ERASURE,))
    assert {(ERASED, "payload-missing"), (ERASURE, "payload-missing")} <= set(small.found())


@pytest.mark.parametrize("class_version", [1, 2])
@pytest.mark.parametrize("commitment", ["00" * 32, ""])
def test_an_erasure_forged_for_another_payload(small: SmallLedger, commitment: str, class_version: int) -> None:
    """Recorded past all checks, of a version or a shape that no release knows, and hashed in."""
    payload = f'{{"basis":"declared","payload_commitment":"{commitment}","position":{AT},"reason":"forged"}}'
    with small.raw() as connection:
        connection.execute(
            f"""INSERT INTO entries SELECT {SIZE + 1}, 'ledger:self', 3, type, {class_version}, recorded_at + 60000,
            recorded_by, header_salt, payload_commitment, nodes, NULL FROM entries WHERE position = {ERASURE}"""
        )
        connection.execute(f"INSERT INTO payloads VALUES ({SIZE + 1}, randomblob(16), ?)", (payload.encode(),))
        connection.execute("DELETE FROM payloads WHERE position = ?", (AT,))
        reseal(connection, SIZE + 1)
    assert small.found() == [(AT, "payload-missing")]


def test_the_payload_that_was_erased_put_back_as_another(small: SmallLedger) -> None:
    with small.raw() as connection:
        connection.execute("INSERT INTO payloads VALUES (?, ?, ?)", (ERASED, os.urandom(16), b'{"basis":"declared"}'))
    assert (ERASED, "payload") in small.found()


# Checkpoints and evidence


def test_any_byte_of_a_checkpoint_or_of_its_signature(small: SmallLedger) -> None:
    note = small.checkpoints()[9]
    for at in range(len(note)):
        for bit in (1, 128):
            small.replace_checkpoints({**small_notes(small), 9: flipped(note, at, bit)})
            found = small.faults()
            assert [fault.kind for fault in found] == ["checkpoint"], (at, bit, found)
            assert "size 9" in found[0].detail


def small_notes(small: SmallLedger) -> dict[int, bytes]:
    return {size: note for size, note in small.checkpoints().items() if size != 9}


@pytest.mark.parametrize("note", [b"", b"\n", b"\xff" * 200, b"a" * 100_000, b"\n\n", b"x\n1\n\n\xe2\x80\x94 a AAAA\n"])
def test_something_else_in_place_of_a_checkpoint(small: SmallLedger, note: bytes) -> None:
    small.replace_checkpoints({9: note, 11: small.checkpoints()[11]})
    assert small.found() == [(0, "checkpoint")]


def test_a_checkpoint_kept_under_another_size(small: SmallLedger) -> None:
    small.replace_checkpoints({9: small.checkpoints()[5], 11: small.checkpoints()[11]})
    assert small.found() == [(0, "checkpoint")]


def test_a_checkpoint_of_the_same_key_for_another_origin(small: SmallLedger) -> None:
    other = Checkpoint("example.com/other", 9, bytes(32))
    forged = SignerKey.generate("example.com/other")
    small.replace_checkpoints({**small.checkpoints(), 9: other.sign(forged)})
    assert small.found() == [(0, "checkpoint")]


def test_a_checkpoint_of_more_entries_than_there_are(small: SmallLedger) -> None:
    far = Checkpoint(ORIGIN, 2**62, bytes(32)).sign(small.signer)
    small.replace_checkpoints({**small.checkpoints(), 2**62: far})
    assert small.found() == [(SIZE + 1, "row-missing")]


def test_a_checkpoint_of_another_root(small: SmallLedger) -> None:
    small.replace_checkpoints({**small.checkpoints(), 9: Checkpoint(ORIGIN, 9, bytes(32)).sign(small.signer)})
    faults = small.faults()
    assert [(fault.position, fault.kind, fault.until) for fault in faults] == [(6, "rewritten", 9)]


def test_checkpoints_of_nothing_cover_nothing(small: SmallLedger) -> None:
    small.replace_checkpoints({0: small.sign(0)})
    assert small.found() == [(0, "unverified")]


def test_all_checkpoints_removed(small: SmallLedger) -> None:
    small.replace_checkpoints({})
    assert small.found() == [(0, "unverified")]


def test_the_newest_checkpoints_removed_show_as_a_longer_tail(small: SmallLedger) -> None:
    small.replace_checkpoints({5: small.checkpoints()[5]})
    report = small.verify()
    assert report.ok
    assert (report.size, report.covered) == (SIZE, 5)


def test_any_byte_of_an_evidence_file(small: SmallLedger) -> None:
    document = small.path / "evidence" / EVIDENCE
    content = document.read_bytes()
    for at in range(len(content)):
        document.write_bytes(flipped(content, at))
        assert small.found() == [(0, "evidence")]
        assert EVIDENCE in small.faults()[0].detail


@pytest.mark.parametrize("what", ["folder", "pipe", "device", "unreadable"])
def test_something_else_in_place_of_an_evidence_file(small: SmallLedger, what: str) -> None:
    """Nothing that stands there may make the verification wait for ever."""
    document = small.path / "evidence" / EVIDENCE
    document.unlink()
    if what == "folder":
        document.mkdir()
    elif what == "pipe":
        os.mkfifo(document)
    elif what == "device":
        document.symlink_to("/dev/zero")
    else:
        document.symlink_to(document.name)
    assert small.found() == [(0, "evidence")]


def test_an_evidence_file_that_is_gone_is_counted_and_no_fault(small: SmallLedger) -> None:
    """A ledger may cite documents that it does not keep."""
    (small.path / "evidence" / EVIDENCE).unlink()
    report = small.verify()
    assert report.ok
    assert (report.evidence_kept, report.evidence_cited) == (0, 1)


# What the ledger's own doors refuse


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM entries WHERE position = 8",
        "UPDATE entries SET recorded_by = 'x' WHERE position = 8",
        "REPLACE INTO entries SELECT * FROM entries WHERE position = 8",
        "INSERT OR REPLACE INTO payloads SELECT * FROM payloads WHERE position = 8",
        "INSERT INTO payloads VALUES (6, randomblob(16), x'7b7d')",
        "INSERT INTO entries SELECT 15, 'site:x', 1, type, 1, 0, 'x', x'', x'', x'', NULL FROM entries LIMIT 1",
        "UPDATE payloads SET payload = x'7b7d' WHERE position = 8",
        "UPDATE OR REPLACE payloads SET position = 8 WHERE position = 9",
        "DELETE FROM payloads WHERE position = 8",
        "DELETE FROM checkpoints",
        "REPLACE INTO checkpoints VALUES (9, x'00')",
        "UPDATE checkpoints SET note = x'00'",
    ],
)
@pytest.mark.parametrize("recursive", ["ON", "OFF"])
def test_an_honest_tool_cannot_change_the_log(small: SmallLedger, sql: str, recursive: str) -> None:
    with closing(sqlite3.connect(small.database)) as connection:
        connection.execute(f"PRAGMA recursive_triggers = {recursive}")
        before = list(connection.iterdump())
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(sql)
        connection.rollback()
        assert list(connection.iterdump()) == before
        assert column(connection, "SELECT count(*) FROM entries") == [SIZE]


def test_a_tampered_ledger_is_not_signed(small: SmallLedger) -> None:
    with small.raw() as connection:
        connection.execute("UPDATE entries SET recorded_by = 'x' WHERE position = ?", (SIZE,))
    with small.open(read_only=False) as ledger, pytest.raises(LedgerError) as caught:
        ledger.checkpoint(small.keys)
    assert getattr(caught.value, "position", 0) == SIZE


def test_a_tampered_row_does_not_stop_what_is_sound_from_being_read(small: SmallLedger) -> None:
    with small.raw() as connection:
        connection.execute("UPDATE entries SET stream = CAST(x'ff' AS TEXT) WHERE position = ?", (AT,))
    with Ledger(small.path) as ledger:
        assert ledger.fact_at(AT - 1) is not None
        with pytest.raises((LedgerError, StoreError)):
            ledger.fact_at(AT)
    assert site("hall").originator_id == "site:hall"
