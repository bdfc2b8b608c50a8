"""The contract of a log's home: what the eventsourcing library asks of a recorder, and what the tree needs besides.

A home appends under one lock, in one transaction: events, payloads, leaves and nodes. It stamps `recorded_at`, which
never decreases, and gives positions without gaps. `ledger.testing.RecorderConformance` is the suite for a new one.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Container, Generator, Iterator, Sequence

from eventsourcing.persistence import ApplicationRecorder, Subscription

from ledger.log.merkle import Node
from ledger.log.verify import Fault, LogRow
from ledger.store.mapper import LedgerEvent

__all__ = ["Erased", "LedgerRecorder"]


class LedgerRecorder(ApplicationRecorder):
    """A home of the log. Positions start at 1; stream versions start at 1.

    `insert_events` raises ConflictError where a stream's version is taken, DuplicateError where an identity is,
    RefusedError where a version does not follow its stream's last, and StoreError where the home fails; in each case
    nothing is recorded. What is read and cannot have been written so is a TamperError.
    """

    recorded_by: str
    """Who records, as each header says: the ledger's word, unless evidence carries a signature."""

    @abstractmethod
    def size(self) -> int:
        """How many entries the log has."""

    @abstractmethod
    def rows(self, first: int = 1, last: int | None = None) -> Generator[LogRow, None, None]:
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
    def identities(self, first: int, last: int) -> list[tuple[int, bytes | None]]:
        """(position, identity) from position `first` to `last`: derived from payloads, so not hashed, but checked."""

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

    @abstractmethod
    def close(self) -> None:
        """Gives back what the home holds open; nothing can be asked of it afterwards."""

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """Not offered: readers poll by position (`ledger.view.follower`)."""
        raise TypeError("this log is followed by position, not by subscription")


class Erased(Container[int]):
    """The positions whose erasure is on record, asked for once a row without its payload is met.

    An erasure is recorded before its payload is deleted. So what is on record when a snapshot of rows is being read
    explains all that is missing from it, while what was on record before might not.
    """

    def __init__(self, recorder: LedgerRecorder) -> None:
        self._recorder = recorder
        self._positions: set[int] | None = None

    def __contains__(self, position: object) -> bool:
        if self._positions is None:
            self._positions = self._recorder.erased()
        return position in self._positions
