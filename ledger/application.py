"""A ledger, open: the one object through which facts go in and come out.

It is an eventsourcing application whose factory, mapper and recorder are built in code: the environment that the
library would read its settings from is kept empty, so that nothing in a shell changes what is stored.
"""

from __future__ import annotations

import getpass
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import msgspec
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    Mapper,
    ProcessRecorder,
    TrackingRecorder,
)
from eventsourcing.utils import Environment, EnvType
from msgspec import Struct

from ledger.domain.codec import decode_event, encode_event
from ledger.domain.event import Basis, Event
from ledger.domain.genesis import SELF, Created, PayloadErased
from ledger.domain.kind import Fact, Subject
from ledger.domain.registry import fact, project
from ledger.errors import ForkError, InputError, MalformedError, StoreError, TamperError
from ledger.intake.admission import CHUNK, Admission, chunks
from ledger.intake.draft import Read
from ledger.log.checkpoint import Checkpoint, open_checkpoint
from ledger.log.merkle import Frontier, root_at
from ledger.log.note import SignerKey, VerifierKey
from ledger.log.proof import ProofFile
from ledger.log.verify import LogVerifier
from ledger.store.database import create_database
from ledger.store.folder import Folder
from ledger.store.keys import KeyStore, Signed
from ledger.store.mapper import FactMapper, LedgerEvent
from ledger.store.proving import prove
from ledger.store.recorder import Erased, LedgerRecorder
from ledger.store.sqlite import SQLiteRecorder

__all__ = ["ONE_TRANSACTION", "Ledger", "Outcome", "Progress"]

ONE_TRANSACTION: Final = 100_000
"""Up to so many events of one input are one transaction; more are batches of so many, which resume."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how far it is, and of how much (0: not known)."""


def no_progress(doing: str, done: int, of: int) -> None:
    """For callers that nobody watches."""


class Outcome(Struct, frozen=True):
    """What recording came to: positions `first` to `last` are new (0 where none is), `known` were on record."""

    added: int
    known: int
    first: int
    last: int


class _Factory(InfrastructureFactory[TrackingRecorder]):
    """Hands the library the recorder that was built in code."""

    def __init__(self, recorder: LedgerRecorder) -> None:
        super().__init__(Environment("", {}))
        self.recorder = recorder

    def application_recorder(self) -> ApplicationRecorder:
        return self.recorder

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        return self.recorder

    def tracking_recorder(self, tracking_recorder_class: type[TrackingRecorder] | None = None) -> TrackingRecorder:
        raise TypeError("this log has no tracking: its view keeps its own position")

    def process_recorder(self) -> ProcessRecorder:
        raise TypeError("this log has no tracking: its view keeps its own position")


E = TypeVar("E", bound=Event)


def _valid(event: E) -> E:
    """An event that the ledger states of itself, as it will be read again; InputError where it would not be."""
    try:
        return decode_event(type(event), encode_event(event))
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise InputError(str(error)) from error


def who_records() -> str:
    """What stands in a header as `recorded_by`: ``$CHIPLEDGER_BY``, or the login name."""
    try:
        return os.environ.get("CHIPLEDGER_BY") or getpass.getuser()
    except (OSError, KeyError):
        return f"uid-{os.getuid()}"


class Ledger(Application[str]):
    """One ledger, open for reading, or for writing too. Close it, or use it in a ``with``."""

    name = "chipledger"

    def __init__(self, path: Path, *, read_only: bool = True, recorded_by: str | None = None) -> None:
        self.folder = Folder(path)
        if os.path.isfile(path):
            raise StoreError("not-a-ledger", str(path), "a ledger is a folder, and this is a file")
        by = who_records() if recorded_by is None else recorded_by
        self.log_recorder = SQLiteRecorder(self.folder.log, by, read_only=read_only)
        super().__init__()

    @classmethod
    def create(cls, path: Path, origin: str, signer: SignerKey, *, recorded_by: str | None = None) -> Ledger:
        """Makes a new ledger in a folder that does not exist or is empty, and opens it for writing.

        `signer` is named after `origin`. Where it fails, nothing is left behind.
        """
        folder = Folder(path)
        try:
            Checkpoint(origin, 0, bytes(32)).sign(signer)
        except (MalformedError, ValueError):
            raise InputError(
                f"{origin!r} cannot be an origin: one line of text, after which its key is named"
            ) from None
        created = _valid(Created(basis=Basis.DECLARED, origin=origin, format=1, verifier_key=str(signer.verifier)))
        folder.make()
        ledger = None
        try:
            create_database(folder.log)
            ledger = cls(path, read_only=False, recorded_by=recorded_by)
            ledger.append([fact(SELF, 1, "created", created)])
        except BaseException:
            if ledger is not None:
                ledger.close()
            shutil.rmtree(path, ignore_errors=True)
            raise
        return ledger

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """An empty environment, whatever the shell's."""
        return Environment(name, {})

    def construct_factory(self, env: Environment) -> InfrastructureFactory[TrackingRecorder]:
        return _Factory(self.log_recorder)

    def construct_mapper(self) -> Mapper[str]:
        return FactMapper()

    def close(self) -> None:
        super().close()
        if hasattr(self, "log_recorder"):
            self.log_recorder.close()

    # What the ledger says of itself

    def genesis(self) -> Created:
        """Position 1; TamperError where it is not what every ledger begins with."""
        first = self.fact_at(1)
        if first is None or not isinstance(first.event, Created) or first.originator_id != SELF:
            raise TamperError(1, "genesis", "the log does not begin with ledger.created")
        return first.event

    @property
    def origin(self) -> str:
        """The name under which the ledger's checkpoints are signed."""
        return self.genesis().origin

    def size(self) -> int:
        """How many entries the log has."""
        return self.log_recorder.size()

    def root(self, size: int | None = None) -> bytes:
        """The root of the stored tree at `size`; verified only as far as `verify` did."""
        size = self.size() if size is None else size
        return root_at(size, self.log_recorder.nodes)

    # Facts out

    def _facts(self, rows: Sequence[Any]) -> list[Fact]:
        return [cast("Fact", self.mapper.to_domain_event(row)) for row in rows]

    def facts(self, first: int = 1, last: int | None = None, types: Sequence[str] = ()) -> Iterator[Fact]:
        """The facts from position `first` to `last`, in order, read in blocks."""
        while True:
            block = self._facts(self.log_recorder.select_notifications(first, 1000, last, types))
            yield from block
            if len(block) < 1000:
                return
            first = block[-1].position + 1

    def fact_at(self, position: int) -> Fact | None:
        """The fact at a position, or None."""
        event = self.log_recorder.at(position)
        return None if event is None else self._facts([event])[0]

    def history(self, stream: str) -> list[Fact]:
        """The facts of a stream, in order of version."""
        return self._facts(self.log_recorder.select_events(stream))

    def subject(self, stream: str) -> Subject | None:
        """What a stream says, folded; None where it has no events."""
        try:
            return cast("Subject", self.repository.get(stream, projector_func=cast("Any", project)))
        except AggregateNotFoundError:
            return None

    # Facts in

    def append(self, facts: Sequence[Fact]) -> Sequence[int]:
        """Appends facts whose versions follow their streams', in one transaction, and returns their positions.

        Nothing is checked here but the version: inputs go through `record`.
        """
        stored = [self.mapper.to_stored_event(cast("Any", item)) for item in facts]
        return self.log_recorder.insert_events(stored) or []

    def record(self, read: Read, progress: Progress = no_progress) -> Outcome:
        """Validates an input whole, then appends it: one transaction, or batches where it is large.

        Raises InputError, DuplicateError or RefusedError with nothing written, ConflictError where another writer was
        first. An interrupted large input is resumed by recording it again.
        """
        facts, total, known = self._validate(read, progress)
        if total <= ONE_TRANSACTION:
            positions = self.append(facts)
            return Outcome(len(facts), known, positions[0] if facts else 0, positions[-1] if facts else 0)
        del facts
        return self._record_in_batches(read, total, progress)

    def rehearse(self, read: Read, progress: Progress = no_progress) -> Outcome:
        """Validates an input as `record` does, and writes nothing; positions are 0."""
        _, added, known = self._validate(read, progress)
        return Outcome(added, known, 0, 0)

    def _validate(self, read: Read, progress: Progress) -> tuple[list[Fact], int, int]:
        admission = Admission(self)
        facts: list[Fact] = []
        total = 0
        for chunk in chunks(read()):
            admitted = admission.admit(chunk)
            total += len(admitted)
            if total <= ONE_TRANSACTION:
                facts += admitted
            progress("checking", total + admission.passed_over, 0)
        return facts, total, admission.passed_over

    def _record_in_batches(self, read: Read, total: int, progress: Progress) -> Outcome:
        admission = Admission(self)
        batch: list[Fact] = []
        added, first, last = 0, 0, 0

        def flush() -> None:
            nonlocal added, first, last
            positions = self.append(batch)
            first = first or positions[0]
            last = positions[-1]
            added += len(batch)
            batch.clear()
            progress("recording", added, total)

        for chunk in chunks(read(), min(CHUNK, ONE_TRANSACTION)):
            batch += admission.admit(chunk)
            if len(batch) >= ONE_TRANSACTION:
                flush()
        if batch:
            flush()
        return Outcome(added, admission.passed_over, first, last)

    def erase(self, position: int, reason: str) -> None:
        """Erases the payload at a position, after recording that and why; its header, and the tree, still verify."""
        row = next(self.log_recorder.rows(position, position), None)
        if row is None:
            raise InputError(f"there is no position {position}: the log ends at {self.size()}")
        if row[1] == SELF:
            raise InputError("what the ledger says of itself cannot be erased")
        if row[10] is not None and position not in self.log_recorder.erased():
            event = _valid(
                PayloadErased(basis=Basis.DECLARED, position=position, payload_commitment=row[8].hex(), reason=reason)
            )
            self.append([fact(SELF, len(self.history(SELF)) + 1, "payload_erased", event)])
        self.log_recorder.erase_payload(position)

    # What Admission asks

    def heads(self, streams: Sequence[str]) -> dict[str, int]:
        """The last version of each stream that exists."""
        return self.log_recorder.heads(streams)

    def find_identities(self, identities: Sequence[bytes]) -> dict[bytes, int]:
        """The positions of those identities that are on record."""
        return self.log_recorder.find_identities(identities)

    def at(self, position: int) -> LedgerEvent | None:
        """The stored event at a position."""
        return self.log_recorder.at(position)

    # Proofs

    def checkpoint(self, keys: KeyStore) -> tuple[Checkpoint, bytes] | None:
        """Signs the log as it stands, and keeps the note; None where the origin's key is not at hand.

        Everything appended since the key signed last is hashed again first. ForkError where the log is not an
        extension of what the key vouched for; TamperError where what is stored is not what was written.
        """
        genesis = self.genesis()
        signer = keys.load(genesis.origin)
        if signer is None:
            return None
        if str(signer.verifier) != genesis.verifier_key:
            raise ForkError(
                str(keys.path(genesis.origin)), f"this key is not the one that {genesis.origin} was created with",
                "If the ledger is yours, its key file was replaced; if not, do not sign it.",
            )  # fmt: skip
        with keys.signing(signer.name) as last:
            claim = self._rehash_since(last, signer, keys.path(signer.name))
            keys.will_sign(signer.name, Signed(claim.origin, claim.size, claim.root))
            note = claim.sign(signer)
            self.log_recorder.keep_checkpoint(claim.size, note)
        return claim, note

    def _rehash_since(self, last: Signed | None, signer: SignerKey, key_path: Path) -> Checkpoint:
        origin, size = self.origin, self.size()
        if last is None:
            # The key may have signed elsewhere: what it signed of this log stands in the log.
            verifier = LogVerifier(checkpoints=self._signed_before(signer.verifier))
        else:
            if last.origin != origin or size < last.size or self.root(last.size) != last.root:
                raise ForkError(
                    str(key_path),
                    f"this key vouched for {last.origin} at size {last.size}; the log of {size} does not continue it",
                    "An older copy was restored, or history changed. Compare with a checkpoint kept elsewhere.",
                )
            frontier = Frontier.load(last.size, self.log_recorder.nodes)
            recorded_at = 0
            for row in self.log_recorder.rows(last.size, last.size):
                recorded_at = row[5] if type(row[5]) is int else 0
            verifier = LogVerifier(frontier, recorded_at)
        with closing(self.log_recorder.rows(verifier.size + 1, size)) as rows:
            for fault in chain(verifier.check(rows, Erased(self.log_recorder)), verifier.end()):
                raise fault.error()
        return Checkpoint(origin, verifier.size, verifier.root())

    def _signed_before(self, key: VerifierKey) -> dict[int, bytes]:
        """The roots of the kept checkpoints that `key` signed, by size; damaged ones are for `verify` to tell."""
        signed = {}
        for _, note in self.log_recorder.checkpoints():
            with suppress(MalformedError, TamperError):
                claim = open_checkpoint(note, [key]).checkpoint
                signed[claim.size] = claim.root
        return signed

    def latest_checkpoint(self) -> bytes:
        """The last kept checkpoint; StoreError where there is none."""
        kept = self.log_recorder.checkpoints()
        if not kept:
            hint = "Make one, where the key is, with: chipledger checkpoint"
            raise StoreError("missing", str(self.folder.path), "no checkpoint is kept in this ledger", hint)
        return kept[-1][1]

    def prove(self, position: int, *, header: bool = True, payload: bool = True) -> ProofFile:
        """One entry proven against the last kept checkpoint, disclosing its header and its payload or not."""
        return prove(self.log_recorder, position, header=header, payload=payload)

    def verifier_key(self) -> VerifierKey:
        """The key that position 1 names. It lies in the ledger, so it vouches for nothing by itself."""
        try:
            return VerifierKey.parse(self.genesis().verifier_key)
        except MalformedError as error:
            raise TamperError(1, "genesis", str(error)) from error
