"""Engagements: who supports whom, where, and with what."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from ledger.domain.event import Chip, Country, Event, Name, Place, Text, Verdict
from ledger.domain.kind import Kind, Step
from ledger.domain.quantity import Count
from ledger.domain.stream import AuthorisationId, PartyId, StreamId

__all__ = ["ENGAGEMENT", "Ended", "Started"]


class Started(Event, frozen=True, kw_only=True):
    """A party, or persons in a role, began to support another. `us_persons`: whether any of them is one."""

    supporter: PartyId | None
    supported: PartyId | None
    role: Name | None | UnsetType = UNSET
    persons: Count | None | UnsetType = UNSET
    us_persons: Verdict = UNSET
    us_person_count: Count | None | UnsetType = UNSET
    nationalities: tuple[Country, ...] | None | UnsetType = UNSET
    at: Place | None | UnsetType = UNSET
    subject: StreamId | None | UnsetType = UNSET
    authorisations: tuple[AuthorisationId, ...] | None | UnsetType = UNSET
    travelled_from: Country | None | UnsetType = UNSET
    chips: tuple[Chip, ...] | None | UnsetType = UNSET
    chips_described: Name | UnsetType = UNSET
    activity: Text | None | UnsetType = UNSET


class Ended(Event, frozen=True, kw_only=True):
    """The support stopped."""

    reason: Text | UnsetType = UNSET


ENGAGEMENT = Kind(
    "engagement",
    "support of one party by another",
    (
        Step("started", Started, opens=True, once=True, status="running"),
        Step("reported", Started, opens=True, status="reported"),
        Step("ended", Ended, after=("started", "reported"), ends=True, status="ended"),
    ),
)
