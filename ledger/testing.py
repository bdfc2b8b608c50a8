"""The suite that a home of the log must pass, written for more than one: subclass `RecorderConformance`.

::

    class TestMyRecorder(RecorderConformance):
        def make(self) -> LedgerRecorder:
            return MyRecorder(an_empty_home())

        def reopen(self, recorder: LedgerRecorder) -> LedgerRecorder:
            return MyRecorder(recorder.address)

pytest collects it as it stands, and nothing here imports pytest. The eventsourcing library ships suites as well; they
append bare `StoredEvent`s from version 0 under UUIDs, which no log of this format can hold, so that what they ask is
asked here anew. A home reads the clock as ``time.time_ns()``, which one of the tests turns back.
"""

# ruff: noqa: S101 - asserts are what a suite is made of

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Thread
from typing import TypeVar, cast
from unittest.mock import patch

from eventsourcing.persistence import StoredEvent
from msgspec import UNSET

from ledger.domain.event import Basis, Source
from ledger.domain.genesis import SELF, Created, PayloadErased
from ledger.domain.kind import Fact
from ledger.domain.registry import fact
from ledger.domain.site import Completed, Registered
from ledger.errors import ConflictError, DuplicateError, LedgerError, RefusedError, StoreError
from ledger.log.checkpoint import Checkpoint
from ledger.log.merkle import Frontier, consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from ledger.log.note import SignerKey
from ledger.log.verify import LogRow, LogVerifier
from ledger.store.mapper import FactMapper, LedgerEvent, identity_of
from ledger.store.recorder import Erased, LedgerRecorder

__all__ = ["RecorderConformance", "event"]

E = TypeVar("E", bound=LedgerError)
ORIGIN = "example.com/conformance"


def event(stream: str, version: int, key: str = "", note: str = "as built") -> LedgerEvent:
    """A site's event as the mapper makes it; with a `key`, it has an identity."""
    source = Source(name="conformance", key=key) if key else UNSET
    if version == 1:
        opening = Registered(basis=Basis.DECLARED, source=source, name="Hall", note=note)
        return _stored(fact(stream, 1, "registered", opening))
    return _stored(fact(stream, version, "completed", Completed(basis=Basis.DECLARED, source=source, note=note)))


def _stored(made: Fact) -> LedgerEvent:
    return cast("LedgerEvent", FactMapper().to_stored_event(made))


@contextmanager
def _refused(kind: type[E]) -> Iterator[list[E]]:
    """Asserts that what follows raises `kind`, and gives the error in a list."""
    caught: list[E] = []
    try:
        yield caught
    except kind as error:
        caught.append(error)
    assert caught, f"{kind.__name__} was to be raised"


class RecorderConformance(ABC):
    """What holds of every home of the log. Positions and versions start at 1."""

    _opened: list[LedgerRecorder]

    @abstractmethod
    def make(self) -> LedgerRecorder:
        """A home that is empty, open for appending, recording as ``ops``."""

    @abstractmethod
    def reopen(self, recorder: LedgerRecorder) -> LedgerRecorder:
        """Another recorder of the same home, open for appending, recording as ``ops``."""

    def setup_method(self) -> None:
        """Called by pytest before each test."""
        self._opened = []

    def teardown_method(self) -> None:
        """Called by pytest after each test."""
        for recorder in self._opened:
            recorder.close()

    def home(self, *events: LedgerEvent) -> LedgerRecorder:
        """A home that holds `events`, closed when the test ends."""
        recorder = self.make()
        self._opened.append(recorder)
        self.append(recorder, *events)
        return recorder

    def other(self, recorder: LedgerRecorder) -> LedgerRecorder:
        """A second recorder of the same home, closed when the test ends."""
        second = self.reopen(recorder)
        self._opened.append(second)
        return second

    def append(self, recorder: LedgerRecorder, *events: LedgerEvent) -> list[int]:
        """Appends and returns the positions."""
        return list(recorder.insert_events(cast("Sequence[StoredEvent]", events)) or ())

    def assert_sound(self, recorder: LedgerRecorder, size: int) -> None:
        """The log has `size` entries; rows, tree, nodes and the home itself agree."""
        verifier = LogVerifier()
        faults = [*verifier.check(recorder.rows(), Erased(recorder)), *recorder.check_home()]
        assert faults == []
        assert recorder.size() == recorder.max_notification_id() == verifier.size == size
        assert Frontier.load(size, recorder.nodes).root() == verifier.root()

    # Appending

    def test_an_empty_home_has_nothing(self) -> None:
        recorder = self.home()
        self.assert_sound(recorder, 0)
        assert recorder.at(1) is None
        assert list(recorder.rows()) == []
        assert recorder.checkpoints() == []
        assert recorder.heads(["site:a"]) == {}
        assert recorder.find_identities([bytes(16)]) == {}
        assert recorder.erased() == set()
        assert list(recorder.select_notifications(1, 10)) == []
        assert self.append(recorder) == []

    def test_positions_run_from_one_without_gaps(self) -> None:
        recorder = self.home()
        assert self.append(recorder, event("site:a", 1)) == [1]
        assert self.append(recorder, event("site:b", 1), event("site:a", 2)) == [2, 3]
        assert self.append(self.other(recorder), event("site:b", 2)) == [4]
        assert self.append(recorder, event("site:c", 1)) == [5]
        self.assert_sound(recorder, 5)

    def test_what_was_appended_is_read_as_it_was(self) -> None:
        first, second = event("site:a", 1, "k1", "Halle Ä 机房"), event("site:a", 2)
        recorder = self.home(first, second)
        for reader in (recorder, self.other(recorder)):
            for position, given in ((1, first), (2, second)):
                read = reader.at(position)
                assert read is not None
                assert (read.id, read.recorded_by) == (position, "ops")
                for name in ("originator_id", "originator_version", "topic", "state", "class_version", "identity"):
                    assert getattr(read, name) == getattr(given, name), name
        assert recorder.at(3) is None

    def test_a_stream_is_read_in_order_of_version(self) -> None:
        recorder = self.home(*[event(f"site:{label}", version) for version in range(1, 6) for label in "ab"])

        def versions(**options: object) -> list[int]:
            found = recorder.select_events("site:a", **options)  # type: ignore[arg-type]
            assert {item.originator_id for item in found} <= {"site:a"}
            return [item.originator_version for item in found]

        assert versions() == [1, 2, 3, 4, 5]
        assert versions(gt=2) == [3, 4, 5]
        assert versions(gt=1, lte=3) == [2, 3]
        assert versions(desc=True, limit=2) == [5, 4]
        assert versions(lte=0) == []
        assert list(recorder.select_events("site:absent")) == []

    def test_a_version_that_is_taken_is_a_conflict_and_names_the_stream(self) -> None:
        recorder = self.home(event("site:a", 1), event("site:a", 2))
        for version in (1, 2):
            with _refused(ConflictError) as caught:
                self.append(recorder, event("site:b", 1), event("site:a", version))
            assert (caught[0].stream, caught[0].version) == ("site:a", version)
        self.assert_sound(recorder, 2)

    def test_a_version_that_does_not_follow_is_refused(self) -> None:
        """It would stand in the log for ever, and no verification would pass again."""
        recorder = self.home(event("site:a", 1))
        for batch in ([event("site:a", 3)], [event("site:b", 2)], [event("site:b", 1), event("site:b", 1)]):
            with _refused(RefusedError):
                self.append(recorder, *batch)
        self.assert_sound(recorder, 1)

    def test_an_identity_on_record_is_a_duplicate_and_names_its_position(self) -> None:
        recorder = self.home(event("site:a", 1), event("site:b", 1, "row-7"))
        with _refused(DuplicateError) as caught:
            self.append(recorder, event("site:c", 1, "row-8"), event("site:d", 1, "row-7"))
        assert caught[0].position == 2
        self.assert_sound(recorder, 2)

    def test_an_identity_that_stands_twice_in_one_batch_is_a_duplicate(self) -> None:
        recorder = self.home(event("site:a", 1))
        with _refused(DuplicateError) as caught:
            self.append(recorder, event("site:c", 1, "row-7"), event("site:d", 1, "row-7"))
        assert caught[0].position == 0
        self.assert_sound(recorder, 1)

    def test_a_batch_is_recorded_whole_or_not_at_all(self) -> None:
        recorder = self.home(event("site:a", 1), event("site:b", 1, "row-7"))
        fresh = [event(f"site:n{i}", 1, f"n{i}") for i in range(20)]
        for wrong in (event("site:a", 1), event("site:z", 1, "row-7"), event("site:z", 9)):
            with _refused(LedgerError):
                self.append(recorder, *fresh[:10], wrong, *fresh[10:])
            self.assert_sound(recorder, 2)
            assert recorder.heads([item.originator_id for item in fresh]) == {}
        assert self.append(recorder, *fresh) == list(range(3, 23))
        self.assert_sound(recorder, 22)

    def test_recorded_at_never_decreases_even_when_the_clock_goes_back(self) -> None:
        recorder = self.home(event("site:a", 1))
        before = self._recorded_at(recorder)[-1]
        with patch("time.time_ns", return_value=(before + 60_000) * 1_000_000):
            self.append(recorder, event("site:a", 2))
        with patch("time.time_ns", return_value=1_000_000_000):
            self.append(recorder, event("site:a", 3))
            self.append(self.other(recorder), event("site:a", 4))
        times = self._recorded_at(recorder)
        assert times == [before, before + 60_000, before + 60_000, before + 60_000]
        self.assert_sound(recorder, 4)

    def _recorded_at(self, recorder: LedgerRecorder) -> list[int]:
        return [row[5] for row in recorder.rows()]

    # Reading

    def test_notifications_are_paged_bounded_and_chosen_by_type(self) -> None:
        recorder = self.home(*[event(f"site:{label}", version) for version in (1, 2) for label in "abcde"])

        def positions(start: int | None, limit: int = 100, **options: object) -> list[int]:
            return [item.id for item in recorder.select_notifications(start, limit, **options)]  # type: ignore[arg-type]

        assert positions(None) == positions(0) == positions(1) == list(range(1, 11))
        assert positions(4, 3) == [4, 5, 6]
        assert positions(4, 3, inclusive_of_start=False) == [5, 6, 7]
        assert positions(8, stop=9) == [8, 9]
        assert positions(11) == []
        assert positions(1, topics=["site.completed"]) == [6, 7, 8, 9, 10]
        assert positions(1, 2, topics=["site.completed", "site.registered"]) == [1, 2]
        assert positions(1, topics=["site.unknown"]) == []
        assert positions(2, 2, stop=7, topics=["site.completed"]) == [6, 7]

    def test_heads_are_the_last_versions_of_streams_that_exist(self) -> None:
        streams = [f"site:s{i}" for i in range(1200)]
        recorder = self.home(*[event(stream, 1) for stream in streams], event("site:s7", 2))
        found = recorder.heads([*streams, "site:absent"])
        assert found == {**dict.fromkeys(streams, 1), "site:s7": 2}
        assert recorder.heads([]) == {}

    def test_identities_lead_to_their_positions(self) -> None:
        recorder = self.home(*[event(f"site:s{i}", 1, f"row-{i}") for i in range(1200)], event("site:s0", 2))
        known = {identity_of(Source(name="conformance", key=f"row-{i}")): i + 1 for i in range(1200)}
        assert recorder.find_identities([*known, bytes(16)]) == known
        assert recorder.find_identities([]) == {}

    def test_rows_nodes_and_proofs_agree(self) -> None:
        recorder = self.home()
        roots = [Frontier().root()]
        for batch in (1, 2, 1, 5, 8, 3):
            size = len(roots) - 1
            self.append(recorder, *[event(f"site:s{size + i}", 1) for i in range(batch)])
            for row in recorder.rows(size + 1):
                roots.append(Frontier.load(row[0], recorder.nodes).root())
        size = len(roots) - 1
        self.assert_sound(recorder, size)
        leaves = [row[11][:32] for row in recorder.rows()]
        for index in range(size):
            verify_inclusion(leaves[index], index, size, inclusion_proof(index, size, recorder.nodes), roots[size])
            proof = consistency_proof(index + 1, size, recorder.nodes)
            verify_consistency(index + 1, size, roots[index + 1], roots[size], proof)
        assert recorder.nodes([(0, size), (40, 0)]) == [b"", b""]

    def test_rows_can_be_read_in_part(self) -> None:
        recorder = self.home(*[event(f"site:s{i}", 1) for i in range(10)])
        assert [row[0] for row in recorder.rows(4, 6)] == [4, 5, 6]
        assert [row[0] for row in recorder.rows(9)] == [9, 10]
        assert list(recorder.rows(11)) == []
        assert next(iter(recorder.rows(3)))[0] == 3

    def test_rows_are_one_snapshot_while_others_append(self) -> None:
        recorder = self.home(*[event(f"site:s{i}", 1) for i in range(100)])
        writer = self.other(recorder)
        seen: list[LogRow] = []
        for row in recorder.rows():
            if row[0] in (1, 50):
                self.append(writer, *[event(f"site:w{row[0]}-{i}", 1) for i in range(50)])
            seen.append(row)
        assert [row[0] for row in seen] == list(range(1, 101))
        assert list(LogVerifier().check(seen)) == []
        self.assert_sound(recorder, 200)

    # Checkpoints

    def test_a_kept_checkpoint_stays_as_it_is(self) -> None:
        recorder = self.home(event("site:a", 1), event("site:a", 2))
        signer = SignerKey.generate(ORIGIN)
        one = Checkpoint(ORIGIN, 1, Frontier.load(1, recorder.nodes).root()).sign(signer)
        two = Checkpoint(ORIGIN, 2, Frontier.load(2, recorder.nodes).root()).sign(signer)
        recorder.keep_checkpoint(2, two)
        recorder.keep_checkpoint(1, one)
        recorder.keep_checkpoint(2, b"another")
        assert recorder.checkpoints() == self.other(recorder).checkpoints() == [(1, one), (2, two)]

    # Erasure

    def test_a_payload_is_erased_only_with_its_erasure_on_record(self) -> None:
        created = Created(
            basis=Basis.DECLARED, origin=ORIGIN, format=1, verifier_key=str(SignerKey.generate(ORIGIN).verifier)
        )
        recorder = self.home(_stored(fact(SELF, 1, "created", created)), event("site:a", 1, "k"), event("site:b", 1))
        for position in (1, 2, 3):
            with _refused(StoreError):
                recorder.erase_payload(position)
        committed = next(iter(recorder.rows(2, 2)))[8]
        erased = PayloadErased(basis=Basis.DECLARED, position=2, payload_commitment=committed.hex(), reason="asked for")
        self.append(recorder, _stored(fact(SELF, 2, "payload_erased", erased)))
        with _refused(StoreError):
            recorder.erase_payload(3)
        recorder.erase_payload(2)
        recorder.erase_payload(2)
        assert recorder.erased() == {2}
        read = recorder.at(2)
        assert read is not None
        assert read.state is None
        assert next(iter(recorder.rows(2, 2)))[9:11] == (None, None)
        self.assert_sound(recorder, 4)

    # Many at once

    def test_threads_of_one_recorder_and_of_two_lose_nothing(self) -> None:
        recorder = self.home()
        recorders = [recorder, self.other(recorder)]
        conflicts: list[ConflictError] = []
        positions: list[int] = []
        failures: list[BaseException] = []

        def work(number: int) -> None:
            home = recorders[number % 2]
            try:
                for version in range(1, 21):
                    positions.extend(self.append(home, event(f"site:t{number}", version)))
                    try:
                        shared = home.heads(["site:shared"]).get("site:shared", 0)
                        positions.extend(self.append(home, event("site:shared", shared + 1)))
                    except ConflictError as error:
                        conflicts.append(error)
            except BaseException as error:
                failures.append(error)

        threads = [Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert {error.stream for error in conflicts} <= {"site:shared"}
        assert sorted(positions) == list(range(1, 6 * 40 - len(conflicts) + 1))
        self.assert_sound(recorder, len(positions))
