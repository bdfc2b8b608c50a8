"""The demonstration: the reported case, built into a fresh ledger, verified, and told."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from importlib.resources import as_file, files
from itertools import chain
from pathlib import Path

import click

from ledger.application import Ledger
from ledger.cli.errors import EXIT_FAILED
from ledger.cli.opening import json_option, progress, sign
from ledger.cli.output import print_json
from ledger.cli.trace import print_tree, tree_of
from ledger.domain.event import Basis, Event
from ledger.errors import StoreError
from ledger.intake.draft import Draft, Read
from ledger.intake.native import read_native
from ledger.store.folder import Folder
from ledger.store.keys import KeyStore
from ledger.store.pins import Pins
from ledger.verification import verify

__all__ = ["demo"]

_WEIGHTS = "weights:qwen-latest"
_UNSIGNED = "weights:lotus-closed"


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), default="chipledger-demo")
@json_option
def demo(directory: Path, as_json: bool) -> None:
    """Build a worked case into DIRECTORY (default: chipledger-demo), verify it, and tell its story.

    It is what the press reported in November 2025: Chinese firms train their models on Nvidia chips leased in
    Singapore and Malaysia, and the weights go home to run on Chinese chips. What nobody reported is invented, and each
    such event says so: its basis is "illustrative".
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        hint = f"Name another: chipledger demo DIR. To look at this one: chipledger -L {directory} log"
        raise StoreError("exists", str(directory), "something stands here already", hint)
    origin = f"demo.example/{secrets.token_hex(4)}"
    keys = KeyStore()
    with ExitStack() as stack:
        read = _story(stack)
        with Ledger.create(directory, origin, keys.new(origin)) as ledger, progress() as shown:
            outcome = ledger.record(read, shown)
            sign(ledger)
        ledger = stack.enter_context(Ledger(directory))
        report = verify(ledger, pins=Pins())
        tree = tree_of(ledger, _WEIGHTS)
        if as_json:
            print_json({"ledger": str(directory), "origin": origin, "events": outcome.added, "verified": report.ok,
                        "size": report.size, "root": report.root, "custody": tree})  # fmt: skip
        else:
            _tell(ledger, directory, outcome.added)
            click.echo(
                f"Verified: all {report.size:,} entries, under {report.verifier_key}\n" if report.ok else "NOT VERIFIED"
            )
            click.echo(f"Where the weights {_WEIGHTS} come from, and where they went:\n")
            print_tree(tree)
            _next(directory)
        if not report.ok:
            raise click.exceptions.Exit(EXIT_FAILED)


def _story(stack: ExitStack) -> Read:
    """The demonstration's files, in their order, as one input."""
    package = files("ledger_demo")
    names = sorted(entry.name for entry in package.iterdir() if entry.name.endswith(".jsonl"))
    paths = [stack.enter_context(as_file(package / name)) for name in names]
    reads = [partial(read_native, path, f"ledger_demo/{name}") for path, name in zip(paths, names, strict=True)]

    def read() -> Iterator[Draft]:
        return chain.from_iterable(one() for one in reads)

    return read


def _tell(ledger: Ledger, directory: Path, added: int) -> None:
    told = [fact.event for fact in ledger.facts() if not fact.type.startswith("ledger.")]
    bases = [(event.basis, {*(event.basis_of or {}).values()}) for event in told if isinstance(event, Event)]
    invented = sum(basis is Basis.ILLUSTRATIVE for basis, _ in bases)
    partly = sum(basis is not Basis.ILLUSTRATIVE and Basis.ILLUSTRATIVE in within for basis, within in bases)
    click.echo(
        f"Built {Folder(directory).path}: {added:,} events of a case that the press reported on 27 November 2025."
    )
    click.echo(
        f"{invented:,} of them are invented to fill it in, and marked illustrative; the rest are reported, "
        f"{partly:,} of these with details that are invented, and marked so.\n"
    )


def _next(directory: Path) -> None:
    click.echo("\nTry next:")
    for command, what in (
        ("log --kind shipment", "the shipments"),
        ("log --irregular", "what does not add up"),
        ("show lease:alibaba-sg", "one lease, in full"),
        (f"trace {_UNSIGNED}", "weights above 10^26 operations (invented)"),
        ("prove 10 -o proof.txt", "one event, provable to anyone"),
        ("verify", "change a byte of ledger.db first"),
    ):
        click.echo(f"  chipledger -L {directory} {command.ljust(26)}  # {what}")
