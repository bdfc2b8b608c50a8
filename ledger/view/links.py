"""The edges of the custody graph that one subject's facts state, each from what came first to what came of it::

    party:maker  exporter of   shipment:s1    received at  site:sg-1    let under  lease:l1
    lease:l1     ran           run:r1         produced     weights:w1   deployed as  deployment:d1

An edge of the `chain` is one that goods, compute or weights went along; the others say who had a part in it. A `claim`
says where something is meant to go; that it went there is another fact. Where only a country or place is stated, or
what it went to is known to be unknown, one end has no stream, and `place` says what is known. An edge is shown with a
date: its basis is the weaker of what joins the two, and of when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from msgspec import UNSET

from ledger.domain.authorisation import Used
from ledger.domain.event import Event, Place
from ledger.domain.shipment import Continued, Merged, Moved, Received, Split
from ledger.domain.site import Installed, Removed
from ledger.domain.weights import Published, Transferred
from ledger.view.models import legs_of
from ledger.view.readable import UNKNOWN, Folded, basis_at, dated_basis, occurred, weakest

__all__ = ["LINK_ROOTS", "Link", "links_of"]

_ROLE_IN_WORDS: Final = {
    "base": "base of", "adapter": "adapter of", "teacher": "teacher of", "merged": "merged into",
    "quantized": "quantized into",
}  # fmt: skip


class Link(NamedTuple):
    """One edge. `stated_by` is the stream whose fact at `position` states it; `part` a leg or line of it."""

    from_stream: str | None
    to_stream: str | None
    relation: str
    part: str | None
    place: str | None
    chain: int
    claim: int
    occurred_at: str | None
    basis: str
    position: int
    stated_by: str


class _Said:
    """Makes the links of one subject; the ends that a fact does not state are left out, with their link."""

    def __init__(self, folded: Folded) -> None:
        self.folded = folded
        self.stream = folded.subject.stream

    def by(
        self, root: str, relation: str, *, forward: bool, chain: bool = False, claim: bool = False
    ) -> Iterator[Link]:
        """Links to each stream that a field of the folded state names: `forward` from the subject to it."""
        found = self.folded.stated.get(root)
        if found is None:
            return
        for other in found.value if isinstance(found.value, tuple) else (found.value,):
            before, after = (self.stream, other) if forward else (other, self.stream)
            place = None if other is not None else UNKNOWN
            yield Link(
                before, after, relation, None, place, chain, claim, found.occurred_at, found.dated.value, found.position,
                self.stream,
            )  # fmt: skip

    def at(
        self, event: Event, position: int, ends: tuple[str | None, str | None], relation: str, pointer: str,
        *, place: str | None = None, chain: bool = True, claim: bool = False,
    ) -> Link:  # fmt: skip
        """A link that one event states."""
        basis = dated_basis(event, basis_at(event, pointer)).value
        before, after = ends
        when = occurred(event)
        return Link(before, after, relation, None, place, chain, claim, when, basis, position, self.stream)


def place_in_words(place: object) -> str | None:
    """A place and its country, as far as they are stated; the word ``unknown`` where that is all that is known."""
    if not isinstance(place, Place):
        return UNKNOWN if place is None else None
    country = UNKNOWN if place.country is None else place.country
    parts = [part for part in (place.place, country) if part is not UNSET]
    return ", ".join(map(str, parts)) or (UNKNOWN if place.site is None else None)


def _site(place: object) -> str | None:
    return place.site if isinstance(place, Place) and isinstance(place.site, str) else None


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str) else None


def _shipment(said: _Said) -> Iterator[Link]:
    yield from said.by("exporter", "exporter of", forward=False, chain=True)
    yield from said.by("seller", "seller of", forward=False)
    for root, relation in (
        ("purchaser", "sold to"), ("intermediate_consignees", "consigned through"),
        ("ultimate_consignee", "consigned to"), ("end_user", "for end user"),
    ):  # fmt: skip
        yield from said.by(root, relation, forward=True)
    yield from said.by("to_site", "declared for", forward=True, chain=True, claim=True)
    yield from said.by("continues", "continued as", forward=False, chain=True)
    yield from said.by("authorisations", "covers", forward=False)
    for verb, event, position in said.folded.standing:
        if isinstance(event, Moved | Received):
            yield from _movement(said, verb, event, position)
        elif isinstance(event, Continued | Merged):
            other = event.into if isinstance(event, Merged) else event.as_shipment
            relation = "merged into" if isinstance(event, Merged) else "continued as"
            yield said.at(event, position, (said.stream, other), relation, "/into")
        elif isinstance(event, Split):
            for index, part in enumerate(event.into):
                yield said.at(event, position, (said.stream, part.shipment), "split into", f"/into/{index}")


def _movement(said: _Said, verb: str, event: Moved | Received, position: int) -> Iterator[Link]:
    place = place_in_words(event.at) if event.at is not UNSET else None
    site = _site(event.at)
    if verb == "received" and (site or place):
        yield said.at(event, position, (said.stream, site), "received at", "/at", place=place)
    elif verb in ("lost", "seized", "returned") or (verb == "arrived" and site):
        yield said.at(event, position, (said.stream, site), f"{verb} at", "/at", place=place, claim=verb == "arrived")
    if isinstance(event, Received) and isinstance(event.received_by, str):
        ends = (said.stream, event.received_by)
        yield said.at(event, position, ends, "received by", "/received_by", chain=False)
    if isinstance(event, Moved):
        if isinstance(event.carrier, str):
            yield said.at(event, position, (event.carrier, said.stream), "carrier of", "/carrier", chain=False)
        if verb == "diverted":
            bound = place_in_words(event.bound_for) if event.bound_for is not UNSET else UNKNOWN
            to = (said.stream, _site(event.bound_for))
            yield said.at(event, position, to, "diverted to", "/bound_for", place=bound)


def _site_links(said: _Said) -> Iterator[Link]:
    yield from said.by("operator", "operator of", forward=False)
    yield from said.by("owner", "owner of", forward=False)
    for _, event, position in said.folded.standing:
        if isinstance(event, Installed) and isinstance(event.shipment, str):
            yield said.at(event, position, (event.shipment, said.stream), "installed at", "/shipment")
        elif isinstance(event, Removed) and isinstance(event.to, str):
            yield said.at(event, position, (said.stream, event.to), "moved to", "/to")


def _lease(said: _Said) -> Iterator[Link]:
    yield from said.by("site", "let under", forward=False, chain=True)
    yield from said.by("parent_lease", "sublet as", forward=False, chain=True)
    for root, relation in (
        ("lessor", "lessor of"), ("hardware_owner", "owner of the hardware of"), ("controlled_by", "in control of"),
    ):  # fmt: skip
        yield from said.by(root, relation, forward=False)
    yield from said.by("lessee", "let to", forward=True)


def _run(said: _Said) -> Iterator[Link]:
    for name, merged in legs_of(said.folded).items():
        leg = merged.leg
        tail = (merged.occurred_at, weakest([*merged.basis, *merged.dated]).value, merged.position, said.stream)
        country = _text(leg.country)
        if leg.lease is not UNSET:
            place = None if leg.lease else UNKNOWN
            yield Link(leg.lease, said.stream, "ran", name, place, 1, 0, *tail)
        if leg.site is not UNSET or country:
            yield Link(
                _text(leg.site), said.stream, "ran", name, country or (None if leg.site else UNKNOWN), 1, 0, *tail
            )
        if isinstance(leg.operated_by, str):
            yield Link(leg.operated_by, said.stream, "operator of", name, None, 0, 0, *tail)
    yield from said.by("developers", "developer of", forward=False)
    yield from said.by("outputs", "produced", forward=True, chain=True)
    for root, relation in (("inputs", ""), ("synthetic_data", "made training data for")):
        found = said.folded.stated.get(root)
        for item in (found.value or ()) if found is not None else ():
            weights = item.weights if root == "inputs" else item.model
            words = relation or _ROLE_IN_WORDS[item.role]
            place = None if weights else _text(item.name) or UNKNOWN
            tail = (found.occurred_at, found.dated.value, found.position, said.stream)  # type: ignore[union-attr]
            yield Link(weights, said.stream, words, None, place, 1, 0, *tail)


def _weights(said: _Said) -> Iterator[Link]:
    yield from said.by("produced_by", "produced", forward=False, chain=True)
    yield from said.by("developer", "developer of", forward=False)
    lineage = said.folded.stated.get("lineage")
    for parent in (lineage.value or ()) if lineage is not None else ():
        tail = (lineage.occurred_at, lineage.dated.value, lineage.position, said.stream)  # type: ignore[union-attr]
        yield Link(parent.weights, said.stream, _ROLE_IN_WORDS[parent.role], None, None, 1, 0, *tail)
    for _, event, position in said.folded.standing:
        if isinstance(event, Transferred):
            place = place_in_words(event.to_place) if event.to_place is not UNSET else None
            site, party = _site(event.to_place), _text(event.to_party)
            ends = (said.stream, site or party)
            yield said.at(event, position, ends, "transferred to", "/to_place" if site else "/to_party", place=place)
            if site and party:
                yield said.at(event, position, (said.stream, party), "transferred to", "/to_party", chain=False)
            if isinstance(event.from_party, str):
                ends = (event.from_party, said.stream)
                yield said.at(event, position, ends, "sender of", "/from_party", chain=False)
        elif isinstance(event, Published):
            yield said.at(event, position, (said.stream, None), "published", "/at_uri", place="open to anyone")


def _deployment(said: _Said) -> Iterator[Link]:
    yield from said.by("weights", "deployed as", forward=False, chain=True)
    yield from said.by("site", "host of", forward=False, chain=True)
    yield from said.by("lease", "host of", forward=False, chain=True)
    yield from said.by("operator", "operator of", forward=False)
    served = said.folded.stated.get("served_to")
    for item in (served.value or ()) if served is not None else ():
        place = ", ".join(item.countries or ()) or _text(item.description) or (None if item.party else UNKNOWN)
        tail = (served.occurred_at, served.dated.value, served.position, said.stream)  # type: ignore[union-attr]
        yield Link(said.stream, _text(item.party), "serves", None, place, 1, 0, *tail)


def _data(said: _Said) -> Iterator[Link]:
    yield from said.by("for_run", "data for", forward=True, chain=True)
    yield from said.by("handler", "handler of", forward=False)
    yield from said.by("recipient", "sent to", forward=True)
    yield from said.by("authorisations", "covers", forward=False)


def _authorisation(said: _Said) -> Iterator[Link]:
    yield from said.by("holder", "held by", forward=True)
    for _, event, position in said.folded.standing:
        if isinstance(event, Used):
            yield said.at(event, position, (said.stream, event.used_for), "used for", "/used_for", chain=False)


def _party(said: _Said) -> Iterator[Link]:
    yield from said.by("ultimate_parent", "ultimate parent of", forward=False)
    yield from said.by("successor", "succeeded by", forward=True)
    found = said.folded.stated.get("holders")
    for stake in found.value if found is not None else ():
        share = str(stake.share_percent) if stake.share_percent else ""
        relation = f"holder of {share} % of" if share else "holder of a stake in"
        tail = (found.occurred_at, found.dated.value, found.position, said.stream)  # type: ignore[union-attr]
        yield Link(stake.holder, said.stream, relation, None, None if stake.holder else UNKNOWN, 0, 0, *tail)


def _roles(*roles: tuple[str, str, bool]) -> Callable[[_Said], Iterator[Link]]:
    """For kinds whose links are one per field: the field, the relation, whether it leads away from the subject."""

    def links(said: _Said) -> Iterator[Link]:
        for root, relation, forward in roles:
            yield from said.by(root, relation, forward=forward)

    return links


_OF_KIND: Final[dict[str, Callable[[_Said], Iterator[Link]]]] = {
    "shipment": _shipment, "site": _site_links, "lease": _lease, "run": _run, "weights": _weights,
    "deployment": _deployment, "data": _data, "authorisation": _authorisation, "party": _party,
    "engagement": _roles(
        ("supporter", "gives", False), ("supported", "supports", True), ("subject", "concerns", True)
    ),
    "statement": _roles(("maker", "makes", False), ("recipient", "made to", True), ("subjects", "is about", True)),
    "review": _roles(("subjects", "reviews", True)),
    "key": _roles(("holder", "held by", True)),
}  # fmt: skip

LINK_ROOTS: Final = frozenset(
    {
        "exporter", "seller", "purchaser", "intermediate_consignees", "ultimate_consignee", "end_user", "to_site",
        "continues", "authorisations", "operator", "owner", "site", "parent_lease", "lessor", "hardware_owner",
        "controlled_by", "lessee", "developers", "outputs", "inputs", "synthetic_data", "produced_by", "developer",
        "lineage", "weights", "lease", "served_to", "for_run", "handler", "recipient", "holder", "holders",
        "ultimate_parent", "successor", "supporter", "supported", "subject", "maker", "subjects",
    }
)  # fmt: skip
"""The fields that links are made of."""


def links_of(folded: Folded) -> Iterator[Link]:
    """The edges that a subject's facts state."""
    make = _OF_KIND.get(folded.subject.stream.partition(":")[0])
    if make is not None:
        yield from make(_Said(folded))
