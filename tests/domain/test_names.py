"""Names and texts: nothing that cannot be seen, or that makes one thing read as another; every script that can."""

from __future__ import annotations

import json

import msgspec
import pytest

from ledger.domain.event import Name, Serial, Text, Uri
from ledger.domain.key import VerifierKeyText
from ledger.domain.stream import StreamId, kind_of, label_from

name = msgspec.json.Decoder(Name)
text = msgspec.json.Decoder(Text)


def quoted(value: str) -> bytes:
    return json.dumps(value).encode()


HIDDEN = {
    "a NUL": "a\0b",
    "an escape, which a terminal obeys": "a\x1b[2Jb",
    "a delete": "a\x7fb",
    "a C1 control": "a\x9bb",
    "a right-to-left override": "a\u202eb",
    "a left-to-right isolate": "a\u2066b",
    "a right-to-left mark": "a\u200fb",
    "an Arabic letter mark": "a\u061cb",
    "a zero-width space": "Hua\u200bwei",
    "a word joiner": "Hua\u2060wei",
    "an invisible plus": "a\u2064b",
    "a byte order mark": "\ufeffa",
    "a soft hyphen": "Hua\xadwei",
    "a line separator": "a\u2028b",
    "an interlinear annotation": "a\ufff9b",
    "a Hangul filler, which looks like nothing": "\u3164",
    "a half-width Hangul filler": "\uffa0",
    "a tag, which spells in secret": "a\U000e0041b",
    "a noncharacter": "a\uffffb",
}


@pytest.mark.parametrize("value", HIDDEN.values(), ids=HIDDEN.keys())
def test_what_cannot_be_seen_stands_in_no_name_and_in_no_text(value: str) -> None:
    for decoder in (name, text):
        with pytest.raises(msgspec.ValidationError):
            decoder.decode(quoted(value))


@pytest.mark.parametrize(
    "value",
    [
        "",
        " a",
        "a ",
        "a\n",
        "a\nb",
        "a\tb",
        "\u00a0a",
        "a\u3000",
        "a" * 301,
        "Hua\u200cwei",
        "\u200da",
        "ن\u200c\u200cد",
    ],
)
def test_a_name_is_one_line_without_space_around_it_or_a_joiner_that_joins_nothing(value: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        name.decode(quoted(value))


@pytest.mark.parametrize(
    "value",
    [
        "华为技术有限公司",
        "شركة الاتصالات",
        "نمی\u200cدانم",  # noqa: RUF001 - Persian is written with a joiner
        "क\u094d\u200dष",
        "Zürcher Größe",
        "e\u0301tude",
        "삼성전자",
        "東京エレクトロン㈱",
        "葛\U000e0100城",  # a variation selector: this form of the character, not another
        "AT&T, Inc. (d/b/a “X”)",
        "7",
        "a" * 300,
    ],
)
def test_a_name_may_be_written_in_any_script(value: str) -> None:
    assert name.decode(quoted(value)) == value
    assert text.decode(quoted(value)) == value


def test_a_text_may_have_lines_and_tabs() -> None:
    assert text.decode(quoted("one\n\ttwo")) == "one\n\ttwo"


@pytest.mark.parametrize("escaped", [rb'"a\ud800b"', rb'"\udc00"', rb'"\ud800\ud800"', b'"\xed\xa0\x80"', b'"\xff"'])
def test_a_lone_surrogate_or_a_byte_that_is_not_utf_8_is_no_text_at_all(escaped: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        name.decode(escaped)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Serial, "SN 1"),
        (Serial, "SN\n"),
        (Uri, "https://example.com/ü"),
        (Uri, "/etc/passwd"),
        (VerifierKeyText, "a\x1b]0;b+0a1b2c3d+AAAA"),
        (VerifierKeyText, "a\u202eb+0a1b2c3d+AAAA"),
        (VerifierKeyText, "a b+0a1b2c3d+AAAA"),
        (StreamId, "Shipment:1"),
        (StreamId, "shipment:"),
        (StreamId, "shipment:a/b"),
        (StreamId, "shipment:a\n"),
        (StreamId, "shipment:" + "a" * 129),
    ],
)
def test_identifiers_take_only_their_own_characters(kind: type, value: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(quoted(value), type=kind)


def test_the_kind_of_a_stream_is_what_stands_before_the_colon() -> None:
    assert kind_of("shipment:sg-2024-017") == "shipment"
    for wrong in ("shipment", "shipment:", "Shipment:x", "shipment:x y", "shipment:x\n", "shipment:ü", "ship-ment:x"):
        with pytest.raises(ValueError, match="not a stream id: write kind:label"):
            kind_of(wrong)


@pytest.mark.parametrize("written", ["NVIDIA Corporation", "华为", " --x-- ", "Ünï", "a" * 500, "A/B & C", ""])
def test_a_label_made_from_a_name_is_empty_or_makes_a_stream_id(written: str) -> None:
    label = label_from(written)
    assert not label or kind_of(f"party:{label}") == "party"
