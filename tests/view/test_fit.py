"""Which shipments may have served which leases, legs and deployments at one site, and how a trace shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ledger.domain import lease, shipment, site, training
from ledger.domain.accelerators import Accelerators
from ledger.domain.event import Basis, Chip, Country, Place
from ledger.domain.quantity import Count
from ledger.domain.when import When
from ledger.view.custody import Node, trace, up
from ledger.view.fit import Goods, Use, joined
from ledger.view.home import View

from .conftest import Say

Followed = Callable[[], View]
H100, H100_PCIE, H20 = "nvidia-h100-sxm5-80gb", "nvidia-h100-pcie-80gb", "nvidia-h20"


@pytest.mark.parametrize(
    ("use", "goods", "by"),
    [
        (Use(frozenset({H100})), Goods(frozenset({H100})), "by chip"),
        (Use(frozenset({H100})), Goods(frozenset({H20})), "not"),
        (Use(frozenset({"nvidia-h100"})), Goods(frozenset({H100})), "by chip"),
        (Use(frozenset({H100})), Goods(frozenset({"nvidia-h100"})), "by chip"),
        (Use(frozenset({H100, H20})), Goods(frozenset({H20})), "by chip"),
        (Use(None), Goods(frozenset({H20})), "by site"),
        (Use(frozenset({H100})), Goods(None), "by site"),
        (Use(frozenset({H100}), "2025-01-31"), Goods(frozenset({H100}), "2025-02-01"), "not"),
        (Use(frozenset({H100}), "2025-01-31"), Goods(frozenset({H100}), "2025-01-31"), "by chip"),
        (Use(None, "2025-01-31"), Goods(None, "2025-02-01"), "not"),
        (Use(frozenset({H100}), "2025-01-31"), Goods(frozenset({H100}), None), "by chip"),
    ],
)
def test_goods_are_joined_to_a_use_unless_they_are_of_other_chips_or_came_too_late(
    use: Use, goods: Goods, by: str
) -> None:
    assert joined(use, goods) == by


def some(chip: str | None) -> tuple[Accelerators, ...]:
    return (Accelerators(chip=Chip(chip) if chip else None, quantity=Count(8, 8)),)


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in (*node.up, *node.down):
        yield from nodes(child)


def states(tree: Node) -> dict[str, str]:
    return {node.stream: node.edge.state for node in nodes(tree) if node.edge and node.stream}


@pytest.fixture
def hall(say: Say) -> None:
    """A hall with shipments of two chips, one of unknown goods and one that came late; and what used them."""
    say("site:sg", "registered", site.Registered, name="Hall", country=Country("SG"))
    for name, chip, when in (
        ("h100", H100, "2024-05-01"), ("h20", H20, "2024-05-01"), ("late", H100, "2025-03-01"),
        ("unknown", None, "2024-05-01"),
    ):  # fmt: skip
        line = shipment.Line(line="1", chip=Chip(chip) if chip else None, quantity=Count(8, 8))
        say(f"shipment:{name}", "declared", shipment.Declared, lines=(line,))
        at, on = Place(site="site:sg"), When.parse(when)
        say(f"shipment:{name}", "received", shipment.Received, at=at, occurred_at=on)
    for name, chip in (("h100", H100), ("h20", H20), ("power", None)):
        capacity = lease.Capacity(accelerators=some(chip)) if chip else lease.Capacity(power_kw=None)
        say(f"lease:{name}", "signed", lease.Signed, site="site:sg", capacity=capacity)
    say("lease:h100", "ended", lease.Ended, occurred_at=When.parse("2025-01"))
    leg = training.Leg(leg="a", lease="lease:power", accelerators=some(H20))
    say("run:r", "planned", training.Planned, model="M", legs=(leg,))


@pytest.mark.usefixtures("hall")
def test_a_lease_leads_up_only_to_shipments_that_may_have_served_it(followed: Followed) -> None:
    found = states(trace(followed(), "lease:h100", "up"))
    assert found == {"site:sg": "whole", "shipment:h100": "whole", "shipment:unknown": "same site"}


@pytest.mark.usefixtures("hall")
def test_a_lease_of_unknown_chips_is_joined_to_all_shipments_by_the_site_alone(followed: Followed) -> None:
    found = states(trace(followed(), "lease:power", "up"))
    assert found.pop("site:sg") == "whole"
    assert found == dict.fromkeys(("shipment:h100", "shipment:h20", "shipment:late", "shipment:unknown"), "same site")


@pytest.mark.usefixtures("hall")
def test_a_legs_chips_count_under_a_lease_that_names_none(followed: Followed) -> None:
    found = states(trace(followed(), "run:r", "up"))
    assert [name for name in found if name.startswith("shipment:")] == ["shipment:h20", "shipment:unknown"]
    assert found["shipment:h20"] == "whole"


@pytest.mark.usefixtures("hall")
def test_a_shipment_leads_down_only_to_what_may_have_used_it(followed: Followed) -> None:
    view = followed()
    assert states(trace(view, "shipment:late", "down")) == {"site:sg": "whole", "lease:power": "same site"}
    assert states(trace(view, "shipment:h100", "down")) == {
        "site:sg": "whole", "lease:h100": "whole", "lease:power": "same site",
    }  # fmt: skip
    found = states(trace(view, "shipment:h20", "down"))
    assert (found["lease:h20"], found["lease:power"], found["run:r"]) == ("whole", "same site", "whole")


@pytest.mark.usefixtures("hall")
def test_from_the_site_itself_everything_is_drawn(followed: Followed) -> None:
    view = followed()
    assert len(up(view, "site:sg")) == 4
    assert set(states(trace(view, "site:sg", "up")).values()) == {"whole"}


@pytest.mark.usefixtures("hall")
def test_an_end_that_was_retracted_ends_nothing(followed: Followed, say: Say) -> None:
    from ledger.domain.correction import Retracted

    say("lease:h100", "retracted", Retracted, corrects=2, reason="the lease runs on")
    assert "shipment:late" in states(trace(followed(), "lease:h100", "up"))


def test_an_edge_is_no_firmer_than_the_date_beside_it(followed: Followed, say: Say) -> None:
    guessed = {"/occurred_at": Basis.ILLUSTRATIVE}
    say(
        "shipment:s", "declared", shipment.Declared, lines=(), exporter="party:x", basis=Basis.REPORTED,
        occurred_at=When.parse("2025"), basis_of=guessed,
    )  # fmt: skip
    say(
        "shipment:s", "received", shipment.Received, at=Place(site="site:sg"), basis=Basis.REPORTED,
        occurred_at=When.parse("2025"), basis_of=guessed,
    )  # fmt: skip
    leg = training.Leg(leg="a", site="site:sg")
    say(
        "run:r", "leg_started", training.LegRecorded, leg=leg, basis=Basis.REPORTED,
        occurred_at=When.parse("2025"), basis_of=guessed,
    )  # fmt: skip
    view = followed()
    for stream in ("shipment:s", "site:sg", "run:r"):
        assert [edge.basis for edge in up(view, stream)] == ["illustrative"], stream
    bases = view.connection.execute("SELECT basis, weakest_basis FROM events WHERE kind = 'shipment'").fetchall()
    assert bases == [("reported", "illustrative")] * 2
