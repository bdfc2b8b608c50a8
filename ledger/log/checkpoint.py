"""The checkpoint: a log's size and root, as a note that the log's key signs. C2SP tlog-checkpoint.

::

    example.com/ledger                              origin: which log, in its own words
    5                                               size: canonical decimal
    Fvfji/nNhTESLrpIyLCqJHRuWXNTWEVPWs0qgjO8I4s=    root hash: base64 of 32 bytes
                                                    (any further non-empty lines are extensions, and opaque)
    — example.com/ledger kX8M…Q0=

Whoever trusts several logs must not take one's word about another, so `open_checkpoint` asks for a signature by a
known key that is named after the origin: the specification's "Signatures" recommends that name, and chipledger
requires it. Cosignatures by other known keys are verified and reported beside it.

Proven by ``tests/log/test_checkpoint.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger.errors import MalformedError, UnverifiedError
from ledger.log.lines import HASH_SIZE, format_base64, parse_base64, parse_decimal
from ledger.log.note import SignerKey, VerifierKey, format_note, open_note, parse_note, sign


class Checkpoint(NamedTuple):
    """The claim that the log `origin` had `size` entries and the tree over them this `root`."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The checkpoint that a note's text spells; `MalformedError` unless it is canonical."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):
            raise MalformedError("checkpoint", "not three or more non-empty lines, each ended by a newline")
        origin, size, root, *extensions = lines
        return cls(
            origin,
            parse_decimal("checkpoint size", size),
            parse_base64("checkpoint root", root, HASH_SIZE),
            tuple(extensions),
        )

    def format(self) -> str:
        """The note's text; `MalformedError` where it would not parse again."""
        text = "".join(f"{line}\n" for line in (self.origin, self.size, format_base64(self.root), *self.extensions))
        if Checkpoint.parse(text) != self:
            raise MalformedError("checkpoint", "a line holds a newline")
        return text

    def sign(self, signer: SignerKey) -> bytes:
        """The checkpoint as a signed note; `ValueError` where the key is not named after the origin."""
        if signer.name != self.origin:
            raise ValueError("a log's key is named after its origin")
        return format_note(sign(self.format(), signer))


class SignedCheckpoint(NamedTuple):
    """A checkpoint, and the known keys that signed it, the log's own among them."""

    checkpoint: Checkpoint
    signed_by: tuple[VerifierKey, ...]


def parse_checkpoint(data: bytes) -> Checkpoint:
    """What the signed note `data` claims, its signatures unverified."""
    return Checkpoint.parse(parse_note(data).text)


def open_checkpoint(data: bytes, keys: Iterable[VerifierKey], origin: str | None = None) -> SignedCheckpoint:
    """The checkpoint of a note that the log's own key signed; of the log `origin` where one is given."""
    text, signed_by = open_note(data, keys)
    checkpoint = Checkpoint.parse(text)
    if origin is not None and checkpoint.origin != origin:
        raise UnverifiedError(0, "origin", f"a checkpoint of {checkpoint.origin}, not of {origin}")
    if all(key.name != checkpoint.origin for key in signed_by):
        raise UnverifiedError(0, "signature", f"no known key of {checkpoint.origin} signed its checkpoint")
    return SignedCheckpoint(checkpoint, signed_by)
