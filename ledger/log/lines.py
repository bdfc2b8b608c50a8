"""What the log's text formats share: lines of canonical UTF-8, base64 and decimals.

Python's own decoders are lenient: ``int(" 1_0 ")`` is 10, and two base64 texts may decode to the same bytes. A
format in which one value has two spellings lets a proof be altered without being refused, so each parser here
accepts exactly the text that the matching formatter writes: RFC 4648 section 4 base64 (padded, trailing bits zero,
as section 3.5 allows a decoder to demand) and ASCII decimals without sign or leading zero.

Proven by ``tests/log/test_lines.py``.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64

from ledger.errors import MalformedError

HASH_SIZE = 32
"""Bytes in a SHA-256 digest."""

MAX_COUNT = 2**63 - 1
"""The largest position or size: what SQLite's INTEGER and Go's int64 can hold."""

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


def format_base64(data: bytes) -> str:
    """`data` in standard base64, without a newline."""
    return b2a_base64(data, newline=False).decode("ascii")


def parse_base64(what: str, text: str, length: int | None = None) -> bytes:
    """The bytes that `text` spells, which must be `length` long where one is given."""
    try:
        data = a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise MalformedError(what, "not base64") from error
    if format_base64(data) != text:
        raise MalformedError(what, "not canonical base64")
    if length is not None and len(data) != length:
        raise MalformedError(what, f"{len(data)} bytes, not {length}")
    return data


def parse_decimal(what: str, text: str) -> int:
    """The number that `text` spells: 0 to `MAX_COUNT`, ASCII digits only."""
    if not _DECIMAL.fullmatch(text) or (number := int(text)) > MAX_COUNT:
        raise MalformedError(what, "not a canonical decimal below 2^63")
    return number


def parse_text(what: str, data: bytes) -> str:
    """`data` as lines of text: valid UTF-8, the last line ended, no ASCII control character but newline."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError(what, "not UTF-8") from error
    if not text.endswith("\n"):
        raise MalformedError(what, "the last line does not end in a newline")
    if _CONTROL.search(text):
        raise MalformedError(what, "a control character")
    return text


def parse_hashes(what: str, lines: list[str]) -> tuple[bytes, ...]:
    """One SHA-256 digest per line. No proof in a tree of fewer than 2^63 leaves has more than 64."""
    if len(lines) > 64:
        raise MalformedError(what, "more than 64 hashes")
    return tuple(parse_base64(what, line, HASH_SIZE) for line in lines)
