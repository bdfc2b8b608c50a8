"""The view's file: what is not a view of this release and this ledger is made anew, and says so."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.errors import StoreError
from ledger.view import schema
from ledger.view.check import check_view
from ledger.view.follower import follow
from ledger.view.home import View, view_path

from .many_facts import many_facts
from .tables import contents


def other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE recipes (name)")


def text_file(path: Path) -> None:
    path.write_text("not a database at all, but long enough to be looked at as if it were one" * 100)


def altered(statement: str) -> Callable[[Path], None]:
    def alter(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as opened:
            opened.execute(statement)

    return alter


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 4096 * 3])


def scribbled(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for at in range(4096 * 2, len(content), 64):
        content[at : at + 8] = os.urandom(8)
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    "harm",
    [
        other_database, text_file, truncated, scribbled, lambda path: path.write_bytes(b""),
        altered("UPDATE meta SET value = '0 older' WHERE name = 'made_by'"),
        altered("UPDATE meta SET value = 'x' WHERE name = 'position'"),
        altered("UPDATE meta SET value = '' WHERE name = 'edge'"),
        altered("CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM events; END"),
        altered("DROP TABLE parties"),
        altered("PRAGMA application_id = 7"),
    ],
    ids=[
        "another database", "a text file", "cut short", "scribbled over", "empty", "of an older release",
        "position is no number", "edge is gone", "with a foreign trigger", "without a table", "of another application",
    ],
)  # fmt: skip
def test_a_file_that_is_no_view_of_this_release_is_made_anew(
    ledger: Ledger, tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    ledger.append(list(many_facts(300)))
    path = ledger.folder.view
    with View(path) as view:
        follow(ledger.log_recorder, view)
        expected = contents(view)
        view.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    harm(path)
    ledger.append(list(many_facts(30, seed=9))[:0])
    with View(path) as view:
        follow(ledger.log_recorder, view)
        if harm is scribbled and not check_view(ledger.log_recorder, view, full=True).ok:
            view.renew("asked to")
            follow(ledger.log_recorder, view)
        assert view.notice
        assert contents(view) == expected


def test_a_sound_view_is_kept(ledger: Ledger, view: View) -> None:
    follow(ledger.log_recorder, view)
    view.close()
    with View(ledger.folder.view) as again:
        assert follow(ledger.log_recorder, again) == 1
        assert again.notice == ""


def test_a_reader_opens_a_view_that_a_writer_has_open(ledger: Ledger, view: View) -> None:
    ledger.append(list(many_facts(50)))
    with View(ledger.folder.view, read_only=True) as reader:
        assert reader.state().position == 0
        follow(ledger.log_recorder, view)
        assert reader.state().position == ledger.size()
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.connection.execute("DELETE FROM events")


def test_a_reader_of_no_view_is_told_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no view yet"):
        View(tmp_path / "none.db", read_only=True)
    other_database(tmp_path / "other.db")
    with pytest.raises(StoreError, match="was not a view"):
        View(tmp_path / "other.db", read_only=True)


def test_the_view_of_a_ledger_on_a_read_only_disk_lies_in_the_users_cache(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tests may run as root, whom no mode keeps from writing; the answer of a read-only disk is the same.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    path = view_path(ledger.folder.path)
    assert path.parent == tmp_path / "cache" / "views"
    with View(path) as view:
        follow(ledger.log_recorder, view)
        assert view.state().position == 1
    assert not ledger.folder.view.exists()
    monkeypatch.delenv("CHIPLEDGER_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert view_path(ledger.folder.path).parent == tmp_path / "xdg" / "chipledger" / "views"


def test_the_view_of_a_ledger_that_can_be_written_to_lies_in_it(ledger: Ledger) -> None:
    assert view_path(ledger.folder.path) == ledger.folder.view


def test_the_check_finds_a_table_that_says_otherwise_than_the_log(ledger: Ledger, view: View) -> None:
    ledger.append(list(many_facts(60)))
    follow(ledger.log_recorder, view)
    assert check_view(ledger.log_recorder, view, full=True).ok
    view.connection.execute("UPDATE shipments SET status = 'returned' WHERE rowid = 1")
    assert check_view(ledger.log_recorder, view).ok
    report = check_view(ledger.log_recorder, view, full=True)
    assert report.difference.startswith("shipments, stream shipment:")
    assert "status is 'returned'" in report.difference


@pytest.mark.parametrize("table", ["events", "links", "mentions", "facets", "irregularities", "subjects"])
def test_the_check_finds_a_row_that_was_taken_out(ledger: Ledger, view: View, table: str) -> None:
    ledger.append(list(many_facts(60)))
    follow(ledger.log_recorder, view)
    found = view.connection.execute(f"SELECT * FROM {table} LIMIT 1")
    name = found.description[0][0]
    view.connection.execute(f"DELETE FROM {table} WHERE {name} = ?", (found.fetchone()[0],))
    assert check_view(ledger.log_recorder, view, full=True).difference.startswith(table)


def test_the_short_check_says_how_far_the_view_is_behind(ledger: Ledger, view: View) -> None:
    follow(ledger.log_recorder, view)
    ledger.append(list(many_facts(10)))
    report = check_view(ledger.log_recorder, view)
    assert report.ok
    assert (report.position, report.size) == (1, ledger.size())


def read_at_once(folder: Path, harm: str) -> list[subprocess.CompletedProcess[str]]:
    """What six processes say that begin to read one ledger at the same time, each after `harm`, if that is a command."""
    program = "from ledger.cli import main; main()"
    read = [sys.executable, "-c", program, "-L", str(folder)]
    first = [*read, "log", "-n", "1"]
    started = [
        subprocess.Popen(
            [*read, "view", "rebuild"] if harm == "rebuilt" and index % 2 else first,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for index in range(6)
    ]  # fmt: skip
    ended = [(each, *each.communicate(timeout=120)) for each in started]
    return [subprocess.CompletedProcess(each.args, each.returncode, out, err) for each, out, err in ended]


@pytest.mark.parametrize("before", ["missing", "of an older release", "rebuilt"])
def test_many_processes_that_open_make_and_renew_one_view_at_once_all_read_it(ledger: Ledger, before: str) -> None:
    ledger.append(list(many_facts(60)))
    path = ledger.folder.view
    for _ in range(3):
        if before == "missing":
            for file in path.parent.glob("view.db*"):
                file.unlink()
        if before == "of an older release":
            with View(path):
                pass
            altered("UPDATE meta SET value = '0 older' WHERE name = 'made_by'")(path)
        ended = read_at_once(ledger.folder.path, before)
        assert [(done.returncode, done.stdout.count(str(ledger.size()))) for done in ended if done.returncode] == []
        notices = [done.stderr for done in ended if "made anew" in done.stderr]
        assert len(notices) == (1 if before == "of an older release" else 0), notices
        with View(path) as view:
            assert check_view(ledger.log_recorder, view, full=True).ok


def test_a_follower_moves_to_the_view_that_another_process_put_in_place(ledger: Ledger, view: View) -> None:
    ledger.append(list(many_facts(60)))
    follow(ledger.log_recorder, view)
    with View(ledger.folder.view) as other:
        other.renew("asked for")
        assert view.state().position == ledger.size(), "what was open is read on in"
        follow(ledger.log_recorder, view)
        assert other.state() == view.state()
        assert contents(other) == contents(view)
        assert view.notice == ""


def test_a_view_that_was_deleted_while_it_was_open_is_made_again(ledger: Ledger, view: View) -> None:
    follow(ledger.log_recorder, view)
    ledger.folder.view.unlink()
    assert follow(ledger.log_recorder, view) == 1
    assert ledger.folder.view.exists()


def test_two_that_renew_a_view_for_the_same_reason_share_the_new_one(ledger: Ledger, view: View) -> None:
    with View(ledger.folder.view) as other:
        other.renew("the file was damaged")
        follow(ledger.log_recorder, other)
        view.renew("the file was damaged")
        assert view.state() == other.state()
        assert view.state().position == 1


@pytest.mark.parametrize(
    "forged",
    [
        "DROP TABLE links; CREATE VIEW links AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) "
        "SELECT n AS from_stream FROM r",
        "CREATE TRIGGER sneaky AFTER INSERT ON events BEGIN DELETE FROM events; END",
        "DROP VIEW open_leases; CREATE VIEW open_leases AS SELECT 'nothing' AS stream",
    ],
)
def test_a_forged_schema_is_made_anew_even_where_the_file_vouches_for_it(forged: str, ledger: Ledger) -> None:
    with View(ledger.folder.view) as view:
        follow(ledger.log_recorder, view)
        view.connection.executescript(forged)
        digest = schema.fingerprint(view.connection)
        view.connection.execute("UPDATE meta SET value = ? WHERE name = 'schema'", (digest,))
    with View(ledger.folder.view) as view:
        assert view.notice == "the view's tables were altered"
        assert follow(ledger.log_recorder, view) == ledger.size()
