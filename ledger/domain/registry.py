"""The closed registry: every kind and event type that this release knows, by name.

A new event type is one struct and one `Step` in its kind's module; a new kind is one module and one line here.
Nothing else in a stored row decides what code runs: a type that is not listed here is read as `Opaque`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

import msgspec

from ledger.domain import codec
from ledger.domain.authorisation import AUTHORISATION
from ledger.domain.correction import CORRECTIONS, Corrected, Retracted, apply_corrections, corrected
from ledger.domain.data import DATA
from ledger.domain.deployment import DEPLOYMENT
from ledger.domain.engagement import ENGAGEMENT
from ledger.domain.event import Event, Opaque
from ledger.domain.genesis import LEDGER
from ledger.domain.key import KEY
from ledger.domain.kind import Fact, Irregular, Kind, Step, Subject, in_order_of_occurrence, lifecycle_irregularities
from ledger.domain.lease import LEASE
from ledger.domain.party import PARTY
from ledger.domain.review import REVIEW
from ledger.domain.shipment import SHIPMENT
from ledger.domain.site import SITE
from ledger.domain.statement import STATEMENT
from ledger.domain.stream import kind_of
from ledger.domain.training import RUN
from ledger.domain.weights import WEIGHTS

__all__ = ["EVENT_TYPES", "KINDS", "fact", "project", "read_payload", "refusal", "step_of", "type_of"]

KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        PARTY,
        SITE,
        SHIPMENT,
        AUTHORISATION,
        LEASE,
        RUN,
        WEIGHTS,
        DATA,
        DEPLOYMENT,
        ENGAGEMENT,
        STATEMENT,
        REVIEW,
        KEY,
        LEDGER,
    )
}

EVENT_TYPES: Final[dict[str, Step]] = {
    f"{kind.name}.{step.verb}": step for kind in KINDS.values() for step in (*kind.steps, *CORRECTIONS)
}


def step_of(type_name: str) -> Step | None:
    """The step of an event type's permanent name; None where this release does not know it."""
    return EVENT_TYPES.get(type_name)


def type_of(stream: str, verb: str) -> str:
    """The permanent name of the event type `verb` in `stream`; KeyError where there is none."""
    name = f"{kind_of(stream)}.{verb}"
    if name not in EVENT_TYPES:
        raise KeyError(name)
    return name


def fact(stream: str, version: int, verb: str, event: Event) -> Fact:
    """`event` as the next fact of `stream`, at `version`; TypeError where the verb is another struct's."""
    name = type_of(stream, verb)
    if type(event) is not EVENT_TYPES[name].event:
        raise TypeError(f"{name} is a {EVENT_TYPES[name].event.__qualname__}, not a {type(event).__qualname__}")
    return Fact(stream, version, name, event)


def read_payload(type_name: str, version: int, payload: bytes) -> Event | Opaque:
    """The event that a stored payload states, upcast to this release's class version; `Opaque` where it cannot be known."""
    step = EVENT_TYPES.get(type_name)
    if step is None or version > step.version or version < 1:
        return Opaque(type_name, version, _plain(payload))
    if version == step.version:
        try:
            return codec.decode_event(step.event, payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Opaque(type_name, version, _plain(payload))
    try:
        fields = cast("dict[str, Any]", msgspec.json.decode(payload))
        for upcast in step.upcasts[version - 1 :]:
            fields = upcast(fields)
        return codec.event_from_fields(step.event, fields)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, LookupError, TypeError):
        return Opaque(type_name, version, _plain(payload))


def _plain(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return payload.decode("utf-8", "replace")


def project(subject: Subject | None, facts: Iterable[Fact]) -> Subject | None:
    """The projector: a stream's facts, corrected, in order of occurrence, with what is irregular about them.

    A stream is folded whole, since a late fact may belong before all others; `subject` is what was known before, or None.
    """
    facts = (*(subject.facts if subject else ()), *facts)
    if not facts:
        return None
    kind = KINDS.get(facts[0].originator_id.partition(":")[0])
    opaque = any(isinstance(item.event, Opaque) for item in facts)
    entries = in_order_of_occurrence(apply_corrections(facts))
    standing = [entry for entry in entries if entry.event is not None]
    irregular: list[Irregular] = []
    status = ""
    if kind is not None:
        irregular = [*lifecycle_irregularities(kind, standing), *kind.check(standing)]
        for entry in standing:
            step = kind.step(entry.verb)
            status = (step.status if step else "") or status
    last = max(item.originator_version for item in facts)
    return Subject(facts[0].originator_id, last, facts, tuple(entries), status, tuple(irregular), read_only=opaque)


def refusal(history: Sequence[Fact], new: Fact) -> str | None:
    """Why `new` cannot stand after `history` (the stream so far), in one sentence; None where it can."""
    if any(isinstance(item.event, Opaque) for item in history):
        return "the stream holds an event of a type that this release does not know, so it is read-only here"
    event = cast("Event", new.event)
    if problem := event.contradiction():
        return problem
    if isinstance(event, Corrected | Retracted):
        return _bad_correction(history, event)
    step = EVENT_TYPES[new.type]
    if step.once:
        standing = [e for e in apply_corrections(history) if e.fact.type == new.type and e.event is not None]
        if standing:
            version = standing[0].fact.originator_version
            return f"{new.type} stands already, as version {version} of the stream: correct it instead"
    return None


def _bad_correction(history: Sequence[Fact], event: Corrected | Retracted) -> str | None:
    target = next((item for item in history if item.originator_version == event.corrects), None)
    if target is None:
        return f"there is no version {event.corrects} to correct: the stream ends at {len(history)}"
    if isinstance(event, Retracted):
        return None
    if isinstance(target.event, Corrected | Retracted):
        return f"version {event.corrects} is a correction: correct what it corrects, or retract it"
    entry = next(e for e in apply_corrections(history) if e.fact is target)
    if entry.event is None:
        return f"version {event.corrects} is retracted"
    try:
        now = corrected(entry.event, [Fact("", 0, "", event)])
    except LookupError as e:
        return f"version {event.corrects} has no field {e.args[0]}"
    except msgspec.ValidationError as e:
        return f"version {event.corrects} would not be valid after it: {e}"
    return now.contradiction()
