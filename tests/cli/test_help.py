"""Help that teaches: every command says what it is for, and the documents say what is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from ledger.cli.main import COMMANDS, SECTIONS, cli
from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def commands() -> dict[str, click.Command]:
    """Every command and subcommand, by what a user types."""
    found: dict[str, click.Command] = {}
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        found[name] = command
        if isinstance(command, click.Group):
            found.update({f"{name} {sub}": each for sub, each in command.commands.items()})
    return found


@pytest.mark.parametrize("name", commands())
def test_every_command_and_option_says_what_it_is_for(name: str, run: Run) -> None:
    command = commands()[name]
    assert command.help
    assert len(command.help) > 20
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name}: {parameter.name}"
    ran = run(*name.split(), "--help")
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= 100


def test_the_help_lists_every_command_in_a_section() -> None:
    assert {name for names in SECTIONS.values() for name in names} == set(COMMANDS)


def test_the_readme_names_no_command_that_is_not_there() -> None:
    typed = set(re.findall(r"(?:^|`|&& )chipledger (?:-L \S+ )?([a-z][a-z-]+)", README, re.MULTILINE))
    assert typed - {"tui", "import"} <= set(COMMANDS)


def test_every_folder_that_the_readme_describes_is_there() -> None:
    named = re.findall(r"`((?:ledger|fixtures|tests)/[\w./]+)`", README)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_readmes_own_session_runs_as_it_stands(tmp_path: Path) -> None:
    session = README.partition("### A ledger of your own")[2].partition("```sh\n")[2].partition("```")[0]
    events = README.partition("An event is one line of JSON")[2].partition("```json\n")[2].partition("```")[0]
    (tmp_path / "events.jsonl").write_text(events)
    (tmp_path / "chipledger").write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'from ledger.cli import main; main()' \"$@\"\n"
    )
    (tmp_path / "chipledger").chmod(0o755)
    script = f'set -eu\nPATH="{tmp_path}:$PATH"\n{session}'
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PROVEN  position 2" in done.stdout


def test_the_readmes_python_example_runs(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("demo").code == 0
    code = README.partition("From Python:")[2].partition("```python\n")[2].partition("```")[0]
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "shipment:" in done.stdout


def test_a_command_misspelled_is_answered_with_the_one_meant(run: Run) -> None:
    ran = run("verfy")
    assert ran.code == 2
    assert "Did you mean verify?" in ran.err


def test_without_a_ledger_the_error_says_how_to_name_one(run: Run) -> None:
    ran = run("verify")
    assert ran.code == 2
    assert "CHIPLEDGER=DIR" in ran.err
