"""Streams as tests tell them: each event a verb and its fields, recorded in the order given."""

from __future__ import annotations

from typing import Any

from ledger.domain.codec import event_from_fields
from ledger.domain.kind import Fact, Subject
from ledger.domain.registry import EVENT_TYPES, fact, project, refusal, type_of


def told(stream: str, version: int, verb: str, /, **fields: Any) -> Fact:
    """One fact; `basis` is declared unless it is given."""
    kind = EVENT_TYPES[type_of(stream, verb)].event
    return fact(stream, version, verb, event_from_fields(kind, {"basis": "declared", **fields}))


def story(stream: str, *events: tuple[str, dict[str, Any]]) -> list[Fact]:
    """The facts of a stream, none of which is refused after those before it."""
    facts: list[Fact] = []
    for verb, fields in events:
        new = told(stream, len(facts) + 1, verb, **fields)
        assert refusal(facts, new) is None
        facts.append(new)
    return facts


def read(facts: list[Fact]) -> Subject:
    """What the stream says."""
    subject = project(None, facts)
    assert subject is not None
    return subject


def codes(facts: list[Fact]) -> list[tuple[int, str]]:
    """What is irregular, as version and code."""
    return [(item.version, item.code) for item in read(facts).irregular]
