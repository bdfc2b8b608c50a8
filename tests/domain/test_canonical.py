"""Payload bytes are RFC 8785 canonical JSON, by another implementation of it, and read back to the same event."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from ledger.domain.codec import canonical, decode_event, encode_event, event_fields, event_from_fields
from ledger.domain.correction import Corrected
from ledger.domain.event import Basis, Chip, Country, Event
from ledger.domain.party import Registered
from ledger.domain.quantity import Count
from ledger.domain.registry import EVENT_TYPES, read_payload
from ledger.domain.shipment import Declared, Line
from ledger.domain.site import Registered as Site
from ledger.domain.when import When

from .shapes import any_json, example, payloads

STRUCTS = sorted({step.event for step in EVENT_TYPES.values()}, key=lambda kind: kind.__module__ + kind.__qualname__)
VECTORS = Path(__file__).parents[3] / "shared" / "real" / "vectors" / "json_canonicalization" / "testdata"
needs_vectors = pytest.mark.skipif(not VECTORS.exists(), reason="shared/real/vectors is not beside this checkout")


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: f"{kind.__module__.rpartition('.')[2]}.{kind.__qualname__}")
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_event_encodes_to_the_bytes_of_rfc_8785_and_reads_back_the_same(kind: type[Event], data: Any) -> None:
    event = event_from_fields(kind, data.draw(payloads(kind)))
    payload = encode_event(event)
    assert rfc8785.dumps(json.loads(payload)) == payload
    assert decode_event(kind, payload) == event
    assert event_from_fields(kind, event_fields(event)) == event
    assert encode_event(decode_event(kind, payload)) == payload


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_the_fewest_and_the_most_fields_that_a_type_takes_are_read_from_a_payload(name: str) -> None:
    kind = EVENT_TYPES[name].event
    for full in (True, False):
        payload = encode_event(event_from_fields(kind, example(kind, full=full)))
        assert type(read_payload(name, EVENT_TYPES[name].version, payload)) is kind


@given(any_json)
def test_any_value_that_a_correction_takes_encodes_to_the_bytes_of_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)
    assert Corrected(basis=Basis.DECLARED, corrects=1, reason="late paper", replace={"/note": value}).replace


@pytest.mark.parametrize(
    ("value", "lesson"),
    [
        (1.5, "write fractions and exponents as a string"),
        (1.0, "as a string"),
        (float("inf"), "as a string"),
        (2**53, "write it as a string"),
        ({"\U00010000": 1, "\uffff": 2}, "no field's name"),  # RFC 8785 sorts by UTF-16, msgspec by code point
        ({"é": 1}, "no field's name"),
        ({"": 1}, "no field's name"),
        ("", "is empty"),
        ("a\x00", "cannot be seen"),
        ("a\u202e", "cannot be seen"),
        ("\ud800", "cannot be seen"),
        (["a", {"b": ["\x7f"]}], "cannot be seen"),
    ],
)
def test_a_correction_refuses_what_no_event_holds_or_canonical_json_writes_otherwise(value: Any, lesson: str) -> None:
    with pytest.raises(ValueError, match=lesson):
        Corrected(basis=Basis.DECLARED, corrects=1, reason="late paper", replace={"/note": value})


def test_a_correction_nested_too_deeply_is_refused_before_anything_recurses_into_it() -> None:
    value: Any = 1
    for _ in range(500):
        value = [value]
    with pytest.raises(ValueError, match="nested more than 16 deep"):
        Corrected(basis=Basis.DECLARED, corrects=1, reason="late paper", replace={"/note": value})


def test_absent_unknown_and_none_are_three_things_and_stay_so() -> None:
    absent, unknown, none = (
        Registered(basis=Basis.REPORTED),
        Registered(basis=Basis.REPORTED, headquartered_in=None),
        Registered(basis=Basis.REPORTED, headquartered_in=()),
    )
    payloads_of_them = [encode_event(event) for event in (absent, unknown, none)]
    assert payloads_of_them == [
        b'{"basis":"reported"}',
        b'{"basis":"reported","headquartered_in":null}',
        b'{"basis":"reported","headquartered_in":[]}',
    ]
    assert [decode_event(Registered, payload).headquartered_in for payload in payloads_of_them] == [UNSET, None, ()]


def test_values_of_their_own_classes_come_back_in_them() -> None:
    line = Line(line="1", chip=Chip("other:H20 96 GB"), quantity=Count.parse({"min": 8}))
    event = Declared(basis=Basis.DECLARED, lines=(line,), origin=Country("TW"), occurred_at=When.parse("2024-03"))
    again = decode_event(Declared, encode_event(event))
    assert again == event
    assert isinstance(again.lines[0].chip, Chip)
    assert isinstance(again.lines[0].quantity, Count)
    assert isinstance(again.origin, Country)


@pytest.mark.parametrize(
    ("payload", "where"),
    [
        (b'{"basis":"declared","power_kw":1.5}', "$.power_kw"),
        (b'{"basis":"declared","power_kw":9007199254740992}', "$.power_kw"),
        (b'{"basis":"declared","power_kw":{"min":2,"max":1}}', "$.power_kw"),
        (b'{"basis":"declared","country":"UK"}', "$.country"),
        (b'{"basis":"declared","country":7}', "$.country"),
        (b'{"basis":"declared","occurred_at":"2024-02-30"}', "$.occurred_at"),
        (b'{"basis":"declared","evidence":[{"sha256":"AB"}]}', "$.evidence[0].sha256"),
        (b'{"basis":"rumoured"}', "$.basis"),
        (b'{"basis":"declared","powerkw":1}', "powerkw"),
        (b"{}", "basis"),
        (b'{"basis":"declared","state_funded":"yes"}', "$.state_funded"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(payload: bytes, where: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        decode_event(Site, payload)
    assert where in str(refused.value)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b'{"basis":"declared"',
        b'{"basis":"declared"} {}',
        b'{"basis":"declared","note":"\xff"}',
        b'{"basis":"declared","note":"\\ud800"}',
        b'{"basis":"declared","power_kw":NaN}',
        b'{"basis":"declared","power_kw":' + b'{"min":' * 50_000,
        b'{"basis":"declared","power_kw":' + b"9" * 10_000 + b"}",
    ],
)
def test_bytes_that_are_not_json_are_one_kind_of_error(payload: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_event(Site, payload)


def test_fields_from_python_are_read_as_strictly_as_bytes_and_nan_is_not_a_way_to_say_unknown() -> None:
    for wrong in (float("nan"), 1.5, datetime(2024, 3, 5, tzinfo=UTC), "\ud800"):
        with pytest.raises(msgspec.ValidationError):
            event_from_fields(Site, {"basis": "declared", "power_kw": wrong})
    with pytest.raises(msgspec.ValidationError):
        event_from_fields(Site, {"basis": "declared", "name": "\ud800"})


@pytest.mark.parametrize(
    "chip", ["", "H100 SXM", "other:", "other: x", "other:a\u202eb", "other:a\nb", "a\x1b", "x" * 65]
)
def test_a_chip_is_a_catalogue_id_or_other_and_a_name(chip: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="neither a chip's id"):
        event_from_fields(Declared, {"basis": "declared", "lines": [{"line": "1", "chip": chip}]})


def test_a_chip_is_resolved_on_the_way_in_and_a_refusal_names_its_field() -> None:
    fields = {"basis": "declared", "lines": [{"line": "1", "chip": "H100"}]}
    event = event_from_fields(Declared, fields, lambda name: f"nvidia-{name.lower()}")
    assert event.lines[0].chip == "nvidia-h100"

    def unknown(name: str) -> str:
        raise ValueError(f"{name} is not in the catalogue; did you mean H200?")

    with pytest.raises(msgspec.ValidationError, match=r"did you mean H200\? - at `\$\.lines\[0\]\.chip`"):
        event_from_fields(Declared, fields, unknown)


@needs_vectors
@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_the_published_vectors_agree_where_they_hold_no_more_than_this_format_allows(name: str) -> None:
    value = _allowed(json.loads((VECTORS / "input" / f"{name}.json").read_text("utf-8")))
    published = (VECTORS / "output" / f"{name}.json").read_bytes()
    assert canonical(value) == rfc8785.dumps(_allowed(json.loads(published)))
    if name not in ("values", "weird"):
        assert canonical(value) == published


def _allowed(value: Any) -> Any:
    """`value` without fractions, and without keys beyond the characters that sort alike in UTF-8 and UTF-16."""
    if isinstance(value, dict):
        return {key: _allowed(item) for key, item in value.items() if max(key, default="") < "\U00010000"}
    if isinstance(value, list):
        return [_allowed(item) for item in value if not isinstance(item, float) or (item.is_integer() and item < 2**53)]
    return int(value) if isinstance(value, float) else value
