"""Reviews: what an auditor did about what she read. Each may carry her signature over the event's own fields.

A waiver binds a finding by its key (rule and act) and its digest (its content), so that it lapses when either changes.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from ledger.domain.event import Digest, Event, Fields, Name, Text
from ledger.domain.kind import Kind, Step
from ledger.domain.stream import StreamId
from ledger.domain.when import When

__all__ = ["REVIEW", "Acknowledged", "Escalated", "FindingRef", "Noted", "SignedOff", "SizeAndRoot", "Waived"]

Position = Annotated[int, Meta(ge=1, le=2**53 - 1, description="a log position, from 1")]


class FindingRef(Fields, frozen=True, kw_only=True):
    """A finding of the law engine, by key and content."""

    key: Name
    digest: Digest


class SizeAndRoot(Fields, frozen=True, kw_only=True):
    """A state of the log: its size and its Merkle root."""

    size: Position
    root: Digest


class Reviewed(Event, frozen=True, kw_only=True):
    """What all reviews share. `signature` is a C2SP signed note over the event without it."""

    reviewer: Name | UnsetType = UNSET
    signature: Text | UnsetType = UNSET


class Noted(Reviewed, frozen=True, kw_only=True):
    """A note on positions or streams."""

    text: Text
    positions: tuple[Position, ...] | UnsetType = UNSET
    subjects: tuple[StreamId, ...] | UnsetType = UNSET


class Acknowledged(Reviewed, frozen=True, kw_only=True):
    """A finding was seen."""

    finding: FindingRef
    text: Text | UnsetType = UNSET


class Waived(Reviewed, frozen=True, kw_only=True):
    """A finding is set aside, for a reason, until a date where one is given."""

    finding: FindingRef
    reason: Text
    until: When | UnsetType = UNSET


class Escalated(Reviewed, frozen=True, kw_only=True):
    """A finding was passed on, to whom and why."""

    finding: FindingRef
    to: Name
    reason: Text | UnsetType = UNSET


class SignedOff(Reviewed, frozen=True, kw_only=True):
    """Positions `first` to `last` were reviewed at a checkpoint, through a filter where one is given."""

    first: Position
    last: Position
    checkpoint: SizeAndRoot
    filter: Text | UnsetType = UNSET
    text: Text | UnsetType = UNSET

    def contradiction(self) -> str | None:
        if self.first > self.last:
            return f"the range runs backwards: {self.first} to {self.last}"
        if self.last > self.checkpoint.size:
            return f"position {self.last} is beyond the checkpoint, which covers {self.checkpoint.size}"
        return None


REVIEW = Kind(
    "review",
    "an auditor's review",
    (
        Step("noted", Noted, opens=True),
        Step("acknowledged", Acknowledged, opens=True, status="acknowledged"),
        Step("waived", Waived, opens=True, status="waived"),
        Step("escalated", Escalated, opens=True, status="escalated"),
        Step("signed_off", SignedOff, opens=True, status="signed off"),
    ),
)
