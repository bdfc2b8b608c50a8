"""What a data set said before, and what its later release makes of it: nothing new, or one correction.

A release is held against what *the data set* said last, not against what others have since made of it. So the same file
twice adds nothing, a release that goes back to what an earlier one said is a correction like any other, and a person's
own correction stands until the data set itself changes that field. Fields for which a release has no column say nothing
and stay as they were. Shown by `tests/intake/test_epoch_releases.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct

from ledger.domain.codec import canonical, event_fields
from ledger.domain.correction import Corrected, corrected
from ledger.domain.event import Basis, Event, Evidence, Source
from ledger.domain.kind import Entry, Fact, Subject
from ledger.errors import Place
from ledger.intake.draft import Draft

__all__ = ["Release", "Said", "revised", "said"]

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

    `entry` is the event as everybody's corrections left it.
    """

    entry: Entry
    event: Event
    fields: dict[str, Any]
    corrections: int


def said(subject: Subject, source: Source) -> Said | None:
    """What the event with that source in a stream says, or None where there is none."""
    entry = next((entry for entry in subject.entries if _source(entry.fact) == source), None)
    if entry is None or not isinstance(entry.fact.event, Event):
        return None
    event, count = entry.fact.event, 0
    for fact in subject.facts:
        later, by = fact.event, _source(fact)
        if by is None or by.name != source.name or not isinstance(later, Corrected):
            continue
        if later.corrects == entry.fact.originator_version:
            count += 1
            try:
                event = corrected(event, later)
            except (LookupError, msgspec.ValidationError):
                continue
    return Said(entry, entry.fact.event, event_fields(event), count)


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
    if before.entry.event is None:
        return again
    target = _with_silence_filled(before.fields, now, silent)
    replace, remove = _changes(before.fields, target, event_fields(before.entry.event))
    if not replace and not remove:
        return again
    source = before.event.source
    if not isinstance(source, Source):
        raise TypeError("an event without a source cannot be revised")
    digest = sha256(canonical(target)).hexdigest()[:_PREFIX]
    correction = Corrected(
        basis=Basis.REPORTED,
        corrects=before.entry.fact.originator_version,
        reason=release.reason,
        replace={f"/{name}": value for name, value in replace.items()} or UNSET,
        remove=tuple(f"/{name}" for name in remove) or UNSET,
        evidence=(msgspec.convert(release.evidence, Evidence),),
        source=Source(name=source.name, key=f"{source.key}#{before.corrections + 1}-{digest}"),
    )
    return Draft(stream, "corrected", correction, place)


def _with_silence_filled(before: dict[str, Any], now: dict[str, Any], silent: Collection[str]) -> dict[str, Any]:
    """`now`, with what was said before wherever the release has no column for it; each field keeps the basis it has."""
    target = now | {name: before[name] for name in silent if name in before}
    bases = {}
    for name in target.keys() - _ENVELOPE:
        kept = name in before and (name in silent or ("basis" in silent and before[name] == now.get(name)))
        bases[name] = _basis(before if kept else now, name)
    target["basis_of"] = {f"/{name}": basis for name, basis in sorted(bases.items()) if basis != target["basis"]}
    return target


def _basis(fields: dict[str, Any], name: str) -> str:
    basis: str = fields.get("basis_of", {}).get(f"/{name}", fields["basis"])
    return basis


def _changes(
    before: dict[str, Any], target: dict[str, Any], effective: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """What to replace and what to remove in `effective`, so that the data set's fields go from `before` to `target`."""
    names = (before.keys() | target.keys()) - {"source", "basis_of"}
    changed = sorted(name for name in names if _comparable(before, name) != _comparable(target, name))
    replace = {name: target[name] for name in changed if name in target}
    remove = [name for name in changed if name not in target and name in effective]
    after = (effective | replace).keys() - remove
    old, new = before.get("basis_of", {}), target["basis_of"]
    if old != new:
        others = {pointer: basis for pointer, basis in effective.get("basis_of", {}).items() if pointer not in old}
        bases = {p: basis for p, basis in (others | new).items() if p.split("/")[1] in after}
        if bases:
            replace["basis_of"] = bases
        elif "basis_of" in effective:
            remove.append("basis_of")
    return replace, remove


def _comparable(fields: dict[str, Any], name: str) -> Any:
    """A field as two releases are compared by it: each is evidence of itself, which says nothing new."""
    value = fields.get(name)
    if name == "evidence" and value:
        return [item for item in value if "uri" in item]
    return value
