"""The events that can be recorded, described from their own definitions."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import click
import msgspec
from msgspec import inspect

from ledger.cli.opening import json_option
from ledger.cli.output import print_json, print_table
from ledger.domain.event import Event
from ledger.domain.kind import Kind, Step
from ledger.domain.registry import EVENT_TYPES, KINDS, steps_of
from ledger.errors import InputError
from ledger.intake.explain import describe

__all__ = ["schema"]


@click.command()
@click.argument("type_name", metavar="[TYPE]", default="")
@json_option
def schema(type_name: str, as_json: bool) -> None:
    """Describe the events that can be recorded.

    Without TYPE, lists all event types by kind, in the order of their lifecycle. With TYPE, such as
    shipment.declared, lists its fields; with a kind, such as shipment, its lifecycle. With --json, prints JSON Schema
    of a line that `record` reads.
    """
    if type_name in KINDS:
        kinds = [KINDS[type_name]]
    elif not type_name:
        kinds = [kind for kind in KINDS.values() if kind.name != "ledger"]
    else:
        _one(type_name, as_json)
        return
    if as_json:
        types = [f"{kind.name}.{step.verb}" for kind in kinds for step in steps_of(kind)]
        print_json({name: json_schema(name) for name in types})
        return
    for kind in kinds:
        _lifecycle(kind)
    click.echo(
        "Each kind also has corrected and retracted. The fields of one type: chipledger schema shipment.declared"
    )


def _lifecycle(kind: Kind) -> None:
    click.echo(f"{kind.name}: {kind.about}")
    rows = [(f"  {kind.name}.{step.verb}", _place(step), _about(step.event)) for step in kind.steps]
    print_table(["  type", "in the lifecycle", "what it says"], rows, soft=[2, 1])
    click.echo()


def _place(step: Step) -> str:
    words = []
    if step.opens:
        words.append("opens, once" if step.once else "opens")
    if step.after:
        words.append(f"after {' or '.join(step.after)}")
    if step.ends:
        words.append("ends")
    return "; ".join(words)


def _about(kind: type) -> str:
    return (kind.__doc__ or "").strip().split("\n")[0]


def _one(name: str, as_json: bool) -> None:
    step = EVENT_TYPES.get(name)
    if step is None:
        near = get_close_matches(name, [*EVENT_TYPES, *KINDS], n=2)
        hint = f"Did you mean {' or '.join(near)}?" if near else "All of them: chipledger schema"
        raise InputError(f"{name[:80]!r} is not an event type", hint=hint)
    if as_json:
        print_json(json_schema(name))
        return
    click.echo(f"{name}: {_about(step.event)}\n")
    envelope = set(Event.__struct_fields__)
    info = inspect.type_info(step.event)
    fields = info.fields if isinstance(info, inspect.StructType) else ()
    own = [field for field in fields if field.name not in envelope]
    rows: list[tuple[str, str, str]] = [("type", "yes", name), ("stream", "yes", f"{name.partition('.')[0]}:LABEL")]
    rows += [_row(field) for field in own]
    rows += [_row(field) for field in fields if field.name in envelope]
    nested: dict[str, inspect.StructType] = {}
    for field in own:
        _collect(field.type, nested)
    print_table(["field", "needed", "what it holds"], rows, soft=[2])
    for title, struct in nested.items():
        click.echo(f"\n{title}: {_about(struct.cls)}")
        print_table(["field", "needed", "what it holds"], [_row(field) for field in struct.fields], soft=[2])
    click.echo(
        "\nA field that is left out is not stated; null is known to be unknown; [] is none."
        '\nNumbers are integers below 2^53, or strings for larger ones and fractions; a range is {"min": …, "max": …}.'
    )


def _row(field: Any) -> tuple[str, str, str]:
    return field.encode_name, "yes" if field.required else "", _words(field.type)


def _words(kind: Any) -> str:
    struct = _struct(kind)
    if struct is not None:
        name = struct.cls.__name__
        return f"a list of {name}" if _is_list(kind) else name
    return describe(kind)


def _options(kind: Any) -> Any:
    if isinstance(kind, inspect.Metadata):
        return _options(kind.type)
    if isinstance(kind, inspect.UnionType):
        return next((_options(one) for one in kind.types if not isinstance(one, inspect.NoneType)), kind)
    return kind


def _is_list(kind: Any) -> bool:
    return isinstance(_options(kind), inspect.VarTupleType)


def _struct(kind: Any) -> inspect.StructType | None:
    inner = _options(kind)
    if isinstance(inner, inspect.VarTupleType):
        inner = _options(inner.item_type)
    return inner if isinstance(inner, inspect.StructType) else None


def _collect(kind: Any, found: dict[str, inspect.StructType]) -> None:
    struct = _struct(kind)
    if struct is None or struct.cls.__name__ in found:
        return
    found[struct.cls.__name__] = struct
    for field in struct.fields:
        _collect(field.type, found)


def json_schema(type_name: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of a line of that type."""
    schemas, components = msgspec.json.schema_components(
        [EVENT_TYPES[type_name].event], schema_hook=_custom, ref_template="#/$defs/{name}"
    )
    reference = schemas[0]["$ref"].rpartition("/")[2]
    body = components.pop(reference)
    stream = {"type": "string", "pattern": rf"^{type_name.partition('.')[0]}:[A-Za-z0-9._~-]{{1,128}}$"}
    body["properties"] = {"type": {"const": type_name}, "stream": stream, **body["properties"]}
    body["required"] = ["type", "stream", *body.get("required", [])]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **body, "$defs": components}


_NUMBER: dict[str, Any] = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "exclusiveMaximum": 2**53},
        {"type": "string", "pattern": r"^(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?$"},
    ]
}


def _custom(kind: type) -> dict[str, Any]:
    words = {
        "When": "a year, month, day, time with offset, or interval: 2024, 2024-03, 2024-03-05, 2024-03-05/2024-03-09",
        "Country": "ISO 3166-1 alpha-2",
        "Chip": "a catalogue id or name, or other:NAME",
    }
    if kind.__name__ in words:
        return {"type": "string", "description": words[kind.__name__]}
    ends = {
        "type": "object",
        "properties": {"min": _NUMBER, "max": _NUMBER},
        "additionalProperties": False,
        "minProperties": 1,
    }
    return {"anyOf": [*_NUMBER["anyOf"], ends]}
