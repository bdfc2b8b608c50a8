"""Canonical base64, decimals and text: one value, one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import MalformedError
from ledger.log.lines import MAX_COUNT, format_base64, parse_base64, parse_decimal, parse_hashes, parse_text


@given(st.binary(max_size=100))
def test_base64_round_trips(data: bytes) -> None:
    assert parse_base64("test", format_base64(data)) == data


@pytest.mark.parametrize(
    "text",
    ["QQ", "QQ=", "QR==", "QQ==\n", " QQ==", "Q Q==", "QQ===", "QQ==QQ==", "-_==", "QUI", "QUJ=", "=", "é", "\ud800"],
)
def test_base64_in_another_spelling_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_base64("test", text)


def test_base64_of_another_length_is_malformed() -> None:
    with pytest.raises(MalformedError, match="31 bytes, not 32"):
        parse_base64("test", format_base64(bytes(31)), 32)


@given(st.integers(min_value=0, max_value=MAX_COUNT))
def test_decimals_round_trip(number: int) -> None:
    assert parse_decimal("test", str(number)) == number


@pytest.mark.parametrize(
    "text", ["", "00", "01", "+1", "-1", "1_0", " 1", "1\n", "1.0", "\u0663", str(2**63), "9" * 5000]
)
def test_decimals_in_another_spelling_are_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_decimal("test", text)


@pytest.mark.parametrize("data", [b"", b"a", b"a\r\n", b"a\tb\n", b"\x00\n", b"\xff\n", b"\xed\xa0\x80\n"])
def test_text_that_is_not_lines_of_utf_8_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_text("test", data)


def test_separators_that_only_unicode_takes_for_line_ends_stay_within_a_line() -> None:
    assert parse_text("test", "a\u2028b\u0085c\n".encode()) == "a\u2028b\u0085c\n"


def test_more_hashes_than_any_proof_has_are_malformed() -> None:
    line = format_base64(bytes(32))
    assert len(parse_hashes("test", [line] * 64)) == 64
    with pytest.raises(MalformedError, match="64"):
        parse_hashes("test", [line] * 65)
