"""A stranger's lines, paths, streams and files: refused or read in bounded time, and nothing drives the terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from ledger.cli.output import safe_in_json
from ledger.domain.event import Basis
from ledger.domain.registry import refusal
from ledger.errors import InputError, Place, StoreError
from ledger.intake.native import read_line
from ledger.store.keys import KeyStore
from ledger.store.mapper import LedgerEvent
from ledger.store.pins import Pins
from ledger.view import View
from ledger.view.home import cache_folder
from ledger.view.readable import basis_at

from .small_ledger import SIZE, SmallLedger, site

MAIN = "from ledger.cli import main; main()"
DRIVING = "\x1b[2J\x9b31m\u202eevil\u2066\U000e0041"


def chipledger(*args: object, code: int = 0, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, which must end with `code` and soon."""
    done = subprocess.run(
        [sys.executable, "-c", MAIN, *map(str, args)],
        capture_output=True, timeout=120, encoding="utf-8", errors="surrogateescape", check=False, **options,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done


def test_a_field_that_stands_twice_among_a_hundred_thousand_is_found_at_once() -> None:
    fields = ",".join(f'"{index:x}":0' for index in range(100_000))
    with pytest.raises(InputError, match="twice"):
        read_line(f'{{{fields},"zz":1,"zz":2}}'.encode(), Place())


def test_twenty_thousand_fields_with_a_basis_of_their_own_are_checked_at_once() -> None:
    parties = [f"party:{index}" for index in range(20_000)]
    line = {
        "type": "run.reported", "stream": "run:a", "basis": "declared", "developers": parties,
        "basis_of": {f"/developers/{index}": "reported" for index in range(len(parties))},
    }  # fmt: skip
    event = read_line(json.dumps(line).encode(), Place()).event
    new = site("a")
    fact = type(new)("run:a", 1, "run.reported", event)
    assert refusal([], fact) is None
    line["basis_of"] = {"/developers/20000": "reported"}
    nowhere = read_line(json.dumps(line).encode(), Place()).event
    assert "no such field" in str(refusal([], type(new)("run:a", 1, "run.reported", nowhere)))


@pytest.mark.parametrize("value", [-1, True, "x", [], [["x"]], [{}], {"x": 1}, {"/name": 5}, {"/name": ["x"]}, None])
def test_a_correction_may_hold_anything_for_basis_of_and_is_refused_in_words(value: object) -> None:
    opened = site("a")
    line = {
        "type": "site.corrected", "stream": "site:a", "basis": "reported", "corrects": 1, "reason": "r",
        "replace": {"/basis_of": value, "/name": "b"},
    }  # fmt: skip
    event = read_line(json.dumps(line).encode(), Place()).event
    assert refusal([opened], type(opened)("site:a", 2, "site.corrected", event))


def test_ten_thousand_lines_with_a_basis_of_their_own_are_read_at_once(tmp_path: Path) -> None:
    lines = [{"line": str(index), "chip": "h100"} for index in range(10_000)]
    fields = {
        "type": "shipment.declared", "stream": "shipment:a", "basis": "declared", "lines": lines,
        "basis_of": {f"/lines/{index}/chip": "estimated" for index in range(0, len(lines), 2)},
    }  # fmt: skip
    event = read_line(json.dumps(fields).encode(), Place()).event
    started = time.process_time()
    bases = [basis_at(event, f"/lines/{index}") for index in range(len(lines))]
    assert time.process_time() - started < 1, "looked for, not searched for"
    assert bases[:3] == [Basis.ESTIMATED, Basis.DECLARED, Basis.ESTIMATED]
    assert basis_at(event, "/lines") is Basis.ESTIMATED
    assert basis_at(event, "/lines/1/chip") is Basis.DECLARED


def test_what_has_no_end_is_no_document_and_no_key(small: SmallLedger, tmp_path: Path) -> None:
    chipledger("-L", small.path, "evidence", "/dev/zero", code=2)
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(50 << 30)
    assert "larger" in chipledger("-L", small.path, "verify", "--vkey", huge, code=2).stderr


def test_json_for_a_terminal_means_the_same_and_holds_nothing_that_drives_it() -> None:
    text = json.dumps({"x": DRIVING, DRIVING: ["Zürich", "\u4e2d"]}, ensure_ascii=False)
    safe = safe_in_json(text)
    assert json.loads(safe) == json.loads(text)
    assert not any(unicodedata.category(character) in ("Cc", "Cf") for character in safe)
    assert "Zürich" in safe


PAYLOADS = [
    json.dumps({"x": DRIVING}, ensure_ascii=False).encode(),
    b"not json \x1b[2J \xff",
    b"",
    b"[" * 5000 + b"]" * 5000,
    b"[" * 900 + b"]" * 900,
    b'{"a":1e400}',
    b'{"basis":"declared","name":"\xed\xa0\x80"}',
    b'{"stream":"site:hall","type":"site.registered"}',
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_whatever_stands_in_a_payload_is_shown_and_proven_and_drives_nothing(
    payload: bytes, small: SmallLedger, tmp_path: Path
) -> None:
    with small.open(read_only=False) as ledger:
        ledger.log_recorder.insert_events([LedgerEvent("site:odd", 1, "canary.run", payload, 1)])
        ledger.checkpoint(small.keys)
        key = str(ledger.verifier_key())
    position, proof = SIZE + 1, tmp_path / "proof"
    env = {**os.environ, "CHIPLEDGER_STATE": str(tmp_path / "state")}
    commands = [
        ("log", "--json"), ("show", position), ("show", position, "--json"), ("show", "site:odd"), ("export",),
        ("prove", position, "-o", proof), ("verify",),
    ]  # fmt: skip
    for command in commands:
        done = chipledger("-L", small.path, *command, env=env)
        assert not any(unicodedata.category(c) in ("Cc", "Cf") for c in done.stdout if c != "\n"), command
        if command[0] == "show":
            assert "  erased" not in done.stdout, "nothing erased it"
        if command[0] == "export":
            lines = [json.loads(line, object_pairs_hook=list) for line in done.stdout.splitlines()]
            assert all(len(dict(line)) == len(line) for line in lines), "no name twice"
    for option in ((), ("--json",)):
        done = chipledger("verify-proof", proof, "--vkey", key, *option)
        assert not any(unicodedata.category(c) in ("Cc", "Cf") for c in done.stdout if c != "\n")


@pytest.mark.parametrize("suffix", ["", "-wal", "-journal", "-shm"])
@pytest.mark.parametrize("what", ["pipe", "link", "link to nothing"])
def test_what_is_no_file_in_place_of_the_view_is_replaced_and_never_followed(
    what: str, suffix: str, small: SmallLedger, tmp_path: Path
) -> None:
    with View(small.path / "view.db"):
        pass
    odd, elsewhere = small.path / f"view.db{suffix}", tmp_path / "elsewhere"
    odd.unlink(missing_ok=True)
    if what == "link":
        elsewhere.write_text("precious")
    if what == "pipe":
        os.mkfifo(odd)
    else:
        odd.symlink_to(elsewhere)
    with pytest.raises(StoreError):
        View(small.path / "view.db", read_only=True)
    with View(small.path / "view.db") as view:
        assert "not a file" in view.notice
    assert (elsewhere.read_text() if elsewhere.exists() else "") == ("precious" if what == "link" else "")


@pytest.mark.parametrize(
    "name", ["file:x?mode=memory", ":memory:", "q?mode=ro", "h#", "p%41", "new\nline", b"\xff\xfe"]
)
def test_a_folder_may_be_called_anything(name: str | bytes, tmp_path: Path) -> None:
    folder = os.fsdecode(name)
    env = {**os.environ, **{f"CHIPLEDGER_{name}": str(tmp_path / name) for name in ("KEYS", "STATE", "CACHE")}}
    chipledger("init", "--origin", "a/b", "--", folder, cwd=tmp_path, env=env)
    chipledger("-L", folder, "verify", cwd=tmp_path, env=env)
    chipledger("-L", folder, "verify", cwd=tmp_path, env=env)
    chipledger("-L", folder, "log", cwd=tmp_path, env=env)
    assert (tmp_path / folder / "ledger.db").is_file()
    chipledger("-L", folder, "backup", f"{folder}2", cwd=tmp_path, env=env)
    assert (tmp_path / f"{folder}2" / "ledger.db").is_file()


def test_a_process_without_stdin_stdout_or_stderr_is_no_defect(small: SmallLedger) -> None:
    command = f"exec {sys.executable} -c '{MAIN}' -L '{small.path}'"
    for closed in ("log >&-", "log 2>&-", "log <&- >&- 2>&-", "record - <&-"):
        done = subprocess.run(["bash", "-c", f"{command} {closed}"], capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, (closed, done.stderr)


def test_a_character_that_the_output_has_no_code_for_stops_nothing(small: SmallLedger) -> None:
    for encoding in ("latin-1", "cp1252", "ascii"):
        chipledger("-L", small.path, "trace", "site:hall", env={**os.environ, "PYTHONIOENCODING": encoding})


def test_a_home_that_nobody_knows_is_an_error_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KEYS", "STATE", "CACHE"):
        monkeypatch.setenv(f"CHIPLEDGER_{name}", "~nobody-of-that-name/x")
    for folder in (KeyStore, Pins, cache_folder):
        with pytest.raises(StoreError, match="home folder"):
            folder()


def test_many_events_of_one_stream_are_admitted_in_a_time_that_grows_with_their_number(small: SmallLedger) -> None:
    read = 0

    class Counting(list[Any]):
        def __iter__(self) -> Any:
            nonlocal read
            for item in super().__iter__():
                read += 1
                yield item

    history = Counting(site("many", version) for version in range(1, 1001))
    assert refusal(history, site("many", 1001), understood=1000) is None
    assert read <= 1000, "skipped, not looked at"
