"""Checkpoints: their bytes, and whose word they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import MalformedError, UnverifiedError
from ledger.log.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from ledger.log.note import SignerKey, format_note, sign

from .small_log import ORIGIN, SIGNER, SmallLog

ROOT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
TEXT = f"example.com/ledger\n5\n{ROOT}\n"
CHECKPOINT = Checkpoint("example.com/ledger", 5, bytes(range(32)))

words = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=30)
checkpoints = st.builds(
    Checkpoint,
    words,
    st.integers(min_value=0, max_value=2**63 - 1),
    st.binary(min_size=32, max_size=32),
    st.lists(words, max_size=3).map(tuple),
)


def test_the_checkpoint_is_these_bytes() -> None:
    assert CHECKPOINT.format() == TEXT
    assert Checkpoint.parse(TEXT) == CHECKPOINT
    assert Checkpoint.parse(TEXT + "extension\n") == CHECKPOINT._replace(extensions=("extension",))
    assert (
        CHECKPOINT.sign(SIGNER)
        == (
            "example.com/ledger\n"
            "5\n"
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
            "\n"
            "— example.com/ledger k3J95sDhhmqR8qx3VKdREJYd16qvFdUP0ycLfHuC2cq94+4jVHRLOL9tzTnoh47/XsUu5ZqDZjO"
            "7Kg2PFpTArwJoDw0=\n"
        ).encode()
    )


@given(checkpoints)
def test_checkpoints_round_trip(checkpoint: Checkpoint) -> None:
    assert Checkpoint.parse(checkpoint.format()) == checkpoint


def test_a_signed_checkpoint_opens(small_log: SmallLog) -> None:
    signed = open_checkpoint(small_log.checkpoint(5), small_log.keys, ORIGIN)
    assert signed.checkpoint == Checkpoint(ORIGIN, 5, small_log.roots[5])
    assert signed.signed_by == (SIGNER.verifier,)
    assert parse_checkpoint(small_log.checkpoint(5)) == signed.checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/ledger\n5\n",
        TEXT[:-1],
        "\n" + TEXT,
        TEXT + "\n",
        TEXT + "one\n\ntwo\n",
        TEXT.replace("\n5\n", "\n05\n"),
        TEXT.replace("\n5\n", "\n-5\n"),
        TEXT.replace("\n5\n", "\n 5\n"),
        TEXT.replace(ROOT, ROOT[:-4]),
        TEXT.replace("8=", "9="),
    ],
)
def test_checkpoints_that_are_not_canonical_are_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "checkpoint",
    [
        CHECKPOINT._replace(origin=""),
        CHECKPOINT._replace(origin="a\nb"),
        CHECKPOINT._replace(size=-1),
        CHECKPOINT._replace(root=b"short"),
        CHECKPOINT._replace(extensions=("",)),
        CHECKPOINT._replace(extensions=("a\nb",)),
    ],
)
def test_a_checkpoint_that_no_text_can_hold_is_refused_when_it_is_written(checkpoint: Checkpoint) -> None:
    with pytest.raises(MalformedError):
        checkpoint.format()


def test_a_checkpoint_of_another_origin_is_unverified(small_log: SmallLog) -> None:
    with pytest.raises(UnverifiedError, match=r"not of example\.com/other"):
        open_checkpoint(small_log.checkpoint(5), small_log.keys, "example.com/other")


def test_one_trusted_log_cannot_speak_for_another() -> None:
    other = SignerKey.generate("example.com/other")
    forged = format_note(sign(CHECKPOINT.format(), other))
    with pytest.raises(UnverifiedError, match=r"no known key of example\.com/ledger"):
        open_checkpoint(forged, [SIGNER.verifier, other.verifier], ORIGIN)


def test_a_key_signs_checkpoints_of_its_own_origin_only() -> None:
    with pytest.raises(ValueError, match="named after its origin"):
        CHECKPOINT._replace(origin="example.com/other").sign(SIGNER)
