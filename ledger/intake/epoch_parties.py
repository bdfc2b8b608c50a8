"""The organisations in Epoch AI's data on AI models, as parties.

A row lists organisations, countries and categories, each list by itself: an organisation may have several countries
(then "Multinational" may be among them) or none. So a country is an organisation's where the organisation is alone in a
row; failing that, where a row lists as many countries as organisations, unless another row belies that order. Rows that
disagree leave it open. A release is silent on what none of its rows says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from ledger.domain.codec import event_fields, event_from_fields
from ledger.domain.country import COUNTRIES
from ledger.domain.event import Source
from ledger.domain.party import PartyKind, Registered
from ledger.errors import Place
from ledger.intake.draft import Draft, OnRecord
from ledger.intake.labels import label_of
from ledger.intake.revision import Release, revised, said
from ledger.intake.table import Row

__all__ = ["PARTIES", "Listed", "listed", "party_drafts", "party_id"]

PARTIES: Final = "epoch-organizations"

_Values = tuple[str, ...]

_KINDS: Final[dict[_Values, PartyKind]] = {
    ("Industry",): PartyKind.COMPANY,
    ("Academia",): PartyKind.UNIVERSITY,
    ("Government",): PartyKind.GOVERNMENT,
}
_MULTINATIONAL: Final = "Multinational"
_UN_NAMES: Final = {
    "Bolivia (Plurinational State of)": "BO",
    "Brunei Darussalam": "BN",
    "Czech Republic": "CZ",
    "Democratic People's Republic of Korea": "KP",
    "Iran (Islamic Republic of)": "IR",
    "Korea (Democratic People's Republic of)": "KP",
    "Korea (Republic of)": "KR",
    "Lao People's Democratic Republic": "LA",
    "Macao": "MO",
    "Moldova (Republic of)": "MD",
    "Netherlands (Kingdom of the)": "NL",
    "Republic of Korea": "KR",
    "Russian Federation": "RU",
    "State of Palestine": "PS",
    "Syrian Arab Republic": "SY",
    "Taiwan (Province of China)": "TW",
    "Tanzania (United Republic of)": "TZ",
    "Türkiye": "TR",
    "United Kingdom of Great Britain and Northern Ireland": "GB",
    "United States of America": "US",
    "Venezuela (Bolivarian Republic of)": "VE",
    "Viet Nam": "VN",
}
_CODES: Final = {name.casefold(): code for code, name in COUNTRIES.items()} | {
    name.casefold(): code for name, code in _UN_NAMES.items()
}


def party_id(organisation: str) -> str:
    """The stream of an organisation; spellings that differ in case, accents or punctuation share one."""
    return f"party:epoch-{label_of(organisation)}"


class Listed(Struct, frozen=True):
    """One row's lists, and where it stands."""

    place: Place
    organisations: _Values
    countries: _Values
    categories: _Values


def listed(row: Row) -> Listed:
    """The lists of a row."""
    return Listed(
        row.place("Organization"),
        row.names("Organization"),
        row.names("Country (of organization)"),
        row.names("Organization categorization"),
    )


def party_drafts(rows: Sequence[Listed], release: Release, on_record: OnRecord) -> Iterator[Draft]:
    """One draft per organisation, in the order of the file."""
    countries = _attributed([(row.organisations, row.countries) for row in rows])
    kinds = _attributed([(row.organisations, row.categories) for row in rows])
    readings: tuple[tuple[str, dict[str, set[_Values]], Callable[[set[_Values]], object]], ...] = (
        ("headquartered_in", countries, _codes),
        ("party_kind", kinds, _kind),
    )
    spellings: dict[str, dict[str, Place]] = {}
    for row in rows:
        for name in row.organisations:
            spellings.setdefault(party_id(name), {}).setdefault(name, row.place)
    for stream, names in spellings.items():
        fields: dict[str, Any] = {"basis": "reported", "aliases": list(names), "evidence": [release.evidence]}
        silent = set()
        for field, found, read in readings:
            if stream not in found:
                silent.add(field)
            elif value := read(found[stream]):
                fields[field] = value
        yield _draft(stream, fields, silent, release, on_record, next(iter(names.values())))


def _attributed(pairs: Sequence[tuple[_Values, _Values]]) -> dict[str, set[_Values]]:
    """Stream → what the rows say of that organisation, each way that they say it."""
    alone: dict[str, set[_Values]] = {}
    for organisations, values in pairs:
        if len(organisations) == 1 and values:
            alone.setdefault(party_id(organisations[0]), set()).add(tuple(sorted(set(values))))
    in_order: dict[str, set[_Values]] = {}
    for organisations, values in pairs:
        streams = [party_id(name) for name in organisations]
        if len(streams) > 1 and len(streams) == len(values):
            found = dict(zip(streams, values, strict=True))
            if all(alone.get(stream, {(value,)}) == {(value,)} for stream, value in found.items()):
                for stream, value in found.items():
                    in_order.setdefault(stream, set()).add((value,))
    return in_order | alone


def _codes(said_of_it: set[_Values]) -> list[str] | None:
    """ISO 3166 codes, where the rows agree and every country is known by its name."""
    if len(said_of_it) != 1:
        return None
    names = [name for name in next(iter(said_of_it)) if name != _MULTINATIONAL]
    codes = [_CODES.get(name.casefold()) for name in names]
    return None if None in codes else sorted({code for code in codes if code})


def _kind(said_of_it: set[_Values]) -> str | None:
    kind = _KINDS.get(next(iter(said_of_it))) if len(said_of_it) == 1 else None
    return None if kind is None else kind.value


def _draft(
    stream: str, fields: dict[str, Any], silent: set[str], release: Release, on_record: OnRecord, place: Place
) -> Draft:
    source = Source(name=PARTIES, key=stream.partition(":")[2])
    subject = on_record.subject(stream)
    before = None if subject is None else said(subject, source)
    if before is not None:
        aliases = dict.fromkeys([*before.fields.get("aliases", []), *fields["aliases"]])
        now = event_fields(event_from_fields(Registered, fields | {"aliases": list(aliases)}))
        return revised(stream, before, now, silent, release, place)
    event = msgspec.structs.replace(event_from_fields(Registered, fields), source=source)
    return Draft(stream, "reported", event, place)
