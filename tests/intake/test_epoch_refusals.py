"""A file that is not as Epoch AI publishes it is refused whole: file, line and column, and nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.errors import InputError, Place
from tests.intake.tables import GPT, Home, release, text


def refusal(home: Home, path: Path) -> InputError:
    with pytest.raises(InputError) as error:
        home.take(path)
    assert home.ledger.size() == 1, "something was written"
    return error.value


BAD_CELLS = [
    ("Publication date", "3/15/2023", "as a spreadsheet shows it"),
    ("Publication date", "Oct-25", "as a spreadsheet shows it"),
    ("Publication date", "2023-02-30", "has no day 30"),
    ("Publication date", "0023-03-15", "outside 1800 to 2199"),
    ("Training compute (FLOP)", "3.05E+10", "as a spreadsheet shows it"),
    ("Training compute (FLOP)", "nan", "is not a number"),
    ("Training compute (FLOP)", "-1e+20", "is negative"),
    ("Parameters", "inf", "is not a number"),
    ("Hardware quantity", "1.5", "not a whole number"),
    ("Hardware quantity", "9007199254740992", r"2\^53"),
    ("Training time (hours)", "-3", "is negative"),
    ("Training hardware", "NVIDIA \u202eA100", r"U\+202E"),
    ("Organization", "Open\x07AI", r"U\+0007"),
    ("Model", "GPT\u202eX", r"U\+202E"),
    ("Model", "x" * 301, "301 characters"),
    ("Model", "", "names no model"),
    ("Model", "#NAME?", "spreadsheet's error"),
]


@pytest.mark.parametrize(
    ("column", "cell", "problem"), BAD_CELLS, ids=[f"{c}-{i}" for i, (c, *_) in enumerate(BAD_CELLS)]
)
def test_a_cell_that_cannot_be_read_is_refused_with_its_place_and_nothing_is_written(
    home: Home, tmp_path: Path, column: str, cell: str, problem: str
) -> None:
    path = release(tmp_path, {"Model": "Good"}, GPT | {column: cell})
    with pytest.raises(InputError, match=problem) as error:
        home.take(path)
    assert error.value.place == Place(str(path), 3, column)
    assert home.ledger.size() == 1


def test_the_same_row_twice_is_refused(home: Home, tmp_path: Path) -> None:
    error = refusal(home, release(tmp_path, GPT, {"Model": "Other"}, GPT))
    assert "'GPT-X' stands at line 2 already" in error.problem
    assert (error.place.line, error.place.field) == (4, "Model")


def test_a_row_that_a_space_of_no_width_sets_apart_is_the_same_row(home: Home, tmp_path: Path) -> None:
    error = refusal(home, release(tmp_path, GPT, GPT | {"Model": "GPT\u200b-X"}))
    assert "stands at line 2 already" in error.problem


def test_another_table_is_named_for_what_it_is(home: Home, tmp_path: Path, shared_real: Path) -> None:
    error = refusal(home, shared_real / "epoch" / "ml_hardware_2026-07.csv")
    assert "it has no Model and no Organization and no Publication date and no Training compute" in error.problem
    assert "machine learning hardware" in error.hint
    error = refusal(home, release(tmp_path, {"a": "1"}, columns=("a", "b")))
    assert error.hint == "The file's columns begin: a, b."


def test_a_spreadsheet_that_split_at_semicolons_is_refused(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "saved.csv"
    path.write_text(text(GPT).replace(",", ";"))
    assert "separated by ';'" in refusal(home, path).problem


def test_a_file_cut_off_anywhere_in_a_line_is_refused(home: Home, tmp_path: Path) -> None:
    whole = text(GPT, GPT | {"Model": "Quoted, and last", "Training compute notes": 'two\nlines, "quoted"'})
    path = tmp_path / "cut.csv"
    last = whole.rindex('"Quoted')
    for end in range(last + 1, len(whole)):
        path.write_text(whole[:end])
        refusal(home, path)


def test_latin_1_is_refused(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "saved.csv"
    path.write_bytes(text(GPT | {"Organization": "Université"}).encode("latin-1"))
    error = refusal(home, path)
    assert "is not UTF-8" in error.problem
    assert error.place.line == 2
