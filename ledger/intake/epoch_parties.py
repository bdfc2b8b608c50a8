"""The organisations in Epoch AI's data on AI models, as parties.

A row lists organisations, countries and categories, each list by itself: an organisation may have several countries
(then "Multinational" may be among them) or none. So a country is an organisation's where the organisation is alone in a
row; failing that, where a row lists as many countries as organisations, unless another row belies that order. Rows that
disagree leave it open. A release is silent on what none of its rows says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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

__all__ = ["PARTIES", "party_drafts", "party_id"]

PARTIES: Final = "epoch-organizations"

_KINDS: Final = {
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

_Values = tuple[str, ...]


def party_id(organisation: str) -> str:
    """The stream of an organisation; spellings that differ in case, accents or punctuation share one."""
    return f"party:epoch-{label_of(organisation)}"


class _Listed(Struct, frozen=True):
    """One row's lists, and where it stands."""

    place: Place
    organisations: _Values
    countries: _Values
    categories: _Values


def party_drafts(rows: Iterable[Row], release: Release, on_record: OnRecord) -> Iterator[Draft]:
    """One draft per organisation, in the order of the file."""
    lists = [_listed(row) for row in rows]
    countries = _attributed([(each.organisations, each.countries) for each in lists])
    kinds = _attributed([(each.organisations, each.categories) for each in lists])
    spellings: dict[str, dict[str, Place]] = {}
    for each in lists:
        for name in each.organisations:
            spellings.setdefault(party_id(name), {}).setdefault(name, each.place)
    for stream, names in spellings.items():
        fields: dict[str, Any] = {"basis": "reported", "aliases": list(names), "evidence": [release.evidence]}
        fields["headquartered_in"] = _codes(countries.get(stream, set()))
        fields["party_kind"] = _kind(kinds.get(stream, set()))
        silent = {"headquartered_in"} - ({"headquartered_in"} if stream in countries else set())
        silent |= {"party_kind"} if stream not in kinds else set()
        fields = {name: value for name, value in fields.items() if value}
        yield _draft(stream, fields, silent, release, on_record, next(iter(names.values())))


def _listed(row: Row) -> _Listed:
    return _Listed(
        row.place("Organization"),
        row.names("Organization"),
        row.names("Country (of organization)"),
        row.names("Organization categorization"),
    )


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
