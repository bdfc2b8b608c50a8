"""Signed notes: the specification's example, round trips, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import LedgerError, MalformedError, TamperError, UnverifiedError
from ledger.log.note import (
    MAX_SIGNATURES,
    Note,
    Signature,
    SignerKey,
    VerifierKey,
    format_note,
    open_note,
    parse_note,
    sign,
)

from .small_log import SIGNER

SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()

SEED_TEXT = "PRIVATE+KEY+example.com/ledger+93727de6+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
KEY_TEXT = "example.com/ledger+93727de6+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"

names = st.from_regex(r"[a-z0-9./-]{1,30}", fullmatch=True)
lines = st.lists(st.text(st.characters(exclude_categories=["C"]), max_size=30), min_size=1, max_size=5)
texts = lines.map(lambda parts: "".join(f"{part}\n" for part in parts))
signatures = st.lists(
    st.builds(Signature, names, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80)),
    min_size=1,
    max_size=4,
    unique_by=lambda signature: signature[:2],
).map(tuple)


def test_the_specifications_example_verifies() -> None:
    key = VerifierKey.parse(SPEC_KEY)
    opened = open_note(SPEC_NOTE, [key])
    assert opened == ("This is an example message.\n", (key,))
    assert str(key) == SPEC_KEY


def test_the_bytes_of_a_note_are_pinned() -> None:
    assert (
        format_note(sign("one\n\ntwo\n", SIGNER))
        == (
            "one\n"
            "\n"
            "two\n"
            "\n"
            "— example.com/ledger k3J95tL2OOOk1/kp1hbQ8Du6VaBblB7uQ5AKJDhl349oBd5ULO/6tbRBceRxJzDkaJobqq8YGbb"
            "nXcmhPhWndCyCxgI=\n"
        ).encode()
    )


def test_keys_are_these_texts() -> None:
    assert SignerKey.parse(SEED_TEXT).text() == SEED_TEXT
    assert str(SIGNER.verifier) == KEY_TEXT
    assert VerifierKey.parse(KEY_TEXT) == SIGNER.verifier


def test_a_generated_key_signs_what_its_verifier_opens() -> None:
    signer = SignerKey.generate("example.com/new")
    assert SignerKey.parse(signer.text()) == signer
    note = format_note(sign("text\n", signer))
    assert open_note(note, [signer.verifier]) == ("text\n", (signer.verifier,))


def test_neither_repr_nor_str_of_a_signer_shows_its_secret() -> None:
    secret = SEED_TEXT.rpartition("+")[2]
    seed = bytes(range(32))
    for shown in (repr(SIGNER), str(SIGNER), f"{SIGNER}"):
        assert secret not in shown
        assert repr(seed) not in shown
        assert seed.hex() not in shown


@given(texts, signatures)
def test_notes_round_trip(text: str, signed: tuple[Signature, ...]) -> None:
    note = Note(text, signed)
    assert parse_note(format_note(note)) == note


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_bytes_that_parse_as_a_note_are_its_only_spelling(data: bytes) -> None:
    try:
        note = parse_note(data)
    except MalformedError:
        return
    assert format_note(note) == data


def test_every_flipped_bit_of_a_note_is_refused() -> None:
    for at in range(len(SPEC_NOTE)):
        for bit in range(8):
            data = bytearray(SPEC_NOTE)
            data[at] ^= 1 << bit
            with pytest.raises(LedgerError):
                open_note(bytes(data), [VerifierKey.parse(SPEC_KEY)])


def with_signatures(*added: Signature) -> bytes:
    note = sign("text\n", SIGNER)
    return format_note(note._replace(signatures=note.signatures + added))


def test_signatures_by_unknown_keys_are_ignored() -> None:
    same_name = Signature(SIGNER.name, b"\x00\x00\x00\x00", b"whatever")
    same_id = Signature("elsewhere.example", SIGNER.verifier.key_id, b"whatever")
    data = with_signatures(same_name, same_id)
    assert open_note(data, [SIGNER.verifier]).signed_by == (SIGNER.verifier,)


def test_a_failing_signature_by_a_known_key_refuses_the_note() -> None:
    other = SignerKey.generate("witness.example")
    data = with_signatures(Signature(other.name, other.verifier.key_id, bytes(64)))
    assert open_note(data, [SIGNER.verifier]).signed_by == (SIGNER.verifier,)
    with pytest.raises(TamperError) as caught:
        open_note(data, [SIGNER.verifier, other.verifier])
    assert not isinstance(caught.value, UnverifiedError)


def test_a_note_that_no_known_key_signed_is_unverified() -> None:
    for keys in ([], [SignerKey.generate(SIGNER.name).verifier]):
        with pytest.raises(UnverifiedError):
            open_note(with_signatures(), keys)


def test_sixteen_signatures_are_accepted_and_seventeen_are_not() -> None:
    added = [Signature("w.example", bytes([0, 0, 0, at]), b"x") for at in range(MAX_SIGNATURES)]
    assert len(parse_note(with_signatures(*added[1:])).signatures) == 16
    with pytest.raises(MalformedError, match="signatures"):
        with_signatures(*added)


def test_a_second_signature_by_one_key_is_refused() -> None:
    with pytest.raises(MalformedError, match="one key"):
        with_signatures(Signature(SIGNER.name, SIGNER.verifier.key_id, b"x"))


SIGNATURE_LINE = "— example.com/foo Uw2QOkk=\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text\n",
        "text\n\n",
        SIGNATURE_LINE,
        "\n" + SIGNATURE_LINE,
        "text\n" + SIGNATURE_LINE,
        "text\n\n" + SIGNATURE_LINE[:-1],
        "text\n\n" + SIGNATURE_LINE + "\n",
        "text\n\n" + SIGNATURE_LINE + "more\n",
        "text\r\n\n" + SIGNATURE_LINE,
        "te\txt\n\n" + SIGNATURE_LINE,
        "text\n\n- example.com/foo Uw2QOkk=\n",
        "text\n\n—  Uw2QOkk=\n",
        "text\n\n— a+b Uw2QOkk=\n",
        "text\n\n— a\u00a0b Uw2QOkk=\n",
        "text\n\n— a\u2028b Uw2QOkk=\n",
        "text\n\n— a Uw2QOkk= \n",
        "text\n\n— a  Uw2QOkk=\n",
        "text\n\n— a Uw2QOg==\n",
        "text\n\n— a Uw2QOkl=\n",
    ],
)
def test_notes_that_are_not_canonical_are_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_note(text.encode())


@pytest.mark.parametrize("text", ["no newline", "", "cr\r\n", "\ud800\n"])
def test_a_text_that_no_note_can_hold_is_refused_when_it_is_written(text: str) -> None:
    with pytest.raises(MalformedError):
        format_note(Note(text, (Signature("a", bytes(4), b"x"),)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+93727de6",
        KEY_TEXT.replace("93727de6", "93727DE6"),
        KEY_TEXT.replace("93727de6", "93727de7"),
        KEY_TEXT.replace("93727de6", "93727de"),
        KEY_TEXT.replace("93727de6", "93 727de6"),
        KEY_TEXT.replace("example.com/", "example.com "),
        KEY_TEXT.replace("example.com/ledger", ""),
        KEY_TEXT.replace("+AQ", "+BA"),
        KEY_TEXT + "\n",
        KEY_TEXT[:-4],
    ],
)
def test_verifier_keys_that_are_not_canonical_are_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        VerifierKey.parse(text)


@pytest.mark.parametrize(
    "text", [KEY_TEXT, SEED_TEXT.replace("93727de6", "00000000"), SEED_TEXT + "\n", SEED_TEXT[:-4]]
)
def test_signer_keys_that_are_not_canonical_are_malformed(text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        SignerKey.parse(text)
    assert "AQABAgME" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u2003b", "a\x01"])
def test_a_name_that_cannot_name_a_key_is_misuse(name: str) -> None:
    with pytest.raises(ValueError, match="key name"):
        SignerKey.generate(name)
