"""The command line: one file per group of commands, registered in `main`; words for errors in `errors`.

Results go to stdout, everything else to stderr. Exit codes: 0 good, 1 the check failed, 2 bad input or usage,
3 a defect of chipledger itself. Other distributions add commands through the entry-point group
``chipledger.commands`` (a callable that gets the click group), which is how the terminal registers without being
imported here.
"""

from ledger.cli.main import main

__all__ = ["main"]
