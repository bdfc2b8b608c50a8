"""Payload bytes: RFC 8785 canonical JSON of an event's fields, and the strict way back.

Keys are ASCII and every number is an integer or a string, so sorted compact JSON is the canonical form
(`tests/domain/test_canonical.py` holds it against an independent implementation of RFC 8785).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeVar, cast

import msgspec

from ledger.domain.country import check_country
from ledger.domain.event import Chip, Country, Event
from ledger.domain.quantity import Count, Quantity
from ledger.domain.when import When

__all__ = ["canonical", "decode_event", "encode_event", "event_fields", "event_from_fields"]

E = TypeVar("E", bound=Event)
Resolve = Callable[[str], str]

CHIP_PATTERN: Final = r"(?:other:.{1,290}|[a-z0-9][a-z0-9.-]{1,63})"


def _encode_value(value: object) -> Any:
    if isinstance(value, When):
        return value.text
    if isinstance(value, Quantity):
        return value.json()
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError(type(value).__name__)


def _decode_value(kind: type, value: object, resolve_chip: Resolve) -> object:
    if kind is When:
        return When.parse(_text(value))
    if kind is Count:
        return Count.parse(value)
    if kind is Quantity:
        return Quantity.parse(value)
    if kind is Country:
        return Country(check_country(_text(value)))
    if kind is Chip:
        return Chip(resolve_chip(_text(value)))
    raise NotImplementedError(kind.__name__)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, got {type(value).__name__}")
    return value


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
    return cast("E", _decoder(kind, resolve_chip).decode(payload))


def event_fields(event: Event) -> dict[str, Any]:
    """An event's payload as plain JSON values."""
    return cast("dict[str, Any]", msgspec.json.decode(_ENCODER.encode(event)))


def event_from_fields(kind: type[E], fields: dict[str, Any], resolve_chip: Resolve = _as_it_stands) -> E:
    """The inverse of `event_fields`, as strict as `decode_event`."""
    return decode_event(kind, _ENCODER.encode(fields), resolve_chip)
