"""Opening what is not a ledger, not of this version, not writable, or not there: one clear error each."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.domain.event import Basis
from ledger.domain.registry import fact
from ledger.domain.site import Registered
from ledger.errors import ConflictError, LedgerError, StoreError, TamperError
from ledger.store.keys import KeyStore
from ledger.store.sqlite import SQLiteRecorder
from ledger.verification import verify

BOTH = pytest.mark.parametrize("read_only", [True, False], ids=["reading", "writing"])


def reason(path: Path, read_only: bool) -> str:
    """Why a ledger cannot be opened."""
    with pytest.raises(LedgerError) as caught:
        Ledger(path, read_only=read_only, recorded_by="ops")
    assert str(path) in str(caught.value) or isinstance(caught.value, TamperError)
    return caught.value.reason if isinstance(caught.value, StoreError) else type(caught.value).__name__


def site(label: str) -> object:
    return fact(f"site:{label}", 1, "registered", Registered(basis=Basis.DECLARED, name=label))


@BOTH
def test_a_ledger_that_is_missing(tmp_path: Path, read_only: bool) -> None:
    assert reason(tmp_path / "absent", read_only) == "missing"
    assert reason(tmp_path, read_only) == "missing"
    assert not (tmp_path / "absent").exists(), "looking makes nothing"


@BOTH
def test_a_file_in_place_of_the_folder(made: Path, tmp_path: Path, read_only: bool) -> None:
    assert reason(made / "ledger.db", read_only) == "not-a-ledger"
    (tmp_path / "letter").write_text("dear")
    assert reason(tmp_path / "letter", read_only) == "not-a-ledger"


@BOTH
@pytest.mark.parametrize("content", [b"", b"dear", b"SQLite format 3\x00", b"SQLite format 3\x00" + b"\x01" * 9000])
def test_a_file_that_is_no_database(made: Path, content: bytes, read_only: bool) -> None:
    (made / "ledger.db").write_bytes(content)
    assert reason(made, read_only) in ("not-a-ledger", "TamperError")
    assert (made / "ledger.db").read_bytes() == content, "looking changes nothing"


@BOTH
def test_somebody_elses_database(made: Path, read_only: bool) -> None:
    (made / "ledger.db").unlink()
    with closing(sqlite3.connect(made / "ledger.db")) as connection:
        connection.execute("CREATE TABLE letters (x)")
    assert reason(made, read_only) == "not-a-ledger"


@BOTH
def test_a_ledger_of_a_newer_version(made: Path, read_only: bool) -> None:
    with closing(sqlite3.connect(made / "ledger.db")) as connection:
        connection.execute("PRAGMA user_version = 2")
    assert reason(made, read_only) == "newer"


@BOTH
def test_a_ledger_of_a_version_that_never_was(made: Path, read_only: bool) -> None:
    for version in (0, -1):
        with closing(sqlite3.connect(made / "ledger.db")) as connection:
            connection.execute(f"PRAGMA user_version = {version}")
        assert reason(made, read_only) == "TamperError"


@BOTH
def test_a_folder_in_place_of_the_log(made: Path, read_only: bool) -> None:
    (made / "ledger.db").unlink()
    (made / "ledger.db").mkdir()
    assert reason(made, read_only) == "missing"


@BOTH
def test_a_pipe_in_place_of_the_log_is_not_waited_for(made: Path, read_only: bool) -> None:
    (made / "ledger.db").unlink()
    os.mkfifo(made / "ledger.db")
    assert reason(made, read_only) == "missing"


def test_a_path_of_any_bytes_can_hold_a_ledger(tmp_path: Path, keys: KeyStore) -> None:
    for name in ("a b?c#d%20e&mode=ro", "機房", os.fsdecode(b"\xff\xfe"), "semi;colon'quote\""):
        origin = "example.com/any"
        signer = keys.load(origin) or keys.new(origin)
        Ledger.create(tmp_path / name, origin, signer, recorded_by="ops").close()
        with Ledger(tmp_path / name) as ledger:
            assert ledger.size() == 1
        assert (tmp_path / name / "ledger.db").is_file()


def test_a_ledger_open_for_reading_writes_nothing(made: Path, keys: KeyStore) -> None:
    before = (made / "ledger.db").read_bytes()
    with Ledger(made) as ledger:
        for attempt in (
            lambda: ledger.append([site("a")]),  # type: ignore[list-item]
            lambda: ledger.erase(1, "x"),
            lambda: ledger.log_recorder.keep_checkpoint(1, b"x"),
            lambda: ledger.log_recorder.erase_payload(1),
        ):
            with pytest.raises(LedgerError):
                attempt()
    assert (made / "ledger.db").read_bytes() == before


def test_a_writer_that_waits_too_long_says_that_the_ledger_is_busy(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.store.database.BUSY_SECONDS", 0)
    database = sqlite3.connect(made / "ledger.db", isolation_level=None)
    with closing(database) as other, Ledger(made, read_only=False, recorded_by="ops") as ledger:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as caught:
            ledger.append([site("a")])  # type: ignore[list-item]
        assert caught.value.reason == "busy"
        assert ledger.size() == 1, "reading goes on"
        other.execute("ROLLBACK")
        assert ledger.append([site("a")]) == range(2, 3)  # type: ignore[list-item]


def test_a_conflict_leaves_the_connection_fit_for_use(made: Path) -> None:
    with Ledger(made, read_only=False, recorded_by="ops") as ledger:
        ledger.append([site("a")])  # type: ignore[list-item]
        for _ in range(40):
            with pytest.raises(ConflictError):
                ledger.append([site("a")])  # type: ignore[list-item]
        assert ledger.append([site("b")]) == range(3, 4)  # type: ignore[list-item]


def test_a_backup_is_a_ledger_and_never_overwrites(made: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    target = tmp_path / "copy" / "ledger.db"
    with Ledger(made) as ledger:
        ledger.log_recorder.backup(target)
        with pytest.raises(StoreError) as caught:
            ledger.log_recorder.backup(target)
        assert caught.value.reason == "exists"
        with pytest.raises(StoreError):
            ledger.log_recorder.backup(tmp_path / "absent" / "ledger.db")
    with Ledger(tmp_path / "copy") as copy:
        assert verify(copy).ok


# On a disk that cannot be written to

READ = """
import os, sys
from pathlib import Path
from ledger.application import Ledger
from ledger.domain.event import Basis
from ledger.domain.registry import fact
from ledger.domain.site import Registered
from ledger.errors import StoreError
from ledger.verification import verify
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
try:
    with Ledger(Path(sys.argv[1]), read_only=sys.argv[2] == "read", recorded_by="ops") as ledger:
        if sys.argv[2] == "write":
            ledger.append([fact("site:a", 1, "registered", Registered(basis=Basis.DECLARED, name="a"))])
        print(verify(ledger).size)
except StoreError as error:
    print(error.reason)
"""


def as_nobody(path: Path, what: str) -> str:
    """What a user says who may read the folder and write nowhere; root becomes somebody else first."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path), what], cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def unwritable(made: Path, tmp_path: Path) -> Path:
    """The ledger, readable by all and writable by none, on a way that all may go."""
    for folder in (tmp_path, *tmp_path.parents):
        if "pytest-of-" in str(folder):
            folder.chmod(folder.stat().st_mode | 0o055)
    for path in (made / "evidence", made):
        path.chmod(0o555)
    (made / "ledger.db").chmod(0o444)
    return made


def test_a_ledger_on_a_read_only_disk_is_read_and_not_written(unwritable: Path) -> None:
    assert as_nobody(unwritable, "read") == "1"
    assert as_nobody(unwritable, "write") in ("read-only", "io", "missing")
    assert not list(unwritable.glob("ledger.db-*"))


def test_entries_that_wait_beside_a_read_only_log_are_not_passed_over(unwritable: Path, tmp_path: Path) -> None:
    """The file alone would be an older ledger, and look sound."""
    copy = tmp_path / "copy"
    shutil.copytree(unwritable, copy)
    (copy / "ledger.db").chmod(0o644)
    copy.chmod(0o755)
    with Ledger(copy, read_only=False, recorded_by="ops") as ledger:
        ledger.append([site("a")])  # type: ignore[list-item]
        waiting = (copy / "ledger.db-wal").read_bytes()
        log = (copy / "ledger.db").read_bytes()
    stale = tmp_path / "stale"
    stale.mkdir()
    (stale / "ledger.db").write_bytes(log)
    (stale / "ledger.db-wal").write_bytes(waiting)
    for path in (*stale.iterdir(), stale):
        path.chmod(0o555 if path.is_dir() else 0o444)
    assert as_nobody(stale, "read") in ("2", "read-only")


def test_a_folder_that_may_not_be_entered_is_a_clear_error(made: Path, unwritable: Path) -> None:
    made.chmod(0o000)
    try:
        assert as_nobody(made, "read") in ("io", "missing")
    finally:
        made.chmod(0o755)


def test_two_recorders_of_one_file_see_one_log(made: Path) -> None:
    with Ledger(made, read_only=False, recorded_by="ops") as one:
        two = SQLiteRecorder(made / "ledger.db")
        one.append([site("a")])  # type: ignore[list-item]
        assert two.size() == one.size() == 2
        two.close()
