"""Leases: compute let by one party to another; who owns the hardware and who controls it are separate facts."""

from __future__ import annotations

from enum import StrEnum

from msgspec import UNSET, UnsetType

from ledger.domain.accelerators import Accelerators, repeated_serial
from ledger.domain.event import Event, Fields, Name, Text, Verdict
from ledger.domain.kind import Kind, Step
from ledger.domain.quantity import Quantity
from ledger.domain.stream import AuthorisationId, LeaseId, PartyId, SiteId
from ledger.domain.when import When

__all__ = ["LEASE", "Amended", "Assigned", "Capacity", "Ended", "Service", "Signed", "Started"]


class Service(StrEnum):
    """What the lessee gets."""

    IAAS = "iaas"
    BARE_METAL = "bare_metal"
    COLOCATION = "colocation"
    MANAGED = "managed"


class Capacity(Fields, frozen=True, kw_only=True):
    """What is let, as chips, chip-hours or power (kilowatts), each as far as it is stated."""

    accelerators: tuple[Accelerators, ...] | None | UnsetType = UNSET
    chip_hours: Quantity | None | UnsetType = UNSET
    power_kw: Quantity | None | UnsetType = UNSET


class Access(Fields, frozen=True, kw_only=True):
    """A kind of access that a party has to the leased machines: root, scheduler, physical, remote use, …"""

    party: PartyId | None
    kind: Name


class Terms(Event, frozen=True, kw_only=True):
    """The terms that a signature or an amendment states. `capacity` null: known to be unknown."""

    lessor: PartyId | None | UnsetType = UNSET
    lessee: PartyId | None | UnsetType = UNSET
    hardware_owner: PartyId | None | UnsetType = UNSET
    site: SiteId | None | UnsetType = UNSET
    parent_lease: LeaseId | None | UnsetType = UNSET
    capacity: Capacity | None | UnsetType = UNSET
    service: Service | None | UnsetType = UNSET
    exclusive: Verdict = UNSET
    controlled_by: PartyId | None | UnsetType = UNSET
    access: tuple[Access, ...] | None | UnsetType = UNSET
    authorisations: tuple[AuthorisationId, ...] | None | UnsetType = UNSET
    purpose: Text | None | UnsetType = UNSET
    term_from: When | None | UnsetType = UNSET
    term_until: When | None | UnsetType = UNSET

    def contradiction(self) -> str | None:
        if isinstance(self.term_from, When) and isinstance(self.term_until, When):
            if self.term_until.certainly_before(self.term_from):
                return f"the term ends ({self.term_until}) before it starts ({self.term_from})"
        if isinstance(self.capacity, Capacity):
            return repeated_serial(self.capacity.accelerators or ())
        return None


class Signed(Terms, frozen=True, kw_only=True):
    """The lease was agreed."""


class Amended(Terms, frozen=True, kw_only=True):
    """The terms stated here replace those of before; what is not stated stands."""


class Started(Event, frozen=True, kw_only=True):
    """The lessee has the use of it."""

    capacity: Capacity | None | UnsetType = UNSET


class Assigned(Event, frozen=True, kw_only=True):
    """Another party takes a side of the lease."""

    lessee: PartyId | None | UnsetType = UNSET
    lessor: PartyId | None | UnsetType = UNSET

    def contradiction(self) -> str | None:
        return "the assignment names neither lessee nor lessor" if self.lessee is self.lessor is UNSET else None


class Ended(Event, frozen=True, kw_only=True):
    """The use stopped for a time (suspended, resumed) or for good (ended)."""

    reason: Text | UnsetType = UNSET


_AGREED = ("signed", "reported")

LEASE = Kind(
    "lease",
    "compute let by one party to another",
    (
        Step("signed", Signed, opens=True, once=True, status="signed"),
        Step("reported", Signed, opens=True, status="reported"),
        Step("started", Started, after=_AGREED, status="running"),
        Step("amended", Amended, after=_AGREED),
        Step("assigned", Assigned, after=_AGREED),
        Step("suspended", Ended, after=("started", "reported"), status="suspended"),
        Step("resumed", Ended, after=("suspended",), status="running"),
        Step("ended", Ended, after=_AGREED, ends=True, status="ended"),
    ),
)
