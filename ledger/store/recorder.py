"""The contract of a log's home: what the eventsourcing library asks of a recorder, and what the tree needs besides.

A home appends under one lock, in one transaction: events, payloads, leaves and nodes. It stamps `recorded_at`, which
never decreases, and gives positions without gaps. `ledger.testing.RecorderConformance` is the suite for a new one.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence

from eventsourcing.persistence import ApplicationRecorder, Subscription

from ledger.log.merkle import Node
from ledger.log.verify import Fault, LogRow
from ledger.store.mapper import LedgerEvent

__all__ = ["LedgerRecorder"]


class LedgerRecorder(ApplicationRecorder):
    """A home of the log. Positions start at 1; stream versions start at 1.

    `insert_events` raises ConflictError where a stream's version is taken, DuplicateError where an identity is, and
    StoreError where the home fails; in each case nothing is recorded.
    """

    recorded_by: str
    """Who records, as each header says: the ledger's word, unless evidence carries a signature."""

    @abstractmethod
    def size(self) -> int:
        """How many entries the log has."""

    @abstractmethod
    def rows(self, first: int = 1, last: int | None = None) -> Iterator[LogRow]:
        """The log rows from position `first` to `last`, both included, as one snapshot, in constant memory."""

    @abstractmethod
    def nodes(self, nodes: Sequence[Node]) -> list[bytes]:
        """Stored tree nodes, in the order asked for; b"" for one that is not there."""

    @abstractmethod
    def heads(self, streams: Sequence[str]) -> dict[str, int]:
        """The last version of each stream that exists."""

    @abstractmethod
    def find_identities(self, identities: Sequence[bytes]) -> dict[bytes, int]:
        """The positions of those identities that are on record."""

    @abstractmethod
    def at(self, position: int) -> LedgerEvent | None:
        """The event at a position; None beyond the end."""

    @abstractmethod
    def erased(self) -> set[int]:
        """The positions whose payload's erasure is on record."""

    @abstractmethod
    def erase_payload(self, position: int) -> None:
        """Deletes a payload and its salt; refused unless its erasure is on record."""

    @abstractmethod
    def checkpoints(self) -> list[tuple[int, bytes]]:
        """The kept checkpoints as (size, signed note), smallest first."""

    @abstractmethod
    def keep_checkpoint(self, size: int, note: bytes) -> None:
        """Keeps a signed checkpoint; one of the same size stays as it is."""

    @abstractmethod
    def check_home(self) -> Iterator[Fault]:
        """What is wrong with the home itself: its schema, its indexes, what it derives from payloads."""

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """Not offered: readers poll by position (`ledger.view.follower`)."""
        raise TypeError("this log is followed by position, not by subscription")
