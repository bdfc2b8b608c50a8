"""The entry's bytes, pinned; and headers and times that have one spelling each."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import MalformedError
from ledger.log.entry import (
    MAX_TIME,
    Header,
    format_entry,
    format_header,
    format_time,
    header_commitment,
    leaf_hash,
    parse_entry,
    parse_header,
    parse_time,
    payload_commitment,
)

HEADER = Header("shipment:2024-0017", 3, "shipment.departed", 1, "2024-05-17T08:30:00.000Z", "ops@host-7")
HEADER_BYTES = b"shipment:2024-0017\n3\nshipment.departed\n1\n2024-05-17T08:30:00.000Z\nops@host-7\n"

versions = st.integers(min_value=1, max_value=2**63 - 1)
headers = st.builds(
    Header,
    st.from_regex(r"[a-z]{1,8}:[A-Za-z0-9._~-]{1,32}", fullmatch=True),
    versions,
    st.from_regex(r"[a-z]{1,8}\.[a-z_]{1,8}", fullmatch=True),
    versions,
    st.integers(min_value=0, max_value=MAX_TIME).map(format_time),
    st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=128),
)


def test_the_header_is_these_bytes() -> None:
    assert format_header(HEADER) == HEADER_BYTES
    assert parse_header(HEADER_BYTES) == HEADER


def test_the_entry_is_these_bytes() -> None:
    header = header_commitment(bytes(range(16)), HEADER_BYTES)
    payload = payload_commitment(bytes(range(16, 32)), b'{"quantity":8}')
    assert header == hashlib.sha256(b"chipledger/header/v1\n" + bytes(range(16)) + HEADER_BYTES).digest()
    assert payload == hashlib.sha256(b"chipledger/payload/v1\n" + bytes(range(16, 32)) + b'{"quantity":8}').digest()
    entry = format_entry(header, payload)
    assert entry == (
        b"chipledger/entry/v1\nxo4a58ZXnGGi9Z6jjV+eoXI93L8nrU1chQBquOM/I0M=\n519LpH7byVDS5EwpD2bcgZDfMXK91lJBOQ3cr2t8Wp4=\n"
    )
    assert parse_entry(entry) == (header, payload)
    assert leaf_hash(entry).hex() == "c41a622eb8d4a9caebc067390c5d640f9fd9e5dbe4e3e9bf0b2d8df888a38824"
    assert leaf_hash(entry) == hashlib.sha256(b"\x00" + entry).digest()


@given(headers)
def test_headers_round_trip(header: Header) -> None:
    assert parse_header(format_header(header)) == header


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_entries_round_trip(header: bytes, payload: bytes) -> None:
    assert parse_entry(format_entry(header, payload)) == (header, payload)


@given(st.integers(min_value=0, max_value=MAX_TIME))
def test_times_round_trip(milliseconds: int) -> None:
    assert parse_time(format_time(milliseconds)) == milliseconds


def test_times_have_a_four_digit_year_and_three_digits_of_milliseconds() -> None:
    assert format_time(0) == "1970-01-01T00:00:00.000Z"
    assert format_time(1715934600007) == "2024-05-17T08:30:00.007Z"
    assert format_time(MAX_TIME) == "9999-12-31T23:59:59.999Z"


@pytest.mark.parametrize("milliseconds", [-1, MAX_TIME + 1])
def test_times_outside_the_years_1970_to_9999_are_misuse(milliseconds: int) -> None:
    with pytest.raises(ValueError, match="1970 to 9999"):
        format_time(milliseconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-02-30T00:00:00.000Z",
        "2023-02-29T00:00:00.000Z",
        "1969-12-31T23:59:59.999Z",
        "2024-05-17T08:30:00Z",
        "2024-05-17T08:30:00.0000Z",
        "2024-05-17T08:30:00.00Z",
        "2024-05-17T08:30:00.000z",
        "2024-05-17T08:30:00.000+00:00",
        "2024-5-17T08:30:00.000Z",
        "2024-05-17 08:30:00.000Z",
        "2024-05-17T24:00:00.000Z",
        "2024-05-17T23:59:60.000Z",
        "2024-05-17T08:30:00.00\u0663Z",
    ],
)
def test_times_in_another_spelling_are_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_time(text)


@pytest.mark.parametrize(
    "change",
    [
        {"stream": "Shipment:1"},
        {"stream": "shipment:"},
        {"stream": "shipment:a b"},
        {"stream": "shipment:é"},
        {"stream": "shipment:" + "a" * 129},
        {"version": 0},
        {"version": -1},
        {"version": "01"},
        {"version": 2**63},
        {"type": "shipment"},
        {"type": "shipment.Departed"},
        {"class_version": 0},
        {"recorded_at": "2024-02-30T00:00:00.000Z"},
        {"recorded_by": ""},
        {"recorded_by": "a" * 129},
        {"recorded_by": "a\nb"},
        {"recorded_by": "a\tb"},
        {"recorded_by": "a\x7fb"},
        {"recorded_by": "a\x85b"},
        {"recorded_by": "a\u2028b"},
        {"recorded_by": "a\u202eb"},
    ],
)
def test_headers_that_are_not_canonical_are_malformed(change: dict[str, object]) -> None:
    with pytest.raises(MalformedError):
        parse_header(format_header(HEADER._replace(**change)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data", [b"", HEADER_BYTES[:-1], HEADER_BYTES + b"\n", HEADER_BYTES + b"x\n", b"\n" + HEADER_BYTES, b"\xff\n"]
)
def test_headers_of_other_lines_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_header(data)


def test_entries_that_are_not_canonical_are_malformed() -> None:
    entry = format_entry(bytes(32), bytes(32))
    short = b"chipledger/entry/v1\nAAAA\nAAAA\n"
    for data in (b"", entry[:-1], entry + b"\n", entry.replace(b"v1", b"v2"), entry.replace(b"A=", b"B="), short):
        with pytest.raises(MalformedError):
            parse_entry(data)


@pytest.mark.parametrize("salt", [b"", bytes(15), bytes(17)])
def test_a_salt_that_is_not_16_bytes_is_misuse(salt: bytes) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        header_commitment(salt, b"")
    with pytest.raises(ValueError, match="16 bytes"):
        payload_commitment(salt, b"")


def test_a_commitment_that_is_not_32_bytes_is_misuse() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        format_entry(bytes(31), bytes(33))
