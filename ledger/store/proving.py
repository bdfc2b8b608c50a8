"""Proofs made from a store: one entry, under the last kept checkpoint that covers it."""

from __future__ import annotations

from ledger.errors import InputError, MalformedError, StoreError
from ledger.log.checkpoint import parse_checkpoint
from ledger.log.entry import Header, format_entry, format_header, format_time, header_commitment
from ledger.log.merkle import inclusion_proof
from ledger.log.proof import Opening, ProofFile, TlogProof
from ledger.store.recorder import LedgerRecorder

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
    _, stream, version, kind, class_version, recorded_at, recorded_by, salt, committed, payload_salt, content, _ = row
    header_bytes = format_header(Header(stream, version, kind, class_version, format_time(recorded_at), recorded_by))
    entry = format_entry(header_commitment(salt, header_bytes), committed)
    if payload and (payload_salt is None or content is None):
        raise InputError(f"the payload at position {position} was erased", hint="Prove its header alone: --no-payload")
    path = inclusion_proof(position - 1, size, recorder.nodes)
    return ProofFile(
        entry,
        TlogProof(leaf_index=position - 1, hashes=tuple(path), checkpoint=note),
        Opening(salt, header_bytes) if header else None,
        Opening(payload_salt, content) if payload and payload_salt is not None and content is not None else None,
    )
