"""The closed registry: every kind and event type that this release knows, by name.

A new event type is one struct and one `Step` in its kind's module; a new kind is one module and one line here.
Nothing else in a stored row decides what code runs: a type that is not listed here is read as `Opaque`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final, cast

import msgspec

from ledger.domain import codec
from ledger.domain.authorisation import AUTHORISATION
from ledger.domain.correction import CORRECTIONS, Corrected, Retracted, apply_corrections, corrected, leads_nowhere
from ledger.domain.data import DATA
from ledger.domain.deployment import DEPLOYMENT
from ledger.domain.engagement import ENGAGEMENT
from ledger.domain.event import Event, Evidence, Opaque
from ledger.domain.genesis import LEDGER
from ledger.domain.key import KEY
from ledger.domain.kind import (
    Entry,
    Fact,
    Irregular,
    Kind,
    Step,
    Subject,
    in_order_of_occurrence,
    lifecycle_irregularities,
    status_of,
    unapplied_corrections,
)
from ledger.domain.lease import LEASE
from ledger.domain.party import PARTY
from ledger.domain.review import REVIEW
from ledger.domain.shipment import SHIPMENT
from ledger.domain.site import SITE
from ledger.domain.statement import STATEMENT
from ledger.domain.stream import kind_of
from ledger.domain.training import RUN
from ledger.domain.weights import WEIGHTS

__all__ = ["EVENT_TYPES", "KINDS", "fact", "project", "read_payload", "refusal", "step_of", "steps_of", "type_of"]

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


def steps_of(kind: Kind) -> tuple[Step, ...]:
    """All steps of a kind: those of its lifecycle, and corrections where it has any."""
    return (*kind.steps, *CORRECTIONS) if kind.correctable else kind.steps


EVENT_TYPES: Final[dict[str, Step]] = {
    f"{kind.name}.{step.verb}": step for kind in KINDS.values() for step in steps_of(kind)
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
    """The event that a stored payload states, upcast to this release's version; `Opaque` where it cannot be known."""
    step = EVENT_TYPES.get(type_name)
    if step is None or version > step.version or version < 1:
        return Opaque(type_name, version, _plain(payload))
    try:
        event = _decoded(step, version, payload)
    except (msgspec.DecodeError, RecursionError, LookupError, TypeError, ValueError):
        event = None
    return Opaque(type_name, version, _plain(payload)) if event is None else event


def _decoded(step: Step, version: int, payload: bytes) -> Event | None:
    """The event; None where `payload` is not canonical, for two readers could read it in two ways."""
    if version == step.version:
        event = codec.decode_event(step.event, payload)
        return event if codec.encode_event(event) == payload else None
    fields = msgspec.json.decode(payload, type=dict[str, Any])
    if codec.canonical(fields) != payload:
        return None
    for upcast in step.upcasts[version - 1 :]:
        fields = upcast(fields)
    return codec.event_from_fields(step.event, fields)


def _plain(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return payload.decode("utf-8", "replace")


def project(subject: Subject | None, facts: Iterable[Fact]) -> Subject | None:
    """The projector: a stream's facts, corrected, in order of occurrence, with what is irregular about them.

    A stream is folded whole, since a late fact may belong before all others; `subject` is what was known before.
    """
    facts = (*(subject.facts if subject else ()), *facts)
    if not facts:
        return None
    kind = KINDS.get(facts[0].originator_id.partition(":")[0])
    read_only = not all(_is_understood(item) or is_erased(item) for item in facts)
    entries: list[Entry] = []
    irregular: list[Irregular] = []
    status = ""
    if kind is not None:
        entries = in_order_of_occurrence(kind, apply_corrections(item for item in facts if _is_understood(item)))
        standing = [entry for entry in entries if entry.event is not None]
        irregular = [*unapplied_corrections(standing), *lifecycle_irregularities(kind, standing), *kind.check(standing)]
        status = status_of(kind, standing)
    last = max(item.originator_version for item in facts)
    return Subject(facts[0].originator_id, last, facts, tuple(entries), status, tuple(irregular), read_only)


def _is_understood(item: Fact) -> bool:
    """Whether an event is known, and of the kind of its stream."""
    return not isinstance(item.event, Opaque) and item.type.partition(".")[0] == item.originator_id.partition(":")[0]


def is_erased(item: Fact) -> bool:
    """Whether a fact's payload was erased: what it said is gone, and the stream goes on without it."""
    return isinstance(item.event, Opaque) and item.event.erased


def refusal(history: Sequence[Fact], new: Fact, understood: int = 0) -> str | None:
    """Why `new` cannot stand after `history` (the stream so far), in one sentence; None where it can.

    The first `understood` facts are known to be read by this release.
    """
    later = islice(history, understood, None)
    unread = next((item for item in later if not _is_understood(item) and not is_erased(item)), None)
    if unread is not None:
        return (
            f"version {unread.originator_version} of the stream cannot be read by this release, so it is read-only here"
        )
    if not _is_understood(new):
        return f"{new.type} is not an event of this stream's kind"
    event = cast("Event", new.event)
    if problem := _contradiction(event):
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
    if is_erased(target):
        return f"version {event.corrects} is erased"
    if isinstance(event, Retracted):
        return None
    if any(pointer.split("/")[1] == "source" for pointer in (*(event.replace or ()), *(event.remove or ()))):
        return "the source is the event's identity, and stays: retract the event, and record it anew"
    if isinstance(target.event, Corrected | Retracted):
        return f"version {event.corrects} is a correction: correct what it corrects, or retract it"
    about = (item for item in history if item is target or _is_about(item, event.corrects))
    entry = next(e for e in apply_corrections(about) if e.fact is target)
    if entry.event is None:
        return f"version {event.corrects} is retracted"
    try:
        now = corrected(entry.event, event)
    except LookupError as e:
        return f"version {event.corrects} has no field {e.args[0]}"
    except msgspec.ValidationError as e:
        return f"version {event.corrects} would not be valid after it: {e}"
    return _contradiction(now)


def _is_about(item: Fact, version: int) -> bool:
    """Whether a fact has a say in what the event at `version` says: its corrections, and all that retracts."""
    event = item.event
    return isinstance(event, Retracted) or (isinstance(event, Corrected) and event.corrects == version)


def _contradiction(event: Event) -> str | None:
    if pointer := leads_nowhere(event):
        return f"basis_of names {pointer}, and the event has no such field"
    if any(item == Evidence() for item in event.evidence or ()):
        return "an item of evidence says nothing"
    return event.contradiction()
