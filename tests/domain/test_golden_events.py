"""Payload bytes are format: each event type's are pinned here, with every field stated and with the fewest.

A new type fails here until ``python -m tests.domain.add_golden`` has added its two lines.
"""

from __future__ import annotations

import json
from collections import Counter
from enum import Enum
from hashlib import sha256
from typing import Any

import pytest
from msgspec import inspect as shape

from ledger.domain.codec import encode_event
from ledger.domain.event import Event, Opaque
from ledger.domain.registry import EVENT_TYPES, read_payload

from .add_golden import GOLDEN

ROWS: list[dict[str, Any]] = [json.loads(line) for line in GOLDEN.read_text("utf-8").splitlines()]
IDS = [f"{row['type']}/{row['version']}-{index % 2}" for index, row in enumerate(ROWS)]


def test_the_golden_file_has_two_examples_of_each_version_of_each_event_type_and_no_others() -> None:
    expected = {(name, version): 2 for name, step in EVENT_TYPES.items() for version in range(1, step.version + 1)}
    assert Counter((row["type"], row["version"]) for row in ROWS) == expected


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_an_event_reads_back_and_encodes_to_exactly_these_bytes(row: dict[str, Any]) -> None:
    payload = row["payload"].encode()
    assert sha256(payload).hexdigest() == row["sha256"]
    event = read_payload(row["type"], row["version"], payload)
    assert not isinstance(event, Opaque)
    assert type(event) is EVENT_TYPES[row["type"]].event
    if row["version"] == EVENT_TYPES[row["type"]].version:
        assert encode_event(event) == payload


@pytest.mark.parametrize("row", ROWS[::2], ids=IDS[::2])
def test_the_full_example_states_every_field_that_the_event_has(row: dict[str, Any]) -> None:
    step = EVENT_TYPES[row["type"]]
    if row["version"] == step.version:
        assert sorted(json.loads(row["payload"])) == sorted(step.event.__struct_encode_fields__)


@pytest.mark.parametrize("row", ROWS[::2], ids=IDS[::2])
def test_the_full_example_does_not_contradict_itself(row: dict[str, Any]) -> None:
    event = read_payload(row["type"], row["version"], row["payload"].encode())
    assert isinstance(event, Event)
    assert event.contradiction() is None


def test_no_value_that_a_field_may_take_by_name_is_renamed_or_dropped() -> None:
    standing = {kind.__qualname__: [member.value for member in kind] for kind in enumerations()}
    pinned = json.loads(GOLDEN.with_name("golden_values.json").read_text("utf-8"))
    assert standing == pinned


def enumerations() -> set[type[Enum]]:
    """Every enumeration that a field of an event refers to."""
    found: set[type[Enum]] = set()

    def visit(kind: Any) -> None:
        if isinstance(kind, shape.EnumType):
            found.add(kind.cls)
        inner = (getattr(kind, name, None) for name in ("type", "types", "item_type", "value_type", "fields"))
        for item in inner:
            for each in item if isinstance(item, tuple) else (item,):
                if each is not None:
                    visit(each)

    for step in EVENT_TYPES.values():
        visit(shape.type_info(step.event))
    return found
