"""Shipments: packaged accelerators on their way from a seller to an end user, across borders.

A movement event names its lines and quantities; without `lines` it moves the whole shipment. What arrives need not be
what left: over-receipt, arrival without departure and the like are recorded, and marked irregular.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from enum import StrEnum

from msgspec import UNSET, UnsetType

from ledger.domain.accelerators import too_many_serials
from ledger.domain.event import Chip, Country, Event, Fields, Label, Name, Place, Serial, Text, Verdict, stated
from ledger.domain.kind import Entry, Irregular, Kind, Step
from ledger.domain.quantity import Count
from ledger.domain.stream import AuthorisationId, PartyId, ShipmentId, SiteId
from ledger.domain.when import When

__all__ = ["SHIPMENT", "Act", "Cancelled", "Classification", "Continued", "Declared", "Form", "Line", "Merged", "Moved"]
__all__ += ["MovedLine", "Part", "Received", "Route", "Split", "Stop"]


class Form(StrEnum):
    """What an accelerator is packaged in."""

    IC = "ic"
    BOARD = "board"
    SERVER = "server"
    RACK = "rack"


class Act(StrEnum):
    """What the shipment is in the terms of export control, as claimed."""

    EXPORT = "export"
    REEXPORT = "reexport"
    IN_COUNTRY_TRANSFER = "in_country_transfer"
    IMPORT = "import"
    TRANSIT = "transit"
    TRANSHIPMENT = "transhipment"


class Classification(Fields, frozen=True, kw_only=True):
    """A classification that somebody claims, such as ECCN 3A090.a under US law."""

    jurisdiction: Country
    classification: Name


class ClaimedAct(Fields, frozen=True, kw_only=True):
    """What the shipment is under one country's law, as somebody claims: a reexport here may be an export there."""

    jurisdiction: Country
    act: Act


class ClaimedOrigin(Fields, frozen=True, kw_only=True):
    """The country that the goods originate in under one country's law, as somebody claims."""

    jurisdiction: Country
    origin: Country


class Line(Fields, frozen=True, kw_only=True):
    """One line of the shipment. `quantity` counts packaged accelerators; items = quantity / `chips_per_item`."""

    line: Label
    chip: Chip | None
    quantity: Count | None | UnsetType = UNSET
    form: Form | None | UnsetType = UNSET
    chips_per_item: Count | None | UnsetType = UNSET
    serials: tuple[Serial, ...] | UnsetType = UNSET
    classifications: tuple[Classification, ...] | UnsetType = UNSET
    designer: Name | None | UnsetType = UNSET
    origin: Country | None | UnsetType = UNSET
    subject_to_ear: Verdict = UNSET
    packaged_in: Country | None | UnsetType = UNSET


class PartyInRole(Fields, frozen=True, kw_only=True):
    """A party to the shipment in a role that has no field of its own, such as broker or freight forwarder."""

    party: PartyId | None
    role: Name


class Stop(Place, frozen=True, kw_only=True):
    """A place on the route, when the goods are to be there, and whether they change carriers."""

    on: When | None | UnsetType = UNSET
    transhipped: Verdict = UNSET


class Route(Fields, frozen=True, kw_only=True):
    """Where the goods go from, through and to, as stated."""

    departure: Stop | None | UnsetType = UNSET
    transits: tuple[Stop, ...] | None | UnsetType = UNSET
    destination: Stop | None | UnsetType = UNSET


class Declared(Event, frozen=True, kw_only=True):
    """What the paper says of the shipment before it moves.

    `act` and `origin` are as the paper puts them, under no law that it names; `acts` and `origins` name one each.
    """

    lines: tuple[Line, ...]
    seller: PartyId | None | UnsetType = UNSET
    purchaser: PartyId | None | UnsetType = UNSET
    exporter: PartyId | None | UnsetType = UNSET
    intermediate_consignees: tuple[PartyId, ...] | None | UnsetType = UNSET
    ultimate_consignee: PartyId | None | UnsetType = UNSET
    end_user: PartyId | None | UnsetType = UNSET
    others: tuple[PartyInRole, ...] | None | UnsetType = UNSET
    route: Route | None | UnsetType = UNSET
    act: Act | None | UnsetType = UNSET
    acts: tuple[ClaimedAct, ...] | None | UnsetType = UNSET
    origin: Country | None | UnsetType = UNSET
    origins: tuple[ClaimedOrigin, ...] | None | UnsetType = UNSET
    subject_to_ear: Verdict = UNSET
    contracted_on: When | None | UnsetType = UNSET
    customs_entry: Name | None | UnsetType = UNSET
    stated_end_use: Text | None | UnsetType = UNSET
    end_uses: tuple[Label, ...] | None | UnsetType = UNSET
    authorisations: tuple[AuthorisationId, ...] | None | UnsetType = UNSET
    to_site: SiteId | None | UnsetType = UNSET
    continues: ShipmentId | None | UnsetType = UNSET

    def contradiction(self) -> str | None:
        return _lines_contradict(self.lines)


class MovedLine(Fields, frozen=True, kw_only=True):
    """So many packaged accelerators of one declared line."""

    line: Label
    quantity: Count | None | UnsetType = UNSET
    serials: tuple[Serial, ...] | UnsetType = UNSET


class Moved(Event, frozen=True, kw_only=True):
    """Goods departed, passed, arrived, were diverted, seized, lost or returned: at `at`, bound for `bound_for`."""

    lines: tuple[MovedLine, ...] | UnsetType = UNSET
    at: Place | None | UnsetType = UNSET
    bound_for: Place | None | UnsetType = UNSET
    carrier: PartyId | None | UnsetType = UNSET
    by: PartyId | None | UnsetType = UNSET
    authority: Name | None | UnsetType = UNSET
    reason: Text | UnsetType = UNSET

    def contradiction(self) -> str | None:
        return _lines_contradict(self.lines or ())


class Received(Event, frozen=True, kw_only=True):
    """Somebody took the goods in, at a place or site."""

    lines: tuple[MovedLine, ...] | UnsetType = UNSET
    at: Place | None | UnsetType = UNSET
    received_by: PartyId | None | UnsetType = UNSET

    def contradiction(self) -> str | None:
        return _lines_contradict(self.lines or ())


class Continued(Event, frozen=True, kw_only=True):
    """The goods go on as another shipment, such as a reexport."""

    as_shipment: ShipmentId
    lines: tuple[MovedLine, ...] | UnsetType = UNSET

    def contradiction(self) -> str | None:
        return _lines_contradict(self.lines or ())


class Part(Fields, frozen=True, kw_only=True):
    """One part of a split shipment."""

    shipment: ShipmentId
    lines: tuple[MovedLine, ...] | UnsetType = UNSET


class Split(Event, frozen=True, kw_only=True):
    """The shipment goes on as several."""

    into: tuple[Part, ...]

    def contradiction(self) -> str | None:
        names = [part.shipment for part in self.into]
        if len(set(names)) != len(names):
            return "one shipment is named twice among the parts"
        return next((found for part in self.into if (found := _lines_contradict(part.lines or ()))), None)


class Merged(Event, frozen=True, kw_only=True):
    """The shipment became part of another."""

    into: ShipmentId


class Cancelled(Event, frozen=True, kw_only=True):
    """The shipment did not, or will not, take place."""

    reason: Text | UnsetType = UNSET


def _lines_contradict(lines: Sequence[Line | MovedLine]) -> str | None:
    seen: set[str] = set()
    serials: set[str] = set()
    for line in lines:
        if line.line in seen:
            return f"line {line.line!r} is listed twice"
        seen.add(line.line)
        if excess := too_many_serials(line.quantity, line.serials or ()):
            return f"line {line.line!r}: {excess}"
        if isinstance(line, Line) and isinstance(line.chips_per_item, Count) and line.chips_per_item.high == 0:
            return f"line {line.line!r}: an item holds no chip"
        for serial in line.serials or ():
            if serial in serials:
                return f"serial {serial!r} is listed twice"
            serials.add(serial)
    return None


# How many of each line a verb may move in all, as a sum over the events of that verb.
_COUNTED = ("departed", "received", "lost", "seized", "returned", "diverted")


def check(entries: Sequence[Entry]) -> Iterator[Irregular]:
    """Quantities that the declaration does not cover: a line it does not name, more moved or taken in than declared."""
    declared = {
        line.line: line.quantity for entry in entries if isinstance(entry.event, Declared) for line in entry.event.lines
    }
    if not declared:
        return
    moved: dict[tuple[str, str], Decimal] = {}
    for entry in entries:
        if not isinstance(entry.event, Moved | Received) or entry.verb not in (*_COUNTED, "transited", "arrived"):
            continue
        for line in entry.event.lines or ():
            version = entry.fact.originator_version
            if line.line not in declared:
                yield Irregular(
                    version, "undeclared-line", f"{entry.verb} names line {line.line!r}, which is not declared"
                )
                continue
            if entry.verb not in _COUNTED:
                continue
            total = moved.get((entry.verb, line.line), Decimal(0)) + _least(line)
            moved[entry.verb, line.line] = total
            most = stated(declared[line.line], None)
            if most is not None and most.high is not None and total > most.high:
                yield Irregular(
                    version, f"over-{entry.verb}", f"{total} of line {line.line!r} {entry.verb}, {most} declared"
                )


def _least(line: MovedLine) -> Decimal:
    stated_least = line.quantity.low if isinstance(line.quantity, Count) else None
    return max(stated_least or Decimal(0), Decimal(len(line.serials or ())))


_DECLARED = ("declared", "reported")

SHIPMENT = Kind(
    "shipment",
    "packaged accelerators on their way from a seller to an end user",
    (
        Step("declared", Declared, opens=True, once=True, status="declared"),
        Step("reported", Declared, opens=True, status="reported"),
        Step("amended", Declared, after=_DECLARED),
        Step("departed", Moved, after=_DECLARED, status="departed"),
        Step("transited", Moved, after=("departed",), status="in transit"),
        Step("arrived", Moved, after=("departed",), status="arrived"),
        Step("received", Received, after=("arrived", "departed"), status="received"),
        Step("diverted", Moved, after=("departed",), status="diverted"),
        Step("seized", Moved, after=_DECLARED, status="seized"),
        Step("lost", Moved, after=("departed",), status="lost"),
        Step("returned", Moved, after=("departed",), status="returned"),
        Step("continued", Continued, after=_DECLARED, status="continued"),
        Step("split", Split, after=_DECLARED, ends=True, status="split"),
        Step("merged", Merged, after=_DECLARED, ends=True, status="merged"),
        Step("cancelled", Cancelled, after=_DECLARED, ends=True, status="cancelled"),
    ),
    check,
)
