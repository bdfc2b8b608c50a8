"""Sites: data centres, and what stands in them."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from ledger.domain.accelerators import Accelerators, repeated_serial
from ledger.domain.event import Country, Event, Name, Text, Verdict
from ledger.domain.kind import Kind, Step
from ledger.domain.quantity import Percent, Quantity
from ledger.domain.stream import PartyId, ShipmentId, SiteId
from ledger.domain.when import When

__all__ = ["SITE", "Completed", "Installed", "Registered", "Removed", "StockCounted"]


class Registered(Event, frozen=True, kw_only=True):
    """A data centre or other place where accelerators run. Power is in kilowatts."""

    name: Name | UnsetType = UNSET
    country: Country | None | UnsetType = UNSET
    place: Name | UnsetType = UNSET
    operator: PartyId | None | UnsetType = UNSET
    owner: PartyId | None | UnsetType = UNSET
    state_funded: Verdict = UNSET
    state_funded_percent: Percent | None | UnsetType = UNSET
    completed: When | None | UnsetType = UNSET
    completion_percent: Percent | None | UnsetType = UNSET
    power_kw: Quantity | None | UnsetType = UNSET
    purpose: Text | UnsetType = UNSET


class Completed(Event, frozen=True, kw_only=True):
    """The site was finished, or changed: its operator, owner, power, or how far it is built and by whom funded."""

    operator: PartyId | None | UnsetType = UNSET
    owner: PartyId | None | UnsetType = UNSET
    power_kw: Quantity | None | UnsetType = UNSET
    completion_percent: Percent | None | UnsetType = UNSET
    state_funded_percent: Percent | None | UnsetType = UNSET


class StockCounted(Event, frozen=True, kw_only=True):
    """A count of what stands at the site. `complete`: whether parts not listed are thereby stated to be absent."""

    stock: tuple[Accelerators, ...]
    complete: Verdict = UNSET
    counted_by: PartyId | None | UnsetType = UNSET

    def contradiction(self) -> str | None:
        return repeated_serial(self.stock)


class Installed(Event, frozen=True, kw_only=True):
    """Accelerators were put into service here, out of `shipment` where that is stated."""

    accelerators: tuple[Accelerators, ...]
    shipment: ShipmentId | None | UnsetType = UNSET
    owner: PartyId | None | UnsetType = UNSET

    def contradiction(self) -> str | None:
        return repeated_serial(self.accelerators)


class Removed(Event, frozen=True, kw_only=True):
    """Accelerators left service here, or were scrapped; `to` is where they went."""

    accelerators: tuple[Accelerators, ...]
    to: SiteId | None | UnsetType = UNSET
    reason: Text | UnsetType = UNSET

    def contradiction(self) -> str | None:
        return repeated_serial(self.accelerators)


_KNOWN = ("registered", "reported")

SITE = Kind(
    "site",
    "a data centre or other place where accelerators run",
    (
        Step("registered", Registered, opens=True, once=True, status="registered"),
        Step("reported", Registered, opens=True),
        Step("completed", Completed, after=_KNOWN, status="completed"),
        Step("changed", Completed, after=_KNOWN),
        Step("stock_counted", StockCounted, after=_KNOWN),
        Step("installed", Installed, after=_KNOWN),
        Step("removed", Removed, after=_KNOWN),
        Step("scrapped", Removed, after=_KNOWN),
    ),
)
