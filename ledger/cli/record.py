"""Facts in and out: record, import, export, evidence, erase."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO

import click
import msgspec

from ledger.application import Ledger, Outcome
from ledger.cli.errors import EXIT_USAGE
from ledger.cli.opening import json_option, open_ledger, progress, sign
from ledger.cli.output import counted, print_json, safe_in_json
from ledger.domain.event import Event, Opaque
from ledger.domain.kind import Fact
from ledger.errors import InputError, Place
from ledger.intake.draft import Draft, Read
from ledger.intake.native import read_native
from ledger.log.checkpoint import Checkpoint

__all__ = ["erase", "evidence", "export", "import_", "record"]

_PIECE = 1 << 20


def _finish(ledger: Ledger, outcome: Outcome, as_json: bool) -> None:
    """Signs where the key is at hand, and says what was recorded."""
    if as_json:
        signed = sign(ledger)
        fields = msgspec.to_builtins(outcome)
        print_json({**fields, "checkpoint": signed.size if signed else None})
        return
    if outcome.added:
        where = (
            f"position {outcome.first:,}" if outcome.added == 1 else f"positions {outcome.first:,} to {outcome.last:,}"
        )
        click.echo(f"Recorded {counted(outcome.added, 'event')}, {where}.")
    if outcome.known:
        were = "was" if outcome.known == 1 else "were"
        click.echo(f"{outcome.known:,} {were} on record already, with the same content.")
    if not outcome.added and not outcome.known:
        click.echo("The input holds no events: nothing was recorded.")
    # Said before signing, which may be refused: what was recorded stays recorded.
    click.echo(_signed_words(ledger, sign(ledger)))


def _signed_words(ledger: Ledger, signed: Checkpoint | None) -> str:
    if signed is not None:
        return f"Checkpoint signed at size {signed.size:,}."
    return f"Not signed: the key of {ledger.origin} is not here. Where it is, run: chipledger checkpoint"


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--dry-run", is_flag=True, help="Check the input against the ledger, and record nothing.")
@json_option
@click.pass_obj
def record(path: Path | None, files: tuple[Path, ...], dry_run: bool, as_json: bool) -> None:
    """Record events from JSON Lines FILEs, or from stdin for -.

    One event a line, as `chipledger schema` describes it. All input is checked before anything is written: one wrong
    line, and nothing is recorded. What is on record already is passed over, so that the same file can be given twice.

    \b
      {"type":"site.registered","stream":"site:sg-01","basis":"declared","country":"SG"}
    """
    with tempfile.TemporaryFile() as spool, open_ledger(path, write=not dry_run) as ledger:
        reads = [_reader(file, spool) for file in files]
        read: Read = lambda: chain.from_iterable(one() for one in reads)  # noqa: E731 - one line says it
        _record(ledger, read, dry_run, as_json)


def _reader(file: Path, spool: IO[bytes]) -> Read:
    if str(file) != "-":
        return partial(read_native, file)
    while piece := sys.stdin.buffer.read(_PIECE):
        spool.write(piece)
    spool.flush()
    return partial(read_native, Path(f"/dev/fd/{spool.fileno()}"), "<stdin>")


def _record(ledger: Ledger, read: Read, dry_run: bool, as_json: bool) -> None:
    if dry_run:
        with progress() as shown:
            outcome = ledger.rehearse(read, shown)
        if as_json:
            print_json(msgspec.to_builtins(outcome))
        else:
            click.echo(
                f"Good: {counted(outcome.added, 'event')} would be recorded, {outcome.known:,} on record already."
            )
        return
    with progress() as shown:
        before = ledger.size()
        try:
            outcome = ledger.record(read, shown)
        except KeyboardInterrupt:
            shown.clear()
            click.echo(_interrupted(ledger.size() - before), err=True)
            raise
    _finish(ledger, outcome, as_json)


def _interrupted(added: int) -> str:
    """What stands, of an input that was not recorded to its end. Another process may have recorded part of it."""
    if not added:
        return "Nothing was recorded."
    return f"Recorded so far: {counted(added, 'event')}. The same command goes on from there."


@click.command("import")
@click.argument("format_name", metavar="FORMAT")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--dry-run", is_flag=True, help="Check the input against the ledger, and record nothing.")
@json_option
@click.pass_obj
def import_(path: Path | None, format_name: str, files: tuple[Path, ...], dry_run: bool, as_json: bool) -> None:
    """Import FILEs of somebody else's FORMAT.

    A later release of the same data becomes corrections of what is on record, not duplicates.

    \b
    Formats:
      epoch-models   the CSV of notable AI models, as Epoch AI publishes it
    """
    from ledger.intake.formats import FORMATS

    chosen = FORMATS.get(format_name)
    if chosen is None:
        known = "; ".join(f"{name} ({one.about})" for name, one in FORMATS.items())
        raise click.BadParameter(f"{format_name!r} is not a format. There are: {known}", param_hint="FORMAT")
    with open_ledger(path, write=not dry_run) as ledger:

        def read() -> Iterator[Draft]:
            return chain.from_iterable(chosen.read(file, ledger) for file in files)

        _record(ledger, read, dry_run, as_json)


@click.command()
@click.option("--tiles", type=click.Path(path_type=Path), help="Write the tree as C2SP static tiles into this folder.")
@click.option("--since", type=click.IntRange(min=1), default=1, help="Begin at this position.")
@click.pass_obj
def export(path: Path | None, tiles: Path | None, since: int) -> None:
    """Print the events as JSON Lines that `record` reads again, or publish the tree.

    JSON Lines hold what was recorded, without positions, times and salts; events of the ledger itself and erased
    payloads are left out, and counted on stderr. Tiles hold commitments only: they disclose nothing but the log's
    length, and let others witness it.
    """
    with open_ledger(path) as ledger:
        if tiles is not None:
            from ledger.store.publishing import publish

            count = publish(ledger.log_recorder, ledger.latest_checkpoint(), tiles)
            click.echo(f"Wrote {count:,} tiles and the checkpoint to {tiles}.")
            return
        left_out = 0
        for fact in ledger.facts(since):
            line = native_line(fact)
            if line is None:
                left_out += 1
            else:
                click.echo(safe_in_json(line))
    if left_out:
        click.echo(f"{left_out:,} left out: events of the ledger itself, erased, or not in its form.", err=True)


def native_line(fact: Fact) -> str | None:
    """A fact as a line that `record` reads; None where it is the ledger's own, erased, or would make no such line."""
    from ledger.domain.codec import canonical, event_fields

    event = fact.event
    if fact.type.startswith("ledger.") or (isinstance(event, Opaque) and event.payload is None):
        return None
    fields = event_fields(event) if isinstance(event, Event) else event.payload
    if not isinstance(fields, dict) or "type" in fields or "stream" in fields:
        return None
    body = canonical(fields).decode()
    head = canonical({"type": fact.type}).decode()[:-1] + f',"stream":"{fact.originator_id}"'
    return f"{head},{body[1:]}" if len(body) > 2 else head + "}"


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE…"
)
@click.pass_obj
def evidence(path: Path | None, files: tuple[Path, ...]) -> None:
    """Keep documents with the ledger, and print how events cite them.

    Each FILE is copied to evidence/ under its SHA-256; the printed object goes into an event's "evidence" list.
    `verify` then finds any later change of the document.
    """
    with open_ledger(path) as ledger:
        for file in files:
            digest = ledger.folder.keep_evidence(file)
            click.echo(msgspec.json.encode({"sha256": digest, "note": file.name}).decode())


@click.command()
@click.argument("position", type=click.IntRange(min=1))
@click.option("--reason", required=True, help="Why; recorded for ever.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def erase(path: Path | None, position: int, reason: str, yes: bool, as_json: bool) -> None:
    """Erase the payload at POSITION, as a court or a data subject may demand.

    The header and the tree stay and still verify; the erasure and its reason are recorded. It cannot be undone, and it
    does not reach copies, backups or proofs made before.
    """
    if not reason.strip():
        raise click.BadParameter("say why: it is recorded for ever", param_hint="--reason")
    with open_ledger(path, write=True) as ledger:
        fact = ledger.fact_at(position)
        if fact is None:
            raise InputError(f"there is no position {position}: the log ends at {ledger.size()}", Place())
        if isinstance(fact.event, Opaque) and fact.event.payload is None:
            raise InputError(f"the payload at position {position} was erased already")
        question = f"Erase the payload of {fact.type} in {fact.originator_id}, position {position}?"
        if not yes and not click.confirm(question, err=True):
            click.echo("Nothing was erased.", err=True)
            raise click.exceptions.Exit(EXIT_USAGE)
        ledger.erase(position, reason)
        if as_json:
            signed = sign(ledger)
            print_json({"erased": position, "checkpoint": signed.size if signed else None})
        else:
            click.echo(f"Erased the payload at position {position}.")
            click.echo(_signed_words(ledger, sign(ledger)))
