"""Verification of a ledger: the log from its rows, its home, its checkpoints, its evidence, against a trusted key.

What is trusted is, in this order: the keys and checkpoints that the caller gives; else the key pinned when this user
first saw the ledger; else, at first sight, the key that the ledger itself names, which the report says. A key that is
kept in the ledger is never trusted over a pin.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final, Literal

import msgspec
from msgspec import UNSET

from ledger.application import Ledger, Progress, no_progress
from ledger.domain.event import Evidence
from ledger.domain.genesis import Created, PayloadErased
from ledger.errors import LedgerError, MalformedError, StoreError, TamperError
from ledger.log.checkpoint import Checkpoint, open_checkpoint
from ledger.log.entry import MAX_TIME
from ledger.log.note import VerifierKey
from ledger.log.verify import Fault, LogRow, LogVerifier
from ledger.store.mapper import identity_in
from ledger.store.pins import Pin, Pins, Seen, name_of
from ledger.store.recorder import Erased

__all__ = ["Report", "Trust", "verify"]

Trust = Literal["given", "pinned", "first sight", "none"]

MAX_FAULTS = 50
"""So many faults of one kind of check are reported; a ledger that has more has enough."""


class Report(msgspec.Struct, frozen=True):
    """What a verification came to.

    `faults` are in order of the last position that each concerns (0: not of one position), so that an altered row comes
    before the rewrite that it makes of a span; the log is verified where there are none. `covered` is
    the size of the largest checkpoint that a trusted key signed and the log agrees with; `size - covered` entries are
    in the tree, but nobody has vouched for them yet. `seen_before` is the size this user verified last, 0 if never.
    """

    origin: str
    size: int
    root: str
    covered: int
    checkpoints: int
    trust: Trust
    verifier_key: str
    seen_before: int
    first_recorded: int
    last_recorded: int
    evidence_kept: int
    evidence_cited: int
    erased: int
    pinned: bool
    faults: list[Fault]

    @property
    def ok(self) -> bool:
        return not self.faults


BLOCK: Final = 256


class _EvidenceOnly(msgspec.Struct):
    evidence: list[Evidence] | msgspec.UnsetType = UNSET


class _Watch:
    """Looks at the rows as they pass, a block at a time: evidence, identities, erasures, times; tells of the progress."""

    def __init__(self, ledger: Ledger, size: int, progress: Progress) -> None:
        self._ledger, self._size, self._progress = ledger, size, progress
        self._read = msgspec.json.Decoder(_EvidenceOnly).decode
        self.digests: set[str] = set()
        self.kept = 0
        self.erased_at: dict[int, str] = {}
        self.first = self.last = 0
        self.wrong_identities: list[int] = []
        self.complete = False

    def rows(self) -> Iterator[LogRow]:
        rows, seen = self._ledger.log_recorder.rows(), 0
        unreadable: LedgerError | None = None
        while unreadable is None:
            block: list[LogRow] = []
            try:
                block.extend(islice(rows, BLOCK))
            except (TamperError, StoreError) as error:
                unreadable = error  # what was read before it is checked first, so that the fault is located
            yield from block
            if not block:
                break
            self._look_at(block)
            seen += len(block)
            self._progress("verifying", seen, self._size)
        if unreadable is not None:
            raise unreadable
        self.complete = True
        self._progress("verifying", self._size, self._size)

    def _look_at(self, block: list[LogRow]) -> None:
        # Comprehensions over a block: each row of the log passes here, and little of it is of interest.
        payloads = [row[10] for row in block if type(row[10]) is bytes]
        for payload in [payload for payload in payloads if b'"sha256"' in payload]:
            self._cited(payload)
        self.erased_at.update((row[0], row[8].hex()) for row in block if row[10] is None and type(row[8]) is bytes)
        times = [row[5] for row in block if type(row[5]) is int and 0 <= row[5] <= MAX_TIME]
        if times:
            self.first = self.first or times[0]
            self.last = times[-1]
        if len(self.wrong_identities) < MAX_FAULTS:
            self._compare_identities(block)

    def _compare_identities(self, block: list[LogRow]) -> None:
        positions = [row[0] for row in block if type(row[0]) is int]
        if positions:
            stored = dict(self._ledger.log_recorder.identities(min(positions), max(positions)))
            given = [(row[0], identity_in(row[10])) for row in block if type(row[10]) is bytes]
            self.wrong_identities += [at for at, identity in given if stored.get(at) != identity]

    def _cited(self, payload: bytes) -> None:
        try:
            found = self._read(payload).evidence
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
        for item in found or ():
            if isinstance(item.sha256, str):
                self.digests.add(item.sha256)


def verify(
    ledger: Ledger,
    *,
    keys: Sequence[VerifierKey] = (),
    against: Sequence[bytes] = (),
    pins: Pins | None = None,
    progress: Progress = no_progress,
) -> Report:
    """Checks everything that is stored, and reports. `against` are checkpoint notes that were kept elsewhere.

    `pins` None leaves this user's pins unread and unwritten, and then `keys` or nothing is trusted.
    """
    faults: list[Fault] = []
    genesis = _genesis(ledger, faults)
    origin = genesis.origin if genesis else ""
    pin = pins.get(origin) if pins and origin else None
    known_as = pins.find(ledger.folder.path) if pins else None
    trust, trusted = _trusted(keys, genesis, pin, faults)
    if known_as is not None and pin is None and not keys:
        detail = f"this folder was seen before as {known_as[0]}, and now calls itself {origin or 'nothing'}"
        faults.append(Fault(1, "genesis", detail))
    size = ledger.size()
    kept, covering, given = _checkpoints(ledger, origin, trusted, against, faults)
    elsewhere = given | _add_seen(ledger, pin, size, kept, faults)
    watch = _Watch(ledger, size, progress)
    verifier = LogVerifier(checkpoints=kept)
    # SQLite looks at its own file without holding the interpreter, while the rows are hashed here.
    with ThreadPoolExecutor(max_workers=1) as beside:
        home = beside.submit(lambda: _found(ledger.log_recorder.check_home()))
        found = _found(verifier.check(watch.rows(), Erased(ledger.log_recorder)), verifier)
        faults += (_relocated(fault, elsewhere) for fault in found)
        if watch.complete:
            faults += verifier.end()
        faults += home.result()
    faults += _found(_erasures(ledger, watch))
    wrong = "the identity is not the one that the payload's source gives"
    faults += [Fault(position, "identity", wrong) for position in watch.wrong_identities[:MAX_FAULTS]]
    faults += _found(_evidence(ledger, watch))
    covered = max((size for size in covering if size <= verifier.size), default=0)
    if covered == 0 and not faults:
        faults.append(Fault(0, "unverified", "no trusted key signed a checkpoint of this log"))
    root = _root(verifier)
    pinned = bool(pins and genesis and not faults and _remember(pins, ledger, genesis, pin, trust, verifier.size, root))
    return Report(
        origin=origin,
        size=verifier.size,
        root=root,
        covered=covered,
        checkpoints=len(covering),
        trust=trust,
        verifier_key=", ".join(map(str, trusted)),
        seen_before=_seen_here(ledger, pin),
        first_recorded=watch.first,
        last_recorded=watch.last,
        evidence_kept=watch.kept,
        evidence_cited=len(watch.digests),
        erased=len(watch.erased_at),
        pinned=pinned,
        faults=sorted(faults, key=lambda fault: (fault.position == 0, max(fault.until, fault.position))),
    )


def _found(faults: Iterable[Fault], verifier: LogVerifier | None = None) -> list[Fault]:
    """What a check finds; that it cannot be carried on is one more fault, at the row that `verifier` waited for."""
    found: list[Fault] = []
    try:
        for fault in faults:
            found.append(fault)
            if len(found) == MAX_FAULTS:
                break
    except TamperError as error:
        found.append(Fault(error.position or (verifier.size + 1 if verifier else 0), error.kind, error.detail))
    except StoreError as error:
        found.append(Fault(verifier.size + 1 if verifier else 0, "storage", str(error)))
    return found


def _genesis(ledger: Ledger, faults: list[Fault]) -> Created | None:
    try:
        return ledger.genesis()
    except (TamperError, StoreError) as error:
        faults.append(Fault(1, "genesis", str(error)))
        return None


def _trusted(
    keys: Sequence[VerifierKey], genesis: Created | None, pin: Pin | None, faults: list[Fault]
) -> tuple[Trust, list[VerifierKey]]:
    """The keys whose signatures count, and why; a fault where the ledger names another than the trusted one."""
    named = genesis.verifier_key if genesis else ""
    if keys:
        if named and all(str(key) != named for key in keys if key.name == (genesis.origin if genesis else "")):
            faults.append(Fault(1, "key", f"the ledger names the key {named}, which is not among those given"))
        return "given", list(keys)
    if pin is not None:
        if named != pin.verifier_key:
            faults.append(
                Fault(1, "key", f"the ledger names the key {named}, but {pin.verifier_key} was pinned before")
            )
        return "pinned", [VerifierKey.parse(pin.verifier_key)]
    try:
        return ("first sight", [VerifierKey.parse(named)]) if named else ("none", [])
    except MalformedError as error:
        faults.append(Fault(1, "key", str(error)))
        return "none", []


def _checkpoints(
    ledger: Ledger, origin: str, trusted: Sequence[VerifierKey], against: Sequence[bytes], faults: list[Fault]
) -> tuple[dict[int, bytes], set[int], set[int]]:
    """The roots that signed checkpoints vouch for, by size; the sizes, and those that were given; faults for the rest."""
    kept: dict[int, bytes] = {}
    covering: set[int] = set()
    given: set[int] = set()
    notes: list[tuple[str, int | None, object]] = [
        (f"kept for size {size}", size, note) for size, note in ledger.log_recorder.checkpoints()
    ]
    notes += [("given", None, note) for note in against]
    most = len(faults) + MAX_FAULTS
    for name, size, note in notes:
        if size is not None and len(faults) >= most:
            continue
        try:
            found = _open(note, trusted, origin)
        except LedgerError as error:
            faults.append(Fault(0, "checkpoint", f"the checkpoint {name} does not hold: {error}"))
            continue
        if size is not None and size != found.size:
            faults.append(Fault(0, "checkpoint", f"the checkpoint {name} is one of size {found.size}"))
        elif kept.setdefault(found.size, found.root) != found.root:
            detail = f"two signed checkpoints of size {found.size} have different roots: the signer was made to fork"
            faults.append(Fault(found.size, "fork", detail))
            kept[found.size] = found.root
        covering.add(found.size)
        if size is None:
            given.add(found.size)
    return kept, covering, given


def _open(note: object, trusted: Sequence[VerifierKey], origin: str) -> Checkpoint:
    if not isinstance(note, bytes):
        raise MalformedError("checkpoint", "not bytes")
    return open_checkpoint(note, trusted, origin).checkpoint


def _add_seen(ledger: Ledger, pin: Pin | None, size: int, kept: dict[int, bytes], faults: list[Fault]) -> set[int]:
    """What this user verified before, here, stands as a checkpoint; of a copy elsewhere, as far as this one reaches.

    It stands above what is signed: whoever holds the key can sign another history, and cannot change what was seen.
    """
    sizes: set[int] = set()
    here = name_of(ledger.folder.path)
    for path, seen in pin.seen.items() if pin else ():
        if path != here and seen.size > size:
            continue
        root = bytes.fromhex(seen.root)
        if kept.setdefault(seen.size, root) != root:
            detail = f"a signed checkpoint of size {seen.size} has another root than was verified here before"
            faults.append(Fault(seen.size, "fork", detail))
            kept[seen.size] = root
        sizes.add(seen.size)
    return sizes


def _relocated(fault: Fault, elsewhere: set[int]) -> Fault:
    """A rewrite that something known elsewhere tells of, bounded by what is known elsewhere alone.

    Whoever rewrote history may have signed the checkpoints within the ledger anew, so that they agree.
    """
    if fault.kind != "rewritten" or fault.until not in elsewhere:
        return fault
    agreed = max((size for size in elsewhere if size < fault.until), default=0)
    detail = f"the root at size {fault.until} is not the one known elsewhere, which agrees up to size {agreed}"
    if fault.position > agreed + 1:
        detail += f"; checkpoints in the ledger itself agree up to size {fault.position - 1}"
    return Fault(agreed + 1, fault.kind, detail, fault.until)


def _seen_here(ledger: Ledger, pin: Pin | None) -> int:
    seen = pin.seen.get(name_of(ledger.folder.path)) if pin else None
    return seen.size if seen else 0


def _erasures(ledger: Ledger, watch: _Watch) -> Iterator[Fault]:
    """Each payload that is gone must be the one whose erasure is on record, in a form that this release reads."""
    left = dict(watch.erased_at)
    if not left:
        return
    on_record = ledger.log_recorder.erased()
    for item in ledger.facts(types=["ledger.payload_erased"]):
        event = item.event
        if isinstance(event, PayloadErased) and left.get(event.position) == event.payload_commitment:
            del left[event.position]
    for position in sorted(left.keys() & on_record):
        yield Fault(position, "payload-missing", "the erasure on record is not of this payload, or cannot be read")


def _evidence(ledger: Ledger, watch: _Watch) -> Iterator[Fault]:
    for digest in sorted(watch.digests):
        try:
            watch.kept += os.path.lexists(ledger.folder.evidence_file(digest))
            ledger.folder.check_evidence(digest)
        except (TamperError, StoreError) as error:
            yield Fault(0, "evidence", str(error))


def _root(verifier: LogVerifier) -> str:
    try:
        return verifier.root().hex()
    except TamperError:
        return ""


def _remember(
    pins: Pins, ledger: Ledger, genesis: Created, pin: Pin | None, trust: Trust, size: int, root: str
) -> bool:
    """Keeps the key at first sight, and how far the log was verified now."""
    if trust == "given" and (pin is None or pin.verifier_key != genesis.verifier_key):
        return False
    seen = dict(pin.seen) if pin else {}
    seen[name_of(ledger.folder.path)] = Seen(size, root, time.time_ns() // 1_000_000)
    return pins.put(genesis.origin, Pin(pin.verifier_key if pin else genesis.verifier_key, seen))
