"""The ledger's own stream, ``ledger:self``: how it came to be, and payloads erased from it."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from ledger.domain.event import Digest, Event, Name, Text
from ledger.domain.key import VerifierKeyText
from ledger.domain.kind import Kind, Step
from ledger.domain.review import Position

__all__ = ["LEDGER", "SELF", "Created", "PayloadErased"]

SELF: Final = "ledger:self"


class Created(Event, frozen=True, kw_only=True):
    """Position 1 of every ledger: its origin, its format, and the key that signs its checkpoints."""

    origin: Name
    format: Annotated[int, Meta(ge=1, le=1)]
    verifier_key: VerifierKeyText


class PayloadErased(Event, frozen=True, kw_only=True):
    """The payload and salt at `position` are deleted for `reason`; the entry, and the tree, still verify."""

    position: Position
    payload_commitment: Digest
    reason: Text


LEDGER = Kind(
    "ledger",
    "the ledger itself",
    (
        Step("created", Created, opens=True, once=True, status="created"),
        Step("payload_erased", PayloadErased, after=("created",)),
    ),
    correctable=False,
)
