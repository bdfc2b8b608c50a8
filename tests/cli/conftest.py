"""Runs the command line within the test's process, as its `main` does for a user."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ledger.cli import main


class Ran(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("log", "--json")` is what a user gets of ``chipledger log --json``; no traceback may reach her."""

    def run_command(*args: object) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        assert "a defect in chipledger" not in err, err
        return Ran(int(ended.value.code or 0), out, err)

    return run_command


@pytest.fixture
def made(run: Run, tmp_path: Path) -> Path:
    """A new ledger of the origin example.org/test, with its key at hand."""
    folder = tmp_path / "made"
    assert run("init", folder, "--origin", "example.org/test").code == 0
    return folder


def site(label: str, **fields: Any) -> str:
    """A line that registers a site."""
    line = {"type": "site.registered", "stream": f"site:{label}", "basis": "declared", "name": label, **fields}
    return json.dumps(line) + "\n"
