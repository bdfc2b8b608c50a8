"""Custody: the chain from exporter to deployment, both ways, and what is broken in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ledger.domain import deployment, lease, party, shipment, site, training, weights
from ledger.domain.accelerators import Accelerators
from ledger.domain.event import Basis, Chip, Country, Place
from ledger.domain.quantity import Count
from ledger.domain.when import When
from ledger.view.custody import Node, down, notes, trace, up
from ledger.view.home import View

from .conftest import Say

CHIP = Chip("nvidia-h100-sxm5-80gb")
SOME = (Accelerators(chip=CHIP, quantity=Count(8, 8)),)
LINE = shipment.Line(line="1", chip=CHIP, quantity=Count(8, 8))

Followed = Callable[[], View]


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in (*node.up, *node.down):
        yield from nodes(child)


def path(node: Node, *streams: str | None) -> list[str]:
    """The relations on the way from a node along `streams`."""
    relations = []
    for stream in streams:
        node = next(child for child in (*node.up, *node.down) if child.stream == stream)
        assert node.edge is not None
        relations.append(node.edge.relation)
    return relations


def codes(view: View, stream: str) -> list[str]:
    return [note.code for note in notes(view, stream)]


@pytest.fixture
def chain(say: Say) -> None:
    """One whole chain."""
    say("party:maker", "registered", party.Registered, legal_name="Maker Inc.")
    say("party:lab", "registered", party.Registered, legal_name="Lab Ltd.")
    say("site:sg", "registered", site.Registered, name="Hall", country=Country("SG"), operator="party:op")
    say("site:cn", "registered", site.Registered, name="Home", country=Country("CN"))
    say("shipment:s", "declared", shipment.Declared, lines=(LINE,), exporter="party:maker", to_site="site:sg")
    say("shipment:s", "departed", shipment.Moved)
    there = Place(site="site:sg", country=Country("SG"))
    say("shipment:s", "received", shipment.Received, at=there, occurred_at=When.parse("2024-04-30"))
    say(
        "site:sg",
        "installed",
        site.Installed,
        accelerators=SOME,
        shipment="shipment:s",
        occurred_at=When.parse("2024-05"),
    )
    say("lease:l", "signed", lease.Signed, lessor="party:op", lessee="party:lab", site="site:sg")
    leg = training.Leg(leg="a", lease="lease:l", site="site:sg", accelerators=SOME)
    say("run:r", "planned", training.Planned, model="M", legs=(leg,))
    say("weights:w", "created", weights.Created, name="M", produced_by="run:r", at=Place(country=Country("SG")))
    say("weights:w", "transferred", weights.Transferred, to_place=Place(site="site:cn"), to_party="party:lab")
    say("deployment:d", "started", deployment.Started, weights=("weights:w",), site="site:cn")


@pytest.mark.usefixtures("chain")
def test_weights_lead_back_to_the_exporter_and_on_to_the_deployment(followed: Followed) -> None:
    tree = trace(followed(), "weights:w")
    assert path(tree, "run:r", "lease:l", "site:sg", "shipment:s", "party:maker") == [
        "produced", "ran", "let under", "received at, installed at", "exporter of",
    ]  # fmt: skip
    assert path(tree, "site:cn", "deployment:d") == ["transferred to", "host of"]
    assert path(tree, "deployment:d") == ["deployed as"]
    broken = [note for node in nodes(tree) for note in node.notes if note.broken]
    assert broken == []
    assert all(node.edge.state == "whole" for node in nodes(tree) if node.edge)


@pytest.mark.usefixtures("chain")
def test_a_shipment_leads_on_to_all_that_came_of_it(followed: Followed) -> None:
    tree = trace(followed(), "shipment:s", "down")
    assert path(tree, "site:sg", "lease:l", "run:r", "weights:w", "site:cn", "deployment:d")
    assert tree.up == ()


@pytest.mark.usefixtures("chain")
def test_an_edge_says_since_when_how_firmly_and_by_which_event(followed: Followed) -> None:
    view = followed()
    edge = next(edge for edge in down(view, "shipment:s") if edge.stream == "site:sg")
    assert (edge.place, edge.occurred_at, edge.basis, edge.position) == ("SG", "2024-04-30", "declared", 8)
    assert [edge.stream for edge in up(view, "site:sg")] == ["shipment:s"]
    assert {edge.relation for edge in up(view, "site:sg", roles=True)} >= {"operator of"}


@pytest.mark.usefixtures("chain")
def test_a_tree_can_be_grown_step_by_step(followed: Followed) -> None:
    view = followed()
    shallow = trace(view, "weights:w", "up", depth=1)
    (run,) = shallow.up
    assert (run.stream, run.up, run.more) == ("run:r", (), True)
    assert [edge.stream for edge in up(view, "run:r")] == ["lease:l"]


@pytest.mark.usefixtures("chain")
def test_a_party_is_not_followed_into_all_else_that_it_does(followed: Followed, say: Say) -> None:
    say("shipment:other", "declared", shipment.Declared, lines=(LINE,), exporter="party:maker")
    tree = trace(followed(), "weights:w")
    assert "shipment:other" not in [node.stream for node in nodes(tree)]
    assert "shipment:other" in [node.stream for node in nodes(trace(followed(), "party:maker", "down"))]


def test_a_shipment_never_received_is_drawn_as_such(followed: Followed, say: Say) -> None:
    say("site:sg", "registered", site.Registered, name="Hall")
    say("shipment:s", "declared", shipment.Declared, lines=(LINE,), to_site="site:sg")
    say("shipment:s", "departed", shipment.Moved)
    view = followed()
    (note,) = notes(view, "shipment:s")
    assert (note.broken, note.words) == (True, "departed, but never received on record")
    (edge,) = down(view, "shipment:s")
    assert (edge.relation, edge.state) == ("declared for", "claimed")
    say("shipment:s", "seized", shipment.Moved)
    assert [note.broken for note in notes(followed(), "shipment:s")] == [False]


def test_a_lease_without_an_end_is_noted_and_not_called_broken(followed: Followed, say: Say) -> None:
    say("lease:l", "signed", lease.Signed, term_until=When.parse("2027"))
    (note,) = notes(followed(), "lease:l")
    assert (note.broken, note.words) == (False, "signed, and no end is on record; its term runs to 2027")
    say("lease:l", "ended", lease.Ended)
    assert codes(followed(), "lease:l") == []


def test_a_stream_that_is_not_on_record_is_a_missing_link(followed: Followed, say: Say) -> None:
    say("weights:w", "created", weights.Created, name="M", produced_by="run:nowhere")
    (run,) = trace(followed(), "weights:w").up
    assert run.edge is not None
    assert (run.stream, run.edge.state, run.notes[0].code) == ("run:nowhere", "missing", "not-on-record")
    state = followed().connection.execute("SELECT state FROM custody").fetchall()
    assert state == [("missing",)]
    say("run:nowhere", "planned", training.Planned, model="M")
    (run,) = trace(followed(), "weights:w").up
    assert run.edge is not None
    assert run.edge.state == "whole"


def test_a_run_on_chips_that_no_shipment_brought_is_broken(followed: Followed, say: Say) -> None:
    say("site:sg", "registered", site.Registered, name="Hall")
    say("run:r", "planned", training.Planned, legs=(training.Leg(leg="a", site="site:sg", accelerators=SOME),))
    (note,) = notes(followed(), "run:r")
    assert note.broken
    assert note.words == f"leg a: trained on {CHIP}, which no shipment on record brought to site:sg"
    say("site:sg", "stock_counted", site.StockCounted, stock=SOME)
    assert next(notes(followed(), "run:r")).words.endswith("(counted there, though)")
    say("shipment:s", "declared", shipment.Declared, lines=(LINE,))
    say("shipment:s", "received", shipment.Received, at=Place(site="site:sg"))
    assert codes(followed(), "run:r") == []


def test_the_site_of_a_leg_is_its_leases_where_it_states_none(followed: Followed, say: Say) -> None:
    say("lease:l", "signed", lease.Signed, site="site:sg")
    say("run:r", "planned", training.Planned, legs=(training.Leg(leg="a", lease="lease:l", accelerators=SOME),))
    assert codes(followed(), "run:r") == ["no-shipment"]


def test_weights_without_a_run_and_a_run_without_chips_are_broken(followed: Followed, say: Say) -> None:
    say("weights:w", "created", weights.Created, name="M")
    say("run:r", "planned", training.Planned, model="M")
    view = followed()
    assert codes(view, "weights:w") == ["no-run"]
    assert codes(view, "run:r") == ["no-chips"]


def test_weights_known_to_be_made_by_an_unknown_run_say_unknown(followed: Followed, say: Say) -> None:
    say("weights:w", "created", weights.Created, produced_by=None)
    (run,) = trace(followed(), "weights:w").up
    assert (run.stream, run.title, run.kind) == (None, "unknown", "place")
    assert codes(followed(), "weights:w") == ["no-run"]


def test_a_deployment_abroad_without_a_transfer_is_broken(followed: Followed, say: Say) -> None:
    say("weights:w", "created", weights.Created, at=Place(country=Country("SG")))
    say("deployment:d", "started", deployment.Started, weights=("weights:w",), country=Country("CN"))
    assert codes(followed(), "deployment:d") == ["no-transfer"]
    say("weights:w", "transferred", weights.Transferred, to_place=Place(country=Country("CN")))
    assert codes(followed(), "deployment:d") == []


def test_a_cycle_is_marked_and_not_followed(followed: Followed, say: Say) -> None:
    say(
        "weights:a",
        "created",
        weights.Created,
        lineage=(weights.Parent(weights="weights:b", role=training.InputRole.BASE),),
    )
    say(
        "weights:b",
        "created",
        weights.Created,
        lineage=(weights.Parent(weights="weights:a", role=training.InputRole.BASE),),
    )
    tree = trace(followed(), "weights:a", "up")
    (b,) = tree.up
    (a,) = b.up
    assert (a.stream, a.cycle, a.up) == ("weights:a", True, ())


def test_what_two_ways_lead_to_is_told_once(followed: Followed, say: Say) -> None:
    say("run:r", "planned", training.Planned, outputs=("weights:a", "weights:b"))
    base = training.InputRole.BASE
    for name in "ab":
        say(f"weights:{name}", "created", weights.Created)
    parents = tuple(weights.Parent(weights=f"weights:{name}", role=base) for name in "ab")
    say("weights:c", "created", weights.Created, lineage=parents)
    runs = [node for node in nodes(trace(followed(), "weights:c", "up")) if node.stream == "run:r"]
    assert [run.told_above for run in runs] == [False, True]


def test_splits_merges_and_continuations_keep_the_chain(followed: Followed, say: Say) -> None:
    for name in "abcd":
        say(f"shipment:{name}", "declared", shipment.Declared, lines=(LINE,))
    parts = (shipment.Part(shipment="shipment:b"), shipment.Part(shipment="shipment:c"))
    say("shipment:a", "split", shipment.Split, into=parts)
    say("shipment:b", "continued", shipment.Continued, as_shipment="shipment:d")
    say("shipment:c", "merged", shipment.Merged, into="shipment:d")
    tree = trace(followed(), "shipment:d", "up")
    assert path(tree, "shipment:b", "shipment:a") == ["continued as", "split into"]
    assert path(tree, "shipment:c") == ["merged into"]


def test_the_weakest_word_of_a_field_is_the_edges(followed: Followed, say: Say) -> None:
    say(
        "shipment:s", "declared", shipment.Declared, lines=(LINE,), exporter="party:x", basis=Basis.DOCUMENTED,
        basis_of={"/exporter": Basis.ESTIMATED},
    )  # fmt: skip
    view = followed()
    assert [edge.basis for edge in up(view, "shipment:s")] == ["estimated"]
