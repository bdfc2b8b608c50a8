"""Admission: drafts against the ledger as it stands, and against each other, before anything is written.

What is on record already (same source and row key, same content) is passed over; what contradicts is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from typing import Final, Protocol

from ledger.domain.codec import encode_event
from ledger.domain.event import Source
from ledger.domain.kind import Fact
from ledger.domain.registry import fact, refusal
from ledger.errors import DuplicateError, InputError, Place, RefusedError
from ledger.intake.draft import Draft
from ledger.store.mapper import LedgerEvent, identity_of

__all__ = ["CHUNK", "Admission", "Log", "chunks"]

CHUNK: Final = 1000
"""How many drafts are looked up together."""


class Log(Protocol):
    """What admission asks of the ledger."""

    def heads(self, streams: Sequence[str]) -> dict[str, int]: ...
    def find_identities(self, identities: Sequence[bytes]) -> dict[bytes, int]: ...
    def at(self, position: int) -> LedgerEvent | None: ...
    def history(self, stream: str) -> list[Fact]: ...


def chunks(drafts: Iterable[Draft], size: int = CHUNK) -> Iterator[list[Draft]]:
    """The drafts in lists of up to `size`."""
    drafts = iter(drafts)
    while chunk := list(islice(drafts, size)):
        yield chunk


class Admission:
    """One input's way into the ledger. `passed_over` counts drafts that are on record already."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._history: dict[str, list[Fact]] = {}
        self._understood: dict[str, int] = {}
        self._seen: dict[bytes, tuple[Place, bytes]] = {}
        self.passed_over = 0

    def admit(self, drafts: Sequence[Draft]) -> list[Fact]:
        """The facts to append for `drafts`, in order; DuplicateError or RefusedError for the first that cannot stand."""
        identities = [self._identity(draft) for draft in drafts]
        on_record = self._log.find_identities([i for i in identities if i is not None and i not in self._seen])
        self._read_histories([draft.stream for draft in drafts])
        admitted = []
        for draft, identity in zip(drafts, identities, strict=True):
            if identity is not None and self._is_known(draft, identity, on_record):
                self.passed_over += 1
            else:
                admitted.append(self._admit(draft))
        return admitted

    def _identity(self, draft: Draft) -> bytes | None:
        source = draft.event.source
        return identity_of(source) if isinstance(source, Source) else None

    def _is_known(self, draft: Draft, identity: bytes, on_record: dict[bytes, int]) -> bool:
        content = sha256(f"{draft.stream}\n{draft.verb}\n".encode() + encode_event(draft.event)).digest()
        if identity in self._seen:
            place, before = self._seen[identity]
            if before == content:
                return True
            raise DuplicateError(
                f"this source and key stand at {place} already, with other content", 0, draft.place,
                "Give each event a source key of its own.",
            )  # fmt: skip
        self._seen[identity] = (draft.place, content)
        position = on_record.get(identity)
        if position is None:
            return False
        event = self._log.at(position)
        if event is not None and event.state is not None:
            verb = event.topic.partition(".")[2]
            recorded = sha256(f"{event.originator_id}\n{verb}\n".encode() + event.state).digest()
            if recorded != content:
                raise DuplicateError(
                    f"this source and key are on record at position {position}, with other content", position, draft.place,
                    f"To change what is recorded, record a {draft.stream.partition(':')[0]}.corrected event.",
                )  # fmt: skip
        return True

    def _read_histories(self, streams: Iterable[str]) -> None:
        new = list(dict.fromkeys(stream for stream in streams if stream not in self._history))
        heads = self._log.heads(new)
        for stream in new:
            self._history[stream] = self._log.history(stream) if stream in heads else []

    def _admit(self, draft: Draft) -> Fact:
        history = self._history[draft.stream]
        try:
            new = fact(draft.stream, len(history) + 1, draft.verb, draft.event)
        except KeyError as error:
            raise InputError(f"there is no event type {error.args[0]}", draft.place) from None
        problem = refusal(history, new, self._understood.get(draft.stream, 0))
        if problem is not None:
            raise RefusedError(draft.stream, problem, draft.place)
        history.append(new)
        self._understood[draft.stream] = len(history)
        return new
