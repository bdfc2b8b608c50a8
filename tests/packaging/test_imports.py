"""What importing the core costs and drags in, seen from a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

FOREIGN = ("textual", "rich", "cuda", "ledger_tui", "psycopg")


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    "statement",
    [
        "import ledger",
        "from ledger import *",
        "import ledger.application, ledger.verification, ledger.testing",
        "import ledger.cli; from ledger.cli.main import cli, COMMANDS; [cli.get_command(None, name) for name in COMMANDS]",
    ],
)
def test_the_core_loads_neither_the_terminal_nor_cuda(statement: str) -> None:
    assert not modules_after(statement) & set(FOREIGN)


def test_importing_the_package_alone_loads_no_database_and_no_library() -> None:
    assert not modules_after("import ledger") & {"sqlite3", "eventsourcing", "msgspec", "click", "numpy"}


def test_the_pure_log_is_usable_without_the_store_and_the_library() -> None:
    loaded = modules_after("import ledger.log.verify, ledger.log.proof, ledger.log.tile")
    assert not loaded & {"sqlite3", "eventsourcing", "msgspec", "click"}


def test_every_public_name_is_there() -> None:
    import ledger

    assert [name for name in ledger.__all__ if not hasattr(ledger, name)] == []


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    import ledger

    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = ledger.Nothing
