"""A kind of subject (shipment, lease, …): its event types and lifecycle, as one table; and the fold that reads it.

Each module of a kind holds one `Kind`, whose `steps` are the lifecycle, readable from top to bottom. Facts arrive late
and out of order, so the table refuses little: an opening that is stated ``once`` and stands already, and what an
event's own `contradiction` says. All else is recorded; `project` marks as irregular what the table does not expect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from msgspec import UNSET, Struct, field

from ledger.domain.event import Event, Opaque
from ledger.domain.when import When

__all__ = ["Entry", "Fact", "Irregular", "Kind", "Step", "Subject"]

Upcast = Callable[[dict[str, Any]], dict[str, Any]]


class Step(Struct, frozen=True):
    """One event type of a kind, and its place in the lifecycle.

    `opens`: brings the subject into being. `once`: stands at most once per subject. `after`: verbs of which one is
    expected before. `ends`: nothing is expected later. `status`: the subject's state from here on ("" leaves it).
    `upcasts`: one function per older class version, each from a payload of version n to n + 1.
    """

    verb: str
    event: type[Event]
    opens: bool = False
    once: bool = False
    after: tuple[str, ...] = ()
    ends: bool = False
    status: str = ""
    upcasts: tuple[Upcast, ...] = ()

    @property
    def version(self) -> int:
        """The class version that this release writes."""
        return len(self.upcasts) + 1


class Fact(Struct, frozen=True, gc=False):
    """An event as the log holds it: stream, version (from 1), type; and, once recorded, position, time and recorder."""

    originator_id: str
    originator_version: int
    type: str
    event: Event | Opaque
    position: int = 0
    recorded_at: int = 0
    recorded_by: str = ""


class Irregular(Struct, frozen=True):
    """Something in a stream that a missing or wrong fact could explain; `version` is the event where it shows."""

    version: int
    code: str
    message: str


class Entry(Struct, frozen=True):
    """One fact with the corrections of later events applied; `event` is None where it is retracted.

    `unapplied` are corrections that no longer lead anywhere, since one that they build on is retracted.
    """

    fact: Fact
    event: Event | None
    corrected_by: tuple[int, ...] = ()
    retracted_by: int = 0
    unapplied: tuple[int, ...] = ()

    @property
    def verb(self) -> str:
        """The type's name within its kind."""
        return self.fact.type.partition(".")[2]


Check = Callable[[Sequence[Entry]], Iterator[Irregular]]


def nothing_to_check(entries: Sequence[Entry]) -> Iterator[Irregular]:
    """For kinds whose facts cannot disagree within one stream."""
    return iter(())


class Kind(Struct, frozen=True):
    """A kind of subject: the prefix of its streams and event types, its lifecycle, and its own checks.

    `check` gets the entries that stand, in order of occurrence, and yields what is irregular between them. Where a kind
    is not `correctable`, its events stand as they are: trust rests on them.
    """

    name: str
    about: str
    steps: tuple[Step, ...]
    check: Check = nothing_to_check
    correctable: bool = True
    _by_verb: dict[str, Step] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_verb.update((step.verb, step) for step in self.steps)

    def step(self, verb: str) -> Step | None:
        """The step of that verb, or None."""
        return self._by_verb.get(verb)


class Subject(Struct, frozen=True):
    """What a stream says, the ledger's aggregate: `facts` as recorded; `entries` corrected, in order of occurrence."""

    stream: str
    version: int
    facts: tuple[Fact, ...]
    entries: tuple[Entry, ...]
    status: str
    irregular: tuple[Irregular, ...]
    read_only: bool = False

    @property
    def id(self) -> str:
        """The stream's id, under the name that the eventsourcing library asks for."""
        return self.stream

    def standing(self) -> Iterator[Entry]:
        """The entries that are not retracted."""
        return (entry for entry in self.entries if entry.event is not None)


_Key = tuple[tuple[datetime, datetime], int, int]
_BEGINNING = datetime.min.replace(tzinfo=UTC)


def in_order_of_occurrence(kind: Kind, entries: Iterable[Entry]) -> list[Entry]:
    """Sorted by `occurred_at`, then by the lifecycle; an undated event stays after what was recorded before it."""
    place = {step.verb: index for index, step in enumerate(kind.steps)}
    latest: _Key = ((_BEGINNING, _BEGINNING), -1, 0)
    keyed: list[tuple[_Key, int, Entry]] = []
    for entry in entries:
        version = entry.fact.originator_version
        when = entry.event.occurred_at if entry.event is not None else UNSET
        key = (when.sort_key, place[entry.verb], version) if isinstance(when, When) else latest
        latest = max(latest, key)
        keyed.append((key, version, entry))
    return [entry for _, _, entry in sorted(keyed, key=lambda row: row[:2])]


def status_of(kind: Kind, entries: Iterable[Entry]) -> str:
    """The state after `entries`. An opening dated late, such as a report, takes back no later step's state."""
    status, advanced = "", False
    for entry in entries:
        step = _step(kind, entry)
        if step.status and not (step.opens and advanced):
            status = step.status
            advanced = not step.opens
    return status


def unapplied_corrections(entries: Iterable[Entry]) -> Iterator[Irregular]:
    """Corrections that lead nowhere, since one that they build on is retracted."""
    for entry in entries:
        for version in entry.unapplied:
            target = entry.fact.originator_version
            yield Irregular(version, "unapplied", f"the correction of version {target} no longer fits what it corrects")


def lifecycle_irregularities(kind: Kind, entries: Sequence[Entry]) -> Iterator[Irregular]:
    """What the table does not expect: no opening, a step whose forerunner is missing or later, life after an end.

    `entries` stand in order of occurrence. One entry of each verb decides for all, so a long stream costs its length.
    """
    steps = [_step(kind, entry) for entry in entries]
    if entries and not any(step.opens for step in steps):
        yield Irregular(entries[0].fact.originator_version, "unopened", "no event on record opens this stream")
    first, undated = _first_of_each_verb(entries)
    ends = [entry for entry, step in zip(entries, steps, strict=True) if step.ends and _when(entry) is not None]
    ended = min(ends, key=lambda entry: cast("When", _when(entry)).sort_key[1], default=None)
    for entry, step in zip(entries, steps, strict=True):
        version = entry.fact.originator_version
        before = [verb for verb in step.after if verb in first or verb in undated]
        if step.after and not before:
            yield Irregular(version, "gap", f"{entry.verb}, but no {_either(step.after)} is on record")
        elif before and not undated.intersection(before):
            if all(_certainly_before(entry, first[verb]) for verb in before):
                yield Irregular(version, "order", f"{entry.verb} is dated before {_either(step.after)}")
        if ended is not None and not step.ends and _certainly_before(ended, entry):
            yield Irregular(version, "after-end", f"{entry.verb} is dated after {ended.verb}")


def _first_of_each_verb(entries: Iterable[Entry]) -> tuple[dict[str, Entry], set[str]]:
    """The first dated entry of each verb, and the verbs of which an entry is undated."""
    first: dict[str, Entry] = {}
    undated: set[str] = set()
    for entry in entries:
        if _when(entry) is None:
            undated.add(entry.verb)
        else:
            first.setdefault(entry.verb, entry)
    return first, undated


def _step(kind: Kind, entry: Entry) -> Step:
    step = kind.step(entry.verb)
    if step is None:
        raise KeyError(f"{kind.name}.{entry.verb}")
    return step


def _either(verbs: Sequence[str]) -> str:
    return " or ".join(verbs)


def _when(entry: Entry) -> When | None:
    when = entry.event.occurred_at if entry.event is not None else None
    return when if isinstance(when, When) else None


def _certainly_before(one: Entry, other: Entry) -> bool:
    first, second = _when(one), _when(other)
    return first is not None and second is not None and first.certainly_before(second)
