"""What was acknowledged is there: after a kill, on a disk that fails, and because it was synced first."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .small_ledger import SIZE, SmallLedger

TESTS = Path(__file__).parents[1]


def run(small: SmallLedger, role: str, *args: object, before: tuple[str, ...] = (), **environment: str) -> str:
    """What a worker says."""
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [*before, sys.executable, "-m", "attacks.worker", role, str(small.folder), *map(str, args)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_hundred_kills_lose_nothing_that_was_acknowledged(small: SmallLedger) -> None:
    """And leave nothing in part: of a batch there is all or nothing. The signer goes on as well."""
    told = json.loads(run(small, "kill", 200))
    assert told["kills"] == 200
    assert told["acknowledged"] > 150, "most of them had something to lose"
    assert told["size"] > SIZE + 200
    assert told["faults"] == 0


# That alone could not fail on a sound disk.


@pytest.fixture
def traced(small: SmallLedger, tmp_path: Path) -> list[str]:
    """The system calls of five appends and checkpoints, as strace shows them."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    output = tmp_path / "trace"
    calls = "trace=fsync,fdatasync,write,pwrite64,rename,renameat,renameat2"
    command = (strace, "-f", "-y", "-s", "40", "-e", calls, "-o", str(output))
    probe = subprocess.run([*command, "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("this machine does not let one process trace another")
    run(small, "trace", before=command)
    return output.read_text().splitlines()


def test_the_write_ahead_log_is_synced_before_each_acknowledgement(traced: list[str]) -> None:
    written, synced, acknowledged = 0, -1, 0
    for number, line in enumerate(traced):
        if "ledger.db-wal>" in line and re.search(r"p?write(64)?\(", line):
            written = number
        elif "ledger.db-wal>" in line and re.search(r"f(data)?sync\(.*= 0", line):
            synced = number
        elif "write(1<" in line and '"appended' in line:
            assert written < synced, "an append was acknowledged before it was on the disk"
            acknowledged += 1
            written = number
    assert acknowledged == 5


def test_what_the_signer_signs_is_synced_before_the_note_is_kept(traced: list[str]) -> None:
    """Otherwise a crash could leave a note that the signer does not remember."""
    synced = named = kept = -1
    signed = 0
    for number, line in enumerate(traced):
        if ".signed" in line and re.search(r"fsync\(.*= 0", line):
            synced = number
        elif ".signed" in line and "rename" in line:
            assert synced > kept
            named = number
        elif "/keys>" in line and "fsync(" in line:
            synced = number
        elif "ledger.db-wal>" in line and "pwrite64(" in line:
            kept = number
        elif "write(1<" in line and '"signed' in line:
            assert -1 < named < synced < kept, "the state, its name, and only then the note"
            signed += 1
            synced = named = -1
    assert signed == 5


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A library that makes writes fail, built from `shim.c`."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to build the failing disk with")
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    source = Path(__file__).with_name("shim.c")
    built = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], capture_output=True, check=False
    )
    if built.returncode != 0:
        pytest.skip(f"the failing disk cannot be built here: {built.stderr.decode()[-200:]}")
    return str(library)


FAILURES = pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC], ids=["EIO", "ENOSPC"])
ONCE_OR_ON = pytest.mark.parametrize("sticky", [0, 1], ids=["once", "from-then-on"])


@FAILURES
@ONCE_OR_ON
def test_each_write_and_sync_may_fail(small: SmallLedger, shim: str, code: int, sticky: int) -> None:
    """A clear error or none, never half an append, and the ledger goes on when the disk does."""
    outcomes = json.loads(run(small, "fail", code, sticky, LD_PRELOAD=shim, SHIM_FOLDER=str(small.folder)))
    assert outcomes[-1] == "done"
    assert len(outcomes) > 10, "there was something to fail"
    assert set(outcomes) <= {"done", "key", "io", "full"}
    assert ("full" if code == errno.ENOSPC else "io") in outcomes
    assert "key" in outcomes, "the signer's state is written as well"


@FAILURES
@ONCE_OR_ON
def test_each_write_and_sync_may_fail_while_a_ledger_is_made(tmp_path: Path, shim: str, code: int, sticky: int) -> None:
    small = SmallLedger(tmp_path)
    outcomes = json.loads(run(small, "fail_to_create", code, sticky, LD_PRELOAD=shim, SHIM_FOLDER=str(tmp_path)))
    assert outcomes[-1] == "done"
    assert set(outcomes) <= {"done", "key", "io", "full"}
    assert len(outcomes) > 10


def test_a_file_that_may_not_grow(small: SmallLedger) -> None:
    """What needs neither a compiler nor a full disk: the operating system's limit on a file's size."""
    told = json.loads(run(small, "fill"))
    assert told["reason"] in ("io", "full")
    assert told["acknowledged"] > SIZE
    assert told["size"] == told["acknowledged"] + 1
    assert told["faults"] == 0
