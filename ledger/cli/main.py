"""The `chipledger` command: its group, what every command shares, and the way out of each error."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any

import click

from ledger.cli.errors import EXIT_DEFECT, EXIT_NOBODY_READS, EXIT_USAGE, report
from ledger.cli.output import safe
from ledger.errors import LedgerError

__all__ = ["cli", "main"]

COMMANDS = {
    "demo": "ledger.cli.demo:demo",
    "init": "ledger.cli.make:init",
    "record": "ledger.cli.record:record",
    "evidence": "ledger.cli.record:evidence",
    "import": "ledger.cli.record:import_",
    "export": "ledger.cli.record:export",
    "log": "ledger.cli.read:log",
    "show": "ledger.cli.read:show",
    "trace": "ledger.cli.read:trace",
    "verify": "ledger.cli.check:verify",
    "checkpoint": "ledger.cli.check:checkpoint",
    "vkey": "ledger.cli.check:vkey",
    "prove": "ledger.cli.check:prove",
    "verify-proof": "ledger.cli.check:verify_proof",
    "schema": "ledger.cli.schema:schema",
    "view": "ledger.cli.view:view",
    "backup": "ledger.cli.make:backup",
    "erase": "ledger.cli.record:erase",
    "key": "ledger.cli.make:key",
}
"""Each command and where it stands, in the order of the help. Read when it is used, so that start-up stays short."""

SECTIONS = {
    "Start here": ("demo", "init"),
    "Put facts in": ("record", "import", "schema", "evidence", "erase"),
    "Read": ("log", "show", "trace", "view", "export"),
    "Check and prove": ("verify", "checkpoint", "vkey", "prove", "verify-proof"),
    "Keep": ("backup", "key"),
}


class _UnreadError(Exception):
    """The reader of the output has gone. Click would leave with 1, which here says that a check failed."""


class _Group(click.Group):
    """Loads each command's module when it is asked for, and lists commands by what they are for."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _UnreadError from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *sorted(point.name for point in _others() if point.name not in COMMANDS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            module, _, name = COMMANDS[cmd_name].partition(":")
            command: click.Command = getattr(_module(module), name)
            return command
        for point in _others():
            if point.name == cmd_name:
                return _foreign(point.load)
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            if near and "No such command" in error.message:
                problem = f"There is no command {args[0]!r}. Did you mean {near[0]}?"
                raise click.UsageError(problem, ctx) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        listed: set[str] = set()
        for title, names in SECTIONS.items():
            self._format_section(ctx, formatter, title, names)
            listed.update(names)
        rest = [name for name in self.list_commands(ctx) if name not in listed]
        self._format_section(ctx, formatter, "More", rest)

    def _format_section(
        self, ctx: click.Context, formatter: click.HelpFormatter, title: str, names: tuple[str, ...] | list[str]
    ) -> None:
        commands = [(name, self.get_command(ctx, name)) for name in names]
        rows = [(name, command.get_short_help_str(100)) for name, command in commands if command is not None]
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def _module(name: str) -> Any:
    # A name from COMMANDS above, never from data.
    from importlib import import_module

    return import_module(name)


def _others() -> list[Any]:
    return list(entry_points(group="chipledger.commands"))


def _foreign(load: Callable[[], Any]) -> click.Command | None:
    try:
        command = load()
    except Exception as error:
        click.echo(f"chipledger: a command could not be loaded: {error}", err=True)
        return None
    return command if isinstance(command, click.Command) else None


def _version() -> str:
    try:
        return version("chipledger")
    except PackageNotFoundError:
        return "not installed"


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 good, 1 the check failed, 2 bad input or usage, 3 a defect of chipledger.",
)
@click.option(
    "-L",
    "--ledger",
    "ledger_path",
    type=click.Path(path_type=Path),
    envvar="CHIPLEDGER",
    help="The ledger's folder. Default: $CHIPLEDGER.",
)
@click.version_option(_version(), prog_name="chipledger", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, ledger_path: Path | None) -> None:
    """A ledger of AI accelerators that an auditor can trust.

    It records shipments of chips, leases of compute, training runs and the weights that come out of them; nothing
    that was recorded can be changed without it showing.

    \b
      chipledger demo                          build and explore a worked case
      chipledger init my-ledger --origin example.org/chips
      chipledger -L my-ledger record events.jsonl
      chipledger -L my-ledger verify
    """
    ctx.obj = ledger_path


def main(args: list[str] | None = None) -> None:
    """Runs the command line and exits."""
    _open_all()
    try:
        code = cli.main(args=args, prog_name="chipledger", standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("chipledger: interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE)
    except LedgerError as error:
        sys.exit(report(error))
    except (_UnreadError, BrokenPipeError):
        # The reader of our output has gone, such as `head`: nothing is wrong, and nothing was said to be right.
        _leave(EXIT_NOBODY_READS)
    except OSError as error:
        if os.environ.get("CHIPLEDGER_DEBUG"):
            raise
        what = f"{error.filename}: " if error.filename else ""
        click.echo(f"chipledger: {safe(what)}{error.strerror or error}", err=True)
        _leave(EXIT_USAGE)
    except Exception as error:
        if os.environ.get("CHIPLEDGER_DEBUG"):
            raise
        click.echo(f"chipledger: a defect in chipledger: {type(error).__name__}: {error}", err=True)
        click.echo(
            "  Please report it. With CHIPLEDGER_DEBUG=1 set, the same command shows where it happened.", err=True
        )
        sys.exit(EXIT_DEFECT)


def _open_all() -> None:
    """Gives a process that was started without stdin, stdout or stderr an empty one, and lets no character stop output."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - as long as the process
        elif mode == "w" and isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _leave(code: int) -> None:
    # What still stands in the buffer goes nowhere, rather than failing again on the way out.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
