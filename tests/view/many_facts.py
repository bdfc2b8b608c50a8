"""Mixed facts in any number, the same for the same seed: shipments, sites, leases, runs, weights, deployments."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from ledger.domain import deployment, lease, party, shipment, site, training, weights
from ledger.domain.accelerators import Accelerators
from ledger.domain.correction import Corrected
from ledger.domain.event import Basis, Chip, Country, Event, Place, Source
from ledger.domain.kind import Fact
from ledger.domain.quantity import Count, Quantity
from ledger.domain.registry import fact
from ledger.domain.when import When

CHIPS = [Chip(name) for name in ("nvidia-h100-sxm", "nvidia-h20", "nvidia-a100-sxm-80gb", "other:Some Part 9000")]
COUNTRIES = [Country(code) for code in ("SG", "MY", "CN", "TW", "US", "AE")]
BASES = list(Basis)


class Story:
    """Makes facts whose versions follow their streams'."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.versions: dict[str, int] = {}

    def say(self, stream: str, verb: str, event: type[Event], **fields: Any) -> Fact:
        """The next fact of a stream."""
        version = self.versions[stream] = self.versions.get(stream, 0) + 1
        fields.setdefault("basis", self.random.choice(BASES))
        return fact(stream, version, verb, event(**fields))

    def day(self) -> When:
        return When.parse(f"2024-{self.random.randint(1, 12):02}-{self.random.randint(1, 28):02}")

    def count(self) -> Count:
        return Count.exact(self.random.randint(1, 40) * 8)  # type: ignore[return-value]


def chain(story: Story, number: int) -> Iterator[Fact]:
    """One chain of custody, of about twenty events, some late and one corrected."""
    pick, say = story.random.choice, story.say
    chip, home = pick(CHIPS), pick(COUNTRIES)
    maker, operator, lab = (
        f"party:{role}-{number % modulus}" for role, modulus in (("maker", 7), ("op", 50), ("lab", 90))
    )
    place, goods = f"site:dc-{number % 200}", f"shipment:s-{number}"
    hire, run, model, service = f"lease:l-{number}", f"run:r-{number}", f"weights:w-{number}", f"deployment:d-{number}"
    for who in (maker, operator, lab):
        if who not in story.versions:
            yield say(who, "registered", party.Registered, legal_name=f"{who[6:]} GmbH", headquartered_in=(home,))
    if place not in story.versions:
        yield say(place, "registered", site.Registered, name=f"Data centre {number}", country=home, operator=operator)
    line = shipment.Line(line="1", chip=chip, quantity=story.count(), form=shipment.Form.SERVER)
    yield say(
        goods, "declared", shipment.Declared, occurred_at=story.day(), lines=(line,), exporter=maker, to_site=place,
        end_user=operator, source=Source(name="many-facts", key=f"declared {number}"),
        route=shipment.Route(destination=shipment.Stop(country=home)), stated_end_use="cloud services for customers",
    )  # fmt: skip
    for verb in ("departed", "transited", "arrived"):
        yield say(goods, verb, shipment.Moved, occurred_at=story.day(), at=Place(country=pick(COUNTRIES)))
    if number % 10:
        yield say(
            goods, "received", shipment.Received, occurred_at=story.day(), at=Place(site=place), received_by=operator
        )
        yield say(
            place, "installed", site.Installed, shipment=goods,
            accelerators=(Accelerators(chip=chip, quantity=line.quantity),),
        )  # fmt: skip
    yield say(
        hire, "signed", lease.Signed, occurred_at=story.day(), lessor=operator, lessee=lab, site=place,
        capacity=lease.Capacity(accelerators=(Accelerators(chip=chip, quantity=line.quantity),)),
        service=lease.Service.BARE_METAL, note="as its parties describe it, in words that an auditor may search",
    )  # fmt: skip
    yield say(hire, "started", lease.Started, occurred_at=story.day())
    yield say(run, "planned", training.Planned, model=f"Model {number}", developers=(lab,), outputs=(model,))
    for leg in ("a", "b"):
        yield say(
            run,
            "leg_started",
            training.LegRecorded,
            leg=training.Leg(leg=leg, site=place, lease=hire, started=story.day()),
        )
        yield say(
            run, "leg_ended", training.LegRecorded,
            leg=training.Leg(
                leg=leg, ended=story.day(), operations=Quantity.parse("1e24"),
                accelerators=(Accelerators(chip=chip, quantity=story.count()),),
            ),
        )  # fmt: skip
    yield say(run, "completed", training.Started, occurred_at=story.day(), operations=Quantity.parse("2e24"))
    yield say(model, "created", weights.Created, name=f"Model {number}", developer=lab, produced_by=run)
    yield say(
        model, "transferred", weights.Transferred, occurred_at=story.day(), to_party=lab,
        to_place=Place(country=Country("CN"), place="Hangzhou"), means=weights.Means.NETWORK,
    )  # fmt: skip
    yield say(service, "started", deployment.Started, occurred_at=story.day(), weights=(model,), country=Country("CN"))
    if number % 5 == 0:
        yield say(goods, "corrected", Corrected, corrects=1, reason="miscounted", replace={"/lines/0/quantity": 4})


def many_facts(count: int, seed: int = 1) -> Iterator[Fact]:
    """So many facts, or the few more that end a chain; eight chains are told at once."""
    story = Story(seed)
    told, number = 0, 0
    while told < count:
        open_chains = [chain(story, number + offset) for offset in range(8)]
        number += 8
        while open_chains:
            teller = story.random.choice(open_chains)
            found = next(teller, None)
            if found is None:
                open_chains.remove(teller)
            else:
                told += 1
                yield found
