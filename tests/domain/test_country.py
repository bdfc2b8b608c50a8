"""Countries: the codes of ISO 3166-1, against another transcription of it, and hints for what people write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.domain.country import COUNTRIES, WITHDRAWN, check_country, country_name

STANDARD = Path(__file__).parents[3] / "shared" / "real" / "codes" / "iso3166-1.json"


@pytest.mark.skipif(not STANDARD.exists(), reason="shared/real/codes is not beside this checkout")
def test_the_codes_are_those_of_another_transcription_of_iso_3166_1() -> None:
    entries = json.loads(STANDARD.read_text("utf-8"))["3166-1"]
    assert set(COUNTRIES) == {entry["alpha_2"] for entry in entries}


def test_no_withdrawn_code_is_also_in_force() -> None:
    assert not set(COUNTRIES) & set(WITHDRAWN)


@pytest.mark.parametrize("code", ["SG", "MY", "CN", "HK", "MO", "TW", "NO", "YU"])
def test_a_code_that_the_standard_has_or_had_is_returned_as_it_stands(code: str) -> None:
    assert check_country(code) == code


def test_a_withdrawn_code_says_since_when() -> None:
    assert country_name("YU") == "Yugoslavia (withdrawn 2003)"
    assert country_name("SG") == "Singapore"
    assert country_name("??") == "??"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("UK", "GB (United Kingdom)"),
        ("USA", "US (United States)"),
        ("UAE", "AE (United Arab Emirates)"),
        ("PRC", "CN (China)"),
        ("sg", "SG (Singapore)"),
        ("Malaysia", "MY (Malaysia)"),
        ("Singapor", "SG (Singapore)"),
    ],
)
def test_what_people_write_instead_is_refused_with_the_code_that_they_mean(written: str, meant: str) -> None:
    with pytest.raises(ValueError, match="not an ISO 3166-1") as refused:
        check_country(written)
    assert str(refused.value).endswith(f"did you mean {meant}?")


@pytest.mark.parametrize("written", ["", "ZZ", "EU", "XK", "SG\n", "🇸🇬", "A" * 1_000_000])
def test_what_nobody_can_guess_is_refused_without_a_guess_and_without_an_echo(written: str) -> None:
    with pytest.raises(ValueError, match="not an ISO 3166-1") as refused:
        check_country(written)
    assert len(str(refused.value)) < 200
