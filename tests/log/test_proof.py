"""Proof files: their bytes, what they show, and that no bit of one is free to change."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import LedgerError, MalformedError, TamperError, UnverifiedError
from ledger.log.entry import Header, leaf_hash
from ledger.log.note import SignerKey
from ledger.log.proof import Opening, ProofFile, TlogProof

from .small_log import ORIGIN, SIGNER, SmallLog

CHECKPOINT = (
    "example.com/ledger\n"
    "2\n"
    "jJmrgmY4cPMGfnkLvEhhjZkaabswF50VWCwnOw3r26w=\n"
    "\n"
    "— example.com/ledger k3J95lCttic88870g946GKMwWXDuQBqndgu+7PnKy0h/UdrgFIn0PjIK29HPe7VDoWkM5y5Ubp7"
    "FhFxDOQZgNe99JwE=\n"
).encode()

hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=5).map(tuple)
tlog_proofs = st.builds(
    TlogProof,
    st.integers(min_value=0, max_value=2**63 - 1),
    hashes,
    st.just(CHECKPOINT),
    st.none() | st.binary(min_size=1, max_size=20),
)


@given(tlog_proofs)
def test_tlog_proofs_round_trip(proof: TlogProof) -> None:
    assert TlogProof.parse(proof.format()) == proof


@given(st.booleans(), st.booleans(), st.integers(min_value=1, max_value=5))
def test_proof_files_round_trip(with_header: bool, with_payload: bool, position: int) -> None:
    proof = SmallLog(5).proof_file(position)
    proof = proof._replace(
        header=proof.header if with_header else None, payload=proof.payload if with_payload else None
    )
    assert ProofFile.parse(proof.format()) == proof


def test_a_proof_file_is_these_bytes() -> None:
    assert (
        SmallLog(2).proof_file(1).format()
        == (
            "chipledger/proof/v1\n"
            "entry Y2hpcGxlZGdlci9lbnRyeS92MQpTeTRNU2NDeitGb1Z3SlgyazhxYWhIalQ3ZklPa0plRzh0UVRITWwxM1RnPQpJNj"
            "hicnA4RW1pMEdtR3h3YlBmOXVoVmMyTlh1ZXJLQmtSRDBOaDFPZUdJPQo=\n"
            "header AQEBAQEBAQEBAQEBAQEBAQ== c2hpcG1lbnQ6MjAyNC0wMDE3CjEKc2hpcG1lbnQuZGVwYXJ0ZWQKMQoyMDI0LTA1"
            "LTE3VDA4OjMwOjAwLjI1MFoKb3BzQGhvc3QtNwo=\n"
            "payload /v7+/v7+/v7+/v7+/v7+/g== eyJxdWFudGl0eSI6MX0=\n"
            "\n"
            "c2sp.org/tlog-proof@v1\n"
            "index 0\n"
            "40DtFtQLANg0mV27dSD9MULlYf9iaj3BLdmKJN7AgGk=\n"
            "\n"
            "example.com/ledger\n"
            "2\n"
            "jJmrgmY4cPMGfnkLvEhhjZkaabswF50VWCwnOw3r26w=\n"
            "\n"
            "— example.com/ledger k3J95lCttic88870g946GKMwWXDuQBqndgu+7PnKy0h/UdrgFIn0PjIK29HPe7VDoWkM5y5Ubp7"
            "FhFxDOQZgNe99JwE=\n"
        ).encode()
    )


def test_a_proof_file_shows_header_and_payload_at_a_position(small_log: SmallLog) -> None:
    proven = ProofFile.parse(small_log.proof_file(4).format()).verify(small_log.keys, ORIGIN)
    assert (proven.position, proven.origin, proven.size, proven.root) == (4, ORIGIN, 5, small_log.roots[5])
    assert proven.header == Header(
        "shipment:2024-0017", 4, "shipment.departed", 1, "2024-05-17T08:30:01.000Z", "ops@host-7"
    )
    assert proven.payload == b'{"quantity":4}'
    assert proven.signed_by == (SIGNER.verifier,)


def test_what_is_left_out_is_not_disclosed_and_the_rest_still_verifies(small_log: SmallLog) -> None:
    proof = small_log.proof_file(4)._replace(payload=None)
    assert b"payload" not in proof.format()
    assert base64.b64encode(b'{"quantity":4}') not in proof.format()
    proven = ProofFile.parse(proof.format()).verify(small_log.keys)
    assert proven.header is not None
    assert proven.payload is None


def test_the_tail_of_a_proof_file_is_a_tlog_proof(small_log: SmallLog) -> None:
    proof = small_log.proof_file(4)
    tail = proof.format().partition(b"\n\n")[2]
    tlog = TlogProof.parse(tail)
    assert tlog.format() == tail
    assert tlog.verify(leaf_hash(proof.entry), small_log.keys).checkpoint.size == 5


def test_every_flipped_bit_of_a_proof_file_is_refused() -> None:
    small_log = SmallLog(2)
    data = small_log.proof_file(1).format()
    for at in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[at] ^= 1 << bit
            with pytest.raises(LedgerError):
                ProofFile.parse(bytes(flipped)).verify(small_log.keys)


def test_every_shortened_proof_file_is_refused() -> None:
    small_log = SmallLog(2)
    data = small_log.proof_file(1).format()
    for end in range(len(data)):
        with pytest.raises(LedgerError):
            ProofFile.parse(data[:end]).verify(small_log.keys)
    with pytest.raises(MalformedError):
        ProofFile.parse(data + b"\n")


def test_another_entrys_header_or_payload_does_not_open_an_entry(small_log: SmallLog) -> None:
    proof, other = small_log.proof_file(4), small_log.proof_file(3)
    for change, kind in (({"header": other.header}, "header"), ({"payload": other.payload}, "payload")):
        with pytest.raises(TamperError) as caught:
            proof._replace(**change).verify(small_log.keys)
        assert (caught.value.position, caught.value.kind) == (4, kind)


def test_another_entry_does_not_stand_at_the_position(small_log: SmallLog) -> None:
    with pytest.raises(TamperError) as caught:
        ProofFile(small_log.entries[2], small_log.proof_file(4).tlog).verify(small_log.keys)
    assert (caught.value.position, caught.value.kind) == (4, "inclusion")


def test_salt_and_content_cannot_be_divided_in_another_way(small_log: SmallLog) -> None:
    proof = small_log.proof_file(4)
    salt, content = proof.payload or Opening(b"", b"")
    moved = proof._replace(payload=Opening(salt + content[:1], content[1:]))
    with pytest.raises(MalformedError, match="17 bytes, not 16"):
        ProofFile.parse(moved.format())


def test_a_proof_for_another_log_or_by_an_unknown_key_is_unverified(small_log: SmallLog) -> None:
    proof = small_log.proof_file(4)
    with pytest.raises(UnverifiedError):
        proof.verify(small_log.keys, "example.com/other")
    with pytest.raises(UnverifiedError):
        proof.verify([SignerKey.generate(ORIGIN).verifier])


def test_an_extra_line_is_read_in_a_tlog_proof_and_refused_in_a_proof_file(small_log: SmallLog) -> None:
    proof = small_log.proof_file(4)
    tlog = proof.tlog._replace(extra=b"context")
    assert b"extra Y29udGV4dA==\n" in tlog.format()
    assert TlogProof.parse(tlog.format()) == tlog
    with pytest.raises(MalformedError, match="extra"):
        ProofFile.parse(proof._replace(tlog=tlog).format())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v2\n"),
        ("index 3\n", ""),
        ("index 3\n", "index 03\n"),
        ("index 3\n", "index 3\nindex 3\n"),
        ("index 3\n", "extra \nindex 3\n"),
        ("index 3\n", "index 3\nextra YQ==\n"),
        ("index 3\n", "index 3\nAAAA\n"),
        ("chipledger/proof/v1\n", "chipledger/proof/v2\n"),
        ("chipledger/proof/v1\n", "chipledger/proof/v1\n\n"),
        ("\nentry ", "\nentry  "),
        ("\nheader ", "\nhead "),
        ("\npayload ", "\nheader "),
        ("\npayload ", " AAAA\npayload "),
        ("\npayload ", "\npayload AAAA "),
        ("example.com/ledger\n5\n", "example.com/ledger\n5\n\n"),
    ],
)
def test_proof_files_that_are_not_canonical_are_malformed(small_log: SmallLog, old: str, new: str) -> None:
    text = small_log.proof_file(4).format().decode()
    assert old in text
    with pytest.raises(MalformedError):
        ProofFile.parse(text.replace(old, new, 1).encode())


def test_a_disclosed_header_that_is_not_canonical_is_malformed(small_log: SmallLog) -> None:
    proof = small_log.proof_file(4)
    with pytest.raises(MalformedError, match="header"):
        ProofFile.parse(proof._replace(header=Opening(bytes(16), b"not a header\n")).format())
