"""Consistency proofs: their bytes, and what they refuse."""

from __future__ import annotations

import pytest

from ledger.errors import LedgerError, MalformedError, TamperError, UnverifiedError
from ledger.log.checkpoint import Checkpoint
from ledger.log.consistency import ConsistencyProof
from ledger.log.merkle import consistency_proof
from ledger.log.note import SignerKey

from .small_log import ORIGIN, SmallLog


def prove(log: SmallLog, old: int, new: int) -> ConsistencyProof:
    return ConsistencyProof(old, log.roots[old], tuple(consistency_proof(old, new, log.read)), log.checkpoint(new))


def test_a_consistency_proof_is_these_bytes(small_log: SmallLog) -> None:
    assert (
        prove(small_log, 3, 5).format()
        == (
            "chipledger/consistency/v1\n"
            "old 3 4ewmWdfBje5j4kMGHDDGzzqzrUBkN0hAyzC4PL37rVA=\n"
            "lwGhRTmTHjGD60SDTe3SxQkZvLGOjtXwDoMJalk5sMs=\n"
            "+4oRH3kFQk/PHySuxtz8BI9A1vADDwPhZACcP3qamp0=\n"
            "jJmrgmY4cPMGfnkLvEhhjZkaabswF50VWCwnOw3r26w=\n"
            "FiTUso4wIXzy0/7Wd6+ixO1AF8SnD2AAHL0ZbpimYBA=\n"
            "\n"
            "example.com/ledger\n"
            "5\n"
            "6q9ADZDgN5w3lxmGnloBUtr40NaOWbMGZDf6u6/G62k=\n"
            "\n"
            "— example.com/ledger k3J95pasig0NQE0VizXu87hiz6YSodp+Quxt49tEwiPki+wYR3kadN0ru+kS5Rc0uTksmdG7DC7"
            "I9fXydTXDbfJ4KQk=\n"
        ).encode()
    )


def test_consistency_proofs_round_trip_and_verify_between_all_sizes() -> None:
    log = SmallLog(9)
    for new in range(1, 10):
        for old in range(1, new + 1):
            proof = prove(log, old, new)
            assert ConsistencyProof.parse(proof.format()) == proof
            held = Checkpoint(ORIGIN, old, log.roots[old])
            assert proof.verify(log.keys, held=held).checkpoint.size == new


def test_every_flipped_bit_of_a_consistency_proof_is_refused(small_log: SmallLog) -> None:
    data = prove(small_log, 3, 5).format()
    for at in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[at] ^= 1 << bit
            with pytest.raises(LedgerError):
                ConsistencyProof.parse(bytes(flipped)).verify(small_log.keys)


def test_a_proof_that_starts_at_another_tree_than_the_one_held_is_refused(small_log: SmallLog) -> None:
    proof = prove(small_log, 3, 5)
    with pytest.raises(TamperError, match="another tree"):
        proof.verify(small_log.keys, held=Checkpoint(ORIGIN, 3, bytes(32)))
    with pytest.raises(UnverifiedError, match=r"not of example\.com/other"):
        proof.verify(small_log.keys, held=Checkpoint("example.com/other", 3, small_log.roots[3]))


def test_a_fork_is_not_consistent_with_what_was_signed_before(small_log: SmallLog) -> None:
    fork = SmallLog(2)
    for recorded_at in (1, 2, 3):
        fork.append(recorded_at)
    proof = prove(fork, 3, 5)
    assert proof.verify(fork.keys)
    with pytest.raises(TamperError):
        proof._replace(old_root=small_log.roots[3]).verify(small_log.keys)


def test_an_unknown_key_does_not_vouch_for_the_newer_tree(small_log: SmallLog) -> None:
    with pytest.raises(UnverifiedError):
        prove(small_log, 3, 5).verify([SignerKey.generate(ORIGIN).verifier])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("chipledger/consistency/v1\n", "chipledger/consistency/v2\n"),
        ("\nold 3 ", "\nold 03 "),
        ("\nold 3 ", "\nold 3  "),
        ("\nold 3 ", "\nnew 3 "),
        ("\nold 3 ", "\nold 3\n"),
        ("\nold 3 ", "\n\nold 3 "),
    ],
)
def test_consistency_proofs_that_are_not_canonical_are_malformed(small_log: SmallLog, old: str, new: str) -> None:
    text = prove(small_log, 3, 5).format().decode()
    assert old in text
    with pytest.raises(MalformedError):
        ConsistencyProof.parse(text.replace(old, new, 1).encode())
