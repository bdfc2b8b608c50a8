"""Training runs, and their legs: what was done where, on which lease and accelerators. Legs make "wholly or partly
offshore" a number.

Operations are integer or floating-point operations as the source counts them, in total, not per second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from msgspec import UNSET, UnsetType

from ledger.domain.accelerators import Accelerators, repeated_serial
from ledger.domain.event import Country, Event, Fields, Label, Name, Place, Text, Verdict, stated
from ledger.domain.kind import Entry, Irregular, Kind, Step
from ledger.domain.quantity import Count, Percent, Quantity
from ledger.domain.stream import AuthorisationId, LeaseId, PartyId, SiteId, WeightsId
from ledger.domain.when import When

__all__ = ["RUN", "DataClass", "DataUsed", "Input", "InputRole", "Leg", "LegRecorded", "Planned", "Purpose", "Reported"]
__all__ += ["Started", "Stopped", "SyntheticData"]


class Purpose(StrEnum):
    """What the run is for."""

    PRE_TRAINING = "pre_training"
    CONTINUED_TRAINING = "continued_training"
    FINE_TUNING = "fine_tuning"
    REINFORCEMENT = "reinforcement"
    DISTILLATION = "distillation"
    QUANTIZATION = "quantization"
    MERGE = "merge"
    EVALUATION = "evaluation"


class InputRole(StrEnum):
    """What an input artifact is to the run."""

    BASE = "base"
    ADAPTER = "adapter"
    TEACHER = "teacher"
    MERGED = "merged"
    QUANTIZED = "quantized"


class DataClass(StrEnum):
    """A class of training data, as laws on data ask for it."""

    PUBLIC = "public"
    LICENSED = "licensed"
    CLIENT_PRIVATE = "client_private"
    PERSONAL = "personal"
    SENSITIVE_PERSONAL = "sensitive_personal"
    IMPORTANT = "important"
    STATE_SECRET = "state_secret"
    SYNTHETIC = "synthetic"


class Input(Fields, frozen=True, kw_only=True):
    """Weights that went in."""

    weights: WeightsId
    role: InputRole


class SyntheticData(Fields, frozen=True, kw_only=True):
    """Data that another model made, and its share of all data in percent."""

    model: WeightsId | None
    name: Name | UnsetType = UNSET
    share_percent: Percent | None | UnsetType = UNSET
    published: Verdict = UNSET


class DataUsed(Fields, frozen=True, kw_only=True):
    """Data of one class, the countries it was collected in, counts of the persons in it, and the legs that used it."""

    data_class: DataClass
    collected_in: tuple[Country, ...] | None | UnsetType = UNSET
    persons: Count | None | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    legs: tuple[Label, ...] | None | UnsetType = UNSET


class Leg(Fields, frozen=True, kw_only=True):
    """A part of the run at one site. `chip_hours` are accelerator-hours."""

    leg: Label
    site: SiteId | None | UnsetType = UNSET
    country: Country | None | UnsetType = UNSET
    lease: LeaseId | None | UnsetType = UNSET
    accelerators: tuple[Accelerators, ...] | None | UnsetType = UNSET
    started: When | None | UnsetType = UNSET
    ended: When | None | UnsetType = UNSET
    chip_hours: Quantity | None | UnsetType = UNSET
    operations: Quantity | None | UnsetType = UNSET
    share_percent: Percent | None | UnsetType = UNSET
    precision: Name | None | UnsetType = UNSET
    operated_by: PartyId | None | UnsetType = UNSET
    accessed_from: Place | None | UnsetType = UNSET
    authorisations: tuple[AuthorisationId, ...] | None | UnsetType = UNSET


class Planned(Event, frozen=True, kw_only=True):
    """What is known of a run as a whole. `counting` is how operations were counted, such as 6ND.

    Accelerators and hours stand here for sources that know no legs.
    """

    model: Name | None | UnsetType = UNSET
    developers: tuple[PartyId, ...] | None | UnsetType = UNSET
    on_behalf_of: PartyId | None | UnsetType = UNSET
    purpose: Purpose | None | UnsetType = UNSET
    planned_operations: Quantity | None | UnsetType = UNSET
    operations: Quantity | None | UnsetType = UNSET
    counting: Name | None | UnsetType = UNSET
    parameters: Quantity | None | UnsetType = UNSET
    training_tokens: Quantity | None | UnsetType = UNSET
    inputs: tuple[Input, ...] | None | UnsetType = UNSET
    outputs: tuple[WeightsId, ...] | None | UnsetType = UNSET
    synthetic_data: tuple[SyntheticData, ...] | None | UnsetType = UNSET
    data: tuple[DataUsed, ...] | None | UnsetType = UNSET
    accelerators: tuple[Accelerators, ...] | None | UnsetType = UNSET
    chip_hours: Quantity | None | UnsetType = UNSET
    wall_hours: Quantity | None | UnsetType = UNSET
    published_on: When | None | UnsetType = UNSET
    legs: tuple[Leg, ...] | None | UnsetType = UNSET

    def contradiction(self) -> str | None:
        legs = self.legs or ()
        names = [leg.leg for leg in legs]
        if len(set(names)) != len(names):
            return "one leg is listed twice"
        return next((found for leg in legs if (found := leg_contradicts(leg))), None)


class Reported(Planned, frozen=True, kw_only=True):
    """The same, from somebody who tells of the run afterwards."""


class Started(Event, frozen=True, kw_only=True):
    """The run began, or was completed (with what it then came to)."""

    operations: Quantity | None | UnsetType = UNSET
    chip_hours: Quantity | None | UnsetType = UNSET
    outputs: tuple[WeightsId, ...] | None | UnsetType = UNSET


class LegRecorded(Event, frozen=True, kw_only=True):
    """A leg started, ended, or is reported whole. Later events of one leg add to what earlier ones state."""

    leg: Leg

    def contradiction(self) -> str | None:
        return leg_contradicts(self.leg)


class Stopped(Event, frozen=True, kw_only=True):
    """The run was given up."""

    reason: Text | UnsetType = UNSET


def leg_contradicts(leg: Leg) -> str | None:
    """A sentence where a leg ends before it starts, or lists a device twice."""
    if isinstance(leg.started, When) and isinstance(leg.ended, When) and leg.ended.certainly_before(leg.started):
        return f"leg {leg.leg!r} ends ({leg.ended}) before it starts ({leg.started})"
    return repeated_serial(leg.accelerators or ())


def check(entries: Sequence[Entry]) -> Iterator[Irregular]:
    """Legs whose operations add up to more than the run's, and legs that end without having started."""
    total = None
    started: set[str] = set()
    done: dict[str, Quantity] = {}
    last = 0
    for entry in entries:
        event, last = entry.event, entry.fact.originator_version
        if isinstance(event, Planned | Started):
            total = stated(event.operations, total)
        legs = [event.leg] if isinstance(event, LegRecorded) else list(stated(getattr(event, "legs", None), ()))
        for leg in legs:
            started.add(leg.leg) if entry.verb != "leg_ended" else None
            if entry.verb == "leg_ended" and leg.leg not in started:
                yield Irregular(last, "gap", f"leg {leg.leg!r} ended, but its start is not on record")
            if isinstance(leg.operations, Quantity):
                done[leg.leg] = leg.operations
    least = sum(done.values(), Quantity.exact(0)).low or 0
    if isinstance(total, Quantity) and total.high is not None and least > total.high:
        yield Irregular(last, "over-operations", f"the legs add up to {least} operations, the run to {total}")


_KNOWN = ("planned", "reported", "started")

RUN = Kind(
    "run",
    "a training run",
    (
        Step("planned", Planned, opens=True, once=True, status="planned"),
        Step("reported", Reported, opens=True, status="reported"),
        Step("started", Started, opens=True, status="running"),
        Step("leg_started", LegRecorded, after=_KNOWN, status="running"),
        Step("leg_reported", LegRecorded, after=_KNOWN),
        Step("leg_ended", LegRecorded, after=_KNOWN),
        Step("completed", Started, after=_KNOWN, ends=True, status="completed"),
        Step("stopped", Stopped, after=_KNOWN, ends=True, status="stopped"),
    ),
    check,
)
