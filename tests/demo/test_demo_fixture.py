"""The demonstration ledger's files: every line is an event, the story is whole, and its README says what they say."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import pytest

from ledger.catalog import load
from ledger.domain.codec import decode_event
from ledger.domain.event import Basis, Event
from ledger.domain.kind import Fact
from ledger.domain.registry import EVENT_TYPES, KINDS, fact, project, refusal
from ledger.domain.shipment import Declared
from ledger.domain.training import LegRecorded

FILES = ["01-parties", "02-sites", "03-shipments", "04-leases", "05-runs", "06-weights", "07-context"]
LAST_DAY = "2026-11-21"
STREAM = re.compile(rf"(?:{'|'.join(KINDS)}):[A-Za-z0-9._~-]+")

IRREGULAR = {
    "shipment:my-a100-2022": ["over-received"],
    "shipment:causeway-2025": ["gap"],
}
"""The streams that the story means to be irregular, and how."""

MAIN_CHAIN = ["shipment:sg-h100-2023", "site:sg-tuas", "lease:alibaba-sg", "run:qwen-latest", "weights:qwen-latest"]


@cache
def rows() -> list[dict[str, Any]]:
    folder = files("ledger_demo")
    return [json.loads(line) for name in FILES for line in (folder / f"{name}.jsonl").read_text("utf-8").splitlines()]


@cache
def readme() -> str:
    return (files("ledger_demo") / "README.md").read_text("utf-8")


def event_of(row: dict[str, Any]) -> Event:
    fields = {name: value for name, value in row.items() if name not in ("type", "stream")}
    return decode_event(EVENT_TYPES[row["type"]].event, json.dumps(fields).encode())


@cache
def streams() -> dict[str, list[Fact]]:
    """Every stream's facts, in the order of the files."""
    found: dict[str, list[Fact]] = {}
    for row in rows():
        history = found.setdefault(row["stream"], [])
        history.append(fact(row["stream"], len(history) + 1, row["type"].partition(".")[2], event_of(row)))
    return found


def values(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Every scalar in a JSON value, with the name of the field that it stands in."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from values(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from values(item, name)
    else:
        yield name, value


def test_the_package_holds_the_listed_files_and_no_others() -> None:
    held = {entry.name for entry in files("ledger_demo").iterdir() if not entry.name.startswith("__pycache__")}
    assert held == {"__init__.py", "README.md", *(f"{name}.jsonl" for name in FILES)}


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["source"]["key"])
def test_every_line_is_an_event(row: dict[str, Any]) -> None:
    assert isinstance(event_of(row), EVENT_TYPES[row["type"]].event)
    assert list(row)[:2] == ["type", "stream"]
    assert row["source"]["name"] == "ledger_demo"


def test_every_source_key_is_unique() -> None:
    keys = Counter(row["source"]["key"] for row in rows())
    assert [key for key, times in keys.items() if times > 1] == []


def test_nothing_is_refused_in_the_order_of_the_files() -> None:
    for stream, facts in streams().items():
        for index, new in enumerate(facts):
            assert refusal(facts[:index], new) is None, f"{stream} version {index + 1}"


def test_only_the_intended_streams_are_irregular() -> None:
    found = {}
    for stream, facts in streams().items():
        subject = project(None, facts)
        assert subject is not None
        assert not subject.read_only
        if subject.irregular:
            found[stream] = [item.code for item in subject.irregular]
    assert found == IRREGULAR


def test_every_stream_that_is_referred_to_exists() -> None:
    mentioned = {text for row in rows() for _, text in values(row) if isinstance(text, str) and STREAM.fullmatch(text)}
    assert mentioned - set(streams()) == set()


def test_every_chip_is_in_the_catalogue() -> None:
    chips = {text for row in rows() for name, text in values(row) if name in ("chip", "chips") and text is not None}
    assert chips
    assert {chip for chip in chips if chip not in load()} == set()


def test_nothing_happens_after_the_day_that_the_story_is_told() -> None:
    late = [row["source"]["key"] for row in rows() if row.get("occurred_at", "").split("/")[-1][:10] > LAST_DAY]
    assert late == []


def test_what_is_not_from_a_source_is_marked_as_invented() -> None:
    bases = {Basis(value) for row in rows() for value in (row["basis"], *row.get("basis_of", {}).values())}
    assert bases == {Basis.ILLUSTRATIVE, Basis.ESTIMATED, Basis.REPORTED, Basis.DOCUMENTED}
    assert {row["basis"] for row in rows()} == {"illustrative", "reported"}


@pytest.mark.parametrize(
    "row", [row for row in rows() if row["basis"] == "reported"], ids=lambda row: row["source"]["key"]
)
def test_every_reported_event_names_its_report(row: dict[str, Any]) -> None:
    assert row.get("evidence")


def test_no_document_is_claimed_to_be_held() -> None:
    assert [item for row in rows() for item in row.get("evidence", []) if "sha256" in item] == []


def test_invented_companies_say_so_in_their_names() -> None:
    for row in rows():
        if row["type"] == "party.registered":
            assert row["legal_name"].endswith("(invented)") == (row["basis"] == "illustrative"), row["stream"]


def test_invented_serials_say_so() -> None:
    serials = {text for row in rows() for name, text in values(row) if name == "serials"}
    assert serials
    assert all(str(serial).startswith("INVENTED-") for serial in serials)


def test_the_readme_names_every_stream_and_none_that_does_not_exist() -> None:
    named = set(STREAM.findall(readme()))
    assert named - set(streams()) == set()
    assert set(streams()) - named == set()


@pytest.mark.parametrize("number", range(1, 14))
def test_the_readme_leads_from_every_row_of_the_scenario_to_its_streams(number: int) -> None:
    row = re.search(rf"^\| {number} \|.*$", readme(), re.MULTILINE)
    assert row is not None
    named = STREAM.findall(row[0])
    assert named
    assert set(named) <= set(streams())


def test_the_main_chain_can_be_walked_by_references_alone() -> None:
    """Shipment → site → lease → run → weights → deployment, each step by a field of an event."""

    def refers(stream: str, to: str) -> bool:
        return any(text == to for row in rows() if row["stream"] == stream for _, text in values(row))

    shipment, site, lease, run, weights = MAIN_CHAIN
    (declared,) = (f.event for f in streams()[shipment] if isinstance(f.event, Declared))
    assert declared.seller == "party:nvidia"
    assert refers(site, shipment)
    assert refers(lease, site)
    assert refers(run, lease)
    assert refers(weights, run)
    assert refers("deployment:qwen-cn", weights)
    (served,) = (row for row in rows() if row["stream"] == "deployment:qwen-cn")
    assert served["country"] == "CN"
    assert served["accelerators"][0]["chip"].startswith("huawei-ascend")


def test_the_serials_of_the_main_chain_reach_the_run() -> None:
    def serials(stream: str) -> set[object]:
        return {text for row in rows() if row["stream"] == stream for name, text in values(row) if name == "serials"}

    shipped = serials("shipment:sg-h100-2023")
    assert len(shipped) == 8
    assert all(shipped <= serials(stream) for stream in MAIN_CHAIN[1:4])


def test_the_legs_of_the_run_that_is_partly_offshore_add_up() -> None:
    legs = [f.event.leg for f in streams()["run:qwen-latest"] if isinstance(f.event, LegRecorded)]
    shares = {leg.country: leg.share_percent for leg in legs if leg.share_percent}
    assert sum(share.value or 0 for share in shares.values()) == 100
    assert set(shares) == {"SG", "MY", "CN"}
