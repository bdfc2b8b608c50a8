"""Corrections: nothing is overwritten, the latest word wins, and what one leaves is as valid as what it found."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.codec import decode_event, encode_event, event_fields, event_from_fields
from ledger.domain.correction import Corrected, patch
from ledger.domain.event import Event
from ledger.domain.kind import Fact
from ledger.domain.registry import project, refusal, type_of

from .stories import codes, read, story, told

LINES = [{"chip": None, "line": "1", "quantity": 8}, {"chip": None, "line": "2", "quantity": 16}]
DECLARED: tuple[str, dict[str, Any]] = ("declared", {"lines": LINES, "route": {"destination": {"country": "SG"}}})


def corrected(at: int = 1, **fields: Any) -> tuple[str, dict[str, Any]]:
    return "corrected", {"corrects": at, "reason": "the carrier's paper", **fields}


def retracted(at: int) -> tuple[str, dict[str, Any]]:
    return "retracted", {"corrects": at, "reason": "never happened"}


def said(*events: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """What the first event of a shipment says after the others."""
    event = next(
        entry for entry in read(story("shipment:x", *events)).entries if entry.fact.originator_version == 1
    ).event
    assert isinstance(event, Event)
    return event_fields(event)


def refused(*events: tuple[str, dict[str, Any]]) -> str:
    """Why the last event cannot stand after the others."""
    facts = story("shipment:x", *events[:-1])
    verb, fields = events[-1]
    return str(refusal(facts, told("shipment:x", len(facts) + 1, verb, **fields)))


def test_a_field_is_replaced_added_and_removed() -> None:
    now = said(DECLARED, corrected(replace={"/origin": "TW", "/lines/0/quantity": 9}, remove=["/route"]))
    assert now == {
        "basis": "declared",
        "lines": [{"chip": None, "line": "1", "quantity": 9}, LINES[1]],
        "origin": "TW",
    }


def test_a_field_within_a_field_is_replaced_and_a_list_is_added_to() -> None:
    third = {"chip": "other:H20", "line": "3"}
    now = said(DECLARED, corrected(replace={"/route/destination/country": "MY", "/lines/2": third}))
    assert now["route"] == {"destination": {"country": "MY"}}
    assert now["lines"] == [*LINES, third]


def test_a_field_becomes_known_to_be_unknown_or_none() -> None:
    now = said(DECLARED, corrected(replace={"/origin": None, "/authorisations": []}))
    assert now["origin"] is None
    assert now["authorisations"] == []


def test_a_field_gets_a_basis_of_its_own() -> None:
    fields = {"/lines/0/quantity": 9, "/basis_of": {"/lines/0/quantity": "attested"}}
    assert said(DECLARED, corrected(replace=fields))["basis_of"] == {"/lines/0/quantity": "attested"}


def test_indexes_mean_the_list_as_it_stood_in_whatever_order_they_are_written() -> None:
    for remove in (["/lines/0", "/lines/1"], ["/lines/1", "/lines/0"]):
        assert said(DECLARED, corrected(remove=remove))["lines"] == []
    assert said(DECLARED, corrected(replace={"/lines/1/quantity": 1}, remove=["/lines/0"]))["lines"] == [
        LINES[1] | {"quantity": 1}
    ]


def test_twelve_items_are_added_by_one_correction_and_read_back_from_its_canonical_bytes() -> None:
    added = {f"/lines/{index}": {"chip": None, "line": str(index + 1)} for index in range(2, 14)}
    facts = story("shipment:x", DECLARED, corrected(replace=added))
    correction = decode_event(Corrected, encode_event(facts[1].event))  # type: ignore[arg-type]
    assert list(correction.replace or {})[:2] == ["/lines/10", "/lines/11"]  # sorted as text, as canonical JSON is
    again = read([facts[0], Fact("shipment:x", 2, "shipment.corrected", correction)])
    assert [line.line for line in again.entries[0].event.lines] == [str(n) for n in range(1, 15)]  # type: ignore[union-attr]
    assert codes([facts[0], Fact("shipment:x", 2, "shipment.corrected", correction)]) == []


@given(st.permutations(["/legs/0", "/legs/1", "/legs/1/site", "/model", "/legs/2", "/legs/10"]))
def test_a_correction_means_the_same_in_whatever_order_its_pointers_are_written(pointers: list[str]) -> None:
    value = {"/legs/1/site": "site:b", "/model": "M"}
    fields: dict[str, Any] = {"basis": "declared", "legs": [{"leg": str(n)} for n in range(10)]}
    correction = event_from_fields(
        Corrected,
        {
            "basis": "declared",
            "corrects": 1,
            "reason": "r",
            "replace": {pointer: value.get(pointer, {"leg": pointer[-1] * 3}) for pointer in pointers},
        },
    )
    legs = [{"leg": "000"}, {"leg": "111", "site": "site:b"}, {"leg": "222"}, *fields["legs"][3:], {"leg": "000"}]
    assert patch(fields, correction) == {"basis": "declared", "model": "M", "legs": legs}


def test_the_latest_correction_wins_and_each_is_named() -> None:
    facts = story("shipment:x", DECLARED, corrected(replace={"/origin": "TW"}), corrected(replace={"/origin": "KR"}))
    entry = read(facts).entries[0]
    assert event_fields(entry.event)["origin"] == "KR"  # type: ignore[arg-type]
    assert entry.corrected_by == (2, 3)
    assert read(facts).version == 3
    assert read(facts).status == "declared"


def test_a_correction_of_the_date_moves_the_event_in_the_story() -> None:
    facts = story(
        "lease:x",
        ("signed", {"occurred_at": "2024-06"}),
        ("started", {"occurred_at": "2024-01"}),
        corrected(replace={"/occurred_at": "2023-06"}),
    )
    assert codes(facts[:2]) == [(2, "order")]
    assert codes(facts) == []
    assert [entry.verb for entry in read(facts).entries] == ["signed", "started"]


def test_a_retracted_event_stays_in_the_log_and_is_read_no_longer() -> None:
    facts = story("shipment:x", DECLARED, ("departed", {}), retracted(2))
    subject = read(facts)
    assert len(subject.facts) == 3
    assert [entry.verb for entry in subject.standing()] == ["declared"]
    assert [entry.retracted_by for entry in subject.entries] == [0, 3]
    assert subject.status == "declared"


def test_a_retraction_that_is_retracted_restores_what_it_withdrew() -> None:
    facts = story("shipment:x", DECLARED, ("departed", {}), retracted(2), retracted(3))
    assert read(facts).status == "departed"
    facts = story("shipment:x", DECLARED, ("departed", {}), retracted(2), retracted(3), retracted(4))
    assert read(facts).status == "declared"


def test_a_correction_that_is_retracted_is_undone() -> None:
    assert "origin" not in said(DECLARED, corrected(replace={"/origin": "TW"}), retracted(2))
    assert said(DECLARED, corrected(replace={"/origin": "TW"}), retracted(2), retracted(3))["origin"] == "TW"


def test_a_correction_that_builds_on_a_retracted_one_is_passed_over_and_marked() -> None:
    facts = story(
        "shipment:x",
        DECLARED,
        corrected(replace={"/lines/2": {"chip": None, "line": "3"}}),
        corrected(replace={"/lines/2/quantity": 5}),
        corrected(replace={"/origin": "TW"}),
        retracted(2),
    )
    entry = read(facts).entries[0]
    assert event_fields(entry.event) == {"basis": "declared", **DECLARED[1], "origin": "TW"}  # type: ignore[arg-type]
    assert (entry.corrected_by, entry.unapplied) == ((4,), (3,))
    assert codes(facts) == [(3, "unapplied")]


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ([DECLARED, corrected(7, replace={"/origin": "TW"})], "there is no version 7 to correct: the stream ends at 1"),
        ([DECLARED, retracted(2)], "there is no version 2"),
        ([DECLARED, corrected()], "replaces nothing and removes nothing"),
        ([DECLARED, corrected(replace={"/origin": "TW"}, remove=["/origin"])], "replaces and removes the same field"),
        ([DECLARED, corrected(remove=["/route", "/route"])], "removes one field twice"),
        ([DECLARED, corrected(replace={"/lines/3": {}})], "version 1 has no field /lines/3"),
        ([DECLARED, corrected(replace={"/lines/01": {}})], "has no field /lines/01"),
        ([DECLARED, corrected(replace={"/lines/x/quantity": 1})], "has no field /lines/x/quantity"),
        ([DECLARED, corrected(replace={"/basis/x": 1})], "has no field /basis/x"),
        ([DECLARED, corrected(remove=["/origin"])], "has no field /origin"),
        ([DECLARED, corrected(remove=["/lines/2"])], "has no field /lines/2"),
        (
            [DECLARED, corrected(replace={"/orgin": "TW"})],
            "would not be valid after it: Object contains unknown field `orgin`",
        ),
        ([DECLARED, corrected(replace={"/origin": "UK"})], "did you mean GB"),
        ([DECLARED, corrected(replace={"/occurred_at": "2024-02-30"})], "2024-02 has no day 30"),
        ([DECLARED, corrected(replace={"/lines/0/quantity": "1.5"})], "is not a whole number"),
        ([DECLARED, corrected(replace={"/lines/0/chip": "a b"})], "neither a chip's id"),
        ([DECLARED, corrected(remove=["/basis"])], "missing required field `basis`"),
        ([DECLARED, corrected(replace={"/lines/1/line": "1"})], "line '1' is listed twice"),
        ([DECLARED, corrected(replace={"/basis_of": {"/origin": "attested"}})], "basis_of names /origin"),
        ([DECLARED, retracted(1), corrected(replace={"/origin": "TW"})], "version 1 is retracted"),
        (
            [DECLARED, corrected(replace={"/origin": "TW"}), corrected(2, remove=["/reason"])],
            "version 2 is a correction",
        ),
        ([DECLARED, retracted(1), corrected(2, replace={"/note": "x"})], "version 2 is a correction"),
    ],
)
def test_a_correction_that_leads_nowhere_or_to_nothing_valid_is_refused(
    events: list[tuple[str, dict[str, Any]]], problem: str
) -> None:
    assert problem in refused(*events)


@pytest.mark.parametrize(
    "pointer", ["", "lines", "/", "/lines/", "//lines", "/lines/-", "/a~1b", "/é", "/lines\n", "/a b"]
)
def test_a_pointer_takes_no_other_form(pointer: str) -> None:
    with pytest.raises(ValueError, match="matching regex"):
        told("shipment:x", 2, "corrected", corrects=1, reason="r", remove=[pointer])


def test_a_correction_changes_neither_the_recorded_event_nor_the_correction() -> None:
    value = [{"chip": None, "line": "9"}]
    facts = story(
        "shipment:x", DECLARED, corrected(replace={"/lines": value}), corrected(replace={"/lines/0/line": "7"})
    )
    before = [encode_event(item.event) for item in facts]  # type: ignore[arg-type]
    assert read(facts).entries[0].event.lines[0].line == "7"  # type: ignore[union-attr]
    assert [encode_event(item.event) for item in facts] == before  # type: ignore[arg-type]


def test_a_hostile_stream_of_corrections_that_fit_nothing_is_read_and_marked() -> None:
    facts = [
        told("shipment:x", 1, *DECLARED[:1], **DECLARED[1]),
        told("shipment:x", 2, "corrected", corrects=1, reason="r", remove=["/nowhere"]),
        told("shipment:x", 3, "corrected", corrects=1, reason="r", replace={"/lines": 7}),
        told("shipment:x", 4, "corrected", corrects=99, reason="r", remove=["/x"]),
        told("shipment:x", 5, "retracted", corrects=6, reason="r"),
        told("shipment:x", 6, "retracted", corrects=5, reason="r"),
        told("shipment:x", 7, "retracted", corrects=7, reason="r"),
    ]
    subject = project(None, facts)
    assert subject is not None
    assert [item.code for item in subject.irregular] == ["unapplied", "unapplied"]
    assert subject.status == "declared"


def test_a_replaced_field_is_no_firmer_than_the_correction() -> None:
    declared = ("declared", {**DECLARED[1], "basis": "documented", "basis_of": {"/lines/0/chip": "attested"}})
    now = said(declared, corrected(basis="illustrative", replace={"/lines/0": LINES[0], "/origin": "TW"}))
    assert now["basis_of"] == {"/lines/0": "illustrative", "/origin": "illustrative"}


def test_what_was_said_of_the_basis_of_a_removed_field_goes_and_list_items_after_it_move_up() -> None:
    bases = {"/lines/0/quantity": "estimated", "/lines/1/quantity": "reported"}
    declared = ("declared", {**DECLARED[1], "basis": "documented", "basis_of": bases})
    assert said(declared, corrected(remove=["/lines/0"]))["basis_of"] == {"/lines/0/quantity": "reported"}
    now = said(declared, corrected(basis="declared", replace={"/lines/1/quantity": 1}, remove=["/lines/0"]))
    assert now["basis_of"] == {"/lines/0/quantity": "declared"}


def test_the_source_is_an_events_identity_and_cannot_be_corrected() -> None:
    assert "the source is the event's identity" in refused(
        DECLARED, corrected(replace={"/source": {"name": "x", "key": "y"}})
    )


@pytest.mark.parametrize("stream", ["ledger:self", "key:one"])
def test_what_trust_rests_on_has_no_corrections(stream: str) -> None:
    with pytest.raises(KeyError):
        type_of(stream, "corrected")
