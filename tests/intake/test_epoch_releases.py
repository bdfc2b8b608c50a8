"""A later release becomes corrections of what changed, and nothing else; the same release twice adds nothing."""

from __future__ import annotations

import csv
from collections import Counter
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest

from ledger.domain.codec import event_from_fields
from ledger.domain.correction import Corrected, Retracted
from ledger.domain.event import Basis, Source
from ledger.domain.kind import Fact
from ledger.domain.party import Registered
from ledger.domain.registry import fact
from ledger.domain.training import Reported
from tests.intake.tables import COLUMNS, GPT, RELEASE, Home, fields, release

RUN = "run:epoch-gpt-x"
CHANGED = GPT | {"Training compute (FLOP)": "3e+25"}


def corrections(facts: list[Fact]) -> dict[str, tuple[dict[str, Any], list[str]]]:
    """Stream → what is replaced and what is removed; no other event may be among `facts`."""
    assert {item.type.partition(".")[2] for item in facts} <= {"corrected"}
    events = {item.originator_id: cast("Corrected", item.event) for item in facts}
    return {stream: (event.replace or {}, list(event.remove or ())) for stream, event in events.items()}


def amend(home: Home, event: Corrected | Retracted, stream: str = RUN) -> None:
    """A person's own correction, recorded after what stands."""
    version = len(home.ledger.history(stream)) + 1
    verb = "corrected" if isinstance(event, Corrected) else "retracted"
    home.ledger.append([fact(stream, version, verb, event)])


def test_a_changed_cell_is_one_correction_that_says_which_release_made_it(home: Home, tmp_path: Path) -> None:
    home.take(release(tmp_path, GPT))
    later = release(tmp_path, CHANGED, name="2026.csv")
    outcome = home.take(later)
    assert (outcome.added, outcome.known) == (1, 1)
    [item] = home.added(outcome)
    event = cast("Corrected", item.event)
    digest = sha256(later.read_bytes()).hexdigest()
    assert (item.originator_id, item.type, event.corrects) == (RUN, "run.corrected", 1)
    assert (event.replace, event.basis) == ({"/operations": "30000000000000000000000000"}, "estimated")
    assert event.reason == f"Epoch AI release: 2026.csv / {digest[:12]}"
    assert fields(item)["evidence"] == [{"media_type": "text/csv", "note": "Epoch AI: 2026.csv", "sha256": digest}]
    assert home.now(RUN)["operations"] == "30000000000000000000000000"
    assert home.take(later).added == 0


def test_a_release_that_goes_back_is_a_correction_too_as_often_as_it_does(home: Home, tmp_path: Path) -> None:
    one, two = release(tmp_path, GPT, name="a.csv"), release(tmp_path, CHANGED, name="b.csv")
    assert [home.take(path).added for path in (one, two, one, two, one)] == [2, 1, 1, 1, 1]
    assert [home.take(one).added, home.take(one).known] == [0, 2]
    assert home.now(RUN)["operations"] == "21000000000000000000000000"
    subject = home.ledger.subject(RUN)
    assert subject is not None
    assert not subject.irregular


def test_a_cell_that_is_emptied_is_withdrawn_with_what_followed_from_it(home: Home, tmp_path: Path) -> None:
    home.take(release(tmp_path, GPT))
    outcome = home.take(release(tmp_path, GPT | {"Training time (hours)": "", "Parameters": ""}))
    assert corrections(home.added(outcome)) == {RUN: ({}, ["/chip_hours", "/parameters", "/wall_hours"])}
    assert home.now(RUN)["basis_of"] == {"/operations": "estimated"}


def test_a_column_that_a_release_lacks_withdraws_nothing(home: Home, tmp_path: Path) -> None:
    row = GPT | {"Confidence": "Speculative", "Training compute notes": "a guess"}
    home.take(release(tmp_path, row))
    before = home.now(RUN)
    few = ("Model", "Organization", "Publication date", "Training compute (FLOP)")
    row = {name: row[name] for name in few}
    assert home.take(release(tmp_path, row, columns=few, name="few.csv")).added == 0
    outcome = home.take(release(tmp_path, row | {"Publication date": "2024-03-06"}, columns=few, name="few.csv"))
    assert corrections(home.added(outcome)) == {RUN: ({"/published_on": "2024-03-06"}, [])}
    assert home.now(RUN) == before | {"published_on": "2024-03-06", "basis_of": before["basis_of"]}


def test_a_row_that_a_release_no_longer_has_stays_as_it_is(home: Home, tmp_path: Path) -> None:
    home.take(release(tmp_path, GPT, {"Model": "Other", "Organization": "Else"}))
    outcome = home.take(release(tmp_path, {"Model": "Other", "Organization": "Else"}, name="b.csv"))
    assert (outcome.added, outcome.known) == (0, 2)


def test_line_ends_order_and_a_byte_order_mark_change_nothing(home: Home, tmp_path: Path) -> None:
    other = {"Model": "Other", "Training compute notes": "two\nlines"}
    home.take(release(tmp_path, GPT, other))
    later = release(tmp_path, other | {"Training compute notes": "two\r\nlines"}, GPT, ending="\r\n", name="b.csv")
    later.write_bytes(b"\xef\xbb\xbf" + later.read_bytes())
    assert home.take(later).added == 0


def test_a_renamed_model_is_another_run(home: Home, tmp_path: Path) -> None:
    home.take(release(tmp_path, GPT))
    [item] = home.added(home.take(release(tmp_path, GPT | {"Model": "GPT-Y"}, name="b.csv")))
    assert (item.originator_id, item.type) == ("run:epoch-gpt-y", "run.reported")


def test_a_model_whose_name_is_only_spelled_otherwise_is_the_same_run(home: Home, tmp_path: Path) -> None:
    home.take(release(tmp_path, GPT))
    later = release(tmp_path, GPT | {"Model": "gpt X"}, name="b.csv")
    assert corrections(home.added(home.take(later))) == {RUN: ({"/model": "gpt X"}, [])}
    assert home.take(later).added == 0
    assert corrections(home.added(home.take(release(tmp_path, GPT, name="c.csv")))) == {RUN: ({"/model": "GPT-X"}, [])}
    assert home.take(later).added == 1
    both = release(tmp_path, GPT, GPT | {"Model": "gpt X"}, name="d.csv")
    assert Counter(item.type for item in home.added(home.take(both))) == {"run.corrected": 1, "run.reported": 1}
    assert home.take(both).added == 0


def test_a_model_that_gets_a_namesake_stays_the_run_that_it_was(home: Home, tmp_path: Path) -> None:
    home.take(release(tmp_path, GPT))
    namesake = {"Model": "GPT-X", "Organization": "Else"}
    outcome = home.take(release(tmp_path, namesake, CHANGED, name="b.csv"))
    assert Counter(item.type for item in home.added(outcome)) == {
        "party.reported": 1,
        "run.reported": 1,
        "run.corrected": 1,
    }
    assert home.now(RUN)["operations"] == "30000000000000000000000000"
    assert home.take(tmp_path / "b.csv").added == 0
    assert home.take(release(tmp_path, GPT, name="c.csv")).added == 1


def test_a_label_that_another_row_takes_in_a_later_release_keeps_its_run(home: Home, tmp_path: Path) -> None:
    home.take(release(tmp_path, {"Model": "PointNet++"}))
    [item] = home.added(home.take(release(tmp_path, {"Model": "PointNet"}, {"Model": "PointNet++"}, name="b.csv")))
    assert item.originator_id.startswith("run:epoch-pointnet-")
    assert home.now("run:epoch-pointnet")["model"] == "PointNet++"


def test_a_party_is_corrected_where_a_release_says_otherwise_and_not_where_it_is_silent(
    home: Home, tmp_path: Path
) -> None:
    country = "Country (of organization)"
    home.take(release(tmp_path, GPT))
    shared = GPT | {"Organization": "OpenAI,Else", country: "", "Organization categorization": ""}
    outcome = home.take(release(tmp_path, shared, name="b.csv"))
    assert [item.type for item in home.added(outcome)] == ["party.reported", "run.corrected"]
    outcome = home.take(release(tmp_path, GPT | {country: "France", "Organization": "Openai"}, name="c.csv"))
    stated = corrections(home.added(outcome))
    assert stated["party:epoch-openai"] == ({"/headquartered_in": ["FR"], "/aliases": ["OpenAI", "Openai"]}, [])
    outcome = home.take(release(tmp_path, GPT, GPT | {"Model": "GPT-Y", country: "France"}, name="d.csv"))
    assert home.now("party:epoch-openai").get("headquartered_in") is None


def test_a_persons_correction_stands_until_the_data_set_changes_that_field(home: Home, tmp_path: Path) -> None:
    path = release(tmp_path, GPT)
    home.take(path)
    amend(
        home,
        Corrected(
            basis=Basis.DOCUMENTED,
            corrects=1,
            reason="the developer's paper",
            replace={"/operations": 7, "/wall_hours": 8, "/basis_of": {"/operations": "documented"}},
            remove=("/parameters", "/chip_hours"),
        ),
    )
    assert home.take(path).added == 0
    other = GPT | {"Training time (hours)": "100.0", "Parameters": ""}
    outcome = home.take(release(tmp_path, other, name="b.csv"))
    bases = {"/chip_hours": "estimated", "/operations": "documented"}
    assert corrections(home.added(outcome)) == {
        RUN: ({"/basis_of": bases, "/chip_hours": 2_500_000, "/wall_hours": 100}, [])
    }
    now = home.now(RUN)
    assert (now["operations"], now["wall_hours"], now["chip_hours"]) == (7, 100, 2_500_000)
    assert now["basis_of"] == bases
    assert "parameters" not in now
    assert home.take(tmp_path / "b.csv").added == 0


def test_a_retracted_run_is_not_brought_back(home: Home, tmp_path: Path) -> None:
    path = release(tmp_path, GPT)
    home.take(path)
    amend(home, Retracted(basis=Basis.DECLARED, corrects=1, reason="there was no such run"))
    assert (home.take(path).added, home.take(release(tmp_path, CHANGED, name="b.csv")).added) == (0, 0)


def test_an_erased_run_is_not_brought_back(home: Home, tmp_path: Path) -> None:
    path = release(tmp_path, GPT)
    position = home.take(path).last
    home.ledger.erase(position, "asked for")
    assert home.take(path).added == 0


def test_a_stream_that_somebody_else_began_is_left_to_the_run_that_is_in_it(home: Home, tmp_path: Path) -> None:
    own = Reported(basis=Basis.DECLARED, model="mine", source=Source(name="tests", key="1"))
    known = Registered(basis=Basis.DECLARED, legal_name="OpenAI, Inc.", source=Source(name="tests", key="2"))
    home.ledger.append([fact(RUN, 1, "reported", own), fact("party:epoch-openai", 1, "registered", known)])
    facts = home.added(home.take(release(tmp_path, GPT)))
    assert facts[0].originator_id == "party:epoch-openai"
    assert facts[0].originator_version == 2
    assert facts[1].originator_id.startswith(f"{RUN}-")
    assert home.take(tmp_path / "release.csv").added == 0


def test_the_events_that_a_release_makes_are_read_back_as_written(home: Home, tmp_path: Path) -> None:
    home.take(release(tmp_path, GPT))
    home.take(release(tmp_path, CHANGED, name="b.csv"))
    for item in home.ledger.facts(2):
        event = cast("Reported", item.event)
        assert event_from_fields(type(event), fields(item)) == event


# The real data


@pytest.fixture
def rows(shared_real: Path) -> list[dict[str, str]]:
    """The rows of the release which lies beside the checkout."""
    with (shared_real / "epoch" / RELEASE).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_an_altered_copy_of_the_real_release_brings_exactly_the_alterations(
    home: Home, tmp_path: Path, rows: list[dict[str, str]], shared_real: Path
) -> None:
    columns = tuple(rows[0])
    assert home.take(shared_real / "epoch" / RELEASE).added == 1298
    assert home.take(release(tmp_path, *rows, columns=columns)).added == 0
    later = [dict(row) for row in rows if row["Model"] != "AlexNet"]
    by_name = {row["Model"]: row for row in later}
    by_name["GPT-4"]["Training compute (FLOP)"] = "2.2e+25"
    by_name["DeepSeek-V3"]["Training hardware"] = "NVIDIA H100 SXM5 80GB"
    by_name["Falcon-180B"]["Abstract"] = "another abstract, which nothing is made of"
    later.insert(
        3, dict.fromkeys(columns, "") | {"Model": "New", "Organization": "OpenAI", "Publication date": "2026-01-02"}
    )
    facts = home.added(home.take(release(tmp_path, *later, columns=columns, name="later.csv")))
    assert [item.originator_id for item in facts if item.type == "run.reported"] == ["run:epoch-new"]
    assert corrections([item for item in facts if item.type != "run.reported"]) == {
        "run:epoch-gpt-4": ({"/operations": "22000000000000000000000000"}, []),
        "run:epoch-deepseek-v3": ({"/accelerators": [{"chip": "nvidia-h100-sxm5-80gb", "quantity": 2048}]}, []),
    }
    back = home.added(home.take(shared_real / "epoch" / RELEASE))
    assert corrections(back) == {
        "run:epoch-gpt-4": ({"/operations": "21000000000000000000000000"}, []),
        "run:epoch-deepseek-v3": ({"/accelerators": [{"chip": "nvidia-h800-sxm5-80gb", "quantity": 2048}]}, []),
    }


def rewritten_number(cell: str) -> str:
    """A number as Excel saves it in its General format."""
    return f"{float(cell):.2E}" if float(cell) >= 1e11 else f"{float(cell):g}"


def rewritten_date(cell: str) -> str:
    year, month, day = (int(part) for part in cell.split("-"))
    return f"{month}/{day}/{year}"


@pytest.mark.parametrize("what", ["dates", "numbers", "semicolons"])
def test_the_real_release_saved_by_a_spreadsheet_is_refused_and_nothing_is_written(
    home: Home, tmp_path: Path, rows: list[dict[str, str]], what: str
) -> None:
    numeric = [
        name for name in rows[0] if name.startswith(("Parameters", "Training compute (FLOP)")) and "notes" not in name
    ]
    for row in rows:
        if what == "dates":
            row["Publication date"] = rewritten_date(row["Publication date"])
        elif what == "numbers":
            row |= {name: rewritten_number(row[name]) for name in numeric if row[name]}
    path = release(tmp_path, *rows, columns=tuple(rows[0]), ending="\r\n")
    if what == "semicolons":
        path.write_text(path.read_text().replace(",", ";"))
    with pytest.raises(Exception, match=r"as a spreadsheet shows it|separated by ';'") as error:
        home.take(path)
    assert "as it was published" in getattr(error.value, "hint", "")
    assert home.ledger.size() == 1


def test_three_releases_in_any_order_come_to_what_the_last_one_says(tmp_path: Path) -> None:
    columns = (*COLUMNS, "Training chip-hours")
    files = [
        release(tmp_path, GPT, name="a.csv"),
        release(tmp_path, CHANGED | {"Confidence": "Likely", "Link": ""}, name="b.csv"),
        release(tmp_path, GPT | {"Base model": "W", "Training chip-hours": "5.0"}, name="c.csv", columns=columns),
    ]
    number = count()
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1, 0, 2), (2, 0, 2, 1)):
        home, fresh = Home(tmp_path / f"l{next(number)}"), Home(tmp_path / f"l{next(number)}")
        for index in order:
            home.take(files[index])
            assert home.take(files[index]).added == 0
        fresh.take(files[order[-1]])
        told, expected = home.now(RUN), fresh.now(RUN)
        assert [item for item in told.pop("evidence") if "uri" in item] == [
            item for item in expected.pop("evidence") if "uri" in item
        ]
        assert told == expected
        home.ledger.close()
        fresh.ledger.close()
