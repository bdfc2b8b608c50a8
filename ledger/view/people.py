"""The readable tables of parties and their stakes, of what they say, do for each other and sign, and of the ledger."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.domain.party import StakesStated
from ledger.view.readable import (
    Child,
    Column,
    Folded,
    Readable,
    Row,
    amount,
    basis_at,
    cells,
    label,
    names,
    occurred,
    ref,
    text,
    verdict,
)

__all__ = ["PEOPLE"]

_STAKE_FIELDS = (ref("holder", "parties"), amount("share_percent"), amount("economic_percent"), verdict("controls"))

STAKES = Child(
    "stakes",
    (
        Column("party", str, "parties"), *(column for field in _STAKE_FIELDS for column in field.columns),
        Column("occurred_at"), Column("basis"), Column("position", int, "events"),
    ),
)  # fmt: skip
"""Who holds a party, as often as it was stated: the rows of its latest position are the latest statement."""


def _party_rows(folded: Folded) -> Iterator[tuple[str, Row]]:
    for _, event, position in folded.standing:
        if isinstance(event, StakesStated):
            for index, stake in enumerate(event.holders):
                basis = basis_at(event, f"/holders/{index}").value
                row = (folded.subject.stream, *cells(_STAKE_FIELDS, stake), occurred(event), basis, position)
                yield "stakes", row


PARTIES = Readable(
    "party",
    "parties",
    frozenset({"registered", "reported", "relocated", "renamed", "stakes_stated", "dissolved"}),
    (
        text("party_kind"), text("legal_name"), names("aliases"), names("incorporated_in"), names("headquartered_in"),
        text("founded"), verdict("us_person"), names("nationalities"), verdict("critical_infrastructure_operator"),
        verdict("state_owned"), names("activities"), ref("ultimate_parent", "parties"),
        amount("undisclosed_percent"), verdict("widely_held"), ref("successor", "parties"),
    ),
    lambda folded: str(folded.known("legal_name") or label(folded.subject.stream)),
    (STAKES,),
    _party_rows,
    ("holders",),
)  # fmt: skip

ENGAGEMENTS = Readable(
    "engagement",
    "engagements",
    frozenset({"started", "reported"}),
    (
        ref("supporter", "parties"), ref("supported", "parties"), text("role"), amount("persons"),
        verdict("us_persons"), amount("us_person_count"), names("nationalities"), text("at.country", "country"),
        ref("at.site", "sites"), ref("subject", "subjects"), names("chips"), text("chips_described"), text("activity"),
    ),
    lambda folded: f"{label(folded.known('supporter'))} supports {label(folded.known('supported'))}",
)  # fmt: skip


def _statement_title(folded: Folded) -> str:
    about = str(folded.known("about") or "statement").replace("_", " ")
    return f"{about}: {_short(folded.known('text'))}"


def _short(value: object) -> str:
    words = " ".join(str(value or "").split())
    return words if len(words) <= 80 else f"{words[:79].rstrip()}…"


STATEMENTS = Readable(
    "statement",
    "statements",
    frozenset({"made", "reported"}),
    (
        text("about"), text("text"), ref("maker", "parties"), ref("recipient", "parties"), names("subjects"),
        verdict("affirms"), text("covers"), text("code"),
    ),
    _statement_title,
)  # fmt: skip


def _review_title(folded: Folded) -> str:
    if folded.known("checkpoint") is not None:
        return f"signed off {folded.known('first')} to {folded.known('last')}"
    return _short(folded.known("text") or folded.known("reason")) or label(folded.subject.stream)


REVIEWS = Readable(
    "review",
    "reviews",
    frozenset({"noted", "acknowledged", "waived", "escalated", "signed_off"}),
    (
        text("reviewer"), text("text"), text("reason"), text("finding.key", "finding"), text("until"), text("to"),
        text("first"), text("last"), text("checkpoint.size", "checkpoint_size"), text("filter"), names("positions"),
        names("subjects"),
    ),
    _review_title,
)  # fmt: skip

KEYS = Readable(
    "key",
    "keys",
    frozenset({"enrolled", "revoked"}),
    (
        text("verifier_key"), text("purpose"), ref("holder", "parties"), text("host"), text("valid_from"),
        text("valid_until"), text("reason"),
    ),
    lambda folded: f"{folded.known('purpose') or 'unknown'} key {label(folded.subject.stream)}",
)  # fmt: skip

LEDGERS = Readable(
    "ledger",
    "ledger",
    frozenset({"created"}),
    (text("origin"), text("format"), text("verifier_key")),
    lambda folded: str(folded.known("origin") or "the ledger"),
)

PEOPLE = (PARTIES, ENGAGEMENTS, STATEMENTS, REVIEWS, KEYS, LEDGERS)
