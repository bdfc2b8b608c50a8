"""Data transfers: who sends data about whom, from where to where, on which ground."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from ledger.domain.event import Country, Event, Name, Place, Text, Verdict
from ledger.domain.kind import Kind, Step
from ledger.domain.quantity import Count
from ledger.domain.stream import AuthorisationId, PartyId, RunId
from ledger.domain.training import DataClass, DataUsed
from ledger.domain.weights import Means

__all__ = ["DATA", "Transferred", "Withdrawn"]


class Transferred(Event, frozen=True, kw_only=True):
    """Data left one handler for a recipient. `persons` counts natural persons over all `data`, the sensitive too."""

    handler: PartyId | None | UnsetType = UNSET
    recipient: PartyId | None | UnsetType = UNSET
    from_place: Place | None | UnsetType = UNSET
    to_place: Place | None | UnsetType = UNSET
    collected_in: tuple[Country, ...] | None | UnsetType = UNSET
    data_classes: tuple[DataClass, ...] | None | UnsetType = UNSET
    data: tuple[DataUsed, ...] | None | UnsetType = UNSET
    persons: Count | None | UnsetType = UNSET
    sensitive_persons: Count | None | UnsetType = UNSET
    important_data: Verdict = UNSET
    handler_persons: Count | None | UnsetType = UNSET
    exemption_ground: Name | None | UnsetType = UNSET
    mechanism: Name | None | UnsetType = UNSET
    authorisations: tuple[AuthorisationId, ...] | None | UnsetType = UNSET
    means: Means | None | UnsetType = UNSET
    size_bytes: Count | None | UnsetType = UNSET
    for_run: RunId | None | UnsetType = UNSET
    purpose: Text | UnsetType = UNSET

    def contradiction(self) -> str | None:
        persons, sensitive = self.persons, self.sensitive_persons
        if isinstance(persons, Count) and isinstance(sensitive, Count) and persons.high is not None:
            if (sensitive.low or 0) > persons.high:
                return f"{sensitive} sensitive persons among {persons} persons"
        return None


class Withdrawn(Event, frozen=True, kw_only=True):
    """The transfer was stopped, or the data called back."""

    reason: Text | UnsetType = UNSET


DATA = Kind(
    "data",
    "a transfer of data",
    (
        Step("transferred", Transferred, opens=True, once=True, status="transferred"),
        Step("reported", Transferred, opens=True, status="reported"),
        Step("withdrawn", Withdrawn, after=("transferred", "reported"), ends=True, status="withdrawn"),
    ),
)
