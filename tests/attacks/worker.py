"""What the tests of durability and concurrency run as processes of their own: ``python -m attacks.worker ROLE FOLDER …``."""

from __future__ import annotations

import ctypes
import json
import os
import random
import resource
import select
import signal
import sys
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

from ledger.application import Ledger
from ledger.errors import ConflictError, KeyStoreError, LedgerError, StoreError
from ledger.log.verify import LogVerifier
from ledger.store.recorder import Erased
from ledger.verification import verify

from .small_ledger import ORIGIN, SmallLedger, site


def say(what: object) -> None:
    """One line to whoever reads, in one write."""
    os.write(1, f"{json.dumps(what)}\n".encode())


def stopped(small: SmallLedger) -> bool:
    return (small.folder / "stop").exists()


def append(small: SmallLedger, name: str, times: str) -> None:
    """Appends to a stream of its own and to one that all share; tells the positions and the conflicts."""
    own: list[int] = []
    conflicts: list[str] = []
    with small.open(read_only=False) as ledger:
        for version in range(1, int(times) + 1):
            own += ledger.append([site(name, version)])
            while True:
                shared = ledger.heads(["site:shared"]).get("site:shared", 0) + 1
                try:
                    own += ledger.append([site("shared", shared)])
                    break
                except ConflictError as error:
                    conflicts.append(error.stream)
    say({"positions": own, "conflicts": sorted(set(conflicts))})


def sign(small: SmallLedger) -> None:
    """Signs until it is told to stop; tells how often."""
    signed = []
    with small.open(read_only=False) as ledger:
        while not signed or not stopped(small):
            made = ledger.checkpoint(small.keys)
            assert made is not None
            signed.append(made[0].size)
    say(signed)


def read(small: SmallLedger) -> None:
    """Verifies until it is told to stop; tells what it found."""
    sizes, faults = [], []
    while not sizes or not stopped(small):
        with small.open() as ledger:
            report = verify(ledger, pins=small.pins)
            sizes.append(report.size)
            faults += [str(fault) for fault in report.faults]
    say({"sizes": sizes, "faults": faults})


def back_up(small: SmallLedger) -> None:
    """Copies the live log until it is told to stop, and verifies each copy."""
    sizes, faults = [], []
    for number in count():
        if sizes and stopped(small):
            break
        copy = small.folder / f"copy-{number}"
        copy.mkdir()
        with small.open() as ledger:
            ledger.log_recorder.backup(copy / "ledger.db")
        with Ledger(copy) as ledger:
            report = verify(ledger)
            sizes.append(report.size)
            faults += [str(fault) for fault in report.faults]
    say({"sizes": sizes, "faults": faults})


def erase(small: SmallLedger) -> None:
    """Erases payloads until it is told to stop."""
    erased = []
    with small.open(read_only=False) as ledger:
        while not erased or not stopped(small):
            position = random.randrange(2, ledger.size() + 1)
            with suppress(LedgerError):
                ledger.erase(position, "asked for")
                erased.append(position)
            time.sleep(0.002)
    say(len(erased))


# Killed


def _append_until_killed(small: SmallLedger, run: int, acknowledge: int) -> None:
    """Batches of 1 to 6 events, each in a stream of its own; now and then a checkpoint."""
    turns = random.Random(run)
    with small.open(read_only=False) as ledger:
        for batch in count():
            length = turns.randrange(1, 7)
            positions = ledger.append([site(f"r{run}-{batch}-{length}", version + 1) for version in range(length)])
            os.write(acknowledge, f"{positions[-1]}\n".encode())
            if batch % 4 == 3:
                ledger.checkpoint(small.keys)


def kill(small: SmallLedger, times: str) -> None:
    """Forks, kills, looks: after each kill the new rows, from time to time everything."""
    turns = random.Random(2024)
    verifier = LogVerifier()
    kills = acknowledged = 0
    for run in range(int(times)):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                _append_until_killed(small, run, writing)
            finally:
                os._exit(1)
        os.close(writing)
        select.select([reading], [], [], 30)
        time.sleep(turns.uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
        kills += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        with os.fdopen(reading) as lines:
            last = max(map(int, lines.read().split()), default=0)
        acknowledged += last > 0
        with small.open(read_only=False) as ledger:
            assert ledger.size() >= last, (run, ledger.size(), last)
            rows = ledger.log_recorder.rows(verifier.size + 1)
            faults = list(verifier.check(rows, Erased(ledger.log_recorder)))
            assert faults == [], (run, faults)
            for fact in ledger.facts(max(1, verifier.size - 20)):
                length = fact.originator_id.rpartition("-")[2]
                if fact.originator_id.startswith("site:r"):
                    whole = ledger.heads([fact.originator_id])[fact.originator_id]
                    assert whole == int(length), (run, fact.originator_id, whole)
            if run % 40 == 39:
                assert ledger.checkpoint(small.keys) is not None
                assert verify(ledger).faults == []
    with small.open(read_only=False) as ledger:
        ledger.checkpoint(small.keys)
        report = verify(ledger)
    say({"kills": kills, "acknowledged": acknowledged, "size": report.size, "faults": len(report.faults)})


# Failing disks


def _attempt(small: SmallLedger, number: int) -> str:
    """One opening, one append, one checkpoint; what came of it."""
    try:
        with small.open(read_only=False) as ledger:
            ledger.append([site(f"n{number}"), site(f"n{number}", 2)])
            ledger.checkpoint(small.keys)
    except StoreError as error:
        return error.reason
    except KeyStoreError:
        return "key"
    return "done"


def fail(small: SmallLedger, errno: str, sticky: str) -> None:
    """The shim fails the n-th write or sync below FOLDER, for each n in turn, until none is left to fail."""
    shim = ctypes.CDLL(None)
    outcomes: list[str] = []
    for number in count(1):
        with small.open() as ledger:
            before = ledger.size()
        shim.shim_arm(number, int(errno), int(sticky))
        outcome = _attempt(small, number)
        failed = not shim.shim_disarm()
        with small.open(read_only=False) as ledger:
            assert ledger.size() in (before, before + 2), (number, outcome)
            if outcome in ("full", "io", "read-only", "missing", "busy"):
                heads = ledger.heads([f"site:n{number}"])
                assert heads in ({}, {f"site:n{number}": 2}), heads
            assert verify(ledger).faults == [], (number, outcome)
            ledger.append([site(f"after-{number}")])
            assert ledger.checkpoint(small.keys) is not None, number
        outcomes.append(outcome)
        if not failed:
            break
    say(outcomes)


def fail_to_create(small: SmallLedger, errno: str, sticky: str) -> None:
    """The same while a ledger and its key are made: nothing of it stays."""
    shim = ctypes.CDLL(None)
    outcomes: list[str] = []
    for number in count(1):
        shim.shim_arm(number, int(errno), int(sticky))
        try:
            signer = small.keys.load(ORIGIN) or small.keys.new(ORIGIN)
            Ledger.create(small.path, ORIGIN, signer, recorded_by="x").close()
            outcomes.append("done")
        except (StoreError, KeyStoreError) as error:
            outcomes.append(getattr(error, "reason", "key"))
        failed = not shim.shim_disarm()
        if outcomes[-1] != "done":
            assert not small.path.exists(), number
            assert small.keys.names() in ([], [ORIGIN])
            if small.keys.names():
                assert small.keys.load(ORIGIN) is not None
            continue
        with small.open() as ledger:
            assert ledger.origin == ORIGIN
        if not failed:
            break
        for file in small.path.rglob("ledger.db*"):
            file.unlink()
        (small.path / "evidence").rmdir()
        small.path.rmdir()
    say(outcomes)


def fill(small: SmallLedger) -> None:
    """Files may not grow past what the log needs for a few more events: first it works, then it fails clearly."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit = small.database.stat().st_size + 60_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    acknowledged, reason = 0, ""
    with small.open(read_only=False) as ledger:
        for number in range(1000):
            try:
                acknowledged = ledger.append([site(f"f{number}-{i}") for i in range(20)])[-1]
            except StoreError as error:
                reason = error.reason
                break
        assert ledger.size() == acknowledged
        with suppress(StoreError):  # a small one may still fit
            acknowledged = ledger.append([site("again")])[-1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert ledger.append([site("after")])[-1] > acknowledged
        assert ledger.checkpoint(small.keys) is not None
        report = verify(ledger)
    say({"reason": reason, "acknowledged": acknowledged, "size": report.size, "faults": len(report.faults)})


def trace(small: SmallLedger) -> None:
    """A few acknowledged appends and checkpoints, for whoever traces the system calls."""
    with small.open(read_only=False) as ledger:
        for number in range(5):
            os.write(1, f"appended {ledger.append([site(f't{number}')])[-1]}\n".encode())
            ledger.checkpoint(small.keys)
            os.write(1, b"signed\n")


ROLES = {
    "append": append,
    "sign": sign,
    "read": read,
    "back_up": back_up,
    "erase": erase,
    "kill": kill,
    "fail": fail,
    "fail_to_create": fail_to_create,
    "fill": fill,
    "trace": trace,
}

if __name__ == "__main__":
    ROLES[sys.argv[1]](SmallLedger(Path(sys.argv[2])), *sys.argv[3:])
