"""Corrections: events of the same stream that replace fields of an earlier event, or retract it, with the reason.

Nothing is overwritten: `apply_corrections` reads a stream's facts and returns what each says now, and which later events
say so. Later corrections win. A correction can itself be retracted; it is amended by a new correction of the same event.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Annotated, Any, cast

from msgspec import UNSET, Meta, UnsetType

from ledger.domain.codec import event_fields, event_from_fields
from ledger.domain.event import Event, Opaque, Pointer, Text
from ledger.domain.kind import Entry, Fact, Step

__all__ = ["CORRECTIONS", "Corrected", "Retracted", "apply_corrections", "corrected", "patch"]

Version = Annotated[int, Meta(ge=1, le=2**31 - 1, description="version of the event in this stream, from 1")]


class Corrected(Event, frozen=True, kw_only=True):
    """Fields of the event at version `corrects` are replaced, added or removed, each by JSON pointer.

    `basis` and `evidence` are those of the correction; a replaced field's own basis is set through ``/basis_of``.
    """

    corrects: Version
    reason: Text
    replace: Annotated[dict[Pointer, Any], Meta(max_length=200)] | UnsetType = UNSET
    remove: Annotated[tuple[Pointer, ...], Meta(max_length=200)] | UnsetType = UNSET

    def contradiction(self) -> str | None:
        if not self.replace and not self.remove:
            return "the correction replaces nothing and removes nothing"
        if self.replace and self.remove and set(self.replace) & set(self.remove):
            return "the correction replaces and removes the same field"
        return None


class Retracted(Event, frozen=True, kw_only=True):
    """The event at version `corrects` is withdrawn; it stays in the log and is read no longer."""

    corrects: Version
    reason: Text


CORRECTIONS = (Step("corrected", Corrected), Step("retracted", Retracted))
"""The two steps that every kind has besides its own."""

_TOKEN = re.compile(r"0|[1-9]\d{0,5}", re.ASCII)


def patch(fields: dict[str, Any], correction: Corrected) -> dict[str, Any]:
    """`fields` (an event's payload as JSON values) with `correction` applied; LookupError names a pointer that leads nowhere."""
    result = deepcopy(fields)
    for pointer, value in (correction.replace or {}).items():
        _set(result, pointer, value)
    for pointer in correction.remove or ():
        _remove(result, pointer)
    return result


def _parent(fields: Any, pointer: str) -> tuple[Any, str]:
    *path, last = pointer[1:].split("/")
    for token in path:
        if isinstance(fields, list) and _TOKEN.fullmatch(token) and int(token) < len(fields):
            fields = fields[int(token)]
        elif isinstance(fields, dict) and token in fields:
            fields = fields[token]
        else:
            raise LookupError(pointer)
    return fields, last


def _set(fields: dict[str, Any], pointer: str, value: Any) -> None:
    parent, last = _parent(fields, pointer)
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list) and _TOKEN.fullmatch(last) and int(last) <= len(parent):
        parent[int(last) : int(last) + 1] = [value]
    else:
        raise LookupError(pointer)


def _remove(fields: dict[str, Any], pointer: str) -> None:
    parent, last = _parent(fields, pointer)
    if isinstance(parent, dict) and last in parent:
        del parent[last]
    elif isinstance(parent, list) and _TOKEN.fullmatch(last) and int(last) < len(parent):
        del parent[int(last)]
    else:
        raise LookupError(pointer)


def apply_corrections(facts: Iterable[Fact]) -> list[Entry]:
    """What each fact says now, in log order, corrections themselves left out.

    An `Opaque` event is left out: nothing is known of what it says.
    """
    known = [fact for fact in facts if not isinstance(fact.event, Opaque)]
    withdrawn = _withdrawn(known)
    by_target: dict[int, list[Fact]] = {}
    for fact in known:
        if isinstance(fact.event, Corrected) and fact.originator_version not in withdrawn:
            by_target.setdefault(fact.event.corrects, []).append(fact)
    entries = []
    for fact in known:
        if isinstance(fact.event, Corrected | Retracted):
            continue
        version = fact.originator_version
        corrections = by_target.get(version, [])
        event: Event | None = cast("Event", fact.event)
        if version in withdrawn:
            event = None
        elif corrections:
            event = corrected(cast("Event", fact.event), corrections)
        entries.append(
            Entry(
                fact=fact,
                event=event,
                corrected_by=tuple(c.originator_version for c in corrections),
                retracted_by=withdrawn.get(version, 0),
            )
        )
    return entries


def _withdrawn(facts: Sequence[Fact]) -> dict[int, int]:
    """Version withdrawn → version that withdraws it. A retraction can be retracted, which restores its target."""
    withdrawn: dict[int, int] = {}
    for fact in reversed(facts):
        if isinstance(fact.event, Retracted) and fact.originator_version not in withdrawn:
            withdrawn[fact.event.corrects] = fact.originator_version
    return withdrawn


def corrected(event: Event, corrections: Sequence[Fact]) -> Event:
    """`event` with `corrections` applied in order, decoded as strictly as at first."""
    fields = event_fields(event)
    for fact in corrections:
        fields = patch(fields, cast("Corrected", fact.event))
    return event_from_fields(type(event), fields)
