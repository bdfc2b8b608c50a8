"""The catalogue's own format: TOML, one file per designer, every figure under the source that states it.

::

    [[part]]
    id = "nvidia-h100-sxm5-80gb"          # for ever
    name = "NVIDIA H100 SXM5 80GB"
    designer = "NVIDIA"
    aliases = ["NVIDIA H100 80GB HBM3"]

    [[part.stated]]
    source = "epoch"                      # a key of sources.toml
    row = "NVIDIA H100 SXM5 80GB"         # where in that source
    dense_tflops = { fp16 = 989.4, fp8 = 1979 }
    tpp = 15832

    [[part.rejected]]                     # what another source says, and why it is not followed
    source = "epoch"
    row = "…"
    figure = "tpp"
    value = 15830
    why = "…"

A family has `variants` (ids in the same file) and states nothing itself. Read strictly: an unknown field, a
figure stated twice, or a source that does not exist is an `InputError`. Numbers are read as decimals, exactly.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from ledger.catalog.chips import ChipModel, Figure, PciId, Precision, Rejected, Source, dense_tpp
from ledger.errors import InputError, Place

Slug = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.-]{1,63}$")]
Day = Annotated[str, Meta(pattern=r"^\d{4}(-\d{2}-\d{2})?$")]
Text = Annotated[str, Meta(min_length=1)]

_FIGURES = (
    "release_date",
    "data_centre",
    "foundry",
    "node_nm",
    "transistors_millions",
    "tpp",
    "die_area_mm2",
    "memory_gb",
    "memory_bandwidth_gb_s",
    "interconnect_gb_s",
    "memory_bandwidth_density",
    "pci",
)
_PCI = re.compile(r"([0-9A-F]{4}):([0-9A-F]{4})(?::([0-9A-F]{4}):([0-9A-F]{4}))?")

_Struct = TypeVar("_Struct", bound=Struct)


class Statement(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The figures that one place in one source states of a part; units as in `ChipModel`."""

    source: Text
    row: Text
    release_date: Day | None = None
    data_centre: bool | None = None
    foundry: tuple[Text, ...] | None = None
    node_nm: Decimal | None = None
    transistors_millions: Decimal | None = None
    dense_tflops: dict[Precision, Decimal] = {}
    tpp: Decimal | None = None
    die_area_mm2: Decimal | None = None
    memory_gb: Decimal | None = None
    memory_bandwidth_gb_s: Decimal | None = None
    interconnect_gb_s: Decimal | None = None
    memory_bandwidth_density: Decimal | None = None
    pci: tuple[str, ...] | None = None


class Entry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part as written. `matrix_peak_unstated`: it has matrix units whose peak no source at hand gives."""

    id: Slug
    name: Text
    designer: Text
    vendor: str = ""
    aliases: tuple[Text, ...] = ()
    note: str = ""
    variants: tuple[Slug, ...] = ()
    matrix_peak_unstated: bool = False
    stated: tuple[Statement, ...] = ()
    rejected: tuple[Rejected, ...] = ()


class _Sheet(Struct, frozen=True, forbid_unknown_fields=True):
    part: tuple[Entry, ...]


class _SourceSheet(Struct, frozen=True, forbid_unknown_fields=True):
    sources: dict[Slug, Source]


def read_sources(text: str, file: str) -> dict[str, Source]:
    """The sources by key."""
    return dict(_converted(text, file, _SourceSheet).sources)


def read_parts(text: str, file: str, sources: Iterable[str]) -> list[ChipModel]:
    """The parts of one file in its order, families after the parts that they are made of."""
    entries = _converted(text, file, _Sheet).part
    known = frozenset(sources)
    models = {entry.id: _part(entry, file, known) for entry in entries if not entry.variants}
    families = [_family(entry, file, models) for entry in entries if entry.variants]
    if len(models) + len(families) != len(entries):
        raise InputError("two parts have the same id", Place(file))
    return [*models.values(), *families]


def _converted(text: str, file: str, kind: type[_Struct]) -> _Struct:
    try:
        raw: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
        return msgspec.convert(raw, kind)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InputError(str(error), Place(file)) from error


def _part(entry: Entry, file: str, sources: frozenset[str]) -> ChipModel:
    place = Place(file, field=entry.id)
    figures: dict[str, Any] = {}
    peaks: dict[Precision, Figure[Decimal]] = {}
    for source in (*(stated.source for stated in entry.stated), *(rejected.source for rejected in entry.rejected)):
        if source not in sources:
            raise InputError(f"no source {source!r}", place)
    for stated in entry.stated:
        for name, value in _values(stated, place):
            if name in figures:
                raise InputError(f"{name} is stated twice", place)
            figures[name] = Figure(value, stated.source, stated.row)
        for precision, value in stated.dense_tflops.items():
            if precision in peaks:
                raise InputError(f"dense_tflops.{precision} is stated twice", place)
            peaks[precision] = Figure(_positive(value, f"dense_tflops.{precision}", place), stated.source, stated.row)
    derived = dense_tpp(peaks)
    if entry.matrix_peak_unstated:
        if "tpp" in figures:
            raise InputError("states a TPP, and that the peak of its matrix units is not stated", place)
    elif derived is not None:
        figures.setdefault("tpp", derived)
    least = figures.get("tpp", derived)
    return ChipModel(
        id=entry.id,
        name=entry.name,
        designer=entry.designer,
        vendor=entry.vendor or entry.designer,
        aliases=entry.aliases,
        note=entry.note,
        rejected=entry.rejected,
        dense_tflops=peaks,
        tpp_at_least=least.value if least is not None else None,
        **figures,
    )


def _values(stated: Statement, place: Place) -> Iterable[tuple[str, Any]]:
    for name in _FIGURES:
        value = getattr(stated, name)
        if value is None:
            continue
        if isinstance(value, Decimal):
            value = _positive(value, name, place)
        yield name, tuple(_pci_id(text, place) for text in value) if name == "pci" else value


def _positive(value: Decimal, name: str, place: Place) -> Decimal:
    if not value.is_finite() or value <= 0:
        raise InputError(f"{name} is {value}; a figure is above zero, or left out", place)
    return value


def _pci_id(text: str, place: Place) -> PciId:
    match = _PCI.fullmatch(text)
    if not match:
        raise InputError(f"{text!r} is not a PCI identity such as 10DE:2330 or 10DE:2330:10DE:16C1", place)
    return PciId(*(group or "" for group in match.groups()))


def _family(entry: Entry, file: str, models: dict[str, ChipModel]) -> ChipModel:
    place = Place(file, field=entry.id)
    missing = [variant for variant in entry.variants if variant not in models]
    if missing:
        raise InputError(f"no part {missing[0]!r} in this file to be a variant", place)
    if entry.rejected or any(name != "pci" for stated in entry.stated for name, _ in _values(stated, place)):
        raise InputError("a family states no figure but PCI identities: the others follow from its variants", place)
    variants = tuple(models[variant] for variant in entry.variants)
    shared: dict[str, Any] = {
        name: _shared([getattr(part, name) for part in variants]) for name in _FIGURES if name != "pci"
    }
    precisions = set.intersection(*(set(part.dense_tflops) for part in variants))
    peaks = {name: _shared([part.dense_tflops[name] for part in variants]) for name in sorted(precisions)}
    least = [part.tpp_at_least for part in variants]
    pci = [Figure(value, stated.source, stated.row) for stated in entry.stated for _, value in _values(stated, place)]
    return ChipModel(
        id=entry.id,
        name=entry.name,
        designer=entry.designer,
        vendor=entry.vendor or entry.designer,
        aliases=entry.aliases,
        note=entry.note,
        variants=variants,
        dense_tflops={name: peak for name, peak in peaks.items() if peak is not None},
        tpp_at_least=min((value for value in least if value is not None), default=None) if None not in least else None,
        pci=pci[0] if pci else None,
        **shared,
    )


def _shared(figures: list[Figure[Any] | None]) -> Figure[Any] | None:
    """The first figure if all are known and equal in value: it is then a figure of the family."""
    first = figures[0]
    if first is None or any(figure is None or figure.value != first.value for figure in figures):
        return None
    return first
