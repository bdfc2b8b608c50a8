"""What a stored payload can do: state an event that this release knows, or be shown as it stands. Nothing else."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.event import Basis, Opaque
from ledger.domain.kind import Fact, Step
from ledger.domain.registry import EVENT_TYPES, project, read_payload, refusal
from ledger.domain.site import Registered

from .stories import read, story, told

HOSTILE = [
    b'{"originator_topic": "os:system"}',
    b'{"originator_topic":"antigravity:fly","_topic_":"os:system","basis":"declared"}',
    b'{"basis":"declared","__class__":"os.system"}',
    b'{"_type_":"datetime_iso","_data_":"2024-01-01"}',
    b'{"basis":"declared","py/object":"subprocess.Popen"}',
    b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x06system\x94\x93\x94.",
    b"!!python/object/apply:os.system ['true']",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"basis":"declared","power_kw":' + b'{"min":' * 100_000,
    b"9" * 100_000,
    b'{"basis":"declared","power_kw":' + b"9" * 100_000 + b"}",
    b'{"basis":"declared","power_kw":1e999999}',
    b'{"basis":"declared","power_kw":"1e99"}',
    b"\xff\xfe{",
    b'{"basis":"declared","name":"\xed\xa0\x80"}',
    b'{"basis":"declared","name":"\\ud800"}',
    b'\xef\xbb\xbf{"basis":"declared"}',
    b"",
    b"null",
    b"NaN",
    b"[]",
    b'"declared"',
    b"\x00" * 100,
]


@pytest.mark.parametrize("payload", HOSTILE, ids=lambda payload: repr(payload[:40]))
@pytest.mark.parametrize(
    "type_name", ["site.registered", "site.corrected", "os.system", "antigravity:fly", "", "site.\x00"]
)
def test_a_hostile_payload_is_read_as_opaque_and_imports_nothing(type_name: str, payload: bytes) -> None:
    before = set(sys.modules)
    assert isinstance(read_payload(type_name, 1, payload), Opaque)
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    "payload",
    [
        b'{"basis":"declared","basis":"attested"}',  # another reader takes the first
        b'{"basis":"declared","power_kw":{"min":1,"min":2}}',
        b'{"power_kw":1,"basis":"declared"}',
        b'{"basis": "declared"}',
        b'{"basis":"declared"}\n',
        b'{"basis":"d\\u0065clared"}',
        b'{"basis":"declared","power_kw":-0}',
        b'{"basis":"declared","power_kw":"1e3"}',
        b'{"basis":"declared","power_kw":"64"}',
    ],
)
def test_a_payload_that_is_not_canonical_is_opaque_since_two_readers_could_differ_on_it(payload: bytes) -> None:
    assert isinstance(read_payload("site.registered", 1, payload), Opaque)


@pytest.mark.parametrize("version", [2, 99, 0, -1, 2**70])
def test_a_class_version_that_this_release_does_not_know_is_opaque(version: int) -> None:
    event = read_payload("site.registered", version, b'{"basis":"declared","colour":"red"}')
    assert event == Opaque("site.registered", version, {"basis": "declared", "colour": "red"})


@settings(deadline=None)
@given(st.sampled_from(sorted(EVENT_TYPES)), st.binary(max_size=200))
def test_no_bytes_make_reading_raise(type_name: str, payload: bytes) -> None:
    assert isinstance(read_payload(type_name, 1, payload), Opaque)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.sampled_from(sorted(EVENT_TYPES)), st.data())
def test_no_json_makes_reading_or_folding_raise(type_name: str, data: Any) -> None:
    step = EVENT_TYPES[type_name]
    names = st.sampled_from(sorted(step.event.__struct_encode_fields__))
    fields = {"basis": "declared"} | data.draw(st.dictionaries(names, json_values, max_size=4))
    event = read_payload(type_name, 1, json.dumps(fields, sort_keys=True, separators=(",", ":")).encode())
    stream = f"{type_name.partition('.')[0]}:x"
    assert project(None, [Fact(stream, 1, type_name, event)]) is not None


def test_a_stream_with_an_opaque_event_is_read_and_never_extended() -> None:
    known = story("site:x", ("registered", {"occurred_at": "2024"}), ("completed", {"occurred_at": "2025"}))
    facts = [known[0], Fact("site:x", 2, "site.teleported", Opaque("site.teleported", 1, {"to": "moon"}))]
    subject = read([*facts, Fact("site:x", 3, "site.completed", known[1].event)])
    assert subject.read_only
    assert subject.status == "completed"
    assert [entry.verb for entry in subject.entries] == ["registered", "completed"]
    assert len(subject.facts) == 3
    assert "version 2 of the stream cannot be read by this release" in str(
        refusal(facts, told("site:x", 3, "completed"))
    )


def test_an_event_of_another_kind_in_a_stream_is_passed_over_and_the_stream_is_read_only() -> None:
    departed = told("shipment:x", 1, "departed").event
    facts = [told("site:x", 1, "registered"), Fact("site:x", 2, "shipment.departed", departed)]
    subject = read(facts)
    assert subject.read_only
    assert [entry.verb for entry in subject.entries] == ["registered"]


def test_a_stream_of_a_kind_that_nobody_knows_is_shown_and_read_only() -> None:
    subject = read([Fact("satellite:x", 1, "satellite.launched", Opaque("satellite.launched", 1, {}))])
    assert subject.read_only
    assert (subject.status, subject.entries, subject.irregular) == ("", (), ())


def rename_megawatts(fields: dict[str, Any]) -> dict[str, Any]:
    """From a version 1 that stated power in megawatts."""
    return {name: item for name, item in fields.items() if name != "power_mw"} | {"power_kw": fields["power_mw"] * 1000}


def name_the_place(fields: dict[str, Any]) -> dict[str, Any]:
    """From a version 2 that called the place a city."""
    return {"place" if name == "city" else name: item for name, item in fields.items()}


def test_an_older_class_version_is_upcast_step_by_step_and_read_as_strictly(monkeypatch: pytest.MonkeyPatch) -> None:
    step = Step("registered", Registered, opens=True, upcasts=(rename_megawatts, name_the_place))
    monkeypatch.setitem(EVENT_TYPES, "site.registered", step)
    assert step.version == 3
    first = read_payload("site.registered", 1, b'{"basis":"declared","city":"Johor Bahru","power_mw":30}')
    second = read_payload("site.registered", 2, b'{"basis":"declared","city":"Johor Bahru","power_kw":30000}')
    third = read_payload("site.registered", 3, b'{"basis":"declared","place":"Johor Bahru","power_kw":30000}')
    assert isinstance(first, Registered)
    assert first == second == third
    assert first.basis is Basis.DECLARED
    for version, payload in (
        (1, b'{"basis":"declared"}'),  # the upcaster finds no power_mw
        (1, b'{"basis":"declared","power_mw":"x"}'),  # the upcast event is not valid
        (1, b'{"power_mw":30,"basis":"declared"}'),  # not canonical
        (1, b"[1]"),
        (1, b'{"basis":"declared","power_mw":null}'),
        (4, b'{"basis":"declared"}'),
    ):
        assert isinstance(read_payload("site.registered", version, payload), Opaque)
