"""Weights: an artifact by its file digests, what it descends from, and where copies of it went."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from ledger.domain.event import Digest, Event, Fields, Name, Place, Text, Uri, Verdict
from ledger.domain.kind import Kind, Step
from ledger.domain.quantity import Count, Quantity
from ledger.domain.shipment import Classification
from ledger.domain.stream import AuthorisationId, PartyId, RunId, WeightsId
from ledger.domain.training import InputRole

__all__ = ["WEIGHTS", "Created", "Deleted", "File", "Means", "Parent", "Published", "Transferred"]


class Means(StrEnum):
    """How a copy travelled."""

    NETWORK = "network"
    PHYSICAL_MEDIA = "physical_media"
    CLOUD_STORAGE = "cloud_storage"
    PERSON = "person"


class File(Fields, frozen=True, kw_only=True):
    """One file of the artifact. `size` is in bytes."""

    path: Name
    sha256: Digest
    size: Annotated[int, Meta(ge=0, le=2**53 - 1)] | UnsetType = UNSET


class Parent(Fields, frozen=True, kw_only=True):
    """Weights that these descend from."""

    weights: WeightsId
    role: InputRole


class Created(Event, frozen=True, kw_only=True):
    """The artifact: the run that made it, its files, its lineage."""

    name: Name | None | UnsetType = UNSET
    developer: PartyId | None | UnsetType = UNSET
    produced_by: RunId | None | UnsetType = UNSET
    files: tuple[File, ...] | None | UnsetType = UNSET
    lineage: tuple[Parent, ...] | None | UnsetType = UNSET
    parameters: Quantity | None | UnsetType = UNSET
    training_operations: Quantity | None | UnsetType = UNSET
    at: Place | None | UnsetType = UNSET
    classifications: tuple[Classification, ...] | UnsetType = UNSET
    subject_to_ear: Verdict = UNSET

    def contradiction(self) -> str | None:
        paths = [file.path for file in self.files or ()]
        return "one file is listed twice" if len(set(paths)) != len(paths) else None


class Transferred(Event, frozen=True, kw_only=True):
    """A copy went from one party or place to another."""

    from_party: PartyId | None | UnsetType = UNSET
    to_party: PartyId | None | UnsetType = UNSET
    from_place: Place | None | UnsetType = UNSET
    to_place: Place | None | UnsetType = UNSET
    means: Means | None | UnsetType = UNSET
    carrier: PartyId | None | UnsetType = UNSET
    size_bytes: Count | None | UnsetType = UNSET
    authorisations: tuple[AuthorisationId, ...] | None | UnsetType = UNSET
    files: tuple[File, ...] | None | UnsetType = UNSET
    purpose: Text | UnsetType = UNSET


class Published(Event, frozen=True, kw_only=True):
    """Made available openly, to anyone, under `licence`."""

    at_uri: Uri | UnsetType = UNSET
    licence: Name | None | UnsetType = UNSET
    restricted: Verdict = UNSET
    files: tuple[File, ...] | None | UnsetType = UNSET


class Deleted(Event, frozen=True, kw_only=True):
    """A copy was deleted at a place."""

    at: Place | None | UnsetType = UNSET
    by: PartyId | None | UnsetType = UNSET


_KNOWN = ("created", "reported")

WEIGHTS = Kind(
    "weights",
    "a set of model weights",
    (
        Step("created", Created, opens=True, once=True, status="created"),
        Step("reported", Created, opens=True, status="reported"),
        Step("transferred", Transferred, after=_KNOWN, status="transferred"),
        Step("published", Published, after=_KNOWN, status="published"),
        Step("deleted", Deleted, after=_KNOWN),
    ),
)
