"""Authorisations: licences, exceptions claimed, validated end users, permits, notices, assessments."""

from __future__ import annotations

from enum import StrEnum

from msgspec import UNSET, UnsetType

from ledger.domain.event import Chip, Country, Event, Fields, Name, Text
from ledger.domain.kind import Kind, Step
from ledger.domain.quantity import Count, Quantity
from ledger.domain.shipment import MovedLine
from ledger.domain.stream import AuthorisationId, PartyId, SiteId, StreamId
from ledger.domain.when import When

__all__ = ["AUTHORISATION", "AuthorisationKind", "Issued", "Revoked", "Scope", "ScopedItem", "Used"]


class AuthorisationKind(StrEnum):
    """What it is."""

    LICENCE = "licence"
    EXCEPTION_CLAIM = "exception_claim"
    VALIDATED_END_USER = "validated_end_user"
    PERMIT = "permit"
    NOTICE = "notice"
    ASSESSMENT = "assessment"


class ScopedItem(Fields, frozen=True, kw_only=True):
    """A part, or a classification, and how much of it is covered. `tpp` is total processing performance."""

    chip: Chip | None | UnsetType = UNSET
    classification: Name | UnsetType = UNSET
    quantity: Count | None | UnsetType = UNSET
    tpp: Quantity | None | UnsetType = UNSET


class Scope(Fields, frozen=True, kw_only=True):
    """What it covers. Absent is not stated; ``[]`` is nothing."""

    items: tuple[ScopedItem, ...] | UnsetType = UNSET
    destinations: tuple[Country, ...] | UnsetType = UNSET
    purchasers: tuple[PartyId, ...] | UnsetType = UNSET
    consignees: tuple[PartyId, ...] | UnsetType = UNSET
    end_users: tuple[PartyId, ...] | UnsetType = UNSET
    acts: tuple[Name, ...] | UnsetType = UNSET
    sites: tuple[SiteId, ...] | UnsetType = UNSET


class Issued(Event, frozen=True, kw_only=True):
    """An authority granted it; or, for an exception or a notice, its holder claimed or filed it.

    `provision` is what it rests on, such as 15 CFR 740.8 (NAC); `filed` when it was asked for.
    """

    authority: Name | None | UnsetType = UNSET
    jurisdiction: Country | None | UnsetType = UNSET
    authorisation_kind: AuthorisationKind | None | UnsetType = UNSET
    provision: Name | None | UnsetType = UNSET
    filed: When | None | UnsetType = UNSET
    number: Name | None | UnsetType = UNSET
    confirmation: Name | None | UnsetType = UNSET
    supersedes: AuthorisationId | None | UnsetType = UNSET
    applicant: PartyId | None | UnsetType = UNSET
    holder: PartyId | None | UnsetType = UNSET
    scope: Scope | None | UnsetType = UNSET
    conditions: tuple[Text, ...] | UnsetType = UNSET
    valid_from: When | None | UnsetType = UNSET
    valid_until: When | None | UnsetType = UNSET


class Revoked(Event, frozen=True, kw_only=True):
    """Denied or withdrawn by the authority, or given up."""

    reason: Text | UnsetType = UNSET


class Used(Event, frozen=True, kw_only=True):
    """Drawn upon for `used_for` (a shipment, lease, run or transfer), by so much."""

    used_for: StreamId
    items: tuple[ScopedItem, ...] | UnsetType = UNSET
    lines: tuple[MovedLine, ...] | UnsetType = UNSET


_GRANTED = ("issued", "reported")

AUTHORISATION = Kind(
    "authorisation",
    "a licence, exception claim, validated end user, permit, notice or assessment",
    (
        Step("applied", Issued, opens=True, status="applied for"),
        Step("issued", Issued, opens=True, once=True, status="issued"),
        Step("reported", Issued, opens=True, status="reported"),
        Step("denied", Revoked, after=("applied", "reported"), ends=True, status="denied"),
        Step("amended", Issued, after=_GRANTED, status="amended"),
        Step("used", Used, after=_GRANTED),
        Step("revoked", Revoked, after=_GRANTED, ends=True, status="revoked"),
    ),
)
