"""Native JSON Lines: one event a line, as `chipledger schema` describes it.

A line is the event's payload with its `type` and `stream`::

    {"type":"shipment.departed","stream":"shipment:sg-017","occurred_at":"2024-03-05","basis":"declared","at":{"country":"TW"}}

Chips may be written by any name that the catalogue knows; its id is recorded. A line without `source` gets one made of
its content, so that the same file read twice adds nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import msgspec

from ledger.catalog import load
from ledger.domain.codec import canonical, event_from_fields
from ledger.domain.event import Event
from ledger.domain.registry import EVENT_TYPES
from ledger.domain.stream import kind_of
from ledger.errors import InputError, Place
from ledger.intake.draft import Draft
from ledger.intake.explain import explain

__all__ = ["MAX_LINE", "catalogued", "read_line", "read_native"]

MAX_LINE: Final = 1 << 20
"""The longest line that is read, in bytes. A payload is far smaller; a longer line is not an event."""

NATIVE: Final = "native"

_BOM: Final = b"\xef\xbb\xbf"


class _Refused(ValueError):
    """A JSON text that the format does not allow, though JSON does."""


def read_native(path: Path, name: str = "") -> Iterator[Draft]:
    """The drafts of a JSON Lines file, in order; InputError for the first line that is not an event.

    `name` stands for the file in errors, where the path would say nothing to the user.
    """
    shown = name or str(path)
    try:
        with path.open("rb") as file:
            for number, line, whole in _lines(file, shown):
                if line.strip():
                    yield read_line(line, Place(shown, number), whole=whole)
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", Place(shown)) from error


def _lines(file: BinaryIO, name: str) -> Iterator[tuple[int, bytes, bool]]:
    """(number, bytes, whether a newline ends it) of each line, never holding more than `MAX_LINE`."""
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise InputError(
                f"the line is longer than {MAX_LINE:,} bytes",
                Place(name, number),
                "Is this a JSON Lines file, one event a line?",
            )
        yield number, line.removeprefix(_BOM) if number == 1 else line, line.endswith(b"\n")


def read_line(line: bytes, place: Place, *, whole: bool = True) -> Draft:
    """The draft that one line states. `whole` is whether a newline ended it."""
    fields = _fields(line, place, whole)
    type_name, stream = _take(fields, "type", place), _take(fields, "stream", place)
    step = EVENT_TYPES.get(type_name)
    if step is None:
        near = get_close_matches(type_name, EVENT_TYPES, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "The types are listed by: chipledger schema"
        raise InputError(f"{type_name[:80]!r} is not an event type", _at(place, "/type"), hint)
    kind, _, verb = type_name.partition(".")
    try:
        found = kind_of(stream)
    except ValueError as error:
        raise InputError(str(error), _at(place, "/stream")) from None
    if found != kind:
        raise InputError(f"a {type_name} belongs in a {kind}: stream, not in {stream}", _at(place, "/stream"))
    if kind == "ledger":
        raise InputError("events of the ledger itself are recorded by its own commands", _at(place, "/type"))
    if "source" not in fields:
        content = canonical_or_refuse({"type": type_name, "stream": stream, **fields}, place)
        fields["source"] = {"name": NATIVE, "key": sha256(content).hexdigest()}
    return Draft(stream, verb, _event(step.event, fields, place), place)


def _fields(line: bytes, place: Place, whole: bool) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise InputError(f"byte {error.start + 1} of the line is not UTF-8", place, "Save the file as UTF-8.") from None
    except json.JSONDecodeError as error:
        if not whole:
            raise InputError(
                "the file ends in the middle of a line", place, "Is it still being written, or cut off?"
            ) from None
        raise InputError(f"this is not JSON: {error.msg} (column {error.colno})", place) from None
    except _Refused as error:
        raise InputError(str(error), place) from None
    except RecursionError:
        raise InputError("the JSON is nested too deeply", place) from None
    except ValueError:
        raise InputError("a number has too many digits", place) from None
    if not isinstance(value, dict):
        raise InputError("a line is one JSON object, with a type and a stream", place)
    return cast("dict[str, Any]", value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        twice = next(name for name, often in Counter(name for name, _ in pairs).items() if often > 1)
        raise _Refused(f"the field {twice[:80]!r} is there twice")
    return result


def _no_constant(name: str) -> Any:
    raise _Refused(f"{name} is not a number that can be recorded")


def _take(fields: dict[str, Any], name: str, place: Place) -> str:
    value = fields.pop(name, None)
    if not isinstance(value, str):
        problem = f"the line has no {name}" if value is None else f"{name} is not text"
        raise InputError(
            problem, _at(place, f"/{name}"), "One event of each kind is described by: chipledger schema TYPE"
        )
    return value


def canonical_or_refuse(fields: dict[str, Any], place: Place) -> bytes:
    """Canonical bytes of JSON values that somebody else wrote."""
    try:
        return canonical(fields)
    except (OverflowError, msgspec.EncodeError, TypeError):
        raise InputError("a number has more digits than can be recorded", place, "Write it as a string.") from None
    except UnicodeEncodeError:
        raise InputError("the text holds half of a surrogate pair", place) from None


def _event(kind: type[Event], fields: dict[str, Any], place: Place) -> Event:
    canonical_or_refuse(fields, place)
    try:
        return event_from_fields(kind, fields, catalogued)
    except msgspec.ValidationError as error:
        problem, pointer, hint = explain(str(error), kind, fields)
        raise InputError(problem, _at(place, pointer), hint) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"this cannot be read: {error}", place) from None


def catalogued(name: str) -> str:
    """The catalogue's id for a chip's name; a name under ``other:`` as it stands; ValueError with the nearest otherwise."""
    if name.startswith("other:"):
        return name
    catalogue = load()
    model = catalogue.resolve(name)
    if model is not None:
        return model.id
    near = catalogue.nearest(name)
    advice = f"did you mean {' or '.join(near)}? " if near else ""
    raise ValueError(f"unknown chip {name[:80]!r}: {advice}A part that the catalogue lacks is written as other:NAME")


def _at(place: Place, pointer: str) -> Place:
    return Place(place.file, place.line, pointer)
