"""Statements: who asserts what to whom, such as an end use, the users of a cluster, or due diligence done."""

from __future__ import annotations

from enum import StrEnum

from msgspec import UNSET, UnsetType

from ledger.domain.event import Event, Fields, Name, Text, Verdict
from ledger.domain.kind import Kind, Step
from ledger.domain.quantity import Quantity
from ledger.domain.stream import PartyId, StreamId
from ledger.domain.when import When

__all__ = ["STATEMENT", "About", "Figure", "Made", "Withdrawn"]


class About(StrEnum):
    """What a statement asserts."""

    END_USE = "end_use"
    END_USER = "end_user"
    REMOTE_USERS = "remote_users"
    DUE_DILIGENCE = "due_diligence"
    RED_FLAG = "red_flag"
    OWNERSHIP = "ownership"
    COMPLETENESS = "completeness"
    FOUNDRY = "foundry"
    KNOWLEDGE = "knowledge"
    DENIAL = "denial"
    OTHER = "other"


class Figure(Fields, frozen=True, kw_only=True):
    """A number that the statement gives, under the name of what it measures."""

    name: Name
    value: Quantity | None


class Made(Event, frozen=True, kw_only=True):
    """`maker` asserts `text` to `recipient`, of `subjects`; `covers` is the time that it speaks for.

    `code` says what it is about in a rule's own words, such as ``supercomputer`` or ``wmd``.
    """

    about: About
    text: Text
    maker: PartyId | None | UnsetType = UNSET
    recipient: PartyId | None | UnsetType = UNSET
    subjects: tuple[StreamId, ...] | UnsetType = UNSET
    affirms: Verdict = UNSET
    covers: When | None | UnsetType = UNSET
    code: Name | UnsetType = UNSET
    figures: tuple[Figure, ...] | UnsetType = UNSET


class Withdrawn(Event, frozen=True, kw_only=True):
    """The maker takes it back."""

    reason: Text | UnsetType = UNSET


STATEMENT = Kind(
    "statement",
    "an assertion of one party to another",
    (
        Step("made", Made, opens=True, status="made"),
        Step("reported", Made, opens=True, status="reported"),
        Step("withdrawn", Withdrawn, after=("made", "reported"), ends=True, status="withdrawn"),
    ),
)
