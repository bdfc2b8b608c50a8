"""What a data set said before, and what its later release makes of it: nothing new, or one correction.

A release is held against what *the data set* said last, not against what others have since made of it. So the same file
twice adds nothing, a release that goes back to what an earlier one said is a correction like any other, and a person's
own correction stands until the data set itself changes that field. Fields for which a release has no column say nothing
and stay as they were. Shown by `tests/intake/test_epoch_releases.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct

from ledger.domain.codec import canonical, event_fields
from ledger.domain.correction import Corrected, corrected, patch
from ledger.domain.event import Basis, Event, Evidence, Source
from ledger.domain.kind import Entry, Fact, Subject
from ledger.errors import Place
from ledger.intake.draft import Draft

__all__ = ["Release", "Said", "revised", "said", "source_of"]

_ENVELOPE: Final = frozenset({"basis", "basis_of", "evidence", "note", "occurred_at", "source"})
_PREFIX: Final = 12


class Release(Struct, frozen=True):
    """One file of a data set: `title` as people call the data set, the file's name, and SHA-256 of its bytes in hex."""

    title: str
    file: str
    sha256: str

    @property
    def evidence(self) -> dict[str, Any]:
        """The file as an item of evidence."""
        return {"sha256": self.sha256, "media_type": "text/csv", "note": f"{self.title}: {self.file}"}

    @property
    def reason(self) -> str:
        """Why a later release corrects an earlier one."""
        return f"{self.title} release: {self.file} / {self.sha256[:_PREFIX]}"


class Said(Struct, frozen=True):
    """What a data set said of one subject: `event` as recorded, `fields` as its own `corrections` (a count) left them.

    `entry` is the event as everybody's corrections left it; `digest` is of what the last of its own corrections told.
    """

    entry: Entry
    event: Event
    fields: dict[str, Any]
    corrections: int
    digest: str


def said(subject: Subject, source: Source) -> Said | None:
    """What the event with that source in a stream says, or None where there is none."""
    entry = next((entry for entry in subject.entries if _source(entry.fact) == source), None)
    if entry is None or not isinstance(entry.fact.event, Event):
        return None
    event, count, digest = entry.fact.event, 0, ""
    for fact in subject.facts:
        later, by = fact.event, _source(fact)
        if by is None or by.name != source.name or not isinstance(later, Corrected):
            continue
        if later.corrects == entry.fact.originator_version:
            count += 1
            digest = by.key.rpartition("-")[2]
            try:
                event = corrected(event, later)
            except (LookupError, msgspec.ValidationError):
                continue
    return Said(entry, entry.fact.event, event_fields(event), count, digest)


def source_of(subject: Subject, name: str) -> Source | None:
    """The source of the first event in a stream that came from the data set of that name; None where none did."""
    sources = (_source(entry.fact) for entry in subject.entries)
    return next((source for source in sources if source is not None and source.name == name), None)


def _source(fact: Fact) -> Source | None:
    event = fact.event
    return event.source if isinstance(event, Event) and isinstance(event.source, Source) else None


def revised(
    stream: str, before: Said, now: dict[str, Any], silent: Collection[str], release: Release, place: Place
) -> Draft:
    """The draft for a subject of which the data set spoke `before`, now that it says `now` (an event's fields).

    A `run.corrected` or the like where something changed; otherwise the recorded event itself, which the ledger passes
    over as known. `silent` are the fields for which the release has no column.
    """
    again = Draft(stream, before.entry.verb, before.event, place)
    source = before.event.source
    if before.entry.event is None or not isinstance(source, Source):
        return again
    target = _with_silence_filled(before.fields, now, silent)
    told = {name: _comparable(target, name) for name in target.keys() - {"source"}}
    digest = sha256(canonical(told)).hexdigest()[:_PREFIX]
    if digest == before.digest:
        return again
    change = _change(before.fields, target, event_fields(before.entry.event))
    if change is None:
        return again
    correction = msgspec.structs.replace(
        change,
        corrects=before.entry.fact.originator_version,
        reason=release.reason,
        evidence=(msgspec.convert(release.evidence, Evidence),),
        source=Source(name=source.name, key=f"{source.key}#{before.corrections + 1}-{digest}"),
    )
    return Draft(stream, "corrected", correction, place)


def _with_silence_filled(before: dict[str, Any], now: dict[str, Any], silent: Collection[str]) -> dict[str, Any]:
    """`now`, with what was said before wherever the release has no column for it; each field keeps the basis it has."""
    target = now | {name: before[name] for name in silent if name in before}
    bases: dict[str, Any] = {}
    for name in target.keys() - _ENVELOPE:
        kept = name in before and (name in silent or ("basis" in silent and before[name] == now.get(name)))
        bases[f"/{name}"] = _basis(before if kept else now, name)
    target["basis_of"] = {pointer: bases[pointer] for pointer in sorted(bases) if bases[pointer] != target["basis"]}
    return target


def _basis(fields: dict[str, Any], name: str) -> str:
    basis: str = fields.get("basis_of", {}).get(f"/{name}", fields["basis"])
    return basis


def _change(before: dict[str, Any], target: dict[str, Any], effective: dict[str, Any]) -> Corrected | None:
    """What takes the data set's fields from `before` to `target` in `effective`; None where nothing has to change."""
    names = (before.keys() | target.keys()) - {"source", "basis_of"}
    changed = sorted(name for name in names if _comparable(before, name) != _comparable(target, name))
    replace = {name: target[name] for name in changed if name in target}
    remove = [name for name in changed if name not in target and name in effective]
    restated = {name for name in target.keys() - _ENVELOPE if _basis(before, name) != _basis(target, name)}
    if not replace and not remove and not restated:
        return None
    own = {_basis(target, name) for name in replace.keys() - _ENVELOPE}
    default = replace.get("basis", effective["basis"])
    basis = Basis(own.pop() if len(own) == 1 else default)
    bases: dict[str, Any] = {}
    for name in sorted((effective | replace).keys() - _ENVELOPE - set(remove)):
        stands = _basis(target if name in restated or name in replace else effective, name)
        bases |= {f"/{name}": stands} if stands != default else {}
        if name not in replace:
            bases |= {p: b for p, b in effective.get("basis_of", {}).items() if p.startswith(f"/{name}/")}
    change = _correction(basis, replace, remove)
    if patch(effective, change).get("basis_of", {}) == bases:
        return change if replace or remove else None
    if bases:
        return _correction(basis, replace | {"basis_of": bases}, remove)
    return _correction(basis, replace, [*remove, "basis_of"])


def _correction(basis: Basis, replace: dict[str, Any], remove: Sequence[str]) -> Corrected:
    return Corrected(
        basis=basis,
        corrects=1,
        reason="not stated yet",
        replace={f"/{name}": value for name, value in replace.items()} or UNSET,
        remove=tuple(f"/{name}" for name in remove) or UNSET,
    )


def _comparable(fields: dict[str, Any], name: str) -> Any:
    """A field as two releases are compared by it: each is evidence of itself, which says nothing new."""
    value = fields.get(name)
    if name == "evidence" and value:
        return [item for item in value if "uri" in item]
    return value
