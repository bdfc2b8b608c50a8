"""Many at once: writers, a signer, readers, backups and erasures, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from .small_ledger import SIZE, SmallLedger

TESTS = Path(__file__).parents[1]
WRITERS, TIMES = 8, 40


def start(small: SmallLedger, role: str, *args: object) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "attacks.worker", role, str(small.folder), *map(str, args)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True)


def told(process: subprocess.Popen[str]) -> object:
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return json.loads(output)


def test_eight_writers_a_signer_a_reader_and_a_backup_at_once(small: SmallLedger) -> None:
    others = [start(small, role) for role in ("sign", "read", "back_up")]
    writers = [start(small, "append", f"w{number}", TIMES) for number in range(WRITERS)]
    written = [told(writer) for writer in writers]
    (small.folder / "stop").touch()
    signed, read, copied = (told(process) for process in others)

    positions = sorted(position for one in written for position in one["positions"])  # type: ignore[index]
    assert positions == list(range(SIZE + 1, SIZE + 1 + 2 * WRITERS * TIMES)), "nothing lost, no gaps"
    conflicts = {stream for one in written for stream in one["conflicts"]}  # type: ignore[index]
    assert conflicts <= {"site:shared"}, "each is an error that names the stream"
    with small.open(read_only=False) as ledger:
        heads = ledger.heads(["site:shared", *(f"site:w{number}" for number in range(WRITERS))])
        assert heads == {"site:shared": WRITERS * TIMES, **{f"site:w{number}": TIMES for number in range(WRITERS)}}
        ledger.checkpoint(small.keys)
    report = small.verify()
    assert report.faults == []
    assert report.covered == report.size == positions[-1]

    assert signed == sorted(signed)  # type: ignore[call-overload]
    assert signed
    for seen in (read, copied):
        assert seen["faults"] == []  # type: ignore[index]
        assert seen["sizes"] == sorted(seen["sizes"])  # type: ignore[index]
        assert seen["sizes"]  # type: ignore[index]


def test_erasures_signing_and_reading_at_once(small: SmallLedger) -> None:
    """An erasure between two reads is never taken for tampering."""
    others = [start(small, role) for role in ("erase", "sign", "read")]
    told(start(small, "append", "w", TIMES))
    (small.folder / "stop").touch()
    erased, signed, read = (told(process) for process in others)
    assert erased
    assert signed
    assert read["faults"] == []  # type: ignore[index]
    assert small.verify().faults == []
