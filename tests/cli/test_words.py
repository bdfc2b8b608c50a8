"""What a stranger reads: nothing is shown as firmer than it is, nothing is claimed that was not checked."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ledger.cli import main
from ledger.domain.registry import EVENT_TYPES
from tests.cli.conftest import Run, site
from tests.cli.test_read import demo

__all__ = ["demo"]

CHIPLEDGER = [sys.executable, "-c", "from ledger.cli import main; main()"]


def two_bases(label: str) -> str:
    return site(label, basis="reported", occurred_at="2025-11-20", basis_of={"/occurred_at": "illustrative"})


@pytest.fixture
def partly(run: Run, made: Path, tmp_path: Path) -> Path:
    """A ledger with one reported event whose date is invented."""
    (tmp_path / "events.jsonl").write_text(two_bases("a"))
    assert run("-L", made, "record", tmp_path / "events.jsonl").code == 0
    return made


def test_a_list_marks_what_stands_partly_on_a_weaker_basis(run: Run, partly: Path) -> None:
    row = next(line for line in run("-L", partly, "log").out.splitlines() if line.startswith("2"))
    assert row.endswith("reported  partly illustrative")
    assert [item["weakest_basis"] for item in run("-L", partly, "log", "--json").lines] == ["declared", "illustrative"]
    assert "partly illustrative" in run("-L", partly, "show", "site:a").out
    assert "on another basis  occurred_at illustrative" in run("-L", partly, "show", 2).out


def test_the_demonstration_says_how_much_of_what_is_reported_has_invented_details(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "of these with details that are invented" in run("demo").out


def test_a_narrow_trace_keeps_the_basis(demo: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_: os.terminal_size((40, 24)))
    monkeypatch.setattr("ledger.cli.trace.sys.stdout.isatty", lambda: True, raising=False)
    lines = run("-L", demo, "trace", "weights:qwen-latest").out.splitlines()
    edges = [line for line in lines if "↑ " in line or "↓ " in line]
    assert edges
    assert sum("#" in line for line in lines) >= len(edges) - 1
    assert "illustrative, #" in "\n".join(lines)


def test_a_trace_that_leads_nowhere_says_so(run: Run, demo: Path) -> None:
    assert "No custody leads to it or from it" in run("-L", demo, "trace", "party:huawei").out


def test_the_schema_of_every_type_is_printed_as_json(run: Run) -> None:
    found = run("schema", "--json").json
    assert set(found) == {name for name in EVENT_TYPES if not name.startswith("ledger.")}


def test_one_of_a_thing_is_not_several(run: Run, made: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    out = run("-L", made, "verify").out
    assert "1 of 1 entry is vouched for" in out
    assert "checkpoints  1 holds" in out
    file.write_text(site("a"))
    assert "Good: 1 event would be recorded" in run("-L", made, "record", file, "--dry-run").out
    run("-L", made, "record", file)
    assert "1 was on record already" in run("-L", made, "record", file).out
    assert run("-L", made, "log", "--kind", "site").err == "1 event: kind site\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--party", "alibab"), "party:alibab is not on record. There are: party:alibaba"),
        (("--site", "nowhere"), "site:nowhere is not on record."),
        (("--type", "shipment"), "It is a kind: --kind shipment"),
        (("--type", "shipment.recieved"), "Did you mean shipment.received?"),
    ],
)
def test_a_filter_that_names_nothing_says_so(options: tuple[str, ...], said: str, run: Run, demo: Path) -> None:
    ran = run("-L", demo, "log", *options)
    assert ran.code == 0
    assert said in ran.err


def test_a_party_needs_no_prefix_and_a_country_is_a_code(run: Run, demo: Path) -> None:
    assert run("-L", demo, "log", "--party", "alibaba").out == run("-L", demo, "log", "--party", "party:alibaba").out
    assert run("-L", demo, "log", "--country", "my").out == run("-L", demo, "log", "--country", "MY").out
    ran = run("-L", demo, "log", "--country", "Malaysia")
    assert ran.code == 2
    assert "did you mean MY" in ran.err


def test_what_fails_claims_nothing_that_it_did_not_find(run: Run, made: Path, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text(site("a"))
    run("-L", made, "record", tmp_path / "events.jsonl")
    with closing(sqlite3.connect(made / "ledger.db", isolation_level=None)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE name = 'payloads_delete'").fetchall()
        connection.execute("DROP TRIGGER payloads_delete")
        connection.execute("DELETE FROM payloads WHERE position = 2")
        connection.execute(triggers[0][1])
    ran = run("-L", made, "verify")
    assert ran.code == 1
    assert "1 fault in 2 entries" in ran.out
    assert "with its erasure" not in ran.out
    assert " hold" not in ran.out


def test_a_verification_says_what_it_was_held_against(run: Run, made: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text(run("-L", made, "checkpoint").out)
    assert "held against  1 checkpoint that you gave" in run("-L", made, "verify", "--against", kept).out


def test_tables_that_were_never_made_are_not_said_to_agree(run: Run, made: Path) -> None:
    for path in made.glob("view.db*"):
        path.unlink()
    assert "no readable tables have been made yet" in run("-L", made, "verify", "--view").out
    assert "nothing to compare" in run("-L", made, "view", "check").out
    assert run("-L", made, "log").code == 0
    assert "the readable tables agree with the log, up to 1" in run("-L", made, "verify", "--view").out


def test_a_key_that_could_not_be_pinned_is_not_said_to_be(
    run: Run, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.store.pins.Pins.put", lambda *_: False)
    ran = run("-L", made, "verify")
    assert ran.code == 0
    assert "could not be pinned" in ran.out
    assert "is now pinned" not in ran.out


def test_what_was_recorded_is_said_even_where_signing_is_refused(run: Run, made: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert run("-L", made, "backup", copy).code == 0
    for folder, label, code in ((made, "a", 0), (copy, "b", 1)):
        (tmp_path / label).write_text(site(label))
        ran = run("-L", folder, "record", tmp_path / label)
        assert ran.code == code
        assert "Recorded 1 event, position 2." in ran.out


def test_an_interrupted_recording_says_what_stands(
    run: Run, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "events.jsonl").write_text(site("a"))
    monkeypatch.setattr("ledger.application.Ledger.record", interrupted)
    ran = run("-L", made, "record", tmp_path / "events.jsonl")
    assert ran.code == 130
    assert "Nothing was recorded." in ran.err


def test_an_erasure_is_explained_and_not_repeated(run: Run, partly: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("-L", partly, "erase", 2, "--reason", " ", "--yes").code == 2
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    ran = run("-L", partly, "erase", 2, "--reason", "court order 7")
    assert (ran.code, ran.err) == (2, "Nothing was erased.\n")
    assert run("-L", partly, "erase", 2, "--reason", "court order 7", "--yes").code == 0
    ran = run("-L", partly, "erase", 2, "--reason", "again", "--yes")
    assert ran.code == 2
    assert "erased already" in ran.err
    assert "erased: court order 7 (position 3)" in run("-L", partly, "show", 2).out


def test_a_closed_pipe_is_neither_good_nor_a_failed_check(demo: Path) -> None:
    with subprocess.Popen([*CHIPLEDGER, "-L", demo, "export"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        run.stdout.close()
        assert run.wait() == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux alone has a device that is always full")
def test_output_to_a_full_disk_is_an_error_and_no_defect(demo: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*CHIPLEDGER, "-L", demo, "log"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "chipledger: No space left on device"


def test_an_error_is_one_line_whatever_stands_in_a_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["-L", str(tmp_path / "a\n\x1b[31mb"), "log"])
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert len(err.splitlines()) == 2


def test_a_readers_json_has_the_same_fields_on_every_line(run: Run, demo: Path) -> None:
    lines = run("-L", demo, "log", "--all", "--json").out.splitlines()
    assert len({tuple(json.loads(line)) for line in lines}) == 1
