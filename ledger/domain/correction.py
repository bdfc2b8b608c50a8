"""Corrections: events of the same stream that replace fields of an earlier event, or retract it, with the reason.

Nothing is overwritten: `apply_corrections` reads a stream's facts and returns what each says now, and which later
events say so. Later corrections win. A correction can itself be retracted; it is amended by a new correction of the
same event.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Annotated, Any, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger.domain.codec import event_fields, event_from_fields
from ledger.domain.event import TEXT_PATTERN, Event, Opaque, Pointer, Text
from ledger.domain.kind import Entry, Fact, Step
from ledger.domain.quantity import parse_number

__all__ = ["CORRECTIONS", "Corrected", "Retracted", "apply_corrections", "corrected", "leads_nowhere", "patch"]

Version = Annotated[int, Meta(ge=1, le=2**31 - 1, description="version of the event in this stream, from 1")]


class Corrected(Event, frozen=True, kw_only=True):
    """Fields of the event at version `corrects` are replaced, added or removed, each by JSON pointer.

    Replacements come first, in the order of their pointers; ``/legs/2`` adds to a list of two. Removals follow, the
    last one first: an index means the list as it stood, in whatever order the pointers are written.
    A replaced field stands on the correction's own basis, unless the correction also sets one for it in ``/basis_of``.
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
        if self.remove and len(set(self.remove)) < len(self.remove):
            return "the correction removes one field twice"
        return None

    def __post_init__(self) -> None:
        for value in (self.replace or {}).values():
            _check_value(value)


class Retracted(Event, frozen=True, kw_only=True):
    """The event at version `corrects` is withdrawn; it stays in the log and is read no longer."""

    corrects: Version
    reason: Text


CORRECTIONS = (Step("corrected", Corrected), Step("retracted", Retracted))
"""The two steps that every kind has besides its own."""

_TOKEN = re.compile(r"0|[1-9]\d{0,5}", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9_/]{1,1000}", re.ASCII)
_TEXT = re.compile(TEXT_PATTERN)
_DEPTH = 16
_ENVELOPE = ("basis", "basis_of", "evidence", "note")


def _check_value(value: object, depth: int = 0) -> None:
    """ValueError where `value` could stand in no event, or not in canonical JSON: what it corrects is checked later."""
    if depth > _DEPTH:
        raise ValueError(f"a value is nested more than {_DEPTH} deep")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or _KEY.fullmatch(key) is None:
                raise ValueError(f"{str(key)[:60]!r} is no field's name")
            _check_value(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_value(item, depth + 1)
    elif isinstance(value, str):
        if _TEXT.match(value) is None:
            raise ValueError(f"the text {value[:60]!r} is empty, or holds characters that cannot be seen")
    elif value is not None and not isinstance(value, bool):
        parse_number(value)


def _in_order(pointer: str) -> list[tuple[int, str]]:
    """Sorts pointers: a field before what is in it, a list's items by number."""
    return [(int(token), "") if _TOKEN.fullmatch(token) else (-1, token) for token in pointer[1:].split("/")]


def patch(fields: dict[str, Any], correction: Corrected) -> dict[str, Any]:
    """`fields` (a payload as JSON values) as `correction` has them; LookupError names a pointer that leads nowhere."""
    result = deepcopy(fields)
    replace = correction.replace or {}
    for pointer in sorted(replace, key=_in_order):
        _set(result, pointer, deepcopy(replace[pointer]))
    _stand_on_correction(result, correction)
    for pointer in sorted(correction.remove or (), key=_in_order, reverse=True):
        from_list = _remove(result, pointer)
        _set_basis_of(result, _without(result.get("basis_of"), pointer, from_list))
    return result


def _stand_on_correction(fields: dict[str, Any], correction: Corrected) -> None:
    """What is replaced is no firmer than the correction; what was said of the basis of the old value goes."""
    replace = correction.replace or {}
    given = replace.get("/basis_of", {})
    if not isinstance(given, dict):
        return  # what is read next refuses it
    chosen = set(given)
    replaced = [pointer for pointer in replace if pointer.split("/")[1] not in _ENVELOPE]
    basis_of = {
        pointer: basis
        for pointer, basis in _basis_of(fields).items()
        if pointer in chosen or not any(_covers(above, pointer) for above in replaced)
    }
    if correction.basis != fields.get("basis"):
        own = (pointer for pointer in replaced if not any(_covers(above, pointer) for above in chosen))
        basis_of.update(dict.fromkeys(own, correction.basis.value))
    _set_basis_of(fields, basis_of)


def _basis_of(fields: dict[str, Any]) -> dict[str, Any]:
    found = fields.get("basis_of")
    return found if isinstance(found, dict) else {}


def _set_basis_of(fields: dict[str, Any], basis_of: dict[str, Any]) -> None:
    if basis_of:
        fields["basis_of"] = basis_of
    elif _basis_of(fields):
        del fields["basis_of"]


def _without(basis_of: Any, removed: str, from_list: bool) -> dict[str, Any]:
    """`basis_of` once `removed` is gone: what it covered goes with it, and the list items after it move up by one."""
    result = {}
    parent, _, last = removed.rpartition("/")
    for pointer, basis in (basis_of if isinstance(basis_of, dict) else {}).items():
        if _covers(removed, pointer):
            continue
        if from_list and pointer.startswith(f"{parent}/"):
            token, slash, rest = pointer[len(parent) + 1 :].partition("/")
            moved = str(int(token) - 1) if _TOKEN.fullmatch(token) and int(token) > int(last) else token
            pointer = f"{parent}/{moved}{slash}{rest}"
        result[pointer] = basis
    return result


def _covers(above: str, pointer: str) -> bool:
    return pointer == above or pointer.startswith(f"{above}/")


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


def _find(fields: dict[str, Any], pointer: str) -> tuple[Any, str | int]:
    """What holds the field that `pointer` names, and its key or index there."""
    parent, last = _parent(fields, pointer)
    if isinstance(parent, dict) and last in parent:
        return parent, last
    if isinstance(parent, list) and _TOKEN.fullmatch(last) and int(last) < len(parent):
        return parent, int(last)
    raise LookupError(pointer)


def _remove(fields: dict[str, Any], pointer: str) -> bool:
    """Removes what `pointer` names; whether that was an item of a list."""
    parent, key = _find(fields, pointer)
    del parent[key]
    return isinstance(key, int)


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
        if version in withdrawn:
            entries.append(Entry(fact, None, retracted_by=withdrawn[version]))
        else:
            entries.append(_corrected_entry(fact, by_target.get(version, ())))
    return entries


def _corrected_entry(fact: Fact, corrections: Sequence[Fact]) -> Entry:
    """Each correction in turn; one that builds on a correction since retracted may lead nowhere, and is passed over."""
    event, applied, unapplied = cast("Event", fact.event), [], []
    for correction in corrections:
        try:
            event = corrected(event, cast("Corrected", correction.event))
            applied.append(correction.originator_version)
        except (LookupError, msgspec.ValidationError):
            unapplied.append(correction.originator_version)
    return Entry(fact, event, corrected_by=tuple(applied), unapplied=tuple(unapplied))


def _withdrawn(facts: Sequence[Fact]) -> dict[int, int]:
    """Version withdrawn → version that withdraws it. A retraction can be retracted, which restores its target."""
    withdrawn: dict[int, int] = {}
    for fact in reversed(facts):
        if isinstance(fact.event, Retracted) and fact.originator_version not in withdrawn:
            withdrawn[fact.event.corrects] = fact.originator_version
    return withdrawn


def corrected(event: Event, correction: Corrected) -> Event:
    """`event` as `correction` has it, read as strictly as at first: LookupError, msgspec.ValidationError."""
    return event_from_fields(type(event), patch(event_fields(event), correction))


def leads_nowhere(event: Event) -> str | None:
    """The first pointer in `basis_of` that names no field of `event`; None where each names one."""
    fields = event_fields(event) if event.basis_of else {}
    for pointer in event.basis_of or ():
        try:
            _find(fields, pointer)
        except LookupError:
            return pointer
    return None
