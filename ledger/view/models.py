"""The readable tables of what is not a good: training runs and legs, weights and copies, data, deployments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import UNSET

from ledger.domain.event import Basis, Event
from ledger.domain.training import Leg, LegRecorded, Planned
from ledger.domain.weights import Deleted, Published, Transferred
from ledger.view.goods import accelerator_rows, listed
from ledger.view.readable import (
    Child,
    Column,
    Folded,
    Readable,
    Row,
    amount,
    basis_at,
    cells,
    chips_in_words,
    dated_basis,
    label,
    names,
    occurred,
    ref,
    text,
    verdict,
    weakest,
)

__all__ = ["MODELS", "MergedLeg", "legs_of"]

_LEG_FIELDS = (
    text("leg"), ref("site", "sites"), text("country"), ref("lease", "leases"), text("started"), text("ended"),
    amount("chip_hours"), amount("operations"), amount("share_percent"), text("precision"),
    ref("operated_by", "parties"), text("accessed_from.country", "accessed_from_country"),
)  # fmt: skip
_DATA_FIELDS = (text("data_class"), names("collected_in"), amount("persons"), text("name"))

LEGS = Child(
    "legs",
    (
        Column("run", str, "runs"), *(column for field in _LEG_FIELDS for column in field.columns),
        Column("accelerators"), Column("basis"), Column("position", int, "events"),
    ),
)  # fmt: skip
DATA_USED = Child(
    "data_used",
    (
        Column("stream", str, "subjects"), *(column for field in _DATA_FIELDS for column in field.columns),
        Column("basis"), Column("position", int, "events"),
    ),
)  # fmt: skip
"""Data by class: what went into a run, and what a data transfer carried."""


class MergedLeg:
    """A leg after all events that state something of it: later ones add to what earlier ones state."""

    def __init__(self) -> None:
        self.fields: dict[str, object] = {}
        self.basis: list[Basis] = []
        self.dated: list[Basis] = []
        self.position = 0
        self.occurred_at: str | None = None

    def add(self, leg: Leg, event: Event, pointer: str, position: int) -> None:
        for name in leg.__struct_fields__:
            value = getattr(leg, name)
            if value is not UNSET:
                self.fields[name] = value
        self.basis.append(basis_at(event, pointer))
        self.position = position
        if self.occurred_at is None:
            self.occurred_at = occurred(event)
            self.dated = [dated_basis(event, event.basis)]

    @property
    def leg(self) -> Leg:
        return Leg(**self.fields)  # type: ignore[arg-type]


def legs_of(folded: Folded) -> Mapping[str, MergedLeg]:
    """The legs of a run by label, in order of occurrence."""
    legs: dict[str, MergedLeg] = {}
    for _, event, position in folded.standing:
        if isinstance(event, LegRecorded):
            legs.setdefault(event.leg.leg, MergedLeg()).add(event.leg, event, "/leg", position)
        elif isinstance(event, Planned):
            for index, leg in enumerate(event.legs or ()):
                legs.setdefault(leg.leg, MergedLeg()).add(leg, event, f"/legs/{index}", position)
    return legs


def _run_rows(folded: Folded) -> Iterator[tuple[str, Row]]:
    stream = folded.subject.stream
    for name, merged in legs_of(folded).items():
        leg = merged.leg
        basis = weakest(merged.basis).value
        words = chips_in_words(leg.accelerators or ()) or None
        yield "legs", (stream, *cells(_LEG_FIELDS, leg), words, basis, merged.position)
        tail = (None, merged.occurred_at, basis, merged.position)
        yield from accelerator_rows(leg.accelerators, stream, leg.site, "ran", name, tail)
    used = folded.stated.get("accelerators")
    if used is not None:
        tail = (None, used.occurred_at, used.basis.value, used.position)
        yield from accelerator_rows(used.value, stream, None, "ran", None, tail)
    yield from _data_rows(folded)


def _data_rows(folded: Folded) -> Iterator[tuple[str, Row]]:
    data = folded.stated.get("data")
    for item in listed(folded, "data"):
        if data is not None:
            row = (folded.subject.stream, *cells(_DATA_FIELDS, item), data.basis.value, data.position)
            yield "data_used", row


def _inputs_in_words(value: object) -> str:
    return ", ".join(f"{item.weights} ({item.role})" for item in value) or "none"  # type: ignore[attr-defined]


RUNS = Readable(
    "run",
    "runs",
    frozenset({"planned", "reported", "started", "completed"}),
    (
        text("model"), names("developers"), text("purpose"), amount("planned_operations"), amount("operations"),
        text("counting"), amount("parameters"), amount("training_tokens"), amount("chip_hours"),
        amount("wall_hours"), names("outputs"),
        text("inputs")._replace(show=lambda value: (_inputs_in_words(value),)), text("published_on"),
    ),
    lambda folded: str(folded.known("model") or label(folded.subject.stream)),
    (LEGS, DATA_USED),
    _run_rows,
    ("accelerators", "data", "synthetic_data"),
)  # fmt: skip

_COPY_FIELDS = (
    ref("from_party", "parties"), ref("to_party", "parties"),
    text("from_place.country", "from_country"), text("from_place.place", "from_place"),
    ref("from_place.site", "sites", "from_site"),
    text("to_place.country", "to_country"), text("to_place.place", "to_place"),
    ref("to_place.site", "sites", "to_site"),
    text("means"), ref("carrier", "parties"), amount("size_bytes"), text("purpose"), text("at_uri"), text("licence"),
    text("at.country", "country"), ref("at.site", "sites"), ref("by", "parties"),
)  # fmt: skip
WEIGHT_TRANSFERS = Child(
    "weight_transfers",
    (
        Column("weights", str, "weights"), Column("what"), Column("occurred_at"),
        *(column for field in _COPY_FIELDS for column in field.columns),
        Column("basis"), Column("position", int, "events"),
    ),
)  # fmt: skip
"""Where copies of weights went: transferred, published, deleted."""
WEIGHT_FILES = Child(
    "weight_files",
    (
        Column("weights", str, "weights"), Column("path"), Column("sha256"), Column("size", int),
        Column("basis"), Column("position", int, "events"),
    ),
)  # fmt: skip


def _weights_rows(folded: Folded) -> Iterator[tuple[str, Row]]:
    stream = folded.subject.stream
    for verb, event, position in folded.standing:
        if isinstance(event, Transferred | Published | Deleted):
            row = (stream, verb, occurred(event), *cells(_COPY_FIELDS, event), event.basis.value, position)
            yield "weight_transfers", row
    found = folded.stated.get("files")
    for file in (found.value or ()) if found is not None else ():
        size = None if file.size is UNSET else file.size
        yield "weight_files", (stream, file.path, file.sha256, size, found.basis.value, found.position)  # type: ignore[union-attr]


WEIGHTS = Readable(
    "weights",
    "weights",
    frozenset({"created", "reported"}),
    (
        text("name"), ref("developer", "parties"), ref("produced_by", "runs"),
        text("lineage")._replace(show=lambda value: (_inputs_in_words(value),)), amount("parameters"),
        amount("training_operations"), text("at.country", "country"), text("at.place", "place"),
        ref("at.site", "sites"),
    ),
    lambda folded: str(folded.known("name") or label(folded.subject.stream)),
    (WEIGHT_TRANSFERS, WEIGHT_FILES),
    _weights_rows,
    ("files",),
)  # fmt: skip


def _data_title(folded: Folded) -> str:
    handler, recipient = folded.known("handler"), folded.known("recipient")
    return f"{label(handler)} to {label(recipient)}" if handler or recipient else label(folded.subject.stream)


DATA_TRANSFERS = Readable(
    "data",
    "data_transfers",
    frozenset({"transferred", "reported"}),
    (
        ref("handler", "parties"), ref("recipient", "parties"),
        text("from_place.country", "from_country"), ref("from_place.site", "sites", "from_site"),
        text("to_place.country", "to_country"), ref("to_place.site", "sites", "to_site"),
        names("collected_in"), names("data_classes"), amount("persons"), amount("sensitive_persons"),
        verdict("important_data"), text("exemption_ground"), text("mechanism"), text("means"), amount("size_bytes"),
        names("authorisations"), ref("for_run", "runs"), text("purpose"),
    ),
    _data_title,
    (),
    _data_rows,
    ("data",),
)  # fmt: skip


def _deployment_title(folded: Folded) -> str:
    weights = ", ".join(map(label, listed(folded, "weights"))) or "unknown weights"
    where = label(folded.known("site")) if folded.known("site") else folded.known("country")
    return f"{weights} at {where}" if where else weights


def _deployment_rows(folded: Folded) -> Iterator[tuple[str, Row]]:
    found = folded.stated.get("accelerators")
    if found is not None:
        tail = (None, found.occurred_at, found.basis.value, found.position)
        yield from accelerator_rows(found.value, folded.subject.stream, folded.known("site"), "serves", None, tail)


def _served_in_words(value: object) -> str:
    words = []
    for item in value:  # type: ignore[attr-defined]
        told = [item.party or "", item.description or "", ", ".join(item.countries or ())]
        words.append(": ".join(part for part in told if part))
    return "; ".join(words) or "none"


DEPLOYMENTS = Readable(
    "deployment",
    "deployments",
    frozenset({"started", "reported", "changed"}),
    (
        names("weights"), ref("site", "sites"), text("country"), ref("operator", "parties"), ref("lease", "leases"),
        text("served_to")._replace(show=lambda value: (_served_in_words(value),)), text("purpose"),
    ),
    _deployment_title,
    (),
    _deployment_rows,
    ("accelerators",),
)  # fmt: skip

MODELS = (RUNS, WEIGHTS, DATA_TRANSFERS, DEPLOYMENTS)
