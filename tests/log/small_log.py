"""A small log held in memory, whose salts, times and key are fixed, so that its bytes are too."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.log.checkpoint import Checkpoint
from ledger.log.entry import (
    Header,
    format_entry,
    format_header,
    format_time,
    header_commitment,
    leaf_hash,
    payload_commitment,
)
from ledger.log.merkle import Frontier, Node, inclusion_proof, locate
from ledger.log.note import SignerKey
from ledger.log.proof import Opening, ProofFile, TlogProof
from ledger.log.verify import LogRow

ORIGIN = "example.com/ledger"
START = 1715934600000
SIGNER = SignerKey.parse("PRIVATE+KEY+example.com/ledger+93727de6+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f")


class SmallLog:
    """`size` entries, each with the row that a store would keep, and the root after each."""

    def __init__(self, size: int) -> None:
        self.keys = [SIGNER.verifier]
        self.entries: list[bytes] = []
        self.rows: list[LogRow] = []
        self.frontier = Frontier()
        self.roots = [self.frontier.root()]
        for position in range(1, size + 1):
            self.append(START + 250 * position)

    def append(self, recorded_at: int, header_salt: bytes = b"") -> None:
        position = len(self.rows) + 1
        header = Header("shipment:2024-0017", position, "shipment.departed", 1, format_time(recorded_at), "ops@host-7")
        header_salt, payload_salt = header_salt or bytes([position]) * 16, bytes([255 - position]) * 16
        payload = b'{"quantity":%d}' % position
        committed = payload_commitment(payload_salt, payload)
        entry = format_entry(header_commitment(header_salt, format_header(header)), committed)
        nodes = self.frontier.append(leaf_hash(entry))
        self.entries.append(entry)
        self.rows.append(
            (position, *header[:4], recorded_at, header[5], header_salt, committed, payload_salt, payload, nodes)
        )
        self.roots.append(self.frontier.root())

    def read(self, nodes: Sequence[Node]) -> list[bytes]:
        places = [locate(node) for node in nodes]
        return [self.rows[leaf][11][offset : offset + 32] for leaf, offset in places]

    def checkpoint(self, size: int) -> bytes:
        return Checkpoint(ORIGIN, size, self.roots[size]).sign(SIGNER)

    def proof_file(self, position: int) -> ProofFile:
        _, *header, recorded_at, recorded_by, header_salt, _, payload_salt, payload, _ = self.rows[position - 1]
        content = format_header(Header(*header, format_time(recorded_at), recorded_by))
        size = len(self.rows)
        hashes = tuple(inclusion_proof(position - 1, size, self.read))
        tlog = TlogProof(position - 1, hashes, self.checkpoint(size))
        return ProofFile(
            self.entries[position - 1], tlog, Opening(header_salt, content), Opening(payload_salt, payload)
        )
