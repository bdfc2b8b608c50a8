"""Proofs made from a store: one entry, under the last kept checkpoint that covers it."""

from __future__ import annotations

from ledger.errors import InputError, MalformedError, StoreError
from ledger.log.checkpoint import parse_checkpoint
from ledger.log.merkle import inclusion_proof
from ledger.log.proof import Opening, ProofFile, TlogProof
from ledger.store.recorder import LedgerRecorder
from ledger.store.sealing import header_and_entry

__all__ = ["prove"]


def prove(recorder: LedgerRecorder, position: int, *, header: bool, payload: bool) -> ProofFile:
    """The proof file of the entry at `position`. What is not disclosed stands in it only as a commitment.

    InputError where there is no such position, or its payload is to be disclosed and was erased; StoreError where no
    kept checkpoint covers it.
    """
    row = next(recorder.rows(position, position), None)
    if row is None:
        raise InputError(f"there is no position {position}: the log ends at {recorder.size()}")
    note = next((note for size, note in reversed(recorder.checkpoints()) if size >= position), None)
    if note is None:
        hint = "Make one, where the key is, with: chipledger checkpoint"
        raise StoreError("missing", "", f"no checkpoint covers position {position}", hint)
    try:
        size = parse_checkpoint(note).size
    except MalformedError as error:
        raise StoreError(
            "io", "", f"the kept checkpoint is damaged: {error.problem}", "Run: chipledger verify"
        ) from error
    salt, payload_salt, content = row[7], row[9], row[10]
    header_bytes, entry = header_and_entry(row)
    if payload and (payload_salt is None or content is None):
        raise InputError(f"the payload at position {position} was erased", hint="Prove its header alone: --no-payload")
    path = inclusion_proof(position - 1, size, recorder.nodes)
    return ProofFile(
        entry,
        TlogProof(leaf_index=position - 1, hashes=tuple(path), checkpoint=note),
        Opening(salt, header_bytes) if header else None,
        Opening(payload_salt, content) if payload and payload_salt is not None and content is not None else None,
    )
