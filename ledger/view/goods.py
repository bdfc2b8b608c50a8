"""The readable tables of goods: shipments, their movements, sites, what stands in them, leases, authorisations."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.domain.lease import Capacity
from ledger.domain.shipment import Cancelled, Continued, Declared, Merged, Moved, Received, Split
from ledger.domain.site import Installed, Removed, StockCounted
from ledger.view.readable import (
    Child,
    Column,
    Folded,
    Readable,
    Row,
    amount,
    basis_at,
    cells,
    chips_in_words,
    label,
    names,
    occurred,
    ref,
    text,
    verdict,
)

__all__ = ["ACCELERATORS", "AUTHORISATIONS", "GOODS", "LEASES", "SHIPMENTS", "SITES", "accelerator_rows", "listed"]

_ACCELERATOR_FIELDS = (text("chip"), amount("quantity"), names("serials"), names("uuids"))

ACCELERATORS = Child(
    "accelerators",
    (
        Column("stream", str, "subjects"), Column("site", str, "sites"), Column("role"), Column("part"),
        *(column for field in _ACCELERATOR_FIELDS for column in field.columns),
        Column("shipment", str, "shipments"), Column("occurred_at"), Column("basis"), Column("position", int, "events"),
    ),
)  # fmt: skip
"""Which chips, how many, where, in what role: counted, installed, removed or scrapped at a site; let; ran; serves."""

_LINE_FIELDS = (
    text("line"), text("chip"), amount("quantity"), text("form"), amount("chips_per_item"), names("serials"),
)  # fmt: skip
_MOVED_LINE_FIELDS = (text("line"), amount("quantity"), names("serials"))
_MOVE_FIELDS = (
    text("at.country", "country"), text("at.place", "place"), ref("at.site", "sites"),
    text("bound_for.country", "bound_for_country"), text("bound_for.place", "bound_for_place"),
    ref("bound_for.site", "sites", "bound_for_site"), ref("carrier", "parties"), ref("by", "parties"),
    ref("received_by", "parties"), ref("as_shipment", "shipments"), text("reason"),
)  # fmt: skip

SHIPMENT_LINES = Child(
    "shipment_lines",
    (
        Column("shipment", str, "shipments"), *(column for field in _LINE_FIELDS for column in field.columns),
        Column("classifications"), Column("basis"), Column("position", int, "events"),
    ),
)  # fmt: skip
MOVEMENTS = Child(
    "movements",
    (
        Column("shipment", str, "shipments"), Column("movement"), Column("occurred_at"),
        *(column for field in (*_MOVED_LINE_FIELDS, *_MOVE_FIELDS) for column in field.columns),
        Column("basis"), Column("position", int, "events"),
    ),
)  # fmt: skip
"""What became of a shipment, a row per line that an event names; without a line it moved whole."""


def listed(folded: Folded, root: str) -> tuple[object, ...]:
    """The items of a list that is stated and known, else none."""
    return tuple(folded.known(root) or ())


def accelerator_rows(
    groups: object, stream: str, site: object, role: str, part: str | None, tail: tuple[object, ...]
) -> Iterator[tuple[str, Row]]:
    """A row of `ACCELERATORS` per group; `tail` is shipment, occurred_at, basis and position."""
    place = site if isinstance(site, str) else None
    for group in groups if isinstance(groups, tuple) else ():
        yield "accelerators", (stream, place, role, part, *cells(_ACCELERATOR_FIELDS, group), *tail)  # type: ignore[arg-type]


def _shipment_title(folded: Folded) -> str:
    goods = chips_in_words(listed(folded, "lines")) or label(folded.subject.stream)
    route = folded.known("route")
    destination = getattr(route, "destination", None) if route else None
    country = getattr(destination, "country", None) if destination else None
    to = label(folded.known("to_site")) if folded.known("to_site") else country
    return f"{goods} to {to}" if to else goods


def _shipment_rows(folded: Folded) -> Iterator[tuple[str, Row]]:
    stream = folded.subject.stream
    lines: dict[str, Row] = {}
    for verb, event, position in folded.standing:
        if isinstance(event, Declared):
            for index, line in enumerate(event.lines):
                claimed = ", ".join(f"{c.jurisdiction} {c.classification}" for c in line.classifications or ())
                lines[line.line] = (
                    stream, *cells(_LINE_FIELDS, line), claimed or None,
                    basis_at(event, f"/lines/{index}").value, position,
                )  # fmt: skip
        elif isinstance(event, Moved | Received | Continued | Split | Merged | Cancelled):
            yield from _movement_rows(stream, verb, event, position)
    for row in lines.values():
        yield "shipment_lines", row


def _movement_rows(
    stream: str, verb: str, event: Moved | Received | Continued | Split | Merged | Cancelled, position: int
) -> Iterator[tuple[str, Row]]:
    moves: list[tuple[object, tuple[object, ...]]] = []
    if isinstance(event, Split):
        moves = [(part.shipment, tuple(part.lines or ())) for part in event.into]
    else:
        other = event.into if isinstance(event, Merged) else getattr(event, "as_shipment", None)
        moves = [(other, tuple(getattr(event, "lines", ()) or ()))]
    facts = cells(_MOVE_FIELDS, event)
    place_of_shipment = len(facts) - 2
    for other, lines in moves:
        facts[place_of_shipment] = other if isinstance(other, str) else None
        for line in lines or (None,):
            shown = cells(_MOVED_LINE_FIELDS, line) if line is not None else [None] * 5
            yield "movements", (stream, verb, occurred(event), *shown, *facts, event.basis.value, position)


SHIPMENTS = Readable(
    "shipment",
    "shipments",
    frozenset({"declared", "reported"}),
    (
        ref("seller", "parties"), ref("purchaser", "parties"), ref("exporter", "parties"),
        names("intermediate_consignees"), ref("ultimate_consignee", "parties"), ref("end_user", "parties"),
        text("route.departure.country", "departure_country"), text("route.departure.place", "departure_place"),
        text("route.departure.on", "departure_on"),
        text("route.destination.country", "destination_country"),
        text("route.destination.place", "destination_place"), text("route.destination.on", "destination_on"),
        ref("to_site", "sites"), text("act"), text("origin"), verdict("subject_to_ear"), text("stated_end_use"),
        names("authorisations"), ref("continues", "shipments"), text("contracted_on"), text("customs_entry"),
    ),
    _shipment_title,
    (SHIPMENT_LINES, MOVEMENTS),
    _shipment_rows,
    ("lines",),
)  # fmt: skip


def _site_title(folded: Folded) -> str:
    name = folded.known("name") or label(folded.subject.stream)
    country = folded.known("country")
    return f"{name}, {country}" if country and not str(name).endswith(f" {country}") else str(name)


def _site_rows(folded: Folded) -> Iterator[tuple[str, Row]]:
    stream = folded.subject.stream
    for verb, event, position in folded.standing:
        if isinstance(event, StockCounted):
            tail: tuple[object, ...] = (None, occurred(event), basis_at(event, "/stock").value, position)
            yield from accelerator_rows(event.stock, stream, stream, "counted", None, tail)
        elif isinstance(event, Installed | Removed):
            shipment = event.shipment if isinstance(event, Installed) and isinstance(event.shipment, str) else None
            tail = (shipment, occurred(event), basis_at(event, "/accelerators").value, position)
            yield from accelerator_rows(event.accelerators, stream, stream, verb, None, tail)


SITES = Readable(
    "site",
    "sites",
    frozenset({"registered", "reported", "completed", "changed"}),
    (
        text("name"), text("country"), text("place"), ref("operator", "parties"), ref("owner", "parties"),
        verdict("state_funded"), amount("state_funded_percent"), text("completed"), amount("completion_percent"),
        amount("power_kw"), text("purpose"),
    ),
    _site_title,
    (),
    _site_rows,
)  # fmt: skip


def _lease_title(folded: Folded) -> str:
    parties = f"{label(folded.known('lessor'))} to {label(folded.known('lessee'))}"
    site = folded.known("site")
    return f"{parties}, at {label(site)}" if site else parties


def _lease_rows(folded: Folded) -> Iterator[tuple[str, Row]]:
    found = folded.stated.get("capacity")
    if found is not None and isinstance(found.value, Capacity):
        tail = (None, found.occurred_at, found.basis.value, found.position)
        groups = found.value.accelerators
        yield from accelerator_rows(groups, folded.subject.stream, folded.known("site"), "let", None, tail)


LEASES = Readable(
    "lease",
    "leases",
    frozenset({"signed", "reported", "started", "amended", "assigned"}),
    (
        ref("lessor", "parties"), ref("lessee", "parties"), ref("hardware_owner", "parties"), ref("site", "sites"),
        ref("parent_lease", "leases"), amount("capacity.chip_hours"), amount("capacity.power_kw"), text("service"),
        verdict("exclusive"), ref("controlled_by", "parties"), text("purpose"), text("term_from"), text("term_until"),
    ),
    _lease_title,
    (),
    _lease_rows,
)  # fmt: skip


def _authorisation_title(folded: Folded) -> str:
    parts = [folded.known(name) for name in ("authority", "authorisation_kind", "number")]
    words = " ".join(str(part).replace("_", " ") for part in parts if part)
    return words or label(folded.subject.stream)


AUTHORISATIONS = Readable(
    "authorisation",
    "authorisations",
    frozenset({"issued", "reported", "amended"}),
    (
        text("authority"), text("jurisdiction"), text("authorisation_kind"), text("number"), ref("holder", "parties"),
        names("scope.destinations", "destinations"), names("scope.acts", "acts"), names("conditions"),
        text("valid_from"), text("valid_until"),
    ),
    _authorisation_title,
)  # fmt: skip

GOODS = (SHIPMENTS, SITES, LEASES, AUTHORISATIONS)
