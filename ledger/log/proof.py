"""Proof that one entry stands in a log, as a file that verifies offline with nothing but the log's public key.

::

    chipledger/proof/v1
    entry <base64 of the entry's bytes>
    header <base64 of the salt> <base64 of the header>          optional: what is not disclosed is left out
    payload <base64 of the salt> <base64 of the payload>        optional

    c2sp.org/tlog-proof@v1                                      from here on C2SP tlog-proof, complete, to be
    index 3                                                     cut off and given to any tool that reads it
    <base64 of a hash>                                          inclusion proof, the leaf's sibling first

    example.com/ledger                                          the checkpoint, verbatim
    5
    Fvfji/nNhTESLrpIyLCqJHRuWXNTWEVPWs0qgjO8I4s=

    — example.com/ledger kX8M…Q0=

`ProofFile.verify` follows "Verifying a tlog proof": the leaf hash from the entry, then checkpoint and signatures,
then inclusion; and header and payload must open the commitments in the entry. Nothing in the file is free to change:
the ``extra`` line, which C2SP leaves unauthenticated, is read by `TlogProof` and refused in a `ProofFile`.

Proven by ``tests/log/test_proof.py``, which flips each bit of such a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger.errors import MalformedError, TamperError
from ledger.log.checkpoint import SignedCheckpoint, open_checkpoint, parse_checkpoint
from ledger.log.entry import (
    SALT_SIZE,
    Header,
    header_commitment,
    leaf_hash,
    parse_entry,
    parse_header,
    payload_commitment,
)
from ledger.log.lines import format_base64, parse_base64, parse_decimal, parse_hashes, parse_text
from ledger.log.merkle import verify_inclusion
from ledger.log.note import VerifierKey

_TLOG = "c2sp.org/tlog-proof@v1"
_FILE = "chipledger/proof/v1"


class TlogProof(NamedTuple):
    """A C2SP tlog-proof: the 0-based `leaf_index`, the inclusion proof's `hashes`, the signed `checkpoint` verbatim.

    `extra` is opaque and nothing vouches for it.
    """

    leaf_index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    @classmethod
    def parse(cls, data: bytes) -> TlogProof:
        """The proof that `data` spells; `MalformedError` unless it is canonical."""
        head, separator, checkpoint = parse_text("tlog-proof", data).partition("\n\n")
        tag, *lines = head.split("\n")
        if not separator or tag != _TLOG:
            raise MalformedError("tlog-proof", f"not {_TLOG}, an index and hashes, an empty line and a checkpoint")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = parse_base64("tlog-proof", lines.pop(0).removeprefix("extra "))
        if not lines or not lines[0].startswith("index ") or extra == b"":
            raise MalformedError("tlog-proof", "no index, or an empty extra line")
        index = parse_decimal("tlog-proof", lines[0].removeprefix("index "))
        parse_checkpoint(checkpoint.encode())
        return cls(index, parse_hashes("tlog-proof", lines[1:]), checkpoint.encode(), extra)

    def format(self) -> bytes:
        """The proof's bytes."""
        lines = [_TLOG]
        if self.extra:
            lines.append(f"extra {format_base64(self.extra)}")
        lines += [f"index {self.leaf_index}", *map(format_base64, self.hashes)]
        return "\n".join([*lines, "", ""]).encode() + self.checkpoint

    def verify(self, leaf: bytes, keys: Iterable[VerifierKey], origin: str | None = None) -> SignedCheckpoint:
        """The checkpoint whose tree holds the leaf hash `leaf` at `leaf_index`; `TamperError` where it does not."""
        signed = open_checkpoint(self.checkpoint, keys, origin)
        verify_inclusion(leaf, self.leaf_index, signed.checkpoint.size, self.hashes, signed.checkpoint.root)
        return signed


class Opening(NamedTuple):
    """What opens a commitment: its salt and the bytes committed to."""

    salt: bytes
    content: bytes


class Proven(NamedTuple):
    """What a verified proof file shows: this entry at this 1-based `position` of the log `origin`.

    `header` and `payload` are None where the file does not disclose them.
    """

    position: int
    origin: str
    size: int
    root: bytes
    header: Header | None
    payload: bytes | None
    signed_by: tuple[VerifierKey, ...]


class ProofFile(NamedTuple):
    """An entry, what is disclosed of it, and the proof that it stands in a log."""

    entry: bytes
    tlog: TlogProof
    header: Opening | None = None
    payload: Opening | None = None

    @classmethod
    def parse(cls, data: bytes) -> ProofFile:
        """The proof file that `data` spells; `MalformedError` unless it is canonical."""
        head, separator, tail = parse_text("proof file", data).partition("\n\n")
        tag, *lines = head.split("\n")
        if not separator or tag != _FILE or not lines or not lines[0].startswith("entry "):
            raise MalformedError("proof file", f"not {_FILE}, an entry, an empty line and a tlog-proof")
        entry = parse_base64("proof file", lines.pop(0).removeprefix("entry "))
        parse_entry(entry)
        header = _take_opening("header", lines)
        payload = _take_opening("payload", lines)
        if lines:
            raise MalformedError("proof file", "a line that is not entry, header or payload, in this order")
        if header is not None:
            parse_header(header.content)
        tlog = TlogProof.parse(tail.encode())
        if tlog.extra is not None:
            raise MalformedError("proof file", "an extra line, for which nothing vouches")
        return cls(entry, tlog, header, payload)

    def format(self) -> bytes:
        """The file's bytes."""
        lines = [_FILE, f"entry {format_base64(self.entry)}"]
        for name, opening in (("header", self.header), ("payload", self.payload)):
            if opening is not None:
                lines.append(f"{name} {format_base64(opening.salt)} {format_base64(opening.content)}")
        return "\n".join([*lines, "", ""]).encode() + self.tlog.format()

    def verify(self, keys: Iterable[VerifierKey], origin: str | None = None) -> Proven:
        """What the file shows; `TamperError` where anything in it does not hold, `UnverifiedError` without a key."""
        committed_header, committed_payload = parse_entry(self.entry)
        checkpoint, signed_by = self.tlog.verify(leaf_hash(self.entry), keys, origin)
        position = self.tlog.leaf_index + 1
        if self.header is not None and header_commitment(*self.header) != committed_header:
            raise TamperError(position, "header", "the header does not open the entry's commitment")
        if self.payload is not None and payload_commitment(*self.payload) != committed_payload:
            raise TamperError(position, "payload", "the payload does not open the entry's commitment")
        return Proven(
            position=position,
            origin=checkpoint.origin,
            size=checkpoint.size,
            root=checkpoint.root,
            header=parse_header(self.header.content) if self.header else None,
            payload=self.payload.content if self.payload else None,
            signed_by=signed_by,
        )


def _take_opening(name: str, lines: list[str]) -> Opening | None:
    """The opening on the next line, if that line is called `name`, removed from `lines`."""
    if not lines or not lines[0].startswith(f"{name} "):
        return None
    parts = lines.pop(0).split(" ")
    if len(parts) != 3:
        raise MalformedError("proof file", f"the {name} line is not a salt and the {name}")
    return Opening(parse_base64("proof file", parts[1], SALT_SIZE), parse_base64("proof file", parts[2]))
