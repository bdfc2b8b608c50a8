"""A whole log checked from its rows: everything hashed again, every stored hash compared, in constant memory.

A row is what a store keeps of one event, as its columns (`LogRow`). For each one, in order of position:

====================  ================================================================================================
kind of fault         what does not hold
====================  ================================================================================================
``row-missing``       positions run from 1 without a gap
``row-order``         no position twice, none out of order
``wrong-type``        each column is of its own type: a text "3" would hash like the integer 3
``time``              recorded_at never decreases
``header``            the columns make a canonical header (`ledger.log.entry`)
``salt``              both salts are 16 bytes
``payload-missing``   the payload and its salt are there, or both are gone and the erasure is on record
``payload``           payload and salt hash to the payload commitment
``leaf``              header, header salt and payload commitment hash to the stored leaf
``node``              the nodes that the leaf completes are the stored ones; else one of them, or an entry below
``rewritten``         the root at each kept checkpoint's size is that checkpoint's
====================  ================================================================================================

A row that passes all of these costs four hashes and little else: `LogVerifier.check` is that fast path, and only a row
that fails it is looked at again, to say what is wrong. After a fault the stored hashes are taken
for right, so that one altered row is one fault and not one per level of the tree; past a missing row the tree cannot
be built, and only the rows themselves are checked.

Proven by ``tests/log/test_verify.py``, where each alteration of a column has a test.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from ledger.errors import TamperError
from ledger.log.entry import (
    ACTOR,
    COUNT,
    ENTRY_TAG,
    HEADER_TAG,
    MAX_TIME,
    PAYLOAD_TAG,
    SALT_SIZE,
    STREAM,
    TYPE,
    Header,
    format_entry,
    format_header,
    format_time,
    header_commitment,
    leaf_hash,
    payload_commitment,
)
from ledger.log.lines import HASH_SIZE
from ledger.log.merkle import Frontier

LogRow: TypeAlias = tuple[int, str, int, str, int, int, str, bytes, bytes, bytes | None, bytes | None, bytes]
"""One event's columns, in the order of `COLUMNS`; `recorded_at` in UTC milliseconds, `nodes` as `Frontier.append`."""

COLUMNS = (
    "position",
    "stream",
    "version",
    "type",
    "class_version",
    "recorded_at",
    "recorded_by",
    "header_salt",
    "payload_commitment",
    "payload_salt",
    "payload",
    "nodes",
)
_TYPES: tuple[type, ...] = (int, str, int, str, int, int, str, bytes, bytes, bytes, bytes, bytes)
_ERASABLE = ("payload_salt", "payload")
_TYPE_NAMES = {int: "an integer", str: "text", bytes: "bytes", float: "a fraction", type(None): "null"}

# The time between class version and actor is written by `format_time`, so it need not be matched again.
_HEADER = re.compile(f"{STREAM}\n{COUNT}\n{TYPE}\n{COUNT}\n[^\n]+\n{ACTOR}\n")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at `position`, of which `kind`, with a `detail` for people.

    Where it lies somewhere in a span (rows missing, entries below a node, a rewrite between two checkpoints), `until`
    is the last position of the span and `position` its first: what stands before `position` was found sound.
    """

    position: int
    kind: str
    detail: str
    until: int = 0

    def error(self) -> TamperError:
        return TamperError(self.position, self.kind, self.detail)


class LogVerifier:
    """The state of a verification: how far it came, and the tree up to there.

    It starts at position 1, or after a tree that is trusted already: its `frontier` and the last row's `recorded_at`.
    `checkpoints` maps sizes to the roots that kept checkpoints vouch for; those within the trusted tree are left out.
    """

    def __init__(
        self, frontier: Frontier | None = None, recorded_at: int = 0, checkpoints: Mapping[int, bytes] | None = None
    ) -> None:
        self._frontier = Frontier(frontier.size, frontier.edge) if frontier else Frontier()
        self._size = self._agreed = self._frontier.size
        self._recorded_at = recorded_at
        kept = [(size, root) for size, root in (checkpoints or {}).items() if size >= self._size]
        self._kept = sorted(kept, reverse=True)
        self._rewritten = False

    @property
    def size(self) -> int:
        """The last position seen."""
        return self._size

    @property
    def recorded_at(self) -> int:
        """When the last sound row was recorded, in UTC milliseconds: with `frontier`, what a later run resumes from."""
        return self._recorded_at

    @property
    def frontier(self) -> Frontier:
        """The tree's right edge; `TamperError` once a row's leaf was missing, for there is no tree past it."""
        if not self._has_tree():
            raise TamperError(self._frontier.size + 1, "node", "the leaf is missing, and there is no tree past it")
        return Frontier(self._frontier.size, self._frontier.edge)

    def root(self) -> bytes:
        """The root of the tree seen so far. It stands for the rows only if there was no fault; raises as `frontier`."""
        return self.frontier.root()

    def check(self, rows: Iterable[LogRow], erased: Container[int] = ()) -> Iterator[Fault]:
        """Checks the rows that follow `size` and yields what is wrong, as it is met.

        `erased` holds the positions whose payload's erasure is on record. Once the iterator is exhausted, `check` may
        be called again with the rows that follow.
        """
        # This loop is what a full verify costs: names are local, and most of its time is the five hashes. A column of a
        # wrong type fails an operation of its own type, or changes the header's text, so none needs a look beforehand.
        match, digest, base64, append = _HEADER.fullmatch, sha256, b2a_base64, self._frontier.append
        header_tag, payload_tag, entry_tag = HEADER_TAG, PAYLOAD_TAG, b"\x00" + ENTRY_TAG
        time, time_text = -1, ""
        yield from self._compare_checkpoint()
        kept, has_tree = self._next_kept(), self._has_tree()
        for row in rows:
            if has_tree and len(row) == len(COLUMNS):
                (position, stream, version, kind, class_version, recorded_at, recorded_by,
                 header_salt, committed, payload_salt, payload, nodes) = row  # fmt: skip
                try:
                    if recorded_at != time and type(recorded_at) is int and 0 <= recorded_at <= MAX_TIME:
                        time, time_text = recorded_at, format_time(recorded_at)
                    header = f"{stream}\n{version}\n{kind}\n{class_version}\n{time_text}\n{recorded_by}\n"
                    if (
                        position == self._size + 1
                        and type(position) is type(recorded_at) is int  # 3.0 equals 3
                        and self._recorded_at <= recorded_at == time
                        and version > 0 < class_version
                        and len(header_salt) == SALT_SIZE == len(payload_salt)  # type: ignore[arg-type]
                        and match(header)
                        and digest(payload_tag + payload_salt + payload).digest() == committed  # type: ignore[operator]
                    ):
                        opened = digest(header_tag + header_salt + header.encode()).digest()
                        leaf = digest(entry_tag + base64(opened) + base64(committed)).digest()
                        if nodes.startswith(leaf):
                            self._size, self._recorded_at = position, recorded_at
                            if (computed := append(leaf)) != nodes:
                                yield self._overrule(computed, nodes)
                            if position == kept:
                                yield from self._compare_checkpoint()
                                kept = self._next_kept()
                            continue
                except (TypeError, AttributeError, UnicodeEncodeError):
                    pass  # looked at again below, which says what is wrong
            yield from self._look_again(row, erased)
            kept, has_tree = self._next_kept(), self._has_tree()

    def end(self) -> Iterator[Fault]:
        """To be asked after the last row: a fault where a kept checkpoint vouches for rows that are not there."""
        if self._kept and self._kept[0][0] > self._size:
            size = self._kept[0][0]
            detail = f"a checkpoint vouches for {size} entries, and the log ends at {self._size}"
            yield Fault(self._size + 1, "row-missing", detail, until=size)

    def _has_tree(self) -> bool:
        return self._frontier.size == self._size

    def _next_kept(self) -> int:
        """The size of the next checkpoint to compare, or 0."""
        return self._kept[-1][0] if self._kept else 0

    def _compare_checkpoint(self) -> Iterator[Fault]:
        """Compares the root with the checkpoint kept of this size; the first that disagrees bounds the rewrite."""
        while self._kept and self._kept[-1][0] <= self._size:
            size, root = self._kept.pop()
            if size != self._size or not self._has_tree() or self._rewritten:
                continue
            if root == self._frontier.root():
                self._agreed = size
            else:
                self._rewritten = True
                last = f"agrees at size {self._agreed} and" if self._agreed else "has agreed with none before and"
                yield Fault(self._agreed + 1, "rewritten", f"the root {last} differs at size {size}", until=size)

    def _overrule(self, computed: bytes, stored: bytes) -> Fault:
        """Goes on with the stored nodes where there are as many as should be, and says which are not right.

        What is computed for a level stands on all levels below it. So a stored node that differs below one that agrees
        was itself changed; but where all differ up to the row's last, an entry below may have been changed instead.
        """
        position = self._size
        if len(stored) != len(computed):
            return Fault(position, "node", f"the row holds {len(stored)} bytes of nodes, not {len(computed)}")
        self._frontier.amend(stored)
        levels = range(0, len(computed), HASH_SIZE)
        differs = [computed[at : at + HASH_SIZE] != stored[at : at + HASH_SIZE] for at in levels]
        if not differs[-1]:
            return Fault(position, "node", f"the stored node at level {differs.index(True)} was changed")
        lowest = len(differs) - differs[::-1].index(False) if False in differs else 0
        first = position + 1 - (1 << lowest)
        detail = f"entries {first} to {position} do not hash to the stored node: one of them or the node was changed"
        return Fault(first, "node", detail, until=position)

    def _look_again(self, row: LogRow, erased: Container[int]) -> Iterator[Fault]:
        """Says what is wrong with a row that the fast path did not pass, which may be nothing: an erased payload."""
        position = row[0] if row and type(row[0]) is int else self._size + 1
        if position <= self._size:
            yield Fault(position, "row-order", f"the row comes after the one at position {self._size}")
            return
        if position > self._size + 1:
            missing = f"position {self._size + 1} is" if position == self._size + 2 else "positions are"
            yield Fault(self._size + 1, "row-missing", f"{missing} missing before {position}", until=position - 1)
            self._size = position - 1
        faults = list(_diagnose(row, position, self._recorded_at, position in erased))
        if not faults:
            self._recorded_at = row[5]
        stored = row[11] if len(row) == len(COLUMNS) and type(row[11]) is bytes else b""
        has_tree = self._has_tree() and len(stored) >= HASH_SIZE
        self._size = position
        if has_tree and (computed := self._frontier.append(stored[:HASH_SIZE])) != stored:
            above = self._overrule(computed, stored)
            # Above a leaf that was changed, nodes that were not differ for that reason alone.
            if all(fault.kind != "leaf" for fault in faults):
                faults.append(above)
        yield from sorted(faults, key=lambda fault: fault.position)
        yield from self._compare_checkpoint()


def _diagnose(row: LogRow, position: int, earliest: int, erased: bool) -> Iterator[Fault]:
    """What is wrong with a row in itself, the nodes above its leaf left aside."""
    wrong = list(_wrong_types(row))
    if wrong:
        yield from (Fault(position, "wrong-type", detail) for detail in wrong)
        return
    recorded_at, header_salt, committed, nodes = row[5], row[7], row[8], row[11]
    if recorded_at < earliest:
        yield Fault(position, "time", "recorded before the row before it")
    if len(header_salt) != SALT_SIZE:
        yield Fault(position, "salt", f"the header salt is {len(header_salt)} bytes, not {SALT_SIZE}")
    yield from _diagnose_payload(row, position, erased)
    header = _header_of(row)
    if header is None:
        yield Fault(position, "header", "the columns make no canonical header")
    if len(committed) != HASH_SIZE:
        yield Fault(position, "leaf", f"the payload commitment is {len(committed)} bytes, not {HASH_SIZE}")
    elif header is not None and len(header_salt) == SALT_SIZE:
        leaf = leaf_hash(format_entry(header_commitment(header_salt, header), committed))
        if leaf != nodes[:HASH_SIZE]:
            detail = "a header column, the header salt, the payload commitment or the stored leaf was changed"
            yield Fault(position, "leaf", detail)


def _diagnose_payload(row: LogRow, position: int, erased: bool) -> Iterator[Fault]:
    committed, salt, payload = row[8:11]
    if salt is None and payload is None:
        if not erased:
            yield Fault(position, "payload-missing", "the payload is gone and no erasure is on record")
    elif salt is None or payload is None:
        gone, left = ("salt", "payload") if salt is None else ("payload", "salt")
        yield Fault(position, "payload-missing", f"the payload's {gone} is gone and its {left} is not")
    elif len(salt) != SALT_SIZE:
        yield Fault(position, "salt", f"the payload salt is {len(salt)} bytes, not {SALT_SIZE}")
    elif payload_commitment(salt, payload) != committed:
        yield Fault(position, "payload", "the payload, its salt or the payload commitment was changed")


def _wrong_types(row: LogRow) -> Iterator[str]:
    if len(row) != len(COLUMNS):
        yield f"the row has {len(row)} columns, not {len(COLUMNS)}"
        return
    for name, value, wanted in zip(COLUMNS, row, _TYPES, strict=True):
        if type(value) is not wanted and not (value is None and name in _ERASABLE):
            found = _TYPE_NAMES.get(type(value), type(value).__name__)
            yield f"{name} is {found}, not {_TYPE_NAMES[wanted]}"


def _header_of(row: LogRow) -> bytes | None:
    """The header that the columns make, or None where they make none."""
    if not 0 <= row[5] <= MAX_TIME:
        return None
    header = Header(*row[1:5], format_time(row[5]), row[6])
    return format_header(header) if _HEADER.fullmatch("".join(f"{field}\n" for field in header)) else None
