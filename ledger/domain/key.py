"""Keys that the ledger's people and hosts sign with: enrolled and revoked, each with its validity."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from ledger.domain.event import UNSAFE, Event, Name, Text
from ledger.domain.kind import Kind, Step
from ledger.domain.stream import PartyId
from ledger.domain.when import When

__all__ = ["KEY", "Enrolled", "KeyPurpose", "Revoked"]

VerifierKeyText = Annotated[
    str,
    Meta(
        pattern=rf"\A[^\s+{UNSAFE}]{{1,200}}\+[0-9a-f]{{8}}\+[A-Za-z0-9+/]{{1,200}}={{0,2}}\Z",
        description="a C2SP verifier key: name+hash+base64",
    ),
]


class KeyPurpose(StrEnum):
    """What a key's signatures mean."""

    HOST = "host"
    REVIEWER = "reviewer"
    WITNESS = "witness"
    CHECKPOINT = "checkpoint"


class Enrolled(Event, frozen=True, kw_only=True):
    """Signatures of this key are accepted for `purpose`, from and until the dates given."""

    verifier_key: VerifierKeyText
    purpose: KeyPurpose
    holder: PartyId | None | UnsetType = UNSET
    host: Name | UnsetType = UNSET
    valid_from: When | UnsetType = UNSET
    valid_until: When | UnsetType = UNSET

    def contradiction(self) -> str | None:
        if isinstance(self.valid_from, When) and isinstance(self.valid_until, When):
            if self.valid_until.certainly_before(self.valid_from):
                return "the key's validity ends before it starts"
        return None


class Revoked(Event, frozen=True, kw_only=True):
    """Signatures of this key are accepted no longer, from `occurred_at` on."""

    reason: Text


KEY = Kind(
    "key",
    "a key that somebody signs with",
    (
        Step("enrolled", Enrolled, opens=True, once=True, status="enrolled"),
        Step("revoked", Revoked, after=("enrolled",), ends=True, status="revoked"),
    ),
    correctable=False,
)
