"""How a subject's folded facts become the cells of a readable row, the same way for every kind.

A `Field` says which field of the events is shown, in which columns, and how. What is not stated is NULL; what is known
to be unknown is the word ``unknown``; an empty list is ``none``. An amount has three columns: as stated, and its least
and most as numbers for queries (NULL where that end is open)::

    operations = "1000000000000000000000000 to ?"    operations_low = 1e24    operations_high = NULL

Of several events the last in order of occurrence that states a field wins. A row's `basis` is the weakest of its
fields'; `basis_of` names the columns whose own basis is another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias

from msgspec import UNSET

from ledger.domain.event import Basis, Event
from ledger.domain.kind import Subject
from ledger.domain.quantity import Quantity

__all__ = [
    "Cell",
    "Child",
    "Column",
    "Field",
    "Folded",
    "Readable",
    "Row",
    "Stated",
    "amount",
    "basis_at",
    "cells",
    "chips_in_words",
    "dated_basis",
    "label",
    "names",
    "ref",
    "text",
    "verdict",
    "weakest",
]

Cell: TypeAlias = str | int | float | None
Row: TypeAlias = tuple[Cell, ...]

UNKNOWN: Final = "unknown"
_RANK: Final = {basis: basis.rank for basis in Basis}


class Column(NamedTuple):
    """A column of a readable table: its name, its type, and the table that its values refer to, if any."""

    name: str
    type: type = str
    table: str = ""


class Field(NamedTuple):
    """A field of an event, found at `path`, and the columns in which `show` spells its value out."""

    path: tuple[str, ...]
    columns: tuple[Column, ...]
    show: Callable[[Any], Row]


class Stated(NamedTuple):
    """A value, with the firmness and the place in the log of the event that states it."""

    value: Any
    basis: Basis
    position: int
    occurred_at: str | None
    dated: Basis
    """The basis of `occurred_at`, where that is shown beside the value and is the weaker; else that of the value."""


class Child(NamedTuple):
    """A table with several rows per subject. Its first column is the subject's stream."""

    name: str
    columns: tuple[Column, ...]


def text(path: str, name: str = "") -> Field:
    """A value shown in its own words: a name, a date, a chip, one of a set."""
    return Field(tuple(path.split(".")), (Column(name or path.rpartition(".")[2]),), lambda value: (str(value),))


def ref(path: str, table: str, name: str = "") -> Field:
    """A stream id, which refers to the row of that stream in `table`."""
    column = Column(name or path.rpartition(".")[2], str, table)
    return Field(tuple(path.split(".")), (column,), lambda value: (str(value),))


def names(path: str, name: str = "") -> Field:
    """A list, its items after one another."""
    column = Column(name or path.rpartition(".")[2])
    return Field(tuple(path.split(".")), (column,), lambda value: (", ".join(map(str, value)) or "none",))


def verdict(path: str) -> Field:
    """Yes, no or unknown."""
    return Field(tuple(path.split(".")), (Column(path),), lambda value: ("yes" if value else "no",))


def amount(path: str) -> Field:
    """A quantity: as stated, its least, its most."""
    name = path.rpartition(".")[2]
    return Field(
        tuple(path.split(".")), (Column(name), Column(f"{name}_low", int), Column(f"{name}_high", int)), _amount
    )


def _amount(value: Quantity) -> Row:
    return str(value), _number(value.low), _number(value.high)


def _number(value: Decimal | None) -> int | float | None:
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() and value < 2**63 else float(value)


def stated_at(value: Any, path: Sequence[str]) -> Any:
    """What `path` leads to within a struct; UNSET or None where it, or what it stands in, is not stated or unknown."""
    for name in path:
        if value is None or value is UNSET:
            return value
        value = getattr(value, name, UNSET)
    return value


def cells(fields: Iterable[Field], struct: Any) -> list[Cell]:
    """The cells of `fields` as `struct` states them."""
    row: list[Cell] = []
    for field in fields:
        path = field.path
        row += show(field, getattr(struct, path[0], UNSET) if len(path) == 1 else stated_at(struct, path))
    return row


def show(field: Field, value: Any) -> Row:
    """The cells of one field."""
    if value is UNSET:
        return (None,) * len(field.columns)
    if value is None:
        return (UNKNOWN, *(None,) * (len(field.columns) - 1))
    return field.show(value)


def label(stream: object) -> str:
    """A stream's id without its kind; ``?`` where there is none."""
    return stream.partition(":")[2] if isinstance(stream, str) else "?"


def chips_in_words(groups: Iterable[Any]) -> str:
    """What lines or accelerators come to, such as ``2,000 × nvidia-h100``."""  # noqa: RUF002 - a multiplication
    found = []
    for group in groups:
        quantity = group.quantity
        count = f"{quantity.value:,}" if isinstance(quantity, Quantity) and quantity.is_exact else str(quantity or "?")
        # The sign of multiplication, as people write it.
        found.append(f"{count} \u00d7 {str(group.chip or 'unknown chip').removeprefix('other:')}")
    return ", ".join(found)


def weakest(bases: Iterable[Basis]) -> Basis:
    """The least firm of some bases."""
    return min(bases, key=_RANK.__getitem__)


def basis_at(event: Event, pointer: str) -> Basis:
    """The basis of what stands at a JSON pointer of an event, the weakest where it has parts of their own."""
    given = event.basis_at(pointer)
    if not event.basis_of:
        return given
    below = _below(event.basis_of).get(pointer)
    return given if below is None else weakest([given, below])


def dated_basis(event: Event, basis: Basis) -> Basis:
    """The weaker of `basis` and that of when the event occurred, for what is shown with that date."""
    if not event.basis_of or event.occurred_at is UNSET:
        return basis
    return weakest([basis, event.basis_at("/occurred_at")])


_DEEPEST: Final = 8
"""Levels of a pointer that can be asked for: no event is nested deeper."""

_latest: list[tuple[dict[str, Basis], dict[str, Basis]]] = [({}, {})]


def _below(basis_of: dict[str, Basis]) -> dict[str, Basis]:
    """The weakest basis of what lies below each pointer. Kept for one event: each of its thousands of items asks."""
    latest, found = _latest[0]
    if latest is not basis_of:
        found = {}
        for at, basis in basis_of.items():
            parts = at.split("/", _DEEPEST + 1)
            for level in range(2, len(parts)):
                above = "/".join(parts[:level])
                found[above] = weakest([found.get(above, basis), basis])
        _latest[0] = (basis_of, found)
    return found


class Standing(NamedTuple):
    """An event that is not retracted, as corrected."""

    verb: str
    event: Event
    position: int


class Folded:
    """A subject's fields after its last fact: what the events of the `verbs` that describe it state of `roots`.

    `standing` are its events that are not retracted, in order of occurrence.
    """

    def __init__(self, subject: Subject, verbs: frozenset[str], roots: frozenset[str]) -> None:
        self.subject = subject
        self.standing = [
            Standing(entry.verb, entry.event, entry.fact.position)
            for entry in subject.entries
            if entry.event is not None
        ]
        self.stated: dict[str, Stated] = {}
        for verb, event, position in self.standing:
            if verb not in verbs:
                continue
            when = occurred(event)
            for root in _shared_fields(type(event), roots):
                value = getattr(event, root)
                if value is not UNSET:
                    basis = basis_at(event, f"/{root}") if event.basis_of else event.basis
                    dated = dated_basis(event, basis)
                    self.stated[root] = Stated(value, basis, position, when, dated)

    def known(self, root: str) -> Any:
        """The value of a field, or None where it is not stated or unknown."""
        found = self.stated.get(root)
        return None if found is None else found.value


@cache
def _shared_fields(kind: type[Event], roots: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in kind.__struct_fields__ if name in roots)


class Readable(NamedTuple):
    """A kind's main table: one row per subject, from the events of `verbs`; and its child tables.

    `title` gives a subject a name for people, `rows` yields (table, row) for the child tables.
    """

    kind: str
    table: str
    verbs: frozenset[str]
    fields: tuple[Field, ...]
    title: Callable[[Folded], str]
    children: tuple[Child, ...] = ()
    rows: Callable[[Folded], Iterable[tuple[str, Row]]] = lambda folded: ()
    also: tuple[str, ...] = ()

    @property
    def roots(self) -> frozenset[str]:
        """The fields of events that the tables are made of, `also` for those that only child tables and links show."""
        return frozenset((*(field.path[0] for field in self.fields), *self.also))

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns of the main table, in order."""
        before = (Column("stream"), Column("title"), Column("status"))
        shown = tuple(column for field in self.fields for column in field.columns)
        after = (
            Column("opened_at"), Column("basis"), Column("basis_of"),
            Column("irregular", int), Column("position", int, "events"),
        )  # fmt: skip
        return (*before, *shown, *after)

    def row(self, folded: Folded, title: str) -> Row:
        """The subject's row."""
        subject = folded.subject
        shown: list[Cell] = []
        bases: dict[str, Basis] = {}
        position = 0
        for field in self.fields:
            path = field.path
            found = folded.stated.get(path[0])
            if found is None:
                shown += (None,) * len(field.columns)
                continue
            value = found.value if len(path) == 1 else stated_at(found.value, path[1:])
            shown += show(field, value)
            if value is not UNSET:
                bases[field.columns[0].name] = found.basis
                position = max(position, found.position)
        stated = set(bases.values())
        least = weakest(stated) if stated else None
        differing = None
        if len(stated) > 1:
            differing = json.dumps({name: basis for name, basis in bases.items() if basis is not least})
        return (
            subject.stream, title, subject.status, *shown, opened_at(folded), least and least.value, differing,
            len(subject.irregular), position or subject.facts[0].position,
        )  # fmt: skip


def opened_at(folded: Folded) -> str | None:
    """When the subject's first event that stands occurred, as stated."""
    return occurred(folded.standing[0].event) if folded.standing else None


def occurred(event: Event) -> str | None:
    """When an event occurred, as stated; the word ``unknown`` where that is known to be."""
    when = event.occurred_at
    return None if when is UNSET else UNKNOWN if when is None else str(when)
