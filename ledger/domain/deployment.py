"""Deployments: weights in use at a site, on chips, for somebody."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from ledger.domain.accelerators import Accelerators, repeated_serial
from ledger.domain.event import Country, Event, Fields, Text
from ledger.domain.kind import Kind, Step
from ledger.domain.stream import AuthorisationId, LeaseId, PartyId, SiteId, WeightsId

__all__ = ["DEPLOYMENT", "Ended", "Served", "Started"]


class Served(Fields, frozen=True, kw_only=True):
    """Whom a deployment serves: a party, or customers of some kind in some countries."""

    party: PartyId | None | UnsetType = UNSET
    countries: tuple[Country, ...] | None | UnsetType = UNSET
    description: Text | UnsetType = UNSET


class Started(Event, frozen=True, kw_only=True):
    """Weights went into use. `country` stands in where the site is not known."""

    weights: tuple[WeightsId, ...] | None
    site: SiteId | None | UnsetType = UNSET
    country: Country | None | UnsetType = UNSET
    operator: PartyId | None | UnsetType = UNSET
    lease: LeaseId | None | UnsetType = UNSET
    accelerators: tuple[Accelerators, ...] | None | UnsetType = UNSET
    served_to: tuple[Served, ...] | None | UnsetType = UNSET
    authorisations: tuple[AuthorisationId, ...] | None | UnsetType = UNSET
    purpose: Text | UnsetType = UNSET

    def contradiction(self) -> str | None:
        return repeated_serial(self.accelerators or ())


class Ended(Event, frozen=True, kw_only=True):
    """The use stopped."""

    reason: Text | UnsetType = UNSET


DEPLOYMENT = Kind(
    "deployment",
    "weights in use at a site",
    (
        Step("started", Started, opens=True, once=True, status="running"),
        Step("reported", Started, opens=True, status="reported"),
        Step("changed", Started, after=("started", "reported")),
        Step("ended", Ended, after=("started", "reported"), ends=True, status="ended"),
    ),
)
