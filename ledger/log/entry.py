"""The entry: the bytes that the tree hashes for one event, and the header and payload that it commits to.

::

    chipledger/entry/v1                             shipment:2024-0017            stream
    <base64 of the header commitment>               3                             version in the stream, from 1
    <base64 of the payload commitment>              shipment.departed             type
                                                    1                             class version of the type
    header commitment  = SHA-256(                   2024-05-17T08:30:00.000Z      recorded_at, UTC
      "chipledger/header/v1\\n" ‖ salt ‖ header)     ops@host-7                    recorded_by
    payload commitment = SHA-256(
      "chipledger/payload/v1\\n" ‖ salt ‖ payload)   the header: six lines, each ended by a newline

A salt is 16 random bytes, fixed in length so that salt and content cannot be divided in two ways. An entry discloses
nothing; header and payload open one at a time, and an erased payload leaves header and tree verifiable. DESIGN.md,
"The log", fixes these bytes; ``tests/log/test_entry.py`` pins them as literals.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from ledger.errors import MalformedError
from ledger.log.lines import HASH_SIZE, MAX_COUNT, format_base64, parse_base64, parse_text
from ledger.log.merkle import leaf_hash

__all__ = [
    "ENTRY_TAG",
    "HEADER_TAG",
    "MAX_TIME",
    "PAYLOAD_TAG",
    "SALT_SIZE",
    "Header",
    "format_entry",
    "format_header",
    "format_time",
    "header_commitment",
    "leaf_hash",
    "parse_entry",
    "parse_header",
    "parse_time",
    "payload_commitment",
]

ENTRY_TAG = b"chipledger/entry/v1\n"
HEADER_TAG = b"chipledger/header/v1\n"
PAYLOAD_TAG = b"chipledger/payload/v1\n"
SALT_SIZE = 16

MAX_TIME = 253402300799999
"""The last millisecond of the year 9999."""

STREAM = r"[a-z]+:[A-Za-z0-9._~-]{1,128}"
TYPE = r"[a-z]+\.[a-z_]+"
COUNT = r"[1-9][0-9]{0,18}"
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
# Spelled out rather than `str.isprintable`, whose answer changes with each Python's Unicode tables: controls, line
# and paragraph separators, what reorders the text around it, and halves of surrogate pairs.
ACTOR = r"[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]{1,128}"
_HEADER = re.compile(f"({STREAM})\n({COUNT})\n({TYPE})\n({COUNT})\n({TIME})\n({ACTOR})\n")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Header(NamedTuple):
    """What an entry says in the clear about an event; `recorded_at` is ``YYYY-MM-DDTHH:MM:SS.mmmZ``."""

    stream: str
    version: int
    type: str
    class_version: int
    recorded_at: str
    recorded_by: str


def format_header(header: Header) -> bytes:
    """The header's bytes. It does not check them: `parse_header` does, and the recorder makes only sound ones."""
    return "".join(f"{field}\n" for field in header).encode()


def parse_header(data: bytes) -> Header:
    """The header that `data` spells; `MalformedError` unless it is canonical."""
    match = _HEADER.fullmatch(parse_text("header", data))
    if match is None:
        raise MalformedError("header", "not stream, version, type, class version, recorded_at and recorded_by")
    stream, version, kind, class_version, recorded_at, recorded_by = match.groups()
    if max(int(version), int(class_version)) > MAX_COUNT:
        raise MalformedError("header", "a version of 2^63 or more")
    parse_time(recorded_at)
    return Header(stream, int(version), kind, int(class_version), recorded_at, recorded_by)


def format_time(milliseconds: int) -> str:
    """UTC milliseconds since 1970, up to the year 9999, as ``YYYY-MM-DDTHH:MM:SS.mmmZ``."""
    if not 0 <= milliseconds <= MAX_TIME:
        raise ValueError("a time outside the years 1970 to 9999")
    return f"{_format_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(maxsize=16)
def _format_second(second: int) -> str:
    # Events are recorded in order, so most share a second with the one before.
    return (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")


def parse_time(text: str) -> int:
    """The inverse of `format_time`; `MalformedError` for another spelling, or a day that is not in the calendar."""
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1)
        canonical = format_time(milliseconds) == text
    except ValueError as error:
        raise MalformedError("time", "not a moment between 1970 and 9999") from error
    if not canonical:
        raise MalformedError("time", "not spelled YYYY-MM-DDTHH:MM:SS.mmmZ")
    return milliseconds


def header_commitment(salt: bytes, header: bytes) -> bytes:
    """The 32 bytes that bind an entry to its header without disclosing it."""
    return _commit(HEADER_TAG, salt, header)


def payload_commitment(salt: bytes, payload: bytes) -> bytes:
    """The 32 bytes that bind an entry to its payload without disclosing it."""
    return _commit(PAYLOAD_TAG, salt, payload)


def _commit(tag: bytes, salt: bytes, content: bytes) -> bytes:
    if len(salt) != SALT_SIZE:
        raise ValueError("a salt is 16 bytes")
    return sha256(tag + salt + content).digest()


def format_entry(header: bytes, payload: bytes) -> bytes:
    """The entry over the header's and the payload's commitment, 32 bytes each."""
    if len(header) != HASH_SIZE or len(payload) != HASH_SIZE:
        raise ValueError("a commitment is 32 bytes")
    return ENTRY_TAG + f"{format_base64(header)}\n{format_base64(payload)}\n".encode()


def parse_entry(data: bytes) -> tuple[bytes, bytes]:
    """The header's and the payload's commitment; `MalformedError` unless `data` is canonical."""
    lines = parse_text("entry", data).split("\n")
    if len(lines) != 4 or lines[0] != ENTRY_TAG.decode().rstrip("\n"):
        raise MalformedError("entry", "not the tag and two commitments, a line each")
    return parse_base64("entry", lines[1], HASH_SIZE), parse_base64("entry", lines[2], HASH_SIZE)
