"""Opening the ledger that a command works on, and the options that many commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from ledger.application import Ledger
from ledger.cli.output import Progress
from ledger.log.checkpoint import Checkpoint
from ledger.store.keys import KeyStore
from ledger.view import View, follow, view_path

__all__ = ["json_option", "open_ledger", "open_view", "progress", "sign"]

F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """``--json`` on a command."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON (lists as JSON Lines).")(command)


@contextmanager
def open_ledger(path: Path | None, *, write: bool = False) -> Iterator[Ledger]:
    """The ledger that ``-L`` or ``$CHIPLEDGER`` names."""
    if path is None:
        raise click.UsageError("Which ledger? Name its folder: chipledger -L DIR …, or set CHIPLEDGER=DIR.")
    with Ledger(path, read_only=not write) as ledger:
        yield ledger


@contextmanager
def progress() -> Iterator[Progress]:
    """Progress that is wiped away at the end, whatever happened."""
    shown = Progress()
    try:
        yield shown
    finally:
        shown.clear()


def sign(ledger: Ledger) -> Checkpoint | None:
    """A checkpoint after an append, where the key is at hand; None where it is not."""
    signed = ledger.checkpoint(KeyStore())
    return signed[0] if signed else None


@contextmanager
def open_view(ledger: Ledger) -> Iterator[View]:
    """The ledger's readable tables, brought up to its end; nothing enters them that the tree does not vouch for."""
    with View(view_path(ledger.folder.path)) as view:
        with progress() as shown:
            follow(ledger.log_recorder, view, shown)
        if view.notice:
            click.echo(f"chipledger: the readable tables were made anew: {view.notice}", err=True)
        yield view
