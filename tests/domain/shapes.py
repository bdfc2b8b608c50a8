"""Values of every shape that an event's fields take, read off the struct definitions: one by rule, or any by chance."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect as shape

from ledger.domain.country import COUNTRIES
from ledger.domain.event import NAME_PATTERN, TEXT_PATTERN, Chip, Country, Event
from ledger.domain.quantity import Count, Percent, Quantity
from ledger.domain.when import When

# Fields whose general example would contradict another field of the same event.
_EXAMPLES: dict[str, Any] = {
    "first": 1,
    "last": 2,
    "size": 3,
    "basis_of": {"/evidence/0/sha256": "attested", "/occurred_at": "reported"},
    "replace": {"/note": "as the carrier's paper has it", "/lines/0/quantity": {"max": 9, "min": 8}, "/legs": []},
    "remove": ["/evidence/0", "/evidence/1"],
    "persons": 1000,
    "sensitive_persons": 8,
    "format": 1,
}
_BY_PATTERN: dict[str, str] = {
    NAME_PATTERN: "Zhōngguó Müller 中文 & Söhne",
    TEXT_PATTERN: 'one line,\nanother "quoted" \\ /: é, 中文, العربية, 😀',
    r"\A[A-Za-z0-9._~-]{1,64}\Z": "part-1",
    r"\A[0-9a-f]{64}\Z": "0123456789abcdef" * 4,
    r"\A[a-z][a-z0-9+.-]*:[!-~]{1,2000}\Z": "https://example.com/a?b=%20c#d",
    r"\A[!-~]{1,128}\Z": "SN-0001/A",
    r"\A[A-Za-z0-9._~:/-]{1,200}\Z": "example:data/2026-07",
    r"\A(?:/[A-Za-z0-9_]{1,64})+\Z": "/note",
    r"\A[a-z]+:[A-Za-z0-9._~-]{1,128}\Z": "shipment:sg-2024-017",
}
_CUSTOM: dict[type, Any] = {
    When: "2024-03-05",
    Quantity: "100000000000000000000000000",
    Count: 8,
    Percent: {"max": "49.5", "min": 12},
    Country: "SG",
    Chip: "nvidia-h100-sxm5-80gb",
}


def example(kind: type[Event], *, full: bool) -> dict[str, Any]:
    """A payload of `kind` with every field stated, or only those that must be."""
    return _struct_example(shape.type_info(kind), full)


def _struct_example(kind: Any, full: bool) -> dict[str, Any]:
    return {
        field.encode_name: _example(field.type, field.encode_name, full)
        for field in kind.fields
        if full or field.required
    }


def _example(kind: Any, name: str, full: bool) -> Any:
    match kind:
        case shape.Metadata():
            return _example(kind.type, name, full)
        case shape.UnionType():
            return _example(kind.types[0], name, full) if full else None
        case _ if name in _EXAMPLES:
            return _EXAMPLES[name]
        case shape.StructType():
            return _struct_example(kind, full)
        case shape.VarTupleType():
            return [_example(kind.item_type, name, full)] if full else []
        case shape.EnumType():
            return next(iter(kind.cls)).value
        case shape.CustomType():
            return _CUSTOM[kind.cls]
        case shape.BoolType():
            return True
        case shape.IntType():
            return 7
        case shape.StrType():
            return "GPU-0001" if name == "uuids" else _text_example(kind.pattern or "")
    raise NotImplementedError(kind)


def _text_example(pattern: str) -> str:
    if pattern in _BY_PATTERN:
        return _BY_PATTERN[pattern]
    if found := re.match(r"\\A([a-z]+):\[", pattern):
        return f"{found[1]}:example-1"
    if r"\+" in pattern:
        return "example.com/ledger+0a1b2c3d+" + "A" * 43 + "="
    raise NotImplementedError(pattern)


# ---- any value, by chance

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    re.compile(NAME_PATTERN).match
)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    re.compile(TEXT_PATTERN).match
)
days = st.dates().filter(lambda day: 1800 <= day.year <= 2199).map(str)
times = st.builds(
    "{}T{:02}:{:02}:{:02}{}".format,
    days,
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
    st.sampled_from(["Z", "+08:00", "-11:00", "+05:45", "+14:00", "-12:00"]),
)
points = st.one_of(
    st.integers(1800, 2199).map(str),
    days.map(lambda day: day[:7]),
    days,
    times,
)
whens = st.one_of(points, points.map("{}/..".format), points.map("../{}".format))
wholes = st.integers(0, 2**53 - 1)
decimals = st.builds("{}.{}{}".format, st.integers(0, 10**59), st.integers(0, 10**8), st.integers(1, 9))
numbers = st.one_of(wholes, st.integers(2**53, 10**60 - 1).map(str), decimals)
ranges = st.one_of(
    st.tuples(wholes, wholes).filter(lambda ends: ends[0] != ends[1]).map(lambda e: {"max": max(e), "min": min(e)}),
    numbers.map(lambda end: {"min": end}),
    numbers.map(lambda end: {"max": end}),
)
counts = st.one_of(wholes, wholes.map(lambda end: {"min": end}), wholes.map(lambda end: {"max": end}))
percents = st.one_of(st.integers(0, 100), st.integers(0, 99).map("{}.5".format))
chips = st.one_of(st.from_regex(r"[a-z0-9][a-z0-9.-]{1,63}", fullmatch=True), names.map("other:{}".format))
keys = st.from_regex(r"[A-Za-z0-9_/]{1,12}", fullmatch=True)
any_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)
_CUSTOM_BY_CHANCE: dict[type, st.SearchStrategy[Any]] = {
    When: whens,
    Quantity: st.one_of(numbers, ranges),
    Count: counts,
    Percent: percents,
    Country: st.sampled_from(sorted(COUNTRIES)),
    Chip: chips,
}


def payloads(kind: type[Event]) -> st.SearchStrategy[dict[str, Any]]:
    """Any payload that `kind` takes, as JSON values; it may contradict itself."""
    return _struct(shape.type_info(kind))


def _struct(kind: Any) -> st.SearchStrategy[dict[str, Any]]:
    required = {field.encode_name: _any(field.type) for field in kind.fields if field.required}
    optional = {field.encode_name: _any(field.type) for field in kind.fields if not field.required}
    return st.fixed_dictionaries(required, optional=optional)


def _any(kind: Any) -> st.SearchStrategy[Any]:
    plain: dict[type, Callable[[Any], st.SearchStrategy[Any]]] = {
        shape.Metadata: lambda k: _any(k.type),
        shape.UnionType: lambda k: st.one_of(*(_any(member) for member in k.types)),
        shape.StructType: _struct,
        shape.VarTupleType: lambda k: st.lists(_any(k.item_type), max_size=3),
        shape.DictType: lambda k: st.dictionaries(_any(k.key_type), _any(k.value_type), max_size=3),
        shape.EnumType: lambda k: st.sampled_from([member.value for member in k.cls]),
        shape.CustomType: lambda k: _CUSTOM_BY_CHANCE[k.cls],
        shape.BoolType: lambda _: st.booleans(),
        shape.NoneType: lambda _: st.none(),
        shape.AnyType: lambda _: any_json,
        shape.IntType: lambda k: st.integers(k.ge, k.le),
        shape.StrType: lambda k: _text(k.pattern),
    }
    return plain[type(kind)](kind)


def _text(pattern: str) -> st.SearchStrategy[str]:
    if pattern == NAME_PATTERN:
        return names
    if pattern == TEXT_PATTERN:
        return texts
    if r"\+" in pattern:
        return st.text(string.ascii_letters, min_size=1, max_size=9).map(lambda name: f"{name}+0a1b2c3d+AAAA")
    short = pattern.replace("{1,2000}", "{1,9}").replace("{1,128}", "{1,9}").replace("{1,200}", "{1,9}")
    return st.from_regex(short, fullmatch=True)


def plain(payload: bytes) -> Any:
    """The JSON value of some bytes."""
    return msgspec.json.decode(payload)
