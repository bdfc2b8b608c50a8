"""Making and keeping: init, backup, keys."""

from __future__ import annotations

import shutil
from pathlib import Path

import click
import msgspec

from ledger.application import Ledger
from ledger.cli.opening import json_option, open_ledger, sign
from ledger.cli.output import counted, json_lines, print_json, print_pairs, print_table
from ledger.domain.event import Name
from ledger.errors import InputError, KeyStoreError, Place, StoreError
from ledger.store.folder import Folder
from ledger.store.keys import KeyStore

__all__ = ["backup", "init", "key"]


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--origin", required=True, help="The ledger's name for ever, such as example.org/chips.")
@json_option
def init(directory: Path, origin: str, as_json: bool) -> None:
    """Make a new ledger in DIRECTORY.

    The origin names it in every checkpoint: a domain that you hold and a path, without a scheme. A key of that name is
    made if you have none; it stays outside the ledger, readable by you alone, and signs its checkpoints.
    """
    folder = Folder(directory)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise StoreError(
            "exists", str(directory), "something stands here already", "Choose a folder that does not exist."
        )
    try:
        msgspec.convert(origin, Name)
    except msgspec.ValidationError:
        problem = "an origin is one line of printable text, such as example.org/chips"
        raise InputError(problem, Place("--origin")) from None
    keys = KeyStore()
    signer = keys.load(origin)
    made = signer is None
    if signer is not None and keys.last_signed(origin) is not None:
        raise KeyStoreError(
            str(keys.path(origin)), f"the key of {origin} signs another ledger already", "Choose another origin."
        )
    signer = signer or keys.new(origin)
    with Ledger.create(directory, origin, signer) as ledger:
        sign(ledger)
    if as_json:
        print_json({"ledger": str(folder.path), "origin": origin, "verifier_key": str(signer.verifier)})
        return
    click.echo(f"Made the ledger {origin} in {directory}.\n")
    print_pairs(
        [
            ("signing key", f"{keys.path(origin)}{' (new)' if made else ''}"),
            ("verifier key", str(signer.verifier)),
        ]
    )
    click.echo(
        "\nGive the verifier key to those who are to trust this ledger, by a way of its own."
        f"\nNext: chipledger -L {directory} record events.jsonl   (what an event looks like: chipledger schema)"
    )


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def backup(path: Path | None, target: Path, as_json: bool) -> None:
    """Copy the ledger to TARGET while it is in use.

    TARGET becomes a ledger's folder: the log as one state, and the evidence. Readable tables are not copied, for they
    are rebuilt from the log. Keys lie outside the ledger, and are not copied either.
    """
    with open_ledger(path) as ledger:
        folder = Folder(target)
        folder.make()
        ledger.log_recorder.backup(folder.log)
        for document in sorted(ledger.folder.evidence.glob("[0-9a-f]*")):
            if document.is_file() and not document.is_symlink():
                shutil.copyfile(document, folder.evidence / document.name)
            else:
                click.echo(f"chipledger: {document} is not a document, and was left out", err=True)
    with Ledger(target) as copy:
        size = copy.size()
    if as_json:
        print_json({"backup": str(target), "size": size})
    else:
        click.echo(
            f"Copied {counted(size, 'entry', 'entries')} to {target}. Check the copy with: chipledger -L {target} verify"
        )


@click.group()
def key() -> None:
    """Keys that sign checkpoints.

    They lie in $CHIPLEDGER_KEYS, or in chipledger/keys of your configuration folder, readable by you alone.
    """


@key.command("new")
@click.argument("name")
@json_option
def key_new(name: str, as_json: bool) -> None:
    """Make a key.

    NAME is the origin of the ledger that it is to sign, such as example.org/chips.
    """
    keys = KeyStore()
    signer = keys.new(name)
    if as_json:
        print_json({"name": name, "path": str(keys.path(name)), "verifier_key": str(signer.verifier)})
    else:
        print_pairs([("signing key", str(keys.path(name))), ("verifier key", str(signer.verifier))])


@key.command("list")
@json_option
def key_list(as_json: bool) -> None:
    """List your keys, and what each signed last."""
    keys = KeyStore()
    rows = []
    for name in keys.names():
        signer, signed = keys.load(name), keys.last_signed(name)
        if signer is not None:
            rows.append(
                {"name": name, "signed_size": signed.size if signed else 0, "verifier_key": str(signer.verifier)}
            )
    if as_json:
        json_lines(rows)
    elif not rows:
        click.echo(f"No keys in {keys.folder}. Make one with: chipledger key new NAME", err=True)
    else:
        print_table(["name", "signed up to", "verifier key"], [row.values() for row in rows], right=[1])  # type: ignore[misc]
