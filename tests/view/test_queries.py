"""Queries: pages by key, filters and their inverse, honest counts, and text that is never syntax."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ledger.application import Ledger
from ledger.domain import party, shipment, site, statement
from ledger.domain.event import Basis, Chip, Country, Source
from ledger.domain.quantity import Count
from ledger.domain.when import When
from ledger.log.entry import parse_time
from ledger.store.keys import KeyStore
from ledger.view import queries
from ledger.view.follower import follow
from ledger.view.home import View
from ledger.view.queries import Filter, count, event, events, facet, sources, subject, subjects

from .conftest import Say
from .many_facts import many_facts


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[View]:
    """A view of a few hundred mixed events, which no test changes."""
    folder = tmp_path_factory.mktemp("busy")
    signer = KeyStore(folder / "keys").new("example.org/busy")
    with Ledger.create(folder / "l", "example.org/busy", signer) as ledger, View(ledger.folder.view) as view:
        ledger.append(list(many_facts(400)))
        follow(ledger.log_recorder, view)
        yield view


def positions(view: View, chosen: Filter) -> list[int]:
    return [found.position for found in events(view, chosen, limit=10_000)]


def expected(view: View, holds: Callable[[dict[str, object]], bool]) -> list[int]:
    """The positions that a plain walk over the table gives."""
    cursor = view.connection.execute("SELECT * FROM events ORDER BY position")
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    return [row["position"] for row in rows if holds(row)]


FILTERS = [
    (Filter(), lambda row: True),
    (Filter(kind=("shipment",)), lambda row: row["kind"] == "shipment"),
    (Filter(kind=("shipment", "run")), lambda row: row["kind"] in ("shipment", "run")),
    (Filter(site=("site:dc-2", "site:dc-3", "site:dc-2", "site:none")),
     lambda row: any(f"site:dc-{n}" in (row["stream"], *row["payload"].split('"')) for n in (2, 3))),
    (Filter(type=("lease.signed",)), lambda row: row["type"] == "lease.signed"),
    (Filter(basis=("attested",)), lambda row: row["basis"] == "attested"),
    (Filter(source=("many-facts",)), lambda row: row["source"] == "many-facts"),
    (Filter(party=("party:op-3",)), lambda row: '"party:op-3"' in row["payload"] or row["stream"] == "party:op-3"),
    (Filter(site=("site:dc-2",)), lambda row: '"site:dc-2"' in row["payload"] or row["stream"] == "site:dc-2"),
    (Filter(country=("CN",)), lambda row: '"CN"' in row["payload"]),
    (Filter(chip=("nvidia-h20",)), lambda row: '"nvidia-h20"' in row["payload"]),
    (Filter(chip=("other:Some Part 9000",)), lambda row: "other:Some Part 9000" in row["payload"]),
    (Filter(stream=("shipment:s-4",)), lambda row: "shipment:s-4" in (row["stream"], *row["payload"].split('"'))),
    (Filter(kind=("lease",), basis=("reported", "declared")),
     lambda row: row["kind"] == "lease" and row["basis"] in ("reported", "declared")),
    (Filter(kind=("lease",), without=Filter(basis=("reported",))),
     lambda row: row["kind"] == "lease" and row["basis"] != "reported"),
    (Filter(without=Filter(chip=("nvidia-h20",), kind=("shipment",))),
     lambda row: not ('"nvidia-h20"' in row["payload"] and row["kind"] == "shipment")),
    (Filter(without=Filter(country=("CN",))), lambda row: '"CN"' not in row["payload"]),
    (Filter(without=Filter(text="auditor")), lambda row: "auditor" not in row["payload"]),
    (Filter(text="auditor search"), lambda row: "auditor" in row["payload"]),
    (Filter(text="audit", kind=("run",)), lambda row: False),
    (Filter(occurred_from="2024-06-01", occurred_to="2024-06-30"),
     lambda row: row["occurred_first"] is not None and "2024-06-01" <= row["occurred_first"] <= "2024-06-30"),
    (Filter(odd=True), lambda row: row["irregular"] is not None),
    (Filter(odd=True, kind=("shipment",)), lambda row: row["irregular"] is not None and row["kind"] == "shipment"),
]  # fmt: skip


@pytest.mark.parametrize(("chosen", "holds"), FILTERS, ids=[str(number) for number in range(len(FILTERS))])
def test_a_filter_finds_what_a_walk_over_the_table_finds(
    busy: View, chosen: Filter, holds: Callable[[dict[str, object]], bool]
) -> None:
    found = expected(busy, holds)
    assert positions(busy, chosen) == found
    assert count(busy, chosen, up_to=10_000).number == len(found)


@pytest.mark.parametrize(("chosen", "holds"), FILTERS[:8], ids=[str(number) for number in range(8)])
@pytest.mark.parametrize("size", [1, 7, 100])
def test_pages_forward_and_back_join_without_gap_or_overlap(
    busy: View, chosen: Filter, holds: Callable[[dict[str, object]], bool], size: int
) -> None:
    found = expected(busy, holds)

    def forward() -> Iterator[int]:
        after = 0
        while page := events(busy, chosen, after=after, limit=size):
            yield from (row.position for row in page)
            after = page[-1].position

    def back() -> list[int]:
        before, all_pages = 2**60, []
        while page := events(busy, chosen, before=before, limit=size):
            all_pages = [row.position for row in page] + all_pages
            before = page[0].position
        return all_pages

    assert list(forward()) == found
    assert back() == found


def test_no_page_is_reached_by_offset_or_sorted_after_it_was_found(busy: View) -> None:
    for chosen, _ in FILTERS:
        sql, params = queries._search(busy, chosen, ">", 5, 5)
        assert "OFFSET" not in sql.upper()
        plan = " ".join(str(row[3]) for row in busy.connection.execute(f"EXPLAIN QUERY PLAN {sql}", params))
        assert "TEMP B-TREE" not in plan, (chosen, plan)
        assert ("MERGE" in plan) == (" UNION " in sql)


def test_a_count_stops_where_it_is_told_to_and_says_so(busy: View) -> None:
    some = count(busy, up_to=50)
    assert (some.number, some.exact, str(some)) == (50, False, ">50")
    whole = count(busy, Filter(type=("ledger.created",)))
    assert (whole.number, whole.exact, str(whole)) == (1, True, "1")
    assert str(count(busy, Filter(kind=("nothing",)))) == "0"


HOSTILE = [
    '"', '""', "'", "NEAR(", "NEAR(a b, 3)", "*", "a*", "* *", "-a", "^a", "a AND", "OR", "NOT NOT", "(", ")", "a:b",
    "words:a", "{words}: a", "stream : a", '"unclosed', "a + b", "\0", "a\0b", "%", "_", ";--", "' OR 1=1 --", "\uff02", "🦊",
    "\ud800".encode("utf-8", "replace").decode(), "x" * 5000, "a " * 2000, "«»", "\u202e", "阿里",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_is_syntax(busy: View, text: str) -> None:
    for chosen in (Filter(text=text), Filter(text=text, kind=("run",)), Filter(without=Filter(text=text))):
        assert isinstance(events(busy, chosen), list)
        count(busy, chosen)
    assert isinstance(subjects(busy, text), list)


def test_text_finds_names_notes_serials_and_ids(ledger: Ledger, view: View, say: Say) -> None:
    line = shipment.Line(line="1", chip=None, quantity=Count(2, 2), serials=("SN-0042-A",))
    say(
        "party:a",
        "registered",
        party.Registered,
        legal_name="Société Générale d'Électronique",
        aliases=("阿里巴巴集团",),
    )
    say("shipment:sg-2024-017", "declared", shipment.Declared, lines=(line,), note='he said "by sea"')
    follow(ledger.log_recorder, view)
    for text, position in (
        ("societe electronique", 2), ("ÉLECTRO", 2), ("阿里", 2), ("SN-0042-A", 3), ("sn-0042", 3), ("sg-2024-017", 3),
        ('"by sea"', 3), ("sea by", 3), ("GÉNÉRALE société", 2),
    ):  # fmt: skip
        assert positions(view, Filter(text=text)) == [position], text
    assert positions(view, Filter(text="sea nowhere")) == []
    assert positions(view, Filter(text="* *")) == []


def test_a_digest_is_no_word(ledger: Ledger, view: View, say: Say) -> None:
    from ledger.domain.event import Evidence

    say("party:a", "registered", party.Registered, evidence=(Evidence(sha256="ab" * 32, note="a scan"),))
    follow(ledger.log_recorder, view)
    assert positions(view, Filter(text="abab")) == []
    assert positions(view, Filter(text="scan")) == [2]


def test_dates_that_are_imprecise_are_found_in_all_that_they_may_mean(ledger: Ledger, view: View, say: Say) -> None:
    for name, when in (("a", "2024"), ("b", "2024-03-05"), ("c", "2024-06/.."), ("d", "../2023-12-31")):
        say(f"party:{name}", "registered", party.Registered, occurred_at=When.parse(when))
    say("party:e", "registered", party.Registered)
    say("party:f", "registered", party.Registered, occurred_at=None)
    follow(ledger.log_recorder, view)
    assert positions(view, Filter(occurred_from="2024-03-01", occurred_to="2024-03-31")) == [2, 3]
    assert positions(view, Filter(occurred_from="2024-12-31")) == [2, 4]
    assert positions(view, Filter(occurred_to="2023-06-01")) == [5]
    assert events(view)[-1].occurred_at == "unknown"


def test_a_range_of_recorded_times_is_found_by_position(busy: View) -> None:
    cut = parse_time(events(busy, after=200, limit=1)[0].recorded_at)
    found = expected(busy, lambda row: parse_time(str(row["recorded_at"])) >= cut)
    assert positions(busy, Filter(recorded_from=cut)) == found
    assert positions(busy, Filter(recorded_to=cut - 1)) == expected(
        busy, lambda row: parse_time(str(row["recorded_at"])) < cut
    )


def test_facets_count_every_event_once(busy: View) -> None:
    for name in ("kind", "type", "basis", "country", "party", "site", "chip", "source"):
        for value, number in facet(busy, name, 1000):
            assert count(busy, Filter(**{name: (value,)}), up_to=10_000).number == number, (name, value)


def test_sources_are_told_with_how_much_came_of_them(ledger: Ledger, view: View, say: Say) -> None:
    say("party:a", "registered", party.Registered, source=Source(name="epoch", key="1"))
    say("party:b", "registered", party.Registered, source=Source(name="epoch", key="2"))
    follow(ledger.log_recorder, view)
    assert sources(view) == [("epoch", 2)]


def test_a_subject_says_what_is_stated_of_it_and_what_is_known_to_be_unknown(
    ledger: Ledger, view: View, say: Say
) -> None:
    say(
        "site:a", "registered", site.Registered, name="Hall", operator=None, country=Country("SG"),
        basis=Basis.DOCUMENTED, basis_of={"/operator": Basis.REPORTED},
    )  # fmt: skip
    say("site:a", "completed", site.Completed, owner="party:o", basis=Basis.ATTESTED)
    follow(ledger.log_recorder, view)
    found = subject(view, "site:a")
    assert found is not None
    assert (found.title, found.status, found.basis, found.versions) == ("Hall, SG", "completed", "reported", 2)
    assert found.fields["operator"] == "unknown"
    assert "power_kw" not in found.fields
    assert found.fields["basis_of"] == '{"name": "documented", "country": "documented", "owner": "attested"}'
    assert subject(view, "site:nowhere") is None
    assert subjects(view, "hall") == [("site:a", "Hall, SG", "completed")]


def test_an_event_is_told_whole(ledger: Ledger, view: View, say: Say) -> None:
    position = say(
        "statement:s", "made", statement.Made, about=statement.About.END_USE, text="for cars", maker="party:a"
    )
    follow(ledger.log_recorder, view)
    found = event(view, position)
    assert found is not None
    assert (found.actor, found.verb, found.recorded_by) == ("party:a", "made", "tester")
    assert found.payload == '{"about":"end_use","basis":"declared","maker":"party:a","text":"for cars"}'
    assert event(view, 99) is None


def test_an_interrupted_query_ends(busy: View) -> None:
    import sqlite3

    busy.connection.set_progress_handler(lambda: 1, 1)
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        count(busy)
    busy.connection.set_progress_handler(None, 1)
    assert queries.count(busy).number


def test_a_name_is_no_chip(ledger: Ledger, view: View, say: Say) -> None:
    say("shipment:s", "declared", shipment.Declared, lines=(shipment.Line(line="1", chip=Chip('other:8 "big" ones')),))
    follow(ledger.log_recorder, view)
    assert facet(view, "chip") == [('other:8 "big" ones', 1)]
