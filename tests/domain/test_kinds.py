"""Lifecycles: little is refused, what looks wrong is marked, and a dated story reads the same however recorded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.event import Event
from ledger.domain.kind import Fact
from ledger.domain.registry import EVENT_TYPES, KINDS, fact, project, refusal, type_of

from .shapes import example
from .stories import codes, read, story, told

OPENINGS = [(kind.name, step) for kind in KINDS.values() for step in kind.steps if step.opens]
FOLLOWING = [(kind.name, step) for kind in KINDS.values() for step in kind.steps if step.after]


def least(kind: type[Event]) -> dict[str, Any]:
    """The fewest fields of a type that do not contradict themselves."""
    fields = example(kind, full=False)
    if kind.__name__ == "Corrected":
        fields["remove"] = ["/note"]
    if kind.__name__ == "Assigned":
        fields["lessee"] = None
    return fields


@pytest.mark.parametrize(("kind", "step"), OPENINGS, ids=[f"{kind}.{step.verb}" for kind, step in OPENINGS])
def test_an_opening_stands_once_where_the_table_says_so_and_is_regular(kind: str, step: Any) -> None:
    stream = "ledger:self" if kind == "ledger" else f"{kind}:one"
    opened = story(stream, (step.verb, least(step.event)))
    again = told(stream, 2, step.verb, **least(step.event))
    assert codes(opened) == []
    assert read(opened).status == step.status
    if step.once:
        assert "stands already, as version 1 of the stream: correct it instead" in str(refusal(opened, again))
    else:
        assert refusal(opened, again) is None


@pytest.mark.parametrize(
    ("kind", "step"),
    [row for row in OPENINGS if KINDS[row[0]].correctable],
    ids=lambda value: getattr(value, "verb", value),
)
def test_an_opening_that_was_retracted_may_be_stated_again(kind: str, step: Any) -> None:
    stream = f"{kind}:one"
    facts = story(stream, (step.verb, least(step.event)), ("retracted", {"corrects": 1, "reason": "not ours"}))
    assert refusal(facts, told(stream, 3, step.verb, **least(step.event))) is None


@pytest.mark.parametrize(("kind", "step"), FOLLOWING, ids=[f"{kind}.{step.verb}" for kind, step in FOLLOWING])
def test_a_step_without_its_forerunner_is_recorded_and_marked(kind: str, step: Any) -> None:
    facts = story(f"{kind}:one", (step.verb, least(step.event)))
    assert (1, "unopened") in codes(facts)
    assert (1, "gap") in codes(facts)


@pytest.mark.parametrize(("kind", "step"), FOLLOWING, ids=[f"{kind}.{step.verb}" for kind, step in FOLLOWING])
def test_a_step_dated_before_its_forerunner_is_marked_once_no_time_zone_explains_it(kind: str, step: Any) -> None:
    forerunner = KINDS[kind].step(step.after[0])
    assert forerunner is not None
    for day, expected in (("2024-03-08", False), ("2024-03-09", True)):
        facts = story(
            f"{kind}:one",
            (forerunner.verb, least(forerunner.event) | {"occurred_at": day}),
            (step.verb, least(step.event) | {"occurred_at": "2024-03-06"}),
        )
        assert ((2, "order") in codes(facts)) is expected


def test_a_lease_that_goes_on_after_its_end_is_marked() -> None:
    facts = story(
        "lease:one",
        ("signed", {"occurred_at": "2023"}),
        ("ended", {"occurred_at": "2024-03"}),
        ("amended", {"occurred_at": "2024-06"}),
    )
    assert codes(facts) == [(3, "after-end")]


LINE = {"line": "1", "chip": None, "quantity": 8}


def test_more_received_than_declared_is_recorded_and_marked_over_all_receipts() -> None:
    part = {"lines": [{"line": "1", "quantity": 5}]}
    facts = story(
        "shipment:one", ("declared", {"lines": [LINE]}), ("departed", {}), ("received", part), ("received", part)
    )
    assert codes(facts) == [(4, "over-received")]


def test_serials_count_where_no_quantity_is_given() -> None:
    lines = [{"line": "1", "serials": [f"SN{n}" for n in range(9)]}]
    facts = story("shipment:one", ("declared", {"lines": [LINE]}), ("departed", {"lines": lines}))
    assert codes(facts) == [(2, "over-departed")]


def test_a_range_is_over_only_where_its_least_is_over_the_most_declared() -> None:
    declared = LINE | {"quantity": {"min": 5, "max": 8}}
    for least_received, expected in ((8, []), (9, [(3, "over-received")])):
        received = {"lines": [{"line": "1", "quantity": {"min": least_received}}]}
        facts = story("shipment:one", ("declared", {"lines": [declared]}), ("departed", {}), ("received", received))
        assert codes(facts) == expected


def test_a_line_that_nobody_declared_is_recorded_and_marked() -> None:
    moved = {"lines": [{"line": "2", "quantity": 1}]}
    facts = story("shipment:one", ("declared", {"lines": [LINE]}), ("departed", moved))
    assert codes(facts) == [(2, "undeclared-line")]


def test_a_shipment_known_only_from_its_receipt_is_unopened_and_has_a_gap() -> None:
    facts = story("shipment:one", ("received", {"lines": [{"line": "1", "quantity": 1}]}))
    assert codes(facts) == [(1, "unopened"), (1, "gap")]
    assert read(facts).status == "received"


def test_a_leg_that_ended_without_having_started_is_a_gap() -> None:
    leg = {"leg": {"leg": "sg"}}
    assert codes(story("run:one", ("planned", {}), ("leg_ended", leg))) == [(2, "gap")]
    assert codes(story("run:one", ("planned", {}), ("leg_started", leg), ("leg_ended", leg))) == []
    assert codes(story("run:one", ("reported", {"legs": [{"leg": "sg"}]}), ("leg_ended", leg))) == []


def test_legs_that_add_up_to_more_operations_than_the_run_are_marked() -> None:
    def leg(name: str, operations: str) -> dict[str, Any]:
        return {"leg": {"leg": name, "operations": operations}}

    legs = (("leg_reported", leg("sg", "6e25")), ("leg_reported", leg("my", "5e25")))
    assert codes(story("run:one", ("reported", {"operations": "1e26"}), *legs)) == [(3, "over-operations")]
    assert codes(story("run:one", ("reported", {"operations": "1.1e26"}), *legs)) == []
    later = ("leg_reported", leg("sg", "4e25"))  # a later word on a leg replaces the earlier one
    assert codes(story("run:one", ("reported", {"operations": "1e26"}), *legs, later)) == []


ACCELERATORS = [{"chip": None, "quantity": 2, "serials": ["SN1", "SN2", "SN3"]}]
TWICE = [{"chip": None, "serials": ["SN1"]}, {"chip": None, "serials": ["SN1"]}]
REVIEW = {"checkpoint": {"size": 5, "root": "0" * 64}}


@pytest.mark.parametrize(
    ("stream", "verb", "fields", "problem"),
    [
        ("shipment:x", "declared", {"lines": [LINE, LINE]}, "line '1' is listed twice"),
        ("shipment:x", "declared", {"lines": [LINE | {"serials": ["A", "A"]}]}, "serial 'A' is listed twice"),
        (
            "shipment:x",
            "declared",
            {"lines": [LINE | {"quantity": 1, "serials": ["A", "B"]}]},
            "2 serials for a quantity of 1",
        ),
        ("shipment:x", "declared", {"lines": [LINE | {"chips_per_item": 0}]}, "an item holds no chip"),
        ("shipment:x", "received", {"lines": [{"line": "1"}, {"line": "1"}]}, "line '1' is listed twice"),
        ("shipment:x", "split", {"into": [{"shipment": "shipment:a"}] * 2}, "named twice among the parts"),
        ("site:x", "stock_counted", {"stock": ACCELERATORS}, "3 serials for a quantity of 2"),
        ("site:x", "installed", {"accelerators": TWICE}, "serial 'SN1' is listed twice"),
        ("site:x", "scrapped", {"accelerators": TWICE}, "serial 'SN1' is listed twice"),
        ("lease:x", "signed", {"capacity": {"accelerators": TWICE}}, "serial 'SN1' is listed twice"),
        (
            "lease:x",
            "signed",
            {"term_from": "2025", "term_until": "2024-06"},
            "the term ends (2024-06) before it starts (2025)",
        ),
        ("lease:x", "assigned", {}, "names neither lessee nor lessor"),
        ("run:x", "planned", {"legs": [{"leg": "a"}, {"leg": "a"}]}, "one leg is listed twice"),
        (
            "run:x",
            "leg_ended",
            {"leg": {"leg": "a", "started": "2025-02", "ended": "2024"}},
            "ends (2024) before it starts",
        ),
        ("run:x", "reported", {"legs": [{"leg": "a", "accelerators": TWICE}]}, "serial 'SN1' is listed twice"),
        ("deployment:x", "started", {"weights": None, "accelerators": TWICE}, "serial 'SN1' is listed twice"),
        ("weights:x", "created", {"files": [{"path": "a", "sha256": "0" * 64}] * 2}, "one file is listed twice"),
        (
            "party:x",
            "stakes_stated",
            {"holders": [{"holder": None, "share_percent": 60}, {"holder": None, "share_percent": {"min": "40.1"}}]},
            "the stakes add up to at least 100.1 percent",
        ),
        (
            "party:x",
            "stakes_stated",
            {"holders": [{"holder": None, "share_percent": 60}], "undisclosed_percent": 41},
            "at least 101",
        ),
        (
            "party:x",
            "stakes_stated",
            {"holders": [{"holder": None, "economic_percent": 60}, {"holder": None, "economic_percent": 50}]},
            "at least 110",
        ),
        ("data:x", "transferred", {"persons": 5, "sensitive_persons": {"min": 6}}, "sensitive persons among 5 persons"),
        ("review:x", "signed_off", REVIEW | {"first": 3, "last": 2}, "the range runs backwards"),
        ("review:x", "signed_off", REVIEW | {"first": 3, "last": 6}, "beyond the checkpoint"),
        (
            "key:x",
            "enrolled",
            {"verifier_key": "a+0a1b2c3d+AAAA", "purpose": "host", "valid_from": "2025", "valid_until": "2023"},
            "validity ends before it starts",
        ),
        (
            "site:x",
            "registered",
            {"basis_of": {"/power_kw": "estimated"}},
            "basis_of names /power_kw, and the event has no such field",
        ),
        ("site:x", "registered", {"evidence": [{}]}, "an item of evidence says nothing"),
    ],
)
def test_an_event_that_contradicts_itself_is_refused_with_what_contradicts_what(
    stream: str, verb: str, fields: dict[str, Any], problem: str
) -> None:
    assert problem in str(refusal([], told(stream, 1, verb, **fields)))


def test_a_site_may_be_known_to_be_more_than_complete_by_nobody() -> None:
    with pytest.raises(ValueError, match="above 100 percent"):
        told("site:x", 1, "registered", completion_percent=101)


def test_an_event_is_recorded_only_in_a_stream_of_its_own_kind() -> None:
    registered = told("site:x", 1, "registered")
    assert "not an event of this stream's kind" in str(
        refusal([], Fact("party:x", 1, "site.registered", registered.event))
    )
    with pytest.raises(KeyError):
        type_of("site:x", "departed")
    with pytest.raises(TypeError, match="is a Moved, not a Registered"):
        fact("shipment:x", 1, "departed", registered.event)  # type: ignore[arg-type]


def test_two_steps_of_one_day_stand_in_the_order_of_the_lifecycle() -> None:
    facts = story(
        "shipment:x",
        ("arrived", {"occurred_at": "2024-03-05"}),
        ("departed", {"occurred_at": "2024-03-05"}),
        ("declared", {"occurred_at": "2024-03-05", "lines": [LINE]}),
    )
    assert [entry.verb for entry in read(facts).entries] == ["declared", "departed", "arrived"]
    assert read(facts).status == "arrived"
    assert codes(facts) == []


def test_an_undated_event_stays_after_what_was_recorded_before_it() -> None:
    facts = story(
        "lease:x",
        ("signed", {}),
        ("started", {"occurred_at": "2024-03-05"}),
        ("suspended", {}),
        ("resumed", {}),
        ("suspended", {}),
        ("amended", {"occurred_at": "2023"}),
    )
    verbs = [entry.verb for entry in read(facts).entries]
    assert verbs == ["signed", "amended", "started", "suspended", "resumed", "suspended"]
    assert read(facts).status == "suspended"


def test_a_report_dated_after_the_fact_takes_back_no_later_state() -> None:
    facts = story("lease:x", ("started", {"occurred_at": "2024"}), ("reported", {"occurred_at": "2025-11-27"}))
    assert read(facts).status == "running"


def test_a_review_has_the_state_of_its_last_word() -> None:
    finding = {"finding": {"key": "us.ear/x", "digest": "0" * 64}}
    facts = story(
        "review:x",
        ("waived", finding | {"reason": "licensed", "occurred_at": "2026-02"}),
        ("acknowledged", finding | {"occurred_at": "2026-01"}),
    )
    assert read(facts).status == "waived"


def test_an_empty_stream_says_nothing() -> None:
    assert project(None, []) is None


def test_reading_on_from_what_was_known_is_the_same_as_reading_whole() -> None:
    facts = story("lease:x", ("signed", {"occurred_at": "2024"}), ("started", {}), ("ended", {"occurred_at": "2025"}))
    assert project(read(facts[:1]), facts[1:]) == read(facts)


days = st.integers(1, 28).map("2024-03-{:02}".format)
STORIES: dict[str, dict[str, dict[str, Any]]] = {
    "shipment:x": {
        "declared": {"lines": [LINE]},
        "reported": {"lines": [LINE | {"quantity": 9}]},
        "departed": {},
        "transited": {},
        "arrived": {},
        "received": {"lines": [{"line": "1", "quantity": 9}]},
        "diverted": {},
        "seized": {},
        "continued": {"as_shipment": "shipment:y"},
        "cancelled": {},
    },
    "lease:x": {name: {} for name in ("signed", "reported", "started", "amended", "suspended", "resumed", "ended")},
    "run:x": {
        "planned": {},
        "started": {},
        "leg_started": {"leg": {"leg": "a"}},
        "leg_ended": {"leg": {"leg": "a"}},
        "completed": {},
        "stopped": {},
    },
}


@settings(deadline=None)
@given(data=st.data())
def test_dated_facts_give_the_same_state_and_the_same_order_in_whatever_order_they_are_recorded(data: Any) -> None:
    stream = data.draw(st.sampled_from(sorted(STORIES)))
    verbs = data.draw(st.lists(st.sampled_from(sorted(STORIES[stream])), min_size=2, max_size=6, unique=True))
    events = [(verb, STORIES[stream][verb] | {"occurred_at": data.draw(days)}) for verb in verbs]
    shuffled = data.draw(st.permutations(events))
    one = read([told(stream, n, verb, **fields) for n, (verb, fields) in enumerate(events, 1)])
    two = read([told(stream, n, verb, **fields) for n, (verb, fields) in enumerate(shuffled, 1)])
    assert one.status == two.status
    assert [entry.event for entry in one.entries] == [entry.event for entry in two.entries]
    assert sorted((item.code, item.message) for item in one.irregular) == sorted(
        (item.code, item.message) for item in two.irregular
    )


def test_every_struct_in_the_registry_says_what_it_is() -> None:
    assert all(step.event.__doc__ for step in EVENT_TYPES.values())
