"""`log`, `show`, `trace`, `view`, `demo`, `schema`, `import`: what a reader gets, on the demonstration."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from ledger.domain.registry import EVENT_TYPES
from tests.cli.conftest import Run, site

MAIN = "weights:qwen-latest"


@pytest.fixture
def demo(run: Run, tmp_path: Path) -> Path:
    folder = tmp_path / "demo"
    ran = run("demo", folder, "--json")
    assert ran.code == 0
    assert ran.json["verified"] is True
    return folder


def flat(node: dict[str, object]) -> list[dict[str, object]]:
    """A node of a tree and all below it."""
    children = [*node["up"], *node["down"]]  # type: ignore[misc]
    return [node, *(each for child in children for each in flat(child))]


def test_the_demonstration_tells_its_story_and_what_to_try_next(run: Run, tmp_path: Path) -> None:
    ran = run("demo", tmp_path / "demo")
    assert ran.code == 0
    for word in ("illustrative", "Verified: all", MAIN, "shipment:sg-h100-2023", "deployment:qwen-cn", "Try next:"):
        assert word in ran.out


def test_every_command_that_the_demonstration_suggests_works(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = run("demo", "there").out.partition("Try next:")[2]
    commands = [line.partition("#")[0].split()[1:] for line in shown.splitlines() if line.strip()]
    assert len(commands) == 6
    for command in commands:
        assert run(*command).code == 0


def test_the_demonstration_refuses_a_folder_that_is_not_empty(run: Run, demo: Path) -> None:
    ran = run("demo", demo)
    assert ran.code == 2
    assert "something stands here already" in ran.err


def test_custody_leads_from_the_weights_up_to_the_exporter_and_down_to_the_deployment(run: Run, demo: Path) -> None:
    tree = run("-L", demo, "trace", MAIN, "--json").json
    streams = [node["stream"] for node in flat(tree)]
    for needed in ("party:nvidia", "shipment:sg-h100-2023", "site:sg-tuas", "lease:alibaba-sg", "run:qwen-latest"):
        assert needed in streams
    assert "deployment:qwen-cn" in streams


def test_trace_one_way_leaves_out_the_other(run: Run, demo: Path) -> None:
    assert run("-L", demo, "trace", MAIN, "--up", "--json").json["down"] == []
    assert run("-L", demo, "trace", MAIN, "--down", "--json").json["up"] == []


def test_a_subject_that_is_not_on_record_is_answered_with_near_ones(run: Run, demo: Path) -> None:
    for command in ("trace", "show"):
        ran = run("-L", demo, command, "weights:qwen")
        assert ran.code == 2
        assert "is not on record" in ran.err
        assert MAIN in ran.err


def test_a_list_is_json_lines_with_everything_a_script_needs(run: Run, demo: Path) -> None:
    found = run("-L", demo, "log", "--kind", "shipment", "--all", "--json").lines
    assert {item["kind"] for item in found} == {"shipment"}
    assert [item["position"] for item in found] == sorted(item["position"] for item in found)
    assert found[0]["basis"] in ("reported", "illustrative")


@pytest.mark.parametrize(
    ("options", "holds"),
    [
        (("--type", "shipment.seized"), lambda item: item["type"] == "shipment.seized"),
        (("--basis", "reported"), lambda item: item["basis"] == "reported"),
        (("--stream", "lease:alibaba-sg"), lambda item: item["position"] > 0),
        (
            ("--without", "basis=illustrative", "--without", "basis=reported"),
            lambda item: item["type"] == "ledger.created",
        ),
        (("--irregular",), lambda item: item["irregular"]),
        (("--since", "2026", "--kind", "shipment"), lambda item: item["occurred_at"] >= "2026"),
        (("--text", "qwen training"), lambda item: item["position"] > 0),
    ],
)
def test_each_filter_keeps_what_it_says(options: tuple[str, ...], holds: object, run: Run, demo: Path) -> None:
    found = run("-L", demo, "log", *options, "--all", "--json").lines
    assert found
    assert all(holds(item) for item in found)  # type: ignore[operator]


def test_counts_are_honest_and_the_filter_is_always_said(run: Run, demo: Path) -> None:
    ran = run("-L", demo, "log", "--kind", "shipment", "-n", "5")
    assert ran.err == "5 of 89 events: kind shipment\n"


@pytest.mark.parametrize("text", ['"', "NEAR(", "a OR", "*", "col:x", "'; DROP TABLE events; --", "\x00", "-"])
def test_text_that_is_syntax_elsewhere_is_only_text(text: str, run: Run, demo: Path) -> None:
    assert run("-L", demo, "log", "--text", text).code == 0


@pytest.mark.parametrize(
    "option", [("--since", "yesterday"), ("--without", "colour=red"), ("--chip", "H10O"), ("--kind", "ship")]
)
def test_a_filter_that_cannot_be_is_bad_usage(option: tuple[str, str], run: Run, demo: Path) -> None:
    assert run("-L", demo, "log", *option).code == 2


def test_an_event_is_shown_as_recorded_and_as_corrected(run: Run, demo: Path) -> None:
    corrected = next(item for item in run("-L", demo, "log", "--all", "--json").lines if item["corrected_by"])
    shown = run("-L", demo, "show", corrected["position"])
    assert "payload, as recorded" in shown.out
    assert "as corrected" in shown.out
    assert run("-L", demo, "show", 10**9).code == 2


def test_a_subject_is_shown_with_what_was_recorded_and_what_it_is_joined_to(run: Run, demo: Path) -> None:
    shown = run("-L", demo, "show", "lease:alibaba-sg", "--json").json
    assert shown["status"] == "running"
    assert [event["verb"] for event in shown["events"]] == ["signed", "started", "amended"]
    assert "run:qwen-latest" in [link["stream"] for link in shown["links"]]


def test_the_readable_tables_open_in_sqlite_and_an_altered_one_is_found(run: Run, demo: Path) -> None:
    assert run("-L", demo, "view", "rebuild").code == 0
    view = Path(run("-L", demo, "view", "path").out.strip())
    connection = sqlite3.connect(view)
    assert connection.execute("SELECT count(*) FROM shipments").fetchone()[0] > 20
    assert run("-L", demo, "view", "check").code == 0
    connection.execute("UPDATE leases SET exclusive = 'no'")
    connection.commit()
    connection.close()
    ran = run("-L", demo, "view", "check")
    assert ran.code == 1
    assert "leases" in ran.out
    assert run("-L", demo, "verify", "--view").code == 1
    assert run("-L", demo, "view", "rebuild").code == 0
    assert run("-L", demo, "verify", "--view").code == 0


def test_nothing_enters_the_tables_from_a_log_that_was_changed(run: Run, demo: Path) -> None:
    from tests.cli.test_check import tamper

    tamper(demo, "UPDATE entries SET recorded_by = 'nobody' WHERE position = 100")
    Path(run("-L", demo, "view", "path").out.strip()).unlink(missing_ok=True)
    ran = run("-L", demo, "log")
    assert ran.code == 1
    assert "position 100" in ran.err


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_every_event_type_is_described_for_people_and_for_programs(name: str, run: Run) -> None:
    assert name in run("schema", name).out
    described = run("schema", name, "--json").json
    assert described["properties"]["type"] == {"const": name}
    assert {"type", "stream", "basis"} <= set(described["required"])


def test_the_list_of_types_names_each_kind(run: Run) -> None:
    out = run("schema").out
    for kind in ("party:", "shipment:", "lease:", "run:", "weights:", "deployment:", "review:"):
        assert f"\n{kind}" in f"\n{out}"


def test_an_unknown_type_or_format_is_answered_with_near_ones(run: Run, made: Path) -> None:
    assert "shipment.departed" in run("schema", "shipment.departd").err
    ran = run("-L", made, "import", "epoch", "x.csv")
    assert ran.code == 2
    assert "epoch-models" in ran.err


def test_published_models_are_imported_once(run: Run, made: Path, shared_real: Path) -> None:
    file = next((shared_real / "epoch").glob("notable_ai_models_*.csv"))
    first = run("-L", made, "import", "epoch-models", file, "--json").json
    again = run("-L", made, "import", "epoch-models", file, "--json").json
    assert first["added"] > 900
    assert (again["added"], again["known"]) == (0, first["added"])
    assert run("-L", made, "verify").code == 0
    found = run("-L", made, "log", "--kind", "run", "--text", "DeepSeek-V3", "--json").lines
    assert found


def test_text_from_others_cannot_drive_the_terminal(run: Run, made: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(site("a", purpose="line one\nline two\tend", note="\u00e9\u0301 مرحبا"))
    assert run("-L", made, "record", file).code == 0
    for command in (("log",), ("show", "2"), ("show", "site:a"), ("trace", "site:a")):
        ran = run("-L", made, *command)
        assert ran.code == 0
        assert "\x1b" not in ran.out
        assert "\t" not in ran.out


def test_output_into_a_closed_pipe_is_not_an_error(demo: Path) -> None:
    import subprocess
    import sys

    command = f"{sys.executable} -c 'from ledger.cli import main; main()' -L {demo} log --all | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_json_of_a_quantity_is_what_was_recorded(run: Run, demo: Path) -> None:
    line = next(json.loads(text) for text in run("-L", demo, "export").out.splitlines() if "shipment.declared" in text)
    assert isinstance(line["lines"][0]["quantity"], int)
