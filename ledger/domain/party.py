"""Parties: companies, governments, and persons in a role (never by name). Owners are stakes, so a parent is derived."""

from __future__ import annotations

from enum import StrEnum

from msgspec import UNSET, UnsetType

from ledger.domain.event import Country, Event, Fields, Name, Text, Verdict
from ledger.domain.kind import Kind, Step
from ledger.domain.quantity import Percent
from ledger.domain.stream import PartyId
from ledger.domain.when import When

__all__ = ["PARTY", "Dissolved", "PartyKind", "Registered", "Relocated", "Renamed", "Stake", "StakesStated"]


class PartyKind(StrEnum):
    """What a party is. A natural person appears only as a role."""

    COMPANY = "company"
    GOVERNMENT = "government"
    UNIVERSITY = "university"
    PERSON_ROLE = "person_role"


class Registered(Event, frozen=True, kw_only=True):
    """What is known of a party. Countries are lists, for a company can be incorporated in one and run from another."""

    party_kind: PartyKind | None | UnsetType = UNSET
    legal_name: Name | None | UnsetType = UNSET
    aliases: tuple[Name, ...] | UnsetType = UNSET
    incorporated_in: tuple[Country, ...] | None | UnsetType = UNSET
    headquartered_in: tuple[Country, ...] | None | UnsetType = UNSET
    located_in: tuple[Country, ...] | None | UnsetType = UNSET
    founded: When | None | UnsetType = UNSET
    us_person: Verdict = UNSET
    nationalities: tuple[Country, ...] | None | UnsetType = UNSET
    critical_infrastructure_operator: Verdict = UNSET
    state_owned: Verdict = UNSET
    activities: tuple[Name, ...] | UnsetType = UNSET


class Stake(Fields, frozen=True, kw_only=True):
    """One holder's share in a party, in percent of its ownership, votes and profits; `holder` null where it is not disclosed."""

    holder: PartyId | None
    share_percent: Percent | None | UnsetType = UNSET
    voting_percent: Percent | None | UnsetType = UNSET
    economic_percent: Percent | None | UnsetType = UNSET
    controls: Verdict = UNSET


class StakesStated(Event, frozen=True, kw_only=True):
    """Who holds a party, from `occurred_at` on; `undisclosed_percent` is the remainder that nobody states."""

    holders: tuple[Stake, ...]
    undisclosed_percent: Percent | None | UnsetType = UNSET
    ultimate_parent: PartyId | None | UnsetType = UNSET
    widely_held: Verdict = UNSET

    def contradiction(self) -> str | None:
        owned = [stake.share_percent for stake in self.holders] + [self.undisclosed_percent]
        votes = [stake.voting_percent for stake in self.holders]
        for shares in (owned, votes, [stake.economic_percent for stake in self.holders]):
            least = sum(share.low or 0 for share in shares if isinstance(share, Percent))
            if least > 100:
                return f"the stakes add up to at least {least} percent"
        return None


class Relocated(Event, frozen=True, kw_only=True):
    """Headquarters or incorporation moved."""

    incorporated_in: tuple[Country, ...] | None | UnsetType = UNSET
    headquartered_in: tuple[Country, ...] | None | UnsetType = UNSET


class Renamed(Event, frozen=True, kw_only=True):
    """A new legal name."""

    legal_name: Name


class Dissolved(Event, frozen=True, kw_only=True):
    """The party ceased to exist."""

    successor: PartyId | None | UnsetType = UNSET
    reason: Text | UnsetType = UNSET


_KNOWN = ("registered", "reported")

PARTY = Kind(
    "party",
    "a company, government, university, or a person in a role",
    (
        Step("registered", Registered, opens=True, once=True, status="registered"),
        Step("reported", Registered, opens=True),
        Step("changed", Registered, after=_KNOWN),
        Step("stakes_stated", StakesStated, after=_KNOWN),
        Step("relocated", Relocated, after=_KNOWN),
        Step("renamed", Renamed, after=_KNOWN),
        Step("dissolved", Dissolved, after=_KNOWN, ends=True, status="dissolved"),
    ),
)
