"""Proof that a log only grew: an older tree, and the signed checkpoint of a newer one that has it as a prefix.

::

    chipledger/consistency/v1
    old 3 <base64 of the older root>
    <base64 of a hash>                              consistency proof, RFC 6962 section 2.1.2

    example.com/ledger                              the newer checkpoint, verbatim
    5
    Fvfji/nNhTESLrpIyLCqJHRuWXNTWEVPWs0qgjO8I4s=

    — example.com/ledger kX8M…Q0=

The older size and root are the holder's own knowledge, from a checkpoint that was verified when it was fetched; the
file repeats them so that it can be checked without it. Whoever holds that checkpoint passes it to `verify`.

Proven by ``tests/log/test_consistency.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger.errors import MalformedError, TamperError
from ledger.log.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint, parse_checkpoint
from ledger.log.lines import HASH_SIZE, format_base64, parse_base64, parse_decimal, parse_hashes, parse_text
from ledger.log.merkle import verify_consistency
from ledger.log.note import VerifierKey

_TAG = "chipledger/consistency/v1"


class ConsistencyProof(NamedTuple):
    """That the tree of `old_size` leaves with `old_root` is a prefix of the one that the signed `checkpoint` claims."""

    old_size: int
    old_root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    @classmethod
    def parse(cls, data: bytes) -> ConsistencyProof:
        """The proof that `data` spells; `MalformedError` unless it is canonical."""
        head, separator, tail = parse_text("consistency proof", data).partition("\n\n")
        tag, *lines = head.split("\n")
        if not separator or tag != _TAG or not lines:
            raise MalformedError(
                "consistency proof", f"not {_TAG}, an old tree, hashes, an empty line and a checkpoint"
            )
        old = lines[0].split(" ")
        if len(old) != 3 or old[0] != "old":
            raise MalformedError("consistency proof", "the second line is not old, a size and a root")
        checkpoint = tail.encode()
        parse_checkpoint(checkpoint)
        return cls(
            parse_decimal("consistency proof", old[1]),
            parse_base64("consistency proof", old[2], HASH_SIZE),
            parse_hashes("consistency proof", lines[1:]),
            checkpoint,
        )

    def format(self) -> bytes:
        """The proof's bytes."""
        lines = [_TAG, f"old {self.old_size} {format_base64(self.old_root)}", *map(format_base64, self.hashes)]
        return "\n".join([*lines, "", ""]).encode() + self.checkpoint

    def verify(
        self, keys: Iterable[VerifierKey], origin: str | None = None, held: Checkpoint | None = None
    ) -> SignedCheckpoint:
        """The newer checkpoint; `TamperError` where it does not extend the older tree, or that is not `held`."""
        signed = open_checkpoint(self.checkpoint, keys, held.origin if held and origin is None else origin)
        if held is not None and (held.size, held.root) != (self.old_size, self.old_root):
            raise TamperError(0, "consistency", f"the proof starts at another tree than the one held of {held.size}")
        new = signed.checkpoint
        verify_consistency(self.old_size, new.size, self.old_root, new.root, self.hashes)
        return signed
