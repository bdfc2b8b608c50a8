"""The shape that every event shares, and the small values that events are made of.

An event is an immutable struct of facts. Its payload is one flat JSON object: the envelope below, then the fields of
its type. Three kinds of not knowing are kept apart in every optional field: absent = not stated (`UNSET`), ``null`` =
known to be unknown (`None`), ``[]`` = none. Unknown fields and binary floats are refused. For example::

    {"basis":"declared","basis_of":{"/lines/0/quantity":"estimated"},"lines":[…],"occurred_at":"2024-03-05",
     "source":{"key":"demo-07","name":"ledger_demo"}}

What the fields mean is part of the format (`tests/domain/test_golden_events.py`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType

from ledger.domain.stream import SiteId
from ledger.domain.when import When

__all__ = [
    "Basis",
    "Chip",
    "Country",
    "Digest",
    "Event",
    "Evidence",
    "Name",
    "Opaque",
    "Place",
    "Source",
    "Text",
    "Verdict",
]

T = TypeVar("T")

# Control characters, marks that change the direction of the text after them, and characters that nobody can see make
# one thing read as another. Variation selectors stay: names in Chinese and Mongolian need them.
UNSAFE: Final = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164"
    r"\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e007f"
)
# Zero-width joiners are part of words in Persian and the scripts of India; after a Latin, Greek or Cyrillic letter, or
# one another, they only hide a difference.
_NO_STRAY_JOINER: Final = r"(?!.*(?:\A|[\x00-\u058f\u200c\u200d])[\u200c\u200d])"
NAME_PATTERN: Final = rf"\A{_NO_STRAY_JOINER}[^\t\n{UNSAFE}\s](?:[^\t\n{UNSAFE}]*[^\t\n{UNSAFE}\s])?\Z"
TEXT_PATTERN: Final = rf"\A[^{UNSAFE}]+\Z"

Name = Annotated[str, Meta(pattern=NAME_PATTERN, max_length=300, description="one line of text")]
Text = Annotated[str, Meta(pattern=TEXT_PATTERN, max_length=60_000, description="text, lines allowed")]
Label = Annotated[
    str, Meta(pattern=r"\A[A-Za-z0-9._~-]{1,64}\Z", description="a short label of letters, digits, . _ ~ -")
]
Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z", description="SHA-256, lower-case hex")]
Pointer = Annotated[
    str, Meta(pattern=r"\A(?:/[A-Za-z0-9_]{1,64})+\Z", description="JSON pointer to a field of this event")
]
Uri = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9+.-]*:[!-~]{1,2000}\Z", description="an absolute URI")]
Serial = Annotated[str, Meta(pattern=r"\A[!-~]{1,128}\Z", description="a serial number or device UUID")]

Verdict = bool | None | UnsetType
"""Yes, no, known to be unknown (None), or not stated (UNSET)."""


class Basis(StrEnum):
    """How firmly a fact stands, weakest first."""

    ILLUSTRATIVE = "illustrative"
    ESTIMATED = "estimated"
    REPORTED = "reported"
    DECLARED = "declared"
    DOCUMENTED = "documented"
    ATTESTED = "attested"

    @property
    def rank(self) -> int:
        """0 for the weakest."""
        return list(Basis).index(self)


class Country(str):
    """An ISO 3166-1 alpha-2 code, checked on the way in (`ledger.domain.country`)."""

    __slots__ = ()


class Chip(str):
    """A part's id in `ledger.catalog`, or ``other:`` and the name as the source wrote it."""

    __slots__ = ()

    @property
    def is_catalogued(self) -> bool:
        """Whether this is a catalogue id rather than a name kept as it stood."""
        return not self.startswith("other:")


class Fields(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """What all structs of the format have in common.

    They are trees of immutable values, so the garbage collector has nothing to find in them, and need not look.
    """


class Evidence(Fields, frozen=True, kw_only=True):
    """A document behind a fact; where its bytes are kept, they lie at ``evidence/<sha256>`` in the ledger's folder."""

    sha256: Digest | UnsetType = UNSET
    media_type: Name | UnsetType = UNSET
    uri: Uri | UnsetType = UNSET
    note: Text | UnsetType = UNSET


class Source(Fields, frozen=True, kw_only=True):
    """The data set and row that an event came from. Together they are its identity: recorded once, ever."""

    name: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._~:/-]{1,200}\Z")]
    key: Name


class Place(Fields, frozen=True, kw_only=True):
    """Where: a country, a place in it, a site on record; each as far as it is stated."""

    country: Country | None | UnsetType = UNSET
    place: Name | UnsetType = UNSET
    site: SiteId | None | UnsetType = UNSET


class Event(Fields, frozen=True, kw_only=True):
    """The envelope. `basis` holds for every field but those that `basis_of` names, by JSON pointer.

    A pointer covers what lies below it, and the longest one wins: ``/lines`` illustrative, ``/lines/0/chip`` reported.
    `occurred_at` is when what the event says happened; when somebody told of it stands in its evidence.
    """

    basis: Basis
    occurred_at: When | None | UnsetType = UNSET
    basis_of: dict[Pointer, Basis] | UnsetType = UNSET
    evidence: tuple[Evidence, ...] | UnsetType = UNSET
    source: Source | UnsetType = UNSET
    note: Text | UnsetType = UNSET

    def basis_at(self, pointer: str) -> Basis:
        """How firmly the field at a JSON pointer stands."""
        named = self.basis_of or {}
        while pointer:
            if pointer in named:
                return named[pointer]
            pointer = pointer.rpartition("/")[0]
        return self.basis

    def contradiction(self) -> str | None:
        """What within this one event no missing fact could explain, in one sentence; None where nothing."""
        return None


class Opaque(Struct, frozen=True):
    """An event of a type, or a version of one, that this release does not know: shown and verified, never extended."""

    type: str
    version: int
    payload: Any
    erased: bool = False


def stated(value: T | None | UnsetType, default: T) -> T:
    """`value` where it is stated and known, otherwise `default`."""
    return default if value is None or value is UNSET else value
