"""What the log costs, as ratios to something bare measured in the same run: ``python tests/bench/log.py [--quick]``.

Rows: building and saving in batches of 1,000 against the eventsourcing library's plain SQLite application; the bulk path
(one transaction) and the whole of `record`; one durable append against a bare insert; full verification against a bare
`hashlib` loop over the same bytes; growth from 10,000 to 1,000,000 events. Each is the median of interleaved rounds.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from ledger.application import Ledger
from ledger.domain.codec import encode_event
from ledger.domain.event import Basis, Chip, Country, Source
from ledger.domain.kind import Fact
from ledger.domain.quantity import Count
from ledger.domain.registry import fact
from ledger.domain.shipment import Act, Classification, Declared, Form, Line, Route, Stop
from ledger.domain.when import When
from ledger.errors import Place as InputPlace
from ledger.intake.draft import Draft
from ledger.log.note import SignerKey
from ledger.log.verify import LogVerifier
from ledger.verification import verify

QUICK = "--quick" in sys.argv
BATCH = 1000
ROUNDS = 3 if QUICK else 5
EVENTS = 5_000 if QUICK else 20_000


class PlainShipment(Aggregate):
    """The same facts in the library's own way: an aggregate whose creation is an event."""

    @event("Declared")
    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts


class Plain(Application[UUID]):
    """The library's own application, as it comes."""


def our_event(index: int) -> Declared:
    """A shipment as paper declares it: about 700 bytes of payload."""
    return Declared(
        basis=Basis.DECLARED,
        occurred_at=When.parse("2024-03-05"),
        lines=(
            Line(
                line="1",
                chip=Chip("nvidia-h100-sxm5-80gb"),
                quantity=Count(index % 512, index % 512),
                form=Form.SERVER,
                chips_per_item=Count(8, 8),
                classifications=(Classification(jurisdiction=Country("US"), classification="4A090.a"),),
            ),
        ),
        seller="party:nvidia",
        purchaser="party:straits-compute",
        exporter="party:formosa-servers",
        ultimate_consignee="party:straits-compute",
        end_user="party:straits-compute",
        route=Route(
            departure=Stop(country=Country("TW"), place="Taoyuan"),
            destination=Stop(country=Country("SG"), place="Tuas", site="site:sg-tuas"),
        ),
        act=Act.EXPORT,
        subject_to_ear=True,
        stated_end_use="Commercial cloud services for customers in Singapore",
        source=Source(name="bench", key=str(index)),
    )


def our_facts(first: int, count: int) -> list[Fact]:
    return [fact(f"shipment:s{i}", 1, "declared", our_event(i)) for i in range(first, first + count)]


def plain_event(index: int) -> PlainShipment:
    facts = {
        "basis": "declared",
        "occurred_at": "2024-03-05",
        "lines": [
            {
                "line": "1",
                "chip": "nvidia-h100-sxm5-80gb",
                "quantity": index % 512,
                "form": "server",
                "chips_per_item": 8,
                "classifications": [{"jurisdiction": "US", "classification": "4A090.a"}],
            }
        ],
        "seller": "party:nvidia",
        "purchaser": "party:straits-compute",
        "exporter": "party:formosa-servers",
        "ultimate_consignee": "party:straits-compute",
        "end_user": "party:straits-compute",
        "route": {
            "departure": {"country": "TW", "place": "Taoyuan"},
            "destination": {"country": "SG", "place": "Tuas", "site": "site:sg-tuas"},
        },
        "act": "export",
        "subject_to_ear": True,
        "stated_end_use": "Commercial cloud services for customers in Singapore",
        "source": {"name": "bench", "key": str(index)},
    }
    return PlainShipment(facts)


def plain_events(first: int, count: int) -> list[PlainShipment]:
    return [plain_event(i) for i in range(first, first + count)]


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def new_ledger(folder: Path, name: str) -> Ledger:
    return Ledger.create(folder / name, f"bench.example/{name}", SignerKey.generate(f"bench.example/{name}"))


def plain_application(folder: Path, name: str) -> Plain:
    env = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(folder / f"{name}.db")}
    return Plain(env=env)


def row(what: str, ours: float, theirs: float, unit: str, least: str) -> None:
    print(f"{what:58} {ours:>12,.0f} {theirs:>12,.0f} {ours / theirs:>7.2f}  {least:>6}  {unit}")


def append_rows(folder: Path) -> None:
    ours: list[float] = []
    bulk: list[float] = []
    recorded: list[float] = []
    plain: list[float] = []
    for number in range(ROUNDS):
        with new_ledger(folder, f"batches{number}") as ledger:
            ours.append(EVENTS / timed(lambda: [ledger.append(our_facts(i, BATCH)) for i in range(0, EVENTS, BATCH)]))
        application = plain_application(folder, f"plain{number}")
        plain.append(
            EVENTS / timed(lambda: [application.save(*plain_events(i, BATCH)) for i in range(0, EVENTS, BATCH)])  # noqa: B023
        )
        application.close()
        with new_ledger(folder, f"bulk{number}") as ledger:
            bulk.append(EVENTS / timed(lambda: ledger.append(our_facts(0, EVENTS))))
        with new_ledger(folder, f"record{number}") as ledger:

            def read() -> Iterator[Draft]:
                return (Draft(f"shipment:s{i}", "declared", our_event(i), InputPlace()) for i in range(EVENTS))

            recorded.append(EVENTS / timed(lambda: ledger.record(read)))
    base = statistics.median(plain)
    row(
        "build and save, batches of 1,000, tree included", statistics.median(ours), base, "events/s; plain library", "2"
    )
    row("bulk path: one transaction, tree included", statistics.median(bulk), base, "events/s; plain library", "3")
    row(
        "record: validated, admitted, one transaction",
        statistics.median(recorded),
        base,
        "events/s; plain library",
        "-",
    )


def durable_rows(folder: Path) -> None:
    appends = 100 if QUICK else 300
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    bare.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, payload BLOB)")
    payload = encode_event(our_event(0))
    ours: list[float] = []
    theirs: list[float] = []
    with new_ledger(folder, "durable") as ledger:
        for i in range(appends):
            one = our_facts(i, 1)
            ours.append(timed(lambda: ledger.append(one)))  # noqa: B023
            theirs.append(timed(lambda: bare.execute("INSERT INTO t (payload) VALUES (?)", (payload,))))
    bare.close()
    row(
        "one durable append (fsync)",
        1 / statistics.median(ours),
        1 / statistics.median(theirs),
        "appends/s; bare insert",
        "0.7",
    )


def bare_hashes(rows: list[tuple[int, ...]]) -> bytes:
    """As many hashes over as many bytes as a verification needs."""
    digest, node, last = sha256, b"\x01" * 65, b""
    for header, payload in rows:
        last = digest(b"h" * header).digest()
        last = digest(b"p" * payload).digest()
        last = digest(b"e" * 110).digest()
        last = digest(node).digest()
    return last


def verify_rows(folder: Path) -> None:
    with new_ledger(folder, "verify") as ledger:
        for i in range(0, EVENTS, BATCH):
            ledger.append(our_facts(i, BATCH))
        rows = list(ledger.log_recorder.rows())
        sizes = [(22 + 16 + 90, 23 + 16 + len(entry[10] or b"")) for entry in rows]
        bare, pure, full = [], [], []
        for _ in range(ROUNDS):
            bare.append(len(rows) / timed(lambda: bare_hashes(sizes)))
            pure.append(len(rows) / timed(lambda: list(LogVerifier().check(rows))))
            full.append(len(rows) / timed(lambda: verify(ledger, pins=None)))
    base = statistics.median(bare)
    row("verify the tree from rows in memory", statistics.median(pure), base, "entries/s; hashlib loop", "0.3")
    row("full verify from disk, every check on", statistics.median(full), base, "entries/s; hashlib loop", "0.3")


def growth_rows(folder: Path) -> None:
    sizes = (10_000, 100_000) if QUICK else (10_000, 100_000, 1_000_000)
    print(f"\n{'growth':58} {'append/s':>12} {'verify/s':>12} {'memory MB':>9}")
    with new_ledger(folder, "growth") as ledger:
        done = 0
        for size in sizes:
            started, before = time.perf_counter(), done
            while done < size:
                ledger.append(our_facts(done, BATCH))
                done += BATCH
            appended = (done - before) / (time.perf_counter() - started)
            checked = size / timed(lambda: verify(ledger, pins=None))
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{f'at {size:,} events':58} {appended:>12,.0f} {checked:>12,.0f} {memory:>9,.0f}")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["CHIPLEDGER_KEYS"] = str(folder / "keys")
        print(f"{'work':58} {'ours':>12} {'theirs':>12} {'ratio':>7}  {'least':>6}  unit; against")
        append_rows(folder)
        durable_rows(folder)
        verify_rows(folder)
        growth_rows(folder)


if __name__ == "__main__":
    main()
