"""Epoch AI's data on AI models, read as published: what a row says is recorded, and what it lacks is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.domain.event import Basis
from ledger.domain.training import Reported
from ledger.intake.formats import FORMATS
from ledger.store.keys import KeyStore
from ledger.verification import verify
from tests.intake.tables import COLUMNS, GPT, ORIGIN, RELEASE, Home, fields, release


def run(home: Home, folder: Path, **cells: str) -> dict[str, Any]:
    """The event of one row: GPT-X, but for `cells`, in which ``_`` stands for a space."""
    row = GPT | {name.replace("_", " "): value for name, value in cells.items()}
    outcome = home.take(release(folder, row))
    return fields(home.added(outcome)[-1])


# The real data


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, KeyStore]]:
    """A ledger that imported the release which lies beside the checkout."""
    path = Path(__file__).parents[2].parent / "shared" / "real" / "epoch" / RELEASE
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine")
    folder = tmp_path_factory.mktemp("real")
    keys = KeyStore(folder / "keys")
    home = Home(folder / "ledger", keys.new(ORIGIN))
    home.take(path)
    yield home, keys
    home.ledger.close()


def test_every_row_and_every_organisation_of_the_real_release_is_recorded_once(real: tuple[Home, KeyStore]) -> None:
    home, _ = real
    assert Counter(fact.type for fact in home.ledger.facts(2)) == {"party.reported": 356, "run.reported": 942}
    runs = [fact.event for fact in home.ledger.facts(2) if isinstance(fact.event, Reported)]
    assert Counter(event.basis for event in runs) == {Basis.REPORTED: 683, Basis.ESTIMATED: 259}
    stated = Counter(
        name for event in runs for name in ("operations", "parameters", "chip_hours") if getattr(event, name)
    )
    assert stated == {"operations": 517, "parameters": 662, "chip_hours": 147}
    assert not any(event.occurred_at for event in runs), "a day of publication is no day of training"
    assert all(event.published_on for event in runs)
    parts = [part.chip for event in runs for part in event.accelerators or ()]
    assert len(parts) == 361
    assert all(chip is not None and chip.is_catalogued for chip in parts)


def test_the_ledger_verifies_after_the_real_import(real: tuple[Home, KeyStore]) -> None:
    home, keys = real
    home.ledger.checkpoint(keys)
    signer = keys.load(ORIGIN)
    assert signer is not None
    report = verify(home.ledger, keys=[signer.verifier])
    assert (report.faults, report.size) == ([], 1299)


def test_the_real_release_read_again_adds_nothing(real: tuple[Home, KeyStore], shared_real: Path) -> None:
    home, _ = real
    outcome = home.take(shared_real / "epoch" / RELEASE)
    assert (outcome.added, outcome.known) == (0, 1298)


REAL_RUNS: list[tuple[str, dict[str, Any]]] = [
    (
        "gpt-4",
        {
            "model": "GPT-4",
            "developers": ["party:epoch-openai"],
            "basis": "estimated",
            "operations": "21000000000000000000000000",
            "parameters": 1_800_000_000_000,
            "accelerators": [{"chip": "nvidia-a100-sxm4-40gb", "quantity": 25000}],
            "wall_hours": 2280,
            "chip_hours": 57_000_000,
            "published_on": "2023-03-15",
        },
    ),
    (
        "gpt-3-175b-davinci",
        {
            "basis": "reported",
            "basis_of": {"/chip_hours": "estimated", "/operations": "estimated"},
            "operations": "314000000000000000000000",
            "wall_hours": "355.2",
            "chip_hours": 3_552_000,
        },
    ),
    # Fine-tuned from DeepSeek-V3, whose 3.4e+24 the column Training compute counts in.
    ("deepseek-r1", {"operations": "610000000000000000000000", "parameters": 671_000_000_000}),
    ("qwq-32b", {"operations": {"max": "3510000000000000000000000"}}),
    ("perceptron-mark-i", {"operations": "694894.9377361819", "parameters": 1000, "published_on": "1957-01-01"}),
    ("llama-3.1-405b", {"accelerators": [{"chip": "nvidia-h100-sxm5-80gb", "quantity": 16384}], "wall_hours": 2142}),
    ("pointnet-8a3e1984", {"model": "PointNet++", "note": "Confidence: Unknown"}),
    ("allam-adapted-70b", {"model": "ALLaM adapted 70B"}),
    ("template-adaptation", {"model": "Template Adaptation"}),
]


@pytest.mark.parametrize(("label", "expected"), REAL_RUNS, ids=[label for label, _ in REAL_RUNS])
def test_a_real_row_says_what_the_file_says(real: tuple[Home, KeyStore], label: str, expected: dict[str, Any]) -> None:
    found = real[0].now(f"run:epoch-{label}")
    assert {name: found.get(name) for name in expected} == expected


def test_what_a_real_row_lacks_is_absent(real: tuple[Home, KeyStore]) -> None:
    found = real[0].now("run:epoch-pointnet-8a3e1984")
    assert sorted(found) == ["basis", "developers", "evidence", "model", "note", "published_on", "source"]


def test_real_organisations_have_their_countries_and_kinds(real: tuple[Home, KeyStore]) -> None:
    home, _ = real
    deepmind = home.now("party:epoch-google-deepmind")
    assert (deepmind["headquartered_in"], deepmind["party_kind"]) == (["GB", "US"], "company")
    berkeley = home.now("party:epoch-nersc-lawrence-berkeley-national-laboratory")
    assert (berkeley["aliases"], berkeley["headquartered_in"], berkeley["party_kind"]) == (
        ["NERSC, Lawrence Berkeley National Laboratory"],
        ["US"],
        "government",
    )
    # Seven organisations, four countries: whose they are is not said.
    assert "headquartered_in" not in home.now("party:epoch-wuhan-university")
    # Industry and Government at once.
    assert "party_kind" not in home.now("party:epoch-saudi-aramco")


# One row


def test_a_row_becomes_a_run_and_its_organisation_a_party(home: Home, tmp_path: Path) -> None:
    party, gpt = home.added(home.take(release(tmp_path, GPT)))
    assert (party.originator_id, party.type) == ("party:epoch-openai", "party.reported")
    stated = fields(party)
    del stated["evidence"]
    assert stated == {
        "aliases": ["OpenAI"],
        "basis": "reported",
        "headquartered_in": ["US"],
        "party_kind": "company",
        "source": {"name": "epoch-organizations", "key": "epoch-openai"},
    }
    assert (gpt.originator_id, gpt.type) == ("run:epoch-gpt-x", "run.reported")
    stated = fields(gpt)
    link, file = stated.pop("evidence")
    assert link == {"uri": "https://example.org/gpt-x"}
    assert (file["media_type"], file["note"], len(file["sha256"])) == ("text/csv", "Epoch AI: release.csv", 64)
    assert stated == {
        "accelerators": [{"chip": "nvidia-a100-sxm4-40gb", "quantity": 25000}],
        "basis": "reported",
        "basis_of": {"/chip_hours": "estimated", "/operations": "estimated"},
        "chip_hours": 57_000_000,
        "developers": ["party:epoch-openai"],
        "model": "GPT-X",
        "note": "Confidence: Confident",
        "operations": "21000000000000000000000000",
        "parameters": 1_800_000_000_000,
        "published_on": "2024-03-05",
        "source": {"name": "epoch-notable-models", "key": "GPT-X"},
        "wall_hours": 2280,
    }


def test_a_row_with_nothing_but_a_model_states_nothing_else(home: Home, tmp_path: Path) -> None:
    [fact] = home.added(home.take(release(tmp_path, {"Model": "Alone"})))
    assert sorted(fields(fact)) == ["basis", "evidence", "model", "source"]


@pytest.mark.parametrize("confidence", ["Likely", "Speculative", "Unverified", "Wrong"])
def test_less_than_confident_means_estimated_but_not_for_what_confidence_does_not_describe(
    home: Home, tmp_path: Path, confidence: str
) -> None:
    found = run(home, tmp_path, Confidence=confidence)
    assert found["basis"] == "estimated"
    told = ("accelerators", "developers", "model", "published_on", "wall_hours")
    assert found["basis_of"] == {f"/{name}": "reported" for name in told}


@pytest.mark.parametrize("confidence", ["", "Unknown", "Confident"])
def test_a_row_that_says_nothing_of_doubt_is_reported(home: Home, tmp_path: Path, confidence: str) -> None:
    found = run(home, tmp_path, Confidence=confidence)
    assert (found["basis"], found["basis_of"]["/operations"]) == ("reported", "estimated")
    assert "/parameters" not in found["basis_of"]


def test_training_compute_is_reported_where_the_release_says_that_it_was(home: Home, tmp_path: Path) -> None:
    column = "Training compute estimation method"
    rows = [GPT | {column: "Reported"}, GPT | {"Model": "Other", column: "Reported,Hardware"}]
    outcome = home.take(release(tmp_path, *rows, columns=(*COLUMNS, column)))
    _, told, mixed = (fields(fact) for fact in home.added(outcome))
    assert told["basis_of"] == {"/chip_hours": "estimated"}
    assert mixed["basis_of"] == {"/chip_hours": "estimated", "/operations": "estimated"}


def test_training_compute_with_a_base_model_is_only_an_upper_bound(home: Home, tmp_path: Path) -> None:
    found = run(home, tmp_path, Base_model="GPT-W")
    assert found["operations"] == {"max": "21000000000000000000000000"}
    assert found["note"] == (
        "Base model: GPT-W\n"
        "Training compute with that of the base model: 21000000000000000000000000 FLOP\n"
        "Confidence: Confident"
    )


def test_finetune_compute_is_what_a_run_from_a_base_model_used(home: Home, tmp_path: Path) -> None:
    row = GPT | {"Base model": "GPT-W", "Finetune compute (FLOP)": "1.5e+20"}
    found = fields(home.added(home.take(release(tmp_path, row)))[-1])
    assert found["operations"] == "150000000000000000000"


def test_hardware_that_the_catalogue_lacks_is_kept_as_it_stands(home: Home, tmp_path: Path) -> None:
    found = run(home, tmp_path, Training_hardware="Abacus (Mark 2)")
    assert found["accelerators"] == [{"chip": "other:Abacus (Mark 2)", "quantity": 25000}]


def test_a_quantity_of_several_kinds_together_is_given_to_none_of_them(home: Home, tmp_path: Path) -> None:
    found = run(home, tmp_path, Training_hardware="NVIDIA A100,Google TPU v4")
    assert found["accelerators"] == [{"chip": "nvidia-a100"}, {"chip": "google-tpu-v4"}]
    assert "Hardware quantity: 25000, of all kinds together" in found["note"]
    assert "chip_hours" not in found


def test_a_quantity_of_no_stated_kind_names_no_chip(home: Home, tmp_path: Path) -> None:
    found = run(home, tmp_path, Training_hardware="")
    assert "accelerators" not in found
    assert "chip_hours" not in found
    assert "Hardware quantity: 25000, of a kind that is not stated" in found["note"]


def test_chip_hours_that_a_release_states_are_taken_over_their_product(home: Home, tmp_path: Path) -> None:
    rows = [GPT | {"Training chip-hours": "8404992.0"}]
    outcome = home.take(release(tmp_path, *rows, columns=(*COLUMNS, "Training chip-hours")))
    found = fields(home.added(outcome)[-1])
    assert (found["chip_hours"], found["basis_of"]) == (8_404_992, {"/operations": "estimated"})


def test_every_uri_of_a_link_is_evidence_and_other_words_are_not(home: Home, tmp_path: Path) -> None:
    link = "https://a.example/x, HTTPS://b.example/y_(z)\n\nhttp://c.example (was withdrawn) see appendix"
    found = run(home, tmp_path, Link=link)
    uris = [item["uri"] for item in found["evidence"] if "uri" in item]
    assert uris == ["https://a.example/x", "https://b.example/y_(z)", "http://c.example"]


def test_rows_whose_labels_meet_have_streams_of_their_own(home: Home, tmp_path: Path) -> None:
    names = ["PointNet", "PointNet++", "pointnet", "文心", "星海", "λ-WASP", "WASP"]
    facts = home.added(home.take(release(tmp_path, *[{"Model": name} for name in names])))
    streams = {fields(fact)["model"]: fact.originator_id for fact in facts}
    assert len(set(streams.values())) == len(names)
    assert streams["WASP"] == "run:epoch-wasp"
    assert home.take(tmp_path / "release.csv").added == 0


def test_models_of_one_name_are_told_apart_by_organisation_then_date_then_size(home: Home, tmp_path: Path) -> None:
    rows = [
        {"Model": "Twin", "Organization": "A", "Publication date": "2024-01-01"},
        {"Model": "Twin", "Organization": "B", "Publication date": "2024-01-01", "Parameters": "1.0"},
        {"Model": "Twin", "Organization": "B", "Publication date": "2024-01-01", "Parameters": "2.0"},
    ]
    facts = [fact for fact in home.added(home.take(release(tmp_path, *rows))) if fact.type == "run.reported"]
    keys = [fields(fact)["source"]["key"] for fact in facts]
    assert keys == ["Twin (A)", "Twin (B; 2024-01-01; 1)", "Twin (B; 2024-01-01; 2)"]
    assert home.take(tmp_path / "release.csv").added == 0


def test_a_country_is_not_guessed_where_the_lists_do_not_align(home: Home, tmp_path: Path) -> None:
    country = "Country (of organization)"
    rows = [
        {"Model": "1", "Organization": "A,B", country: "China"},
        {"Model": "2", "Organization": "C,D", country: "China,Korea (Republic of)"},
        {"Model": "3", "Organization": "E", country: "China,Multinational"},
        {"Model": "4", "Organization": "E,F", country: "France,Germany"},
        {"Model": "5", "Organization": "G", country: "China"},
        {"Model": "6", "Organization": "G", country: "France"},
        {"Model": "7", "Organization": "H", country: "Multinational"},
        {"Model": "8", "Organization": "I", country: "Atlantis,China"},
    ]
    home.take(release(tmp_path, *rows))
    found = {label: home.now(f"party:epoch-{label}").get("headquartered_in") for label in "abcdefghi"}
    assert found == {"c": ["CN"], "d": ["KR"], "e": ["CN"], **dict.fromkeys("abfghi")}


def test_spellings_of_one_organisation_are_one_party(home: Home, tmp_path: Path) -> None:
    rows = [{"Model": "1", "Organization": "Google Deepmind"}, {"Model": "2", "Organization": "Google DeepMind"}]
    home.take(release(tmp_path, *rows))
    assert home.now("party:epoch-google-deepmind")["aliases"] == ["Google Deepmind", "Google DeepMind"]


def test_columns_may_bear_the_names_that_older_releases_gave_them(home: Home, tmp_path: Path) -> None:
    older = {"Model": "System", "Country (of organization)": "Country (from Organization)"}
    row = {older.get(name, name): value for name, value in GPT.items()}
    home.take(release(tmp_path, row, columns=tuple(older.get(name, name) for name in COLUMNS)))
    assert home.now("run:epoch-gpt-x")["model"] == "GPT-X"
    assert home.now("party:epoch-openai")["headquartered_in"] == ["US"]


def test_a_release_with_few_or_new_columns_is_read(home: Home, tmp_path: Path) -> None:
    columns = ("Brand new", "Training compute (FLOP)", "Publication date", "Organization", "Model")
    row = {name: GPT.get(name, "x") for name in columns}
    [_, fact] = home.added(home.take(release(tmp_path, row, columns=columns)))
    assert sorted(fields(fact)) == [
        *("basis", "basis_of", "developers", "evidence", "model", "operations", "published_on", "source")
    ]


def test_an_entry_that_somebody_began_and_left_is_passed_over(home: Home, tmp_path: Path) -> None:
    outcome = home.take(release(tmp_path, {"Confidence": "Unverified"}, {"Model": "Alone"}))
    assert outcome.added == 1


def test_the_format_is_listed_with_what_it_is() -> None:
    assert FORMATS["epoch-models"].about
    assert all(name == format.name for name, format in FORMATS.items())
