"""A whole log verified, and each way to alter it found at its position and named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import TamperError
from ledger.log.entry import MAX_TIME
from ledger.log.verify import COLUMNS, Fault, LogRow, LogVerifier

from .small_log import START, SmallLog

SIZE = 13


@pytest.fixture
def log() -> SmallLog:
    return SmallLog(SIZE)


def faults_of(
    rows: Iterable[Any], erased: Iterable[int] = (), checkpoints: Mapping[int, bytes] | None = None
) -> list[Fault]:
    verifier = LogVerifier(checkpoints=checkpoints)
    return [*verifier.check(rows, set(erased)), *verifier.end()]


def changed(rows: list[LogRow], at: int, **columns: object) -> list[Any]:
    """The rows, with columns of the one at position `at` replaced."""
    row = dict(zip(COLUMNS, rows[at - 1], strict=True)) | columns
    return [*rows[: at - 1], tuple(row.values()), *rows[at:]]


def flipped(data: bytes, at: int = 0) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def places(faults: Iterable[Fault]) -> list[tuple[int, str]]:
    return [(fault.position, fault.kind) for fault in faults]


def test_a_sound_log_has_no_fault_and_the_root_that_was_signed(log: SmallLog) -> None:
    verifier = LogVerifier(checkpoints=dict(enumerate(log.roots)))
    assert list(verifier.check(log.rows)) == []
    assert list(verifier.end()) == []
    assert verifier.size == SIZE
    assert verifier.root() == log.roots[SIZE]
    assert verifier.recorded_at == START + 250 * SIZE


def test_an_empty_log_is_sound() -> None:
    assert faults_of([], checkpoints={0: SmallLog(0).roots[0]}) == []


@pytest.mark.parametrize("until", range(SIZE + 1))
def test_a_verification_resumes_from_where_it_stopped(log: SmallLog, until: int) -> None:
    first = LogVerifier()
    assert list(first.check(log.rows[:until])) == []
    second = LogVerifier(first.frontier, first.recorded_at, dict(enumerate(log.roots)))
    assert list(second.check(log.rows[until:])) == []
    assert second.root() == log.roots[SIZE]
    assert list(first.check(log.rows[until:])) == []
    assert first.root() == log.roots[SIZE]


@pytest.mark.parametrize("position", [1, 2, 7, 8, SIZE])
@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ({"stream": "shipment:2024-0018"}, "leaf"),
        ({"version": 99}, "leaf"),
        ({"type": "shipment.arrived"}, "leaf"),
        ({"class_version": 2}, "leaf"),
        ({"recorded_by": "someone@else"}, "leaf"),
        ({"header_salt": bytes(16)}, "leaf"),
        ({"recorded_at": START + 86_400_000}, "leaf"),
        ({"payload": b'{"quantity":1000}'}, "payload"),
        ({"payload_salt": bytes(16)}, "payload"),
        ({"payload": None, "payload_salt": None}, "payload-missing"),
        ({"payload": None}, "payload-missing"),
        ({"payload_salt": None}, "payload-missing"),
        ({"header_salt": bytes(15)}, "salt"),
        ({"payload_salt": bytes(17)}, "salt"),
        ({"stream": "Shipment:2024"}, "header"),
        ({"stream": "shipment:\ud800"}, "header"),
        ({"stream": "shipment:a\nb"}, "header"),
        ({"type": "departed"}, "header"),
        ({"version": 0}, "header"),
        ({"class_version": -1}, "header"),
        ({"recorded_at": MAX_TIME + 1}, "header"),
        ({"recorded_by": "a\nb"}, "header"),
        ({"recorded_by": "a\u202eb"}, "header"),
    ],
)
def test_one_altered_row_is_one_fault_at_its_position(
    log: SmallLog, position: int, columns: dict[str, object], kind: str
) -> None:
    checkpoints = dict(enumerate(log.roots))
    assert places(faults_of(changed(log.rows, position, **columns), checkpoints=checkpoints)) == [(position, kind)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("stream", b"shipment:2024-0017"),
        ("version", "7"),
        ("version", 7.0),
        ("version", True),
        ("type", None),
        ("class_version", "1"),
        ("recorded_at", "2024-05-17T08:30:01.750Z"),
        ("recorded_at", float(START + 1750)),
        ("recorded_by", 7),
        ("header_salt", "0123456789abcdef"),
        ("payload_commitment", "x" * 32),
        ("payload_salt", "0123456789abcdef"),
        ("payload", '{"quantity":7}'),
    ],
)
def test_a_value_of_another_storage_class_is_named_and_never_an_exception(
    log: SmallLog, column: str, value: object
) -> None:
    (fault,) = faults_of(changed(log.rows, 7, **{column: value}))
    assert (fault.position, fault.kind) == (7, "wrong-type")
    assert column in fault.detail


@pytest.mark.parametrize("nodes", [None, "text", b"", bytes(31)])
def test_nodes_that_are_no_hashes_end_the_tree_but_not_the_checks(log: SmallLog, nodes: object) -> None:
    rows = changed(changed(log.rows, 7, nodes=nodes), 11, payload=b"{}")
    verifier = LogVerifier()
    found = places(verifier.check(rows))
    assert found[0][0] == 7
    assert found[1:] == [(11, "payload")]
    with pytest.raises(TamperError):
        verifier.root()


def test_a_position_or_a_row_of_another_shape_is_a_wrong_type(log: SmallLog) -> None:
    assert places(faults_of(changed(log.rows, 7, position="7"))) == [(7, "wrong-type")]
    assert places(faults_of([*log.rows[:6], (), *log.rows[7:]]))[0] == (7, "wrong-type")
    assert places(faults_of([*log.rows[:6], log.rows[6][:11], *log.rows[7:]]))[0] == (7, "wrong-type")


@pytest.mark.parametrize("position", range(1, SIZE + 1))
def test_an_altered_leaf_is_found_where_it_stands(log: SmallLog, position: int) -> None:
    nodes = log.rows[position - 1][11]
    assert places(faults_of(changed(log.rows, position, nodes=flipped(nodes))))[0] == (position, "leaf")


@pytest.mark.parametrize("position", range(1, SIZE + 1))
def test_an_altered_node_is_found_in_its_row(log: SmallLog, position: int) -> None:
    nodes = log.rows[position - 1][11]
    top = len(nodes) // 32 - 1
    for level in range(1, top):
        (fault,) = faults_of(changed(log.rows, position, nodes=flipped(nodes, 32 * level)))
        assert (fault.position, fault.kind, fault.until) == (position, "node", 0)
    if top:
        fault = faults_of(changed(log.rows, position, nodes=flipped(nodes, 32 * top)))[0]
        assert (fault.position, fault.kind, fault.until) == (position + 1 - 2**top, "node", position)


@pytest.mark.parametrize("position", range(1, SIZE + 1))
def test_a_row_with_hashes_more_or_less_is_a_fault(log: SmallLog, position: int) -> None:
    nodes = log.rows[position - 1][11]
    for other in (nodes + bytes(32), nodes + b"\x00", nodes + nodes, nodes[:-1], nodes[:-32]):
        fault = faults_of(changed(log.rows, position, nodes=other))[0]
        assert fault.position == position
        assert fault.kind == ("node" if len(other) > 31 else "leaf")


@pytest.mark.parametrize("position", range(1, SIZE))
def test_an_entry_rewritten_with_its_leaf_is_found_to_the_pair(log: SmallLog, position: int) -> None:
    forged = rewrite_from(log, position).rows[position - 1]
    nodes = forged[11][:32] + log.rows[position - 1][11][32:]
    fault = faults_of(changed(log.rows, position, recorded_at=forged[5], nodes=nodes))[0]
    assert fault.kind == "node"
    assert fault.position <= position <= fault.until == fault.position + 1


def test_a_payload_and_its_commitment_changed_together_do_not_agree_with_the_leaf(log: SmallLog) -> None:
    forged = SmallLog(6)
    forged.append(START + 250 * 7)
    row = changed(forged.rows, 7, payload_commitment=bytes(32))[6]
    assert places(faults_of([*log.rows[:6], row, *log.rows[7:]])) == [(7, "payload"), (7, "leaf")]


def test_salt_and_content_divided_in_another_way_are_a_fault_though_they_hash_the_same() -> None:
    log = SmallLog(0)
    log.append(START, header_salt=b"abcdefghijklmnop")
    salt, payload = log.rows[0][9] or b"", log.rows[0][10] or b""
    header = {"header_salt": b"abcdefghijklmno", "stream": "p" + log.rows[0][1]}
    for columns in (header, {"payload_salt": salt + payload[:1], "payload": payload[1:]}):
        assert places(faults_of(changed(log.rows, 1, **columns))) == [(1, "salt")]


def test_a_commitment_that_is_not_32_bytes_is_a_fault(log: SmallLog) -> None:
    rows = changed(log.rows, 7, payload_commitment=b"short", payload=None, payload_salt=None)
    assert places(faults_of(rows, erased={7})) == [(7, "leaf")]


def test_an_erased_payload_is_no_fault_where_the_erasure_is_on_record(log: SmallLog) -> None:
    rows = changed(log.rows, 7, payload=None, payload_salt=None)
    verifier = LogVerifier(checkpoints=dict(enumerate(log.roots)))
    assert list(verifier.check(rows, {7})) == []
    assert verifier.root() == log.roots[SIZE]
    rest = changed(log.rows, 7, payload=None)
    assert places(faults_of(rest, erased={7})) == [(7, "payload-missing")]


def test_the_header_of_an_erased_payload_is_still_verified(log: SmallLog) -> None:
    rows = changed(log.rows, 7, payload=None, payload_salt=None, recorded_by="someone@else")
    assert places(faults_of(rows, erased={7})) == [(7, "leaf")]


def test_removed_rows_are_missing_from_their_first_position(log: SmallLog) -> None:
    (fault,) = faults_of([*log.rows[:4], *log.rows[7:]])
    assert (fault.position, fault.kind, fault.until) == (5, "row-missing", 7)
    assert faults_of(log.rows[1:])[0] == Fault(1, "row-missing", "position 1 is missing before 2", until=1)


def test_rows_past_a_missing_one_are_still_checked_in_themselves(log: SmallLog) -> None:
    rows = changed(log.rows, 11, payload=b"{}")
    verifier = LogVerifier(checkpoints=dict(enumerate(log.roots)))
    assert places(verifier.check([*rows[:4], *rows[5:]])) == [(5, "row-missing"), (11, "payload")]
    with pytest.raises(TamperError) as caught:
        verifier.root()
    assert caught.value.position == 5


def test_rows_twice_or_out_of_order_are_named(log: SmallLog) -> None:
    rows = log.rows
    assert places(faults_of([*rows[:5], rows[4], *rows[5:]])) == [(5, "row-order")]
    assert places(faults_of([*rows[:4], rows[5], rows[4], *rows[6:]])) == [(5, "row-missing"), (5, "row-order")]
    assert places(faults_of(changed(rows, 1, position=0)))[0] == (0, "row-order")
    assert places(faults_of(changed(rows, 5, position=-1)))[0] == (-1, "row-order")


def test_two_rows_exchanged_are_found_at_the_first_of_them(log: SmallLog) -> None:
    rows = [*log.rows]
    rows[4], rows[8] = (5, *rows[8][1:]), (9, *rows[4][1:])
    fault = faults_of(rows)[0]
    assert (fault.position, fault.kind, fault.until) == (5, "node", 6)


def test_a_time_before_that_of_the_row_before_is_a_fault() -> None:
    log = SmallLog(3)
    log.append(START)
    log.append(START + 10_000)
    assert places(faults_of(log.rows)) == [(4, "time")]


def test_rows_recorded_in_one_millisecond_are_no_fault() -> None:
    log = SmallLog(0)
    for _ in range(3):
        log.append(START)
    assert faults_of(log.rows) == []


def test_a_log_cut_off_is_found_by_a_kept_checkpoint(log: SmallLog) -> None:
    (fault,) = faults_of(log.rows[:9], checkpoints={5: log.roots[5], 11: log.roots[11]})
    assert (fault.position, fault.kind, fault.until) == (10, "row-missing", 11)


def rewrite_from(log: SmallLog, position: int) -> SmallLog:
    """A log that agrees up to `position` and is another, consistent in itself, from there on."""
    forged = SmallLog(position - 1)
    for at in range(position, len(log.rows) + 1):
        forged.append(START + 250 * at + 1)
    return forged


@pytest.mark.parametrize("position", range(1, SIZE + 1))
def test_a_consistent_rewrite_lies_between_the_checkpoints_that_agree_and_differ(log: SmallLog, position: int) -> None:
    forged = rewrite_from(log, position)
    assert faults_of(forged.rows) == []
    kept = [2, 5, 6, 9, 13]
    (fault,) = faults_of(forged.rows, checkpoints={size: log.roots[size] for size in kept})
    differs = min(size for size in kept if size >= position)
    agrees = max([0, *(size for size in kept if size < position)])
    assert (fault.position, fault.kind, fault.until) == (agrees + 1, "rewritten", differs)
    assert f"size {differs}" in fault.detail


def test_a_checkpoint_at_the_trusted_size_is_compared_too(log: SmallLog) -> None:
    forged = rewrite_from(log, 4)
    verifier = LogVerifier()
    assert list(verifier.check(forged.rows[:6])) == []
    resumed = LogVerifier(verifier.frontier, verifier.recorded_at, {3: bytes(32), 6: log.roots[6]})
    assert [fault.kind for fault in resumed.check(forged.rows[6:])] == ["rewritten"]


def test_a_fault_becomes_an_error_with_the_same_facts() -> None:
    error = Fault(7, "leaf", "changed").error()
    assert (error.position, error.kind, error.detail) == (7, "leaf", "changed")


junk = st.none() | st.integers() | st.floats() | st.text(max_size=40) | st.binary(max_size=80)


@given(st.integers(min_value=1, max_value=SIZE), st.sampled_from(COLUMNS), junk)
def test_no_value_in_any_column_passes_or_raises(position: int, column: str, value: object) -> None:
    log = SmallLog(SIZE)
    rows = changed(log.rows, position, **{column: value})
    if type(value) is type(log.rows[position - 1][COLUMNS.index(column)]) and rows == log.rows:
        return
    assert faults_of(rows)
