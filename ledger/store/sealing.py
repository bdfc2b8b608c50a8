"""Sealing: stored events become log rows, each with its salts, commitment and tree nodes, at the next positions.

Done by every home under its write lock, so that positions have no gaps and the tree has one right edge.
"""

from __future__ import annotations

import os
from binascii import b2a_base64
from collections.abc import Sequence
from hashlib import sha256

from ledger.errors import TamperError
from ledger.log.entry import (
    ENTRY_TAG,
    HEADER_TAG,
    PAYLOAD_TAG,
    SALT_SIZE,
    Header,
    format_entry,
    format_header,
    format_time,
    header_commitment,
)
from ledger.log.merkle import Frontier
from ledger.log.verify import LogRow
from ledger.store.mapper import LedgerEvent

__all__ = ["EntryRow", "PayloadRow", "header_and_entry", "seal"]

EntryRow = tuple[int, str, int, str, int, int, str, bytes, bytes, bytes, bytes | None]
"""position, stream, version, type, class_version, recorded_at, recorded_by, header_salt, payload_commitment, nodes,
identity"""

PayloadRow = tuple[int, bytes, bytes]
"""position, salt, payload"""


def seal(
    events: Sequence[LedgerEvent], frontier: Frontier, recorded_at: int, recorded_by: str
) -> tuple[list[EntryRow], list[PayloadRow]]:
    """The rows of `events`, appended to `frontier`. `recorded_at` is in UTC milliseconds."""
    # One of two hot paths of the log (the other is `ledger.log.verify`): local names, and one read of randomness.
    digest, base64, append = sha256, b2a_base64, frontier.append
    payload_tag, entry_tag, time_text = PAYLOAD_TAG, b"\x00" + ENTRY_TAG, format_time(recorded_at)
    salts = os.urandom(2 * SALT_SIZE * len(events))
    entries: list[EntryRow] = []
    payloads: list[PayloadRow] = []
    position, offset = frontier.size, 0
    for event in events:
        position += 1
        header_salt, payload_salt = salts[offset : offset + 16], salts[offset + 16 : offset + 32]
        offset += 32
        stream, version, kind, state = event.originator_id, event.originator_version, event.topic, event.state
        if state is None:
            raise ValueError("an erased payload cannot be recorded again")
        committed = digest(payload_tag + payload_salt + state).digest()
        header = f"{stream}\n{version}\n{kind}\n{event.class_version}\n{time_text}\n{recorded_by}\n"
        opened = digest(HEADER_TAG + header_salt + header.encode()).digest()
        nodes = append(digest(entry_tag + base64(opened) + base64(committed)).digest())
        entries.append(
            (position, stream, version, kind, event.class_version, recorded_at, recorded_by,
             header_salt, committed, nodes, event.identity)
        )  # fmt: skip
        payloads.append((position, payload_salt, state))
    return entries, payloads


def header_and_entry(row: LogRow) -> tuple[bytes, bytes]:
    """The bytes that a stored row opens and commits to; TamperError where its columns make none."""
    position, stream, version, kind, class_version, recorded_at, recorded_by, salt, committed, *_ = row
    try:
        header = format_header(Header(stream, version, kind, class_version, format_time(recorded_at), recorded_by))
        return header, format_entry(header_commitment(salt, header), committed)
    except (ValueError, TypeError) as error:
        raise TamperError(position, "header", "the columns make no entry") from error
