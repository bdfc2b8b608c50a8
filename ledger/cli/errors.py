"""Errors in words: what is wrong, where, what to do about it; and the exit code."""

from __future__ import annotations

from typing import Final

import click

from ledger.cli.output import safe
from ledger.errors import (
    ConflictError,
    ForkError,
    LedgerError,
    MalformedError,
    TamperError,
    UnverifiedError,
)

__all__ = ["EXIT_DEFECT", "EXIT_FAILED", "EXIT_NOBODY_READS", "EXIT_USAGE", "report"]

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_DEFECT: Final = 3
EXIT_NOBODY_READS: Final = 141
"""As a shell says of a command whose output was closed on it, such as by `head`."""

_HINTS: Final[dict[type[LedgerError], str]] = {
    UnverifiedError: "Give the key or checkpoint that you trust: --vkey KEY, --against FILE.",
    TamperError: "Run `chipledger verify` for all that is wrong. Do not record anything more until it is explained.",
}


def report(error: LedgerError) -> int:
    """Prints an error to stderr and returns the exit code that it stands for."""
    click.echo(f"chipledger: {safe(str(error))}", err=True)
    hint = error.hint or next((text for kind, text in _HINTS.items() if isinstance(error, kind)), "")
    if hint:
        click.echo(f"  {safe(hint)}", err=True)
    if isinstance(error, TamperError | MalformedError | ForkError):
        return EXIT_FAILED
    if isinstance(error, ConflictError):
        return EXIT_FAILED
    return EXIT_USAGE
