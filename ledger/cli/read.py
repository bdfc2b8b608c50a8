"""Reading: log, show, trace."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click
import msgspec

from ledger.application import Ledger
from ledger.cli.check import plain_json, safe_json
from ledger.cli.details import print_details
from ledger.cli.opening import json_option, open_ledger, open_view
from ledger.cli.output import json_lines, print_json, print_pairs, print_table, safe
from ledger.cli.trace import plain_tree, print_tree, tree_of
from ledger.domain.country import check_country
from ledger.domain.event import Basis, Event
from ledger.domain.genesis import PayloadErased
from ledger.domain.registry import EVENT_TYPES, KINDS
from ledger.domain.when import When
from ledger.errors import InputError
from ledger.view import Filter, Listed, View, count, details, down, event, events, follow, subject, subjects, up

__all__ = ["log", "show", "trace"]

_FIELDS = ("kind", "type", "party", "site", "stream", "country", "chip", "basis", "source")


def _day(_: click.Context, parameter: click.Parameter, value: str | None) -> When | None:
    if value is None:
        return None
    try:
        return When.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error), param=parameter) from None


def _without(texts: tuple[str, ...]) -> Filter | None:
    """``kind=review`` and the like, as what to leave out."""
    fields: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name not in _FIELDS or not value:
            raise click.BadParameter(f"write one of {', '.join(_FIELDS)}, then = and a value", param_hint="--without")
        fields[name] = (*fields.get(name, ()), value)
    return Filter(**fields) if fields else None  # type: ignore[arg-type]


@click.command()
@click.option(
    "--kind",
    multiple=True,
    type=click.Choice(list(KINDS)),
    metavar="KIND",
    help="Events of this kind of subject: party, site, shipment, lease, run, weights…",
)
@click.option("--type", "type_", multiple=True, metavar="TYPE", help="Events of this type, such as shipment.seized.")
@click.option("--party", multiple=True, metavar="ID", help="Events that name this party, such as party:alibaba.")
@click.option("--site", multiple=True, metavar="ID", help="Events that name this site, such as site:sg-tuas.")
@click.option("--stream", multiple=True, metavar="ID", help="Events of this subject, or that name it.")
@click.option("--country", multiple=True, metavar="CODE", help="Events where this country is stated, such as MY.")
@click.option("--chip", multiple=True, metavar="CHIP", help="Events of this chip: a catalogue id, or a name.")
@click.option(
    "--basis",
    multiple=True,
    type=click.Choice([basis.value for basis in Basis]),
    metavar="BASIS",
    help="Events on this basis, such as reported.",
)
@click.option("--text", default="", metavar="WORDS", help="Events that hold all these words.")
@click.option("--since", callback=_day, metavar="DATE", help="Events that may have occurred on or after it.")
@click.option("--until", callback=_day, metavar="DATE", help="Events that may have occurred on or before it.")
@click.option("--irregular", is_flag=True, help="Only what does not add up, is erased, or is of an unknown type.")
@click.option("--without", multiple=True, metavar="FIELD=VALUE", help="Leave these out, such as basis=illustrative.")
@click.option("--after", type=click.IntRange(min=0), metavar="N", help="The first ones after this position.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@click.option("--all", "show_all", is_flag=True, help="All of them.")
@click.option("-f", "--follow", "keep_on", is_flag=True, help="Then wait, and print what is recorded.")
@json_option
@click.pass_obj
def log(
    path: Path | None, /, since: When | None, until: When | None, irregular: bool, without: tuple[str, ...],
    after: int | None, limit: int, show_all: bool, keep_on: bool, as_json: bool, type_: tuple[str, ...],
    chip: tuple[str, ...], **chosen: Any,
) -> None:  # fmt: skip
    """List events, the latest ones unless --after is given.

    An option given twice means either; different options mean both. An event marked "partly illustrative" has fields
    on that weaker basis: `chipledger show POSITION` says which.

    \b
      chipledger log --kind shipment --country MY --since 2025-07-14
      chipledger log --party party:alibaba --without basis=illustrative
      chipledger log --irregular
    """
    for name in ("party", "site"):
        chosen[name] = tuple(given if ":" in given else f"{name}:{given}" for given in chosen[name])
    chosen["country"] = tuple(map(_country, chosen["country"]))
    wanted = Filter(
        **chosen, type=type_, chip=tuple(map(_chip, chip)), odd=irregular, without=_without(without),
        occurred_from=_edge(since, 0), occurred_to=_edge(until, 1),
    )  # fmt: skip
    with open_ledger(path) as ledger, open_view(ledger) as view:
        if show_all or (keep_on and after is not None):
            found = list(_every(view, wanted, after or 0)) if not as_json else None
            if found is None:
                json_lines(_every(view, wanted, after or 0))
                found = []
        elif after is not None:
            found = events(view, wanted, after=after, limit=limit)
        else:
            found = events(view, wanted, before=2**62, limit=limit)
        if as_json:
            json_lines(found)
        else:
            _print_events(found)
            total = count(view, wanted, up_to=max(500, limit))
            if not show_all:
                shown = f"{len(found):,} of {total}" if len(found) != total.number or not total.exact else f"{total}"
                noun = "event" if f"{total}" == "1" else "events"
                click.echo(f"{shown} {noun}{_in_words(wanted, irregular)}", err=True)
                if not found and not total.number:
                    _say_what_is_not_there(view, wanted)
        if keep_on:
            _keep_on(ledger, view, wanted, found[-1].position if found else ledger.size(), as_json)


def _edge(when: When | None, which: int) -> str:
    day = None if when is None else (when.first_day, when.last_day)[which]
    return day.isoformat() if day else ""


def _chip(name: str) -> str:
    from ledger.intake.native import catalogued

    try:
        return catalogued(name)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--chip") from None


def _country(code: str) -> str:
    try:
        return check_country(code.upper())
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--country") from None


def _say_what_is_not_there(view: View, wanted: Filter) -> None:
    """Nothing found may be nothing there, or a name that nobody has: says which names those are."""
    for stream in (*wanted.party, *wanted.site, *wanted.stream):
        if subject(view, stream) is None:
            kind, _, label = stream.rpartition(":")
            near = [name for name, _, _ in subjects(view, label, limit=50) if name.startswith(f"{kind}:")]
            hint = f" There are: {', '.join(near[:5])}" if near else ""
            click.echo(f"{safe(stream[:80])} is not on record.{hint}", err=True)
    for name in wanted.type:
        if name not in EVENT_TYPES:
            near = get_close_matches(name, [*EVENT_TYPES, *KINDS], n=1)
            kind = f" It is a kind: --kind {name}" if name in KINDS else f" Did you mean {near[0]}?" if near else ""
            click.echo(f"{safe(name[:80])} is not an event type of this release.{kind}", err=True)


def _every(view: View, wanted: Filter, after: int) -> Iterator[Listed]:
    while page := events(view, wanted, after=after, limit=500):
        yield from page
        after = page[-1].position


def _in_words(wanted: Filter, irregular: bool) -> str:
    parts = [f"{name} {' or '.join(getattr(wanted, name))}" for name in _FIELDS if getattr(wanted, name)]
    parts += [f"the words {wanted.text!r}"] if wanted.text else []
    parts += [f"from {wanted.occurred_from}"] if wanted.occurred_from else []
    parts += [f"until {wanted.occurred_to}"] if wanted.occurred_to else []
    parts += ["irregular"] if irregular else []
    if wanted.without is not None:
        left_out = wanted.without
        parts += [
            f"without {name} {' or '.join(getattr(left_out, name))}" for name in _FIELDS if getattr(left_out, name)
        ]
    return f": {', '.join(parts)}" if parts else ""


_HEADINGS = ("#", "occurred", "event", "subject", "who", "where", "chip", "basis", "mark")


def _print_events(found: list[Listed]) -> None:
    rows = [_cells(item) for item in found]
    print_table(_HEADINGS, rows, right=[0], soft=[3, 4, 5, 6], spare=[6, 5, 4, 1])


def _partly(item: Listed) -> str | None:
    """The weakest basis of a field, where it is weaker than the event's own; None where no field is."""
    return item.weakest_basis if item.weakest_basis != item.basis else None


class _BasisOf(msgspec.Struct):
    basis_of: dict[str, str] = {}


def _bases(payload: bytes | str) -> dict[str, str]:
    """What an event says of the basis of single fields, by pointer."""
    try:
        return msgspec.json.decode(payload, type=_BasisOf).basis_of
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def _cells(item: Listed) -> tuple[object, ...]:
    partly = _partly(item)
    marks = [
        f"partly {partly}" if partly else "",
        "irregular" if item.irregular else "",
        "retracted" if item.retracted_by else "corrected" if item.corrected_by else "",
        "erased" if item.erased else "unknown type" if item.unknown else "",
    ]
    where = item.site.partition(":")[2] if item.site else item.country
    who = item.actor.partition(":")[2] if item.actor else ""
    name = item.stream.partition(":")[2]
    return (
        item.position, item.occurred_at or "", item.type, name, who, where, item.chip, item.basis,
        ", ".join(mark for mark in marks if mark),
    )  # fmt: skip


def _keep_on(ledger: Ledger, view: View, wanted: Filter, after: int, as_json: bool) -> None:
    while True:
        time.sleep(1)
        follow(ledger.log_recorder, view)
        found = events(view, wanted, after=after, limit=500)
        for item in found:
            if as_json:
                json_lines([item])
            else:
                click.echo("  ".join(safe(str(cell)) for cell in _cells(item) if cell))
            after = item.position


@click.command()
@click.argument("what", metavar="POSITION|ID")
@json_option
@click.pass_obj
def show(path: Path | None, what: str, as_json: bool) -> None:
    """Show one event by its POSITION in the log, or one subject by its ID, such as lease:alibaba-sg."""
    with open_ledger(path) as ledger, open_view(ledger) as view:
        if re.fullmatch(r"[#]?\d{1,15}", what):
            _show_event(ledger, view, int(what.lstrip("#")), as_json)
        else:
            _show_subject(ledger, view, what, as_json)


def _show_event(ledger: Ledger, view: View, position: int, as_json: bool) -> None:
    found, fact = event(view, position), ledger.fact_at(position)
    if found is None or fact is None:
        raise InputError(f"there is no position {position}: the log ends at {ledger.size()}")
    leaf = ledger.log_recorder.nodes([(0, position - 1)])[0].hex()
    if as_json:
        fields = {name: getattr(found, name) for name in found._fields if name not in ("payload", "words")}
        payload = None if found.payload is None else plain_json(_bytes(found.payload))
        print_json({**fields, "leaf": leaf, "payload": payload})
        return
    click.echo(f"{found.type}  {found.stream}  (position {position}, version {found.version})\n")
    basis = fact.event.basis if isinstance(fact.event, Event) else None
    now = next((entry for entry in _entries(ledger, found.stream) if entry.fact.position == position), None)
    print_pairs(
        [
            ("occurred", found.occurred_at or "not stated"),
            ("recorded", f"{found.recorded_at} by {found.recorded_by}"),
            ("basis", basis),
            ("on another basis", _other_basis(msgspec.json.encode(_bases(found.payload or b"{}")).decode())),
            ("irregular", found.irregular),
            ("corrected by", ", ".join(f"version {v}" for v in now.corrected_by) if now and now.corrected_by else None),
            ("retracted by", f"version {now.retracted_by}" if now and now.retracted_by else None),
            ("leaf", leaf),
        ]
    )
    click.echo("\npayload, as recorded")
    click.echo(f"  {_erasure(ledger, position)}" if found.payload is None else safe_json(_bytes(found.payload)))
    if now is not None and now.event is not None and now.corrected_by:
        from ledger.domain.codec import encode_event

        click.echo("\nas corrected")
        click.echo(safe_json(encode_event(now.event)))
    alone = "" if found.payload is not None else " --no-payload"
    click.echo(f"\nProve it to others: chipledger prove {position}{alone} -o proof.txt")


def _bytes(payload: str | bytes) -> bytes:
    return payload.encode() if isinstance(payload, str) else payload


def _erasure(ledger: Ledger, position: int) -> str:
    """Why a payload is not there."""
    for fact in ledger.facts(types=["ledger.payload_erased"]):
        erasure = fact.event
        if isinstance(erasure, PayloadErased) and erasure.position == position:
            return f"erased: {safe(erasure.reason)} (position {fact.position})"
    return "erased"


def _entries(ledger: Ledger, stream: str) -> list[Any]:
    folded = ledger.subject(stream)
    return list(folded.entries) if folded else []


def _show_subject(ledger: Ledger, view: View, stream: str, as_json: bool) -> None:
    found = subject(view, stream)
    if found is None:
        near = [name for name, _, _ in subjects(view, stream.rpartition(":")[2], limit=5)]
        hint = f"There are: {', '.join(near)}" if near else "What is on record: chipledger log"
        raise InputError(f"{stream[:80]!r} is not on record", hint=hint)
    history = list(_every(view, Filter(type=(), stream=(stream,)), 0))
    own = [item for item in history if item.stream == stream]
    told = details(view, stream)
    edges = [*up(view, stream, roles=True), *down(view, stream, roles=True)]
    if as_json:
        print_json({**msgspec.to_builtins(found), "details": told, "events": own, "links": edges})
        return
    click.echo(f"{found.title}  {found.stream}\n")
    skip = {"stream", "title", "status", "basis", "position", "opened_at", "irregular", "basis_of"}
    fields: list[tuple[str, object]] = [
        (name.replace("_", " "), cell) for name, cell in found.fields.items() if name not in skip
    ]
    fields.append(("on another basis", _other_basis(found.fields.get("basis_of"))))
    print_pairs([("status", found.status or "nothing known"), ("weakest basis", found.basis), *fields])
    for position, code, message in found.irregular:
        click.echo(f"irregular ({code}), position {position}: {safe(message)}")
    print_details(told)
    click.echo("\nwhat was recorded")
    print_table(("#", "occurred", "event", "basis", "mark"), [_short(item) for item in own], right=[0])
    if edges:
        click.echo("\nwhat it is joined to")
        rows = [
            (edge.stream or edge.place, edge.relation, edge.part, edge.occurred_at, edge.basis, edge.position)
            for edge in edges
        ]
        print_table(("subject", "how", "part", "occurred", "basis", "#"), rows, right=[5], soft=[1, 0], spare=[2, 3])
    click.echo(f"\nFollow it: chipledger trace {stream}")


def _other_basis(text: object) -> str | None:
    """The fields that stand on another basis than the rest, in words."""
    try:
        named = msgspec.json.decode(str(text), type=dict[str, str]) if text else {}
    except msgspec.DecodeError:
        return str(text)
    return ", ".join(f"{name.strip('/')} {basis}" for name, basis in named.items()) or None


def _short(item: Listed) -> tuple[object, ...]:
    cells = _cells(item)
    return cells[0], cells[1], item.verb, cells[7], cells[8]


@click.command()
@click.argument("stream", metavar="ID")
@click.option("--up", "direction", flag_value="up", help="Only where it came from.")
@click.option("--down", "direction", flag_value="down", help="Only what became of it.")
@click.option("--depth", type=click.IntRange(1, 50), default=12, show_default=True, help="So many steps.")
@json_option
@click.pass_obj
def trace(path: Path | None, stream: str, direction: str | None, depth: int, as_json: bool) -> None:
    """Follow custody from a subject, both ways, as a tree.

    Up to the shipments and exporters that it came from, and down to where it went: exporter, shipment, site, lease,
    run, weights, transfer, deployment. Links that are broken or missing are drawn as such.
    """
    with open_ledger(path) as ledger:
        chosen: Any = direction or "both"
        tree = tree_of(ledger, stream, chosen, depth)
    if as_json:
        print_json(plain_tree(tree))
    else:
        print_tree(tree)
