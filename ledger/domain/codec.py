"""Payload bytes: RFC 8785 canonical JSON of an event's fields, and the strict way back.

Keys are ASCII and every number is an integer or a string, so sorted compact JSON is the canonical form
(`tests/domain/test_canonical.py` holds it against an independent implementation of RFC 8785).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, Final, TypeVar, cast

import msgspec

from ledger.domain.country import check_country
from ledger.domain.event import NAME_PATTERN, Chip, Country, Event
from ledger.domain.quantity import Count, Percent, Quantity
from ledger.domain.when import When

__all__ = ["canonical", "decode_event", "encode_event", "event_fields", "event_from_fields"]

E = TypeVar("E", bound=Event)
Resolve = Callable[[str], str]

_CATALOGUE_ID: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,63}", re.ASCII)
_NAME: Final = re.compile(NAME_PATTERN)
_NAME_LENGTH: Final = 300


_ENCODERS: Final[dict[type, Callable[[Any], Any]]] = {
    When: attrgetter("text"),
    Quantity: Quantity.json,
    Count: Quantity.json,
    Percent: Quantity.json,
    Country: str.__str__,
    Chip: str.__str__,
}


def _encode_value(value: object) -> Any:
    try:
        return _ENCODERS[type(value)](value)
    except KeyError:
        raise NotImplementedError(type(value).__name__) from None


def _decode_value(kind: type, value: object, resolve_chip: Resolve) -> object:
    if kind is When:
        return When.parse(_text(value))
    if issubclass(kind, Quantity):
        return kind.parse(value)
    if kind is Country:
        return Country(check_country(_text(value)))
    if kind is Chip:
        return _chip(resolve_chip(_text(value)))
    raise NotImplementedError(kind.__name__)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, got {type(value).__name__}")
    return value


def _chip(text: str) -> Chip:
    name = text.removeprefix("other:")
    known = text == name and _CATALOGUE_ID.fullmatch(text)
    kept = text != name and len(name) <= _NAME_LENGTH and _NAME.match(name)
    if not known and not kept:
        raise ValueError(f"{text[:60]!r} is neither a chip's id in the catalogue nor other: and its name")
    return Chip(text)


def _as_it_stands(chip: str) -> str:
    return chip


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_encode_value, order="sorted")


@cache
def _decoder(kind: type[E], resolve_chip: Resolve) -> msgspec.json.Decoder[E]:
    return msgspec.json.Decoder(kind, dec_hook=lambda t, value: _decode_value(t, value, resolve_chip))


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value of this format (ASCII keys, no floats)."""
    return _ENCODER.encode(value)


def encode_event(event: Event) -> bytes:
    """An event's payload bytes."""
    return _ENCODER.encode(event)


def decode_event(kind: type[E], payload: bytes, resolve_chip: Resolve = _as_it_stands) -> E:
    """The event that `payload` states; msgspec.ValidationError names the field, msgspec.DecodeError the byte.

    `resolve_chip` turns a chip's name into its catalogue id; ValueError from it is a ValidationError here.
    """
    try:
        return cast("E", _decoder(kind, resolve_chip).decode(payload))
    except UnicodeDecodeError:
        raise msgspec.DecodeError("the text is not UTF-8") from None
    except RecursionError:
        raise msgspec.DecodeError("the values are nested too deeply") from None


def event_fields(event: Event) -> dict[str, Any]:
    """An event's payload as plain JSON values."""
    return cast("dict[str, Any]", msgspec.json.decode(_ENCODER.encode(event)))


def event_from_fields(kind: type[E], fields: dict[str, Any], resolve_chip: Resolve = _as_it_stands) -> E:
    """The inverse of `event_fields`, as strict as `decode_event`."""
    try:
        return msgspec.convert(fields, kind, dec_hook=lambda t, value: _decode_value(t, value, resolve_chip))
    except RecursionError:
        raise msgspec.ValidationError("the values are nested too deeply") from None
