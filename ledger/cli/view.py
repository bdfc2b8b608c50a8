"""The readable tables: where they lie, making them anew, holding them against the log."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from ledger.application import Ledger
from ledger.cli.errors import EXIT_FAILED
from ledger.cli.opening import json_option, open_ledger, progress
from ledger.cli.output import counted, print_json, safe
from ledger.view import View, ViewReport, check_view, follow, view_path

__all__ = ["view", "view_report"]


@click.group()
def view() -> None:
    """The readable tables made from the log.

    They are a SQLite file, view.db in the ledger's folder (or in your cache, where that cannot be written to), for
    Datasette, sqlite3, or a spreadsheet. They can be deleted at any time: the next command makes them anew.
    """


@view.command()
@json_option
@click.pass_obj
def rebuild(path: Path | None, as_json: bool) -> None:
    """Make the readable tables anew from the log.

    The log is verified on the way: nothing enters them that the tree does not vouch for.
    """
    with open_ledger(path) as ledger, View(view_path(ledger.folder.path)) as made, progress() as shown:
        made.renew("asked for")
        position = follow(ledger.log_recorder, made, shown)
    if as_json:
        print_json({"view": str(made.path), "position": position})
    else:
        click.echo(f"Made {made.path} from {position:,} verified entries.")


@view.command("path")
@click.pass_obj
def path_(path: Path | None) -> None:
    """Print where the readable tables lie.

    \b
      datasette "$(chipledger view path)"
    """
    with open_ledger(path) as ledger:
        click.echo(str(view_path(ledger.folder.path)))


@view.command()
@json_option
@click.pass_obj
def check(path: Path | None, as_json: bool) -> None:
    """Hold the readable tables against the log.

    Each row is made again and compared. Exits 1 where one differs.
    """
    with open_ledger(path) as ledger, View(view_path(ledger.folder.path)) as made, progress() as shown:
        report = check_view(ledger.log_recorder, made, full=True, progress=shown)
    if as_json:
        print_json({"ok": report.ok, **msgspec.to_builtins(report)})
    elif report.ok:
        click.echo(_agreement(report))
    else:
        click.echo(f"NOT AS THE LOG  {safe(report.difference)}\nMake them anew with: chipledger view rebuild")
    if not report.ok:
        raise click.exceptions.Exit(EXIT_FAILED)


def _agreement(report: ViewReport) -> str:
    """What was found to agree; nothing where nothing is there to compare."""
    if report.position == 0:
        return "No readable tables have been made yet: there was nothing to compare."
    return f"The tables agree with the log, up to {report.position:,} of {counted(report.size, 'entry', 'entries')}."


def view_report(ledger: Ledger) -> ViewReport | None:
    """The readable tables held against the log; None where there are none yet."""
    if not view_path(ledger.folder.path).exists():
        return None
    with View(view_path(ledger.folder.path)) as made, progress() as shown:
        return check_view(ledger.log_recorder, made, full=True, progress=shown)
