"""A decoder's complaint put into the user's words: which field, what it holds, what it should hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from msgspec import inspect

from ledger.domain.event import Event

__all__ = ["describe", "explain"]

_PATH = re.compile(r" - at `(key in )?\$(.*)`$", re.DOTALL)
_TOKEN = re.compile(r"\.([A-Za-z0-9_]+)|\[(\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)


def explain(message: str, kind: type[Event], fields: dict[str, Any]) -> tuple[str, str, str]:
    """(problem, JSON pointer, hint) of a `msgspec.ValidationError` raised for `fields` read as `kind`."""
    found = _PATH.search(message)
    text = message[: found.start()] if found else message
    tokens = [name or index for name, index in _TOKEN.findall(found[2])] if found else []
    pointer = "".join(f"/{token}" for token in tokens if token != "...")
    if found and found[1]:
        return "a key here is not a JSON pointer to a field, such as /lines/0/quantity", pointer, ""
    expected = _type_at(inspect.type_info(kind), tokens)
    value = _value_at(fields, tokens)
    if unknown := _UNKNOWN.search(text):
        known = [field.name for field in expected.fields] if isinstance(expected, inspect.StructType) else []
        near = get_close_matches(unknown[1], known, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"The fields are: {', '.join(known)}"
        return "there is no such field here", f"{pointer}/{unknown[1][:80]}", hint
    if missing := _MISSING.search(text):
        return "the field is missing, and must be stated", f"{pointer}/{missing[1]}", ""
    if isinstance(expected, inspect.EnumType):
        names = [str(member.value) for member in expected.cls]
        return f"{_shown(value)} is not one of {', '.join(names)}", pointer, ""
    if "matching regex" in text or "length" in text:
        return _pattern_problem(value, expected, text), pointer, ""
    if text.startswith("Expected"):
        return f"{_shown(value)} stands where {describe(expected)} is expected", pointer, ""
    return text, pointer, ""


def _pattern_problem(value: Any, expected: Any, text: str) -> str:
    if isinstance(value, str):
        for character in value:
            if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") and character not in "\n\t":
                name = unicodedata.name(character, "a control character").lower()
                return f"it holds U+{ord(character):04X} ({name}), which makes text read as something else"
        if value != value.strip():
            return f"{_shown(value)} begins or ends with a space"
    wanted = describe(expected)
    return f"{_shown(value)} is not {wanted}" if wanted else text


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _unwrapped(expected: Any) -> tuple[Any, str]:
    """A type without its metadata and options, and the description that the metadata gives."""
    description = ""
    if isinstance(expected, inspect.Metadata):
        description = (expected.extra_json_schema or {}).get("description", "")
        inner, deeper = _unwrapped(expected.type)
        return inner, description or deeper
    if isinstance(expected, inspect.UnionType):
        for option in expected.types:
            if not isinstance(option, inspect.NoneType):
                return _unwrapped(option)
    return expected, description


def _type_at(expected: Any, tokens: Sequence[str]) -> Any:
    inner, _ = _unwrapped(expected)
    for token in tokens:
        if isinstance(inner, inspect.StructType):
            field = next((field for field in inner.fields if field.encode_name == token), None)
            if field is None:
                return None
            expected = field.type
        elif isinstance(inner, inspect.VarTupleType):
            expected = inner.item_type
        elif isinstance(inner, inspect.DictType):
            expected = inner.value_type
        else:
            return None
        inner, _ = _unwrapped(expected)
    return inner if isinstance(inner, inspect.StructType | inspect.EnumType) else expected


def _value_at(value: Any, tokens: Sequence[str]) -> Any:
    for token in tokens:
        if isinstance(value, dict):
            value = value.get(token)
        elif isinstance(value, list) and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
        else:
            return value
    return value


_PLAIN: dict[type, str] = {
    inspect.StrType: "text",
    inspect.BoolType: "true or false",
    inspect.IntType: "an integer",
    inspect.StructType: "an object",
    inspect.VarTupleType: "a list",
    inspect.DictType: "an object",
    inspect.NoneType: "null",
    inspect.AnyType: "any value",
}

_CUSTOM = {
    "When": "a date, time or interval",
    "Count": "a whole number, or {min, max}",
    "Quantity": "a number, or {min, max}",
    "Country": "a country code",
    "Chip": "a chip's catalogue id or name, or other:NAME",
}


def describe(expected: Any) -> str:
    """What a type is, in a few words."""
    inner, description = _unwrapped(expected)
    if description:
        return str(description)
    if isinstance(inner, inspect.CustomType):
        return _CUSTOM.get(inner.cls.__name__, inner.cls.__name__)
    if isinstance(inner, inspect.EnumType):
        return " | ".join(str(member.value) for member in inner.cls)
    if isinstance(inner, inspect.VarTupleType):
        return f"a list, each {describe(inner.item_type)}"
    return _PLAIN.get(type(inner), "something else")
