"""A draft: an event that somebody's input states, not yet admitted to the ledger; and what a reader may ask of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from msgspec import Struct

from ledger.domain.event import Event
from ledger.domain.kind import Subject
from ledger.errors import Place

__all__ = ["Draft", "OnRecord", "Read"]


class Draft(Struct, frozen=True, gc=False):
    """`event` for `stream`, under the type that `verb` names there, found at `place` of the input."""

    stream: str
    verb: str
    event: Event
    place: Place


Read = Callable[[], Iterator[Draft]]
"""Reads an input from its start, each time it is called; InputError where it is not well formed."""


class OnRecord(Protocol):
    """What an importer may ask of the ledger that it imports into."""

    def subject(self, stream: str) -> Subject | None:
        """What a stream says, or None where it has no events."""
        ...
