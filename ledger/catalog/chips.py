"""A chip model and its figures.

A figure that no source states is `None`, which is unknown and never zero. A *family* ("NVIDIA A100") is a name
that several parts share: its figures are those on which all its variants agree, so that the name alone never
picks a memory size; `least_and_most` gives the span over the variants where they differ.

Total processing performance (TPP) is 2 x MacTOPS x bit length of the operation, for dense operations, and the
greatest over all bit lengths (15 CFR 774 Supp. 1, ECCN 3A090, technical notes). As one multiply-accumulate
counts as two operations in a datasheet's TFLOP/s or TOP/s, that is dense T(FL)OP/s x bits. TF32 counts with
the 19 bits that it stores, as Epoch AI counts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Generic, Literal, TypeVar

from msgspec import Struct

Precision = Literal["fp64", "fp32", "tf32", "fp16", "fp8", "fp4", "int16", "int8", "int4"]
"""`fp16` stands for FP16 and BF16, `fp8` and `fp4` for any format of that width."""

BITS: dict[Precision, int] = {
    "fp64": 64,
    "fp32": 32,
    "tf32": 19,
    "fp16": 16,
    "fp8": 8,
    "fp4": 4,
    "int16": 16,
    "int8": 8,
    "int4": 4,
}
"""Bit length of each precision, as TPP counts it."""

Measure = Literal[
    "node_nm",
    "transistors_millions",
    "tpp",
    "die_area_mm2",
    "memory_gb",
    "memory_bandwidth_gb_s",
    "interconnect_gb_s",
    "memory_bandwidth_density",
]
"""The figures that are one number each."""

T = TypeVar("T")


class Source(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where figures come from. `grade` says how near the source stands to the maker of the chip.

    `vendor`: the maker's own list; `compiled`: a maintained data set that cites datasheets; `second-hand`:
    somebody restating datasheets; `name`: part of the product's name; `reading`: how this catalogue's editors
    read a product line, which is not the law's test.
    """

    title: str
    publisher: str
    licence: str
    as_of: str
    grade: Literal["vendor", "compiled", "second-hand", "name", "reading"]
    note: str = ""


class Figure(Struct, Generic[T], frozen=True):
    """A value and who states it: `source` is a key of `Catalogue.sources`, `row` the place within it.

    `derived` is empty for a value that the source states, and otherwise says how it follows from stated ones.
    """

    value: T
    source: str
    row: str
    derived: str = ""


class Rejected(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a source says of `figure` (`dense_tflops.fp8` for a peak) that the catalogue does not follow, and why."""

    source: str
    row: str
    figure: str
    value: Decimal
    why: str


class PciId(Struct, frozen=True, order=True):
    """A PCI identity, upper-case hex; an empty subsystem stands for any.

    Written ``10DE:2330`` or ``10DE:2330:10DE:16C1``, in the order of ``lspci -nn``.
    """

    vendor: str
    device: str
    subvendor: str = ""
    subdevice: str = ""

    def __str__(self) -> str:
        parts = [self.vendor, self.device, self.subvendor, self.subdevice]
        return ":".join(part for part in parts if part)


class ChipModel(Struct, frozen=True, kw_only=True):
    """One part, or a family of parts. Units are in the names; GB is 10⁹ bytes, TFLOP/s stands for TOP/s too.

    - `dense_tflops`: dense peak by precision, in 10¹² operations a second; sparsity is never counted.
    - `tpp`: stated, or derived from the dense peaks; unknown where the peak of the matrix units is not stated,
      as then it would be understated. `tpp_at_least` holds even so.
    - `die_area_mm2`: the logic dies of the package together, the area that performance density divides by.
    - `interconnect_gb_s`: links to other chips, both directions together, as the source aggregates them.
    - `memory_bandwidth_gb_s`: memory outside the logic dies; on-chip SRAM is not counted.
    - `memory_bandwidth_density`: GB/s per mm² of package, for a memory stack that is shipped by itself.
    - `data_centre`: whether the maker sells the part for data centres.
    - `release_date`: ISO date, or the year alone where no more is known.
    """

    id: str
    name: str
    designer: str
    vendor: str
    aliases: tuple[str, ...] = ()
    note: str = ""
    variants: tuple[ChipModel, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    release_date: Figure[str] | None = None
    data_centre: Figure[bool] | None = None
    foundry: Figure[tuple[str, ...]] | None = None
    node_nm: Figure[Decimal] | None = None
    transistors_millions: Figure[Decimal] | None = None
    dense_tflops: Mapping[Precision, Figure[Decimal]] = {}
    tpp: Figure[Decimal] | None = None
    tpp_at_least: Decimal | None = None
    die_area_mm2: Figure[Decimal] | None = None
    memory_gb: Figure[Decimal] | None = None
    memory_bandwidth_gb_s: Figure[Decimal] | None = None
    interconnect_gb_s: Figure[Decimal] | None = None
    memory_bandwidth_density: Figure[Decimal] | None = None
    pci: Figure[tuple[PciId, ...]] | None = None

    @property
    def is_family(self) -> bool:
        """Whether this is a name that several parts share."""
        return bool(self.variants)

    @property
    def parts(self) -> tuple[ChipModel, ...]:
        """The parts that the name may mean: the variants of a family, else this part alone."""
        return self.variants or (self,)

    @property
    def performance_density(self) -> Decimal | None:
        """TPP per mm² of die, or unknown where either is."""
        if self.tpp is None or self.die_area_mm2 is None:
            return None
        return self.tpp.value / self.die_area_mm2.value

    def least_and_most(self, measure: Measure) -> tuple[Decimal | None, Decimal | None]:
        """The span of a figure over `parts`, in its own unit; `None` on a side where nothing bounds it.

        A part with an unknown figure leaves both sides open, but for TPP, where `tpp_at_least` still bounds below.
        """
        figures: list[Figure[Decimal] | None] = [getattr(part, measure) for part in self.parts]
        values = [figure.value for figure in figures if figure is not None]
        if len(values) == len(figures):
            return min(values), max(values)
        return (self.tpp_at_least, None) if measure == "tpp" else (None, None)


def dense_tpp(peaks: Mapping[Precision, Figure[Decimal]]) -> Figure[Decimal] | None:
    """TPP from dense peaks: the greatest of T(FL)OP/s x bits, with the source of the peak that attains it."""
    if not peaks:
        return None
    best = max((name for name in BITS if name in peaks), key=lambda name: peaks[name].value * BITS[name])
    peak = peaks[best]
    return Figure(_plain(peak.value * BITS[best]), peak.source, peak.row, f"dense {best} x {BITS[best]} bits")


def _plain(value: Decimal) -> Decimal:
    """Without trailing zeros, nor an exponent."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()
