"""Checking and proving: verify, checkpoint, vkey, prove, verify-proof."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from ledger.application import Ledger
from ledger.cli.errors import EXIT_FAILED
from ledger.cli.opening import json_option, open_ledger, progress
from ledger.cli.output import counted, print_json, print_pairs, safe
from ledger.errors import InputError, KeyStoreError, LedgerError, MalformedError, Place, TamperError
from ledger.log.checkpoint import parse_checkpoint
from ledger.log.entry import format_time
from ledger.log.note import VerifierKey
from ledger.log.proof import ProofFile
from ledger.store.keys import KeyStore
from ledger.store.pins import Pins
from ledger.verification import Report
from ledger.verification import verify as verify_ledger
from ledger.view import ViewReport

__all__ = ["checkpoint", "prove", "verify", "verify_proof", "vkey"]


def parse_vkeys(texts: tuple[str, ...]) -> list[VerifierKey]:
    """Verifier keys given on the command line, each as its text or as a file that holds it."""
    keys = []
    for text in texts:
        try:
            if "+" not in text and Path(text).is_file():
                text = read_bytes(Path(text), 1 << 16).decode().strip()
            keys.append(VerifierKey.parse(text))
        except (MalformedError, OSError, UnicodeDecodeError):
            raise InputError(
                f"{text[:80]!r} is not a verifier key",
                Place("--vkey"),
                "It looks like: example.org/chips+1a2b3c4d+AbCd…=",
            ) from None
    return keys


def read_bytes(path: Path, limit: int = 64 << 20) -> bytes:
    """A file's bytes, or stdin's for ``-``; InputError where it cannot be read or is beyond all reason."""
    try:
        with sys.stdin.buffer if str(path) == "-" else path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", Place(str(path))) from error
    if len(data) > limit:
        raise InputError(f"the file is larger than {limit >> 20} MB", Place(str(path)))
    return data


def read_checkpoint(path: Path) -> bytes:
    """The signed note in a file; InputError where it is none. Whose it is, `verify` finds."""
    data = read_bytes(path, 1 << 20)
    try:
        parse_checkpoint(data)
    except MalformedError as error:
        raise InputError(f"this is not a checkpoint: {error.problem}", Place(str(path))) from None
    return data


@click.command()
@click.option(
    "--vkey", "vkeys", multiple=True, metavar="KEY", help="Trust this verifier key (text or file), and no other."
)
@click.option(
    "--against",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Hold the log against a checkpoint that you kept elsewhere.",
)
@click.option("--view/--no-view", "with_view", default=False, help="Check the readable tables against the log as well.")
@json_option
@click.pass_obj
def verify(
    path: Path | None, vkeys: tuple[str, ...], against: tuple[Path, ...], with_view: bool, as_json: bool
) -> None:
    """Check that nothing recorded was changed.

    Every payload, header and tree node is hashed again, and the whole is held against signed checkpoints. What vouches
    for them is the key that you give; else the key pinned when you first saw this ledger; and at first sight the key
    that the ledger names itself, which is only as good as where the ledger came from: compare it with one that its
    keeper gave you.

    Exits 1 where anything is wrong, naming the first bad position.
    """
    keys, notes = parse_vkeys(vkeys), [read_checkpoint(file) for file in against]
    with progress() as shown:
        try:
            with open_ledger(path) as ledger:
                report = verify_ledger(ledger, keys=keys, against=notes, pins=Pins(), progress=shown)
                tables = _check_view(ledger) if with_view and report.ok else None
        except TamperError as error:
            shown.clear()
            if as_json:
                print_json(
                    {"ok": False, "faults": [{"position": error.position, "kind": error.kind, "detail": error.detail}]}
                )
            else:
                click.echo(f"NOT VERIFIED  {safe(str(error))}")
            raise click.exceptions.Exit(EXIT_FAILED) from error
    view_problem = tables.difference or None if tables else None
    if as_json:
        print_json(
            {"ok": report.ok and not view_problem, **msgspec.to_builtins(_with_faults(report)), "view": view_problem,
             "view_checked": tables.position if tables else None}
        )  # fmt: skip
    else:
        _print_report(report, len(against), _of_view(tables) if with_view and report.ok else None)
    if not report.ok or view_problem:
        raise click.exceptions.Exit(EXIT_FAILED)


def _check_view(ledger: Ledger) -> ViewReport | None:
    from ledger.cli.view import view_report

    return view_report(ledger)


def _of_view(found: ViewReport | None) -> str:
    if found is None or (found.ok and found.position == 0):
        return "no readable tables have been made yet"
    if not found.ok:
        return f"NOT AS THE LOG: {found.difference}. Rebuild it with: chipledger view rebuild"
    return f"the readable tables agree with the log, up to {found.position:,}"


def _with_faults(report: Report) -> dict[str, object]:
    fields = {name: getattr(report, name) for name in report.__struct_fields__ if name != "faults"}
    fields["faults"] = [
        {"position": fault.position, "until": fault.until, "kind": fault.kind, "detail": fault.detail}
        for fault in report.faults
    ]
    return fields


_TRUST = {
    "given": "the key that you gave",
    "pinned": "the key pinned when this ledger was first seen",
    "first sight": "the key that the ledger names itself, at first sight",
    "none": "nothing",
}


def _print_report(report: Report, given: int = 0, tables: str | None = None) -> None:
    """A claim that something holds is made of a log that was verified, and of no other."""
    entries = counted(report.size, "entry", "entries")
    if report.ok:
        verb = "is" if report.size == 1 else "are"
        click.echo(f"VERIFIED  {report.origin}  {report.covered:,} of {entries} {verb} vouched for")
    else:
        faults = counted(len(report.faults), "fault")
        click.echo(f"NOT VERIFIED  {report.origin or 'this ledger'}  {faults} in {entries}")
        for fault in report.faults:
            where = f"position {fault.position}" if fault.position else "ledger"
            where += f" to {fault.until}" if fault.until > fault.position else ""
            click.echo(f"  {where}  {fault.kind}: {safe(fault.detail)}")
    recorded = f"{format_time(report.first_recorded)} to {format_time(report.last_recorded)}" if report.size else None
    tail = report.size - report.covered
    print_pairs(
        [
            ("root", report.root or None),
            ("recorded", recorded),
            ("trusted", _TRUST[report.trust]),
            ("key", report.verifier_key or None),
            ("checkpoints", _of_checkpoints(report)),
            ("held against", f"{counted(given, 'checkpoint')} that you gave" if given and report.ok else None),
            ("not covered", f"{counted(tail, 'entry', 'entries')} after the last checkpoint: in the tree, but nobody vouches for {'it' if tail == 1 else 'them'}" if tail else None),
            ("evidence", f"{report.evidence_kept:,} of {counted(report.evidence_cited, 'cited document')} kept here" if report.evidence_cited else None),
            ("erased", _of_erased(report)),
            ("seen before", f"up to {report.seen_before:,}, and this continues it" if report.seen_before and report.ok else None),
            ("view", tables),
        ]
    )  # fmt: skip
    if report.ok and report.trust == "first sight":
        pinned = "This key is now pinned" if report.pinned else "This key could not be pinned: next time is first sight"
        click.echo(f"{pinned}. Compare it with one that the ledger's keeper gave you.")


def _of_checkpoints(report: Report) -> str:
    if report.ok:
        return f"{report.checkpoints:,} {'holds' if report.checkpoints == 1 else 'hold'}"
    return f"{report.checkpoints:,} signed by the key; the log is not as they say, or not as it was written"


def _of_erased(report: Report) -> str | None:
    if not report.erased:
        return None
    payloads = counted(report.erased, "payload")
    if report.ok:
        return f"{payloads}, {'with' if report.erased == 1 else 'each with'} its erasure on record"
    return f"{payloads}, with an erasure on record or without"


@click.command()
@json_option
@click.pass_obj
def checkpoint(path: Path | None, as_json: bool) -> None:
    """Sign the log as it stands, and print the signed checkpoint.

    Everything appended since this key signed last is hashed again first. Keep the output somewhere else: with it,
    `verify --against` finds any later change of history, whoever makes it.
    """
    with open_ledger(path, write=True) as ledger:
        keys = KeyStore()
        signed = ledger.checkpoint(keys)
        if signed is None:
            raise KeyStoreError(
                str(keys.path(ledger.origin)), "there is no such key here", "Run this where the key is."
            )
    claim, note = signed
    if as_json:
        print_json({"origin": claim.origin, "size": claim.size, "root": claim.root.hex(), "note": note.decode()})
    else:
        click.echo(note.decode(), nl=False)


@click.command()
@json_option
@click.pass_obj
def vkey(path: Path | None, as_json: bool) -> None:
    """Print the verifier key that the ledger names.

    Give it to others by a way of its own: a key that travels with the ledger vouches for nothing.
    """
    with open_ledger(path) as ledger:
        text = str(ledger.verifier_key())
    if as_json:
        print_json({"verifier_key": text})
    else:
        click.echo(text)


@click.command()
@click.argument("position", type=click.IntRange(min=1))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write here instead of stdout.")
@click.option("--header/--no-header", default=True, help="Disclose the header: stream, type, time, recorder.")
@click.option("--payload/--no-payload", default=True, help="Disclose the payload.")
@click.pass_obj
def prove(path: Path | None, position: int, output: Path | None, header: bool, payload: bool) -> None:
    """Prove that the entry at POSITION stands in the log.

    The file holds everything that `verify-proof` needs besides the key: the entry, what is disclosed of it, the proof,
    and the signed checkpoint. Its second half is a C2SP tlog-proof. Nothing else of the ledger is disclosed.
    """
    with open_ledger(path) as ledger:
        data = ledger.prove(position, header=header, payload=payload).format()
    if output is None:
        click.echo(data.decode(), nl=False)
        return
    try:
        output.write_bytes(data)
    except OSError as error:
        raise InputError(f"the file cannot be written: {error.strerror}", Place(str(output))) from error
    click.echo(
        f"Proof of position {position} written to {output}. Check it with: chipledger verify-proof {output} --vkey KEY"
    )


@click.command("verify-proof")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@click.option("--vkey", "vkeys", multiple=True, required=True, metavar="KEY", help="The verifier key that you trust.")
@json_option
def verify_proof(file: Path, vkeys: tuple[str, ...], as_json: bool) -> None:
    """Check a file made by `prove`, without the ledger.

    Exits 1 where the proof does not hold under the key.
    """
    keys, data = parse_vkeys(vkeys), read_bytes(file)
    try:
        proven = ProofFile.parse(data).verify(keys)
    except LedgerError as error:
        if as_json:
            print_json({"ok": False, "problem": str(error)})
        else:
            click.echo(f"NOT PROVEN  {safe(str(error))}")
        raise click.exceptions.Exit(EXIT_FAILED) from error
    header = proven.header._asdict() if proven.header else None
    if as_json:
        payload = plain_json(proven.payload) if proven.payload is not None else None
        print_json(
            {"ok": True, "position": proven.position, "origin": proven.origin, "size": proven.size,
             "root": proven.root.hex(), "header": header, "payload": payload}
        )  # fmt: skip
        return
    click.echo(
        f"PROVEN  position {proven.position} of {proven.origin}, in a log of {counted(proven.size, 'entry', 'entries')}"
    )
    print_pairs([("root", proven.root.hex()), ("signed by", ", ".join(map(str, proven.signed_by)))])
    print_pairs((header or {"header": "not disclosed"}).items())
    if proven.payload is None:
        print_pairs([("payload", "not disclosed")])
    else:
        click.echo(safe_json(proven.payload))


def plain_json(payload: bytes) -> Any:
    """A payload as JSON values, or as escaped text where it is none."""
    try:
        values = msgspec.json.decode(payload)
        msgspec.json.encode(msgspec.to_builtins(values))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return payload.decode("utf-8", "backslashreplace")
    return values


def safe_json(payload: bytes) -> str:
    """A payload as indented JSON, or as escaped text where it is none."""
    try:
        text = msgspec.json.format(payload, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = payload.decode("utf-8", "backslashreplace")
    return "\n".join(safe(line) for line in text.split("\n"))
