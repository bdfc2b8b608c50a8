"""One event as a row of the view, made from its log row: as recorded, never as corrected later.

`mentions` of an event are what an auditor filters by: each stream that its payload names, its own stream, and
``country:SG``, ``chip:nvidia-h100``. They are read from the payload's strings, so that an event of a type that this
release does not know is found by its parties as well. Of countries, those count where something is or goes; that of a
law or of the goods' origin does not. `words` is what the full-text index holds: the payload's strings but digests.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET

from ledger.domain.event import Basis, Event, Opaque, Source
from ledger.domain.kind import Fact
from ledger.domain.registry import KINDS, read_payload
from ledger.domain.when import When
from ledger.log.entry import format_time
from ledger.log.verify import LogRow
from ledger.view.readable import UNKNOWN, label, stated_at, weakest

__all__ = ["EventRow", "Read", "event_row", "mentions_of", "read_event", "text_of"]

_STRING: Final = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"(:?)')
_STREAM: Final = re.compile(r"([a-z]+):[A-Za-z0-9._~-]{1,128}", re.ASCII)
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_COUNTRY_FIELDS: Final = frozenset(
    {"country", "collected_in", "incorporated_in", "headquartered_in", "destinations", "countries", "nationalities"}
)
_CHIP_FIELDS: Final = frozenset({"chip", "chips"})
_WORDLESS: Final = frozenset({"basis", "occurred_at", "signature", "verifier_key", "media_type"})
_KINDS: Final = frozenset(KINDS)

_ACTORS: Final = (
    "exporter", "seller", "carrier", "received_by", "by", "lessor", "lessee", "developers", "developer", "from_party",
    "handler", "operator", "supporter", "maker", "holder", "counted_by", "reviewer", "owner",
)  # fmt: skip
_COUNTRIES: Final = (
    ("country",), ("at", "country"), ("to_place", "country"), ("route", "destination", "country"), ("leg", "country"),
    ("headquartered_in",), ("incorporated_in",),
)  # fmt: skip
_SITES: Final = (("site",), ("at", "site"), ("to_site",), ("to_place", "site"), ("leg", "site"))
_CHIPS: Final = (("lines",), ("accelerators",), ("stock",), ("leg", "accelerators"), ("capacity", "accelerators"))


class EventRow(NamedTuple):
    """The columns of the table ``events``, in order."""

    position: int
    recorded_at: str
    occurred_at: str | None
    occurred_first: str | None
    occurred_last: str | None
    kind: str
    verb: str
    stream: str
    version: int
    actor: str | None
    country: str | None
    site: str | None
    chip: str | None
    basis: str | None
    weakest_basis: str | None
    note: str | None
    irregular: str | None
    corrected_by: str | None
    retracted_by: int | None
    erased: int
    unknown: int
    type: str
    class_version: int
    recorded_by: str
    source: str | None
    source_key: str | None
    words: str
    payload: str | bytes | None


class Read(NamedTuple):
    """An event read from a verified log row."""

    fact: Fact
    row: EventRow
    mentions: frozenset[str]


def text_of(payload: bytes | None) -> str | bytes | None:
    """A payload as the view keeps it: text, or the bytes that are none."""
    if payload is None:
        return None
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return payload


def read_event(row: LogRow, *, erased: bool) -> Read:
    """The event of a log row; with nothing of its payload where that is `erased`."""
    position, stream, version, kind, class_version, recorded_at, recorded_by = row[:7]
    header = (position, stream, version, kind, class_version, format_time(recorded_at), recorded_by)
    return event_row(header, None if erased else row[10])


def event_row(header: tuple[int, str, int, str, int, str, str], payload: bytes | None) -> Read:
    """The event of a header (the first seven log columns, `recorded_at` as text) and a payload."""
    position, stream, version, type_name, class_version, recorded_at, recorded_by = header
    kind, verb = stream.partition(":")[0], type_name.partition(".")[2]
    event: Event | Opaque = Opaque(type_name, class_version, None)
    if payload is not None:
        event = read_payload(type_name, class_version, payload)
    text = text_of(payload)
    mentions, words = mentions_of(text if isinstance(text, str) else "")
    mentions.add(stream)
    when = event.occurred_at if isinstance(event, Event) else UNSET
    days = _days(when) if isinstance(when, When) else (None, None)
    source = event.source if isinstance(event, Event) and isinstance(event.source, Source) else None
    actor, country, site, chip = _main_facts(event, stream) if isinstance(event, Event) else (None,) * 4
    # In the order of the columns: this is done for every event, and names would cost more than all the rest of it.
    row = EventRow(
        position, recorded_at, UNKNOWN if when is None else None if when is UNSET else str(when), *days,
        kind, verb, stream, version, actor, country, site, chip, *_bases(event),
        event.note if isinstance(event, Event) and isinstance(event.note, str) else None,
        None, None, None, int(payload is None), int(payload is not None and isinstance(event, Opaque)),
        type_name, class_version, recorded_by, source.name if source else None, source.key if source else None,
        f"{label(stream)} {words}", text,
    )  # fmt: skip
    fact = Fact(stream, version, type_name, event, position)
    return Read(fact, row, frozenset(mentions))


def mentions_of(payload: str) -> tuple[set[str], str]:
    """What a payload's strings name, and the words in it."""
    mentions: set[str] = set()
    words: list[str] = []
    key = ""
    for text, colon in _STRING.findall(payload):
        if colon:
            key = text.rpartition("/")[2]
            continue
        if key in _WORDLESS or (len(text) == 64 and _DIGEST.fullmatch(text)):
            continue
        if "\\" in text:
            text = _unescaped(text)
        if key in _COUNTRY_FIELDS and _COUNTRY.fullmatch(text):
            mentions.add(f"country:{text}")
            continue
        if key in _CHIP_FIELDS:
            mentions.add(f"chip:{text}")
        elif ":" in text and (found := _STREAM.fullmatch(text)) and found[1] in _KINDS:
            mentions.add(text)
            text = text.partition(":")[2]
        words.append(text)
    return mentions, " ".join(words)


def _unescaped(text: str) -> str:
    try:
        return str(msgspec.json.decode(f'"{text}"'))
    except (msgspec.DecodeError, UnicodeError):
        return text


@lru_cache(maxsize=4096)
def _days(when: When) -> tuple[str | None, str | None]:
    first, last = when.first_day, when.last_day
    return first.isoformat() if first else None, last.isoformat() if last else None


_BASES: Final = {basis.value: basis for basis in Basis}


def _bases(event: Event | Opaque) -> tuple[str | None, str | None]:
    """The basis of an event, and the weakest that it has or that one of its fields has."""
    if isinstance(event, Event):
        basis = event.basis
        return basis.value, (weakest([basis, *event.basis_of.values()]) if event.basis_of else basis).value
    stated = event.payload.get("basis") if isinstance(event.payload, dict) else None
    if not isinstance(stated, str):
        return None, None
    others = event.payload.get("basis_of")
    words = [stated, *others.values()] if isinstance(others, dict) else [stated]
    known = [_BASES[word] for word in words if isinstance(word, str) and word in _BASES]
    return stated, weakest(known).value if stated in _BASES else stated


_Paths = tuple[tuple[str, ...], ...]
_Plan = tuple[_Paths, _Paths, _Paths, _Paths]
_plans: dict[type[Event], _Plan] = {}


def _plan(kind: type[Event]) -> _Plan:
    """Which of the fields that say who, where and what an event type has."""
    fields = set(kind.__struct_fields__)
    plan = _plans[kind] = (
        tuple((name,) for name in _ACTORS if name in fields),
        tuple(path for path in _COUNTRIES if path[0] in fields),
        tuple(path for path in _SITES if path[0] in fields),
        tuple(path for path in _CHIPS if path[0] in fields),
    )
    return plan


def _main_facts(event: Event, stream: str) -> tuple[str | None, str | None, str | None, str | None]:
    """Who acts, in which country, at which site, with which chip, as far as that is evident."""
    actors, countries, sites, chips = _plans.get(type(event)) or _plan(type(event))
    kind = stream.partition(":")[0]
    actor = stream if kind == "party" else _first(event, actors)
    site = stream if kind == "site" else _first(event, sites)
    groups = next((groups for path in chips if isinstance(groups := stated_at(event, path), tuple)), ())
    chip = next((group.chip for group in groups if getattr(group, "chip", None)), None)
    return actor, _first(event, countries), site, chip


def _first(event: Event, paths: tuple[tuple[str, ...], ...]) -> str | None:
    for path in paths:
        value: Any = getattr(event, path[0]) if len(path) == 1 else stated_at(event, path)
        if isinstance(value, tuple) and value:
            value = value[0]
        if isinstance(value, str):
            return value
    return None
