"""Facts to stored events and back, through the closed registry: nothing in a row names code to import."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, cast

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent, Transcoder
from msgspec import Struct

from ledger.domain.codec import canonical, encode_event
from ledger.domain.event import Event, Opaque, Source
from ledger.domain.kind import Fact
from ledger.domain.registry import EVENT_TYPES, read_payload

__all__ = ["FactMapper", "LedgerEvent", "identity_in", "identity_of"]

_IDENTITY_TAG = b"chipledger/identity/v1\n"


class LedgerEvent(Struct, frozen=True, gc=False):
    """The library's `StoredEvent`, with what this log keeps besides: class version, identity, the recorder's stamps.

    `topic` is the permanent type name, `state` the canonical payload; an erased payload is None.
    """

    originator_id: str
    originator_version: int
    topic: str
    state: bytes | None
    class_version: int
    identity: bytes | None = None
    id: int = 0
    recorded_at: int = 0
    recorded_by: str = ""


def identity_of(source: Source) -> bytes:
    """16 bytes that stand for a source's name and row key, unique in a ledger: a hash of its canonical JSON."""
    return sha256(_IDENTITY_TAG + canonical(source)).digest()[:16]


def identity_in(payload: bytes) -> bytes | None:
    """The identity that a payload's own source gives; None where it has none.

    The payload is canonical: its own ``source`` is the last thing so called in it, and within a string quotes are
    escaped. So the source's bytes are found without reading the rest, which every row of a verification pays for.
    """
    start = payload.rfind(b'"source":{"key":"')
    if start < 0:
        return None
    start += len(b'"source":')
    end = payload.find(b'"}', payload.find(b'","name":"', start) + len(b'","name":"')) + 2
    return sha256(_IDENTITY_TAG + payload[start:end]).digest()[:16]


class NoTranscoder(Transcoder):
    """Stands where the library asks for a transcoder; the mapper has no use for one."""

    def encode(self, obj: Any) -> bytes:
        raise TypeError("facts are encoded by ledger.domain.codec")

    def decode(self, data: bytes) -> Any:
        raise TypeError("facts are decoded by ledger.domain.registry")


class FactMapper(Mapper[str]):
    """The library's mapper, without topics, compression or encryption, whatever the environment says."""

    def __init__(self) -> None:
        super().__init__(NoTranscoder())

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """The canonical bytes of a `Fact`, under its type's permanent name."""
        fact = cast("Fact", domain_event)
        state = encode_event(cast("Event", fact.event))
        return cast(
            "StoredEvent",
            LedgerEvent(
                fact.originator_id,
                fact.originator_version,
                fact.type,
                state,
                EVENT_TYPES[fact.type].version,
                identity_in(state),
            ),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        """The `Fact` that a row states; its event is `Opaque` where this release cannot know it, or it was erased."""
        row = cast("LedgerEvent", stored_event)
        if row.state is None:
            event: Event | Opaque = Opaque(row.topic, row.class_version, None, erased=True)
        else:
            event = read_payload(row.topic, row.class_version, row.state)
        return cast(
            "DomainEventProtocol[str]",
            Fact(row.originator_id, row.originator_version, row.topic, event, row.id, row.recorded_at, row.recorded_by),
        )
