"""A table is read exactly as it stands, or refused with the line and column where it cannot be."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.domain.quantity import Count, Quantity
from ledger.errors import InputError, Place
from ledger.intake.table import MAX_CELL, MAX_LINE, Row, Table


def read(path: Path, content: str | bytes) -> list[Row]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with Table(path) as table:
        return list(table)


def refusal(path: Path, content: str | bytes) -> InputError:
    with pytest.raises(InputError) as error:
        read(path, content)
    return error.value


def one(path: Path, cell: str) -> Row:
    """The row of a table whose one cell, under X, is `cell`."""
    quoted = cell.replace('"', '""')
    [row] = read(path, f'X,Y\n"{quoted}",y\n')
    return row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def test_cells_are_read_under_their_columns_with_the_line_where_their_row_begins(path: Path) -> None:
    rows = read(path, 'A,B\n1,"two\nlines"\n\n3,"a ""word"""\n')
    assert [(row.line, row.cell("A"), row.cell("B")) for row in rows] == [(2, "1", "two\nlines"), (5, "3", 'a "word"')]
    assert rows[1].place("B") == Place(str(path), 5, "B")


def test_a_byte_order_mark_and_crlf_change_nothing(path: Path) -> None:
    plain = read(path, 'A,B\n1,"x\ny"\n')[0]
    saved = read(path, b'\xef\xbb\xbfA,B\r\n1,"x\r\ny"\r\n')[0]
    assert (saved.cell("A"), saved.text("B")) == (plain.cell("A"), plain.text("B")) == ("1", "x\ny")


def test_the_digest_is_that_of_the_whole_file(path: Path) -> None:
    read(path, "A\n1\n")
    with Table(path) as table:
        list(table)
    assert table.sha256 == sha256(b"A\n1\n").hexdigest()


def test_a_column_may_go_by_another_name_and_errors_name_it_as_the_file_does(path: Path) -> None:
    path.write_text("System,B\nx,y\n")
    with Table(path) as table:
        table.also_called({"System": "Model"})
        [row] = table
    assert row.name("Model") == "x"
    assert row.place("Model").field == "System"


def test_a_cell_of_a_missing_column_reads_as_nothing(path: Path) -> None:
    row = one(path, "x")
    assert (row.cell("Z"), row.name("Z"), row.names("Z"), row.text("Z")) == ("", None, (), None)
    assert (row.number("Z", Quantity), row.date("Z")) == (None, None)


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        ("", 1, "the file is empty"),
        ("A;B\n1;2\n", 1, "the columns are separated by ';'"),
        ("A\tB\n1\t2\n", 1, "the columns are separated by tabs"),
        ("A,B,A\n1,2,3\n", 1, "the header has this column twice"),
        ("A,B\n1,2\n3\n", 3, "the row has 1 cells, the header 2"),
        ("A,B\n1,2,3\n", 2, "the row has 3 cells, the header 2"),
        ('A,B\n1,"2\n3,4\n', 2, "the file stops within a quoted cell"),
        ("A,B\n1,2\n3,4", 3, "the file stops in the middle of this line"),
        ('A,B\n1,"2"x\n', 2, "this row is not CSV"),
        (b"A,B\n1,\xff\n", 2, "byte 3 of the line is not UTF-8"),
        ("A,B\n1,2\n".encode("utf-16"), 1, "holds a NUL byte"),
        (b"A,B\n1,\x00\n", 2, "holds a NUL byte"),
        (f"A,B\n1,{'x' * (MAX_CELL + 1)}\n", 2, "a cell is longer than"),
        (f"A,B\n1,{'x' * MAX_LINE}\n", 2, "the line is longer than"),
        ('A,B\n1,"' + "x\n" * 100_000, 2, "too long"),
    ],
    ids=range(15),
)
def test_what_is_not_such_a_table_is_refused_with_its_line(
    path: Path, content: str | bytes, line: int, problem: str
) -> None:
    error = refusal(path, content)
    assert problem in error.problem
    assert (error.place.file, error.place.line) == (str(path), line)


def test_a_line_of_100_mb_is_refused_without_being_held(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"A,B\n1,")
        file.seek(100_000_000)
        file.write(b"2\n")
    with pytest.raises(InputError, match="the line is longer than"), Table(path) as table:
        list(table)


def test_a_file_that_cannot_be_read_is_an_error_of_input(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError, match="the file cannot be read"), Table(path):
            pass


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        (" GPT-4\n", "GPT-4"),
        ("ALLaM\xa0adapted 70B", "ALLaM adapted 70B"),
        ("two\nlines", "two lines"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("文心大模型4.5", "文心大模型4.5"),
        ("", None),
        (" \u200b ", None),
    ],
)
def test_a_name_is_one_line_with_plain_spaces(path: Path, cell: str, name: str | None) -> None:
    assert one(path, cell).name("X") == name


@pytest.mark.parametrize(
    ("cell", "mark"), [("GPT\u202e4", "U+202E"), ("a\x07b", "U+0007"), ("a\u200db", "U+200D"), ("a\x85b", "U+0085")]
)
def test_a_mark_that_makes_one_name_look_like_another_is_refused_in_names(path: Path, cell: str, mark: str) -> None:
    row = one(path, cell)
    with pytest.raises(InputError, match=mark.replace("+", r"\+")) as error:
        row.name("X")
    assert error.value.place == Place(str(path), 2, "X")


def test_a_mark_that_cannot_be_seen_is_made_visible_in_text(path: Path) -> None:
    assert one(path, "a\u202eb\u200bc\r\nd\te").text("X") == "a\ufffdbc\nd\te"


def test_a_comma_divides_a_list_and_a_comma_before_a_space_does_not(path: Path) -> None:
    row = one(path, "NVIDIA,NERSC, Lawrence Berkeley National Laboratory,,Rice University")
    assert row.names("X") == ("NVIDIA", "NERSC, Lawrence Berkeley National Laboratory", "Rice University")


@pytest.mark.parametrize(
    ("cell", "value"),
    [("2.1e+25", 21 * 10**24), ("13000000000.0", 13 * 10**9), ("5.0000000000000004e+22", 50000000000000004000000)],
)
def test_a_number_is_read_to_its_last_digit(path: Path, cell: str, value: int) -> None:
    assert one(path, cell).number("X", Quantity) == Quantity.exact(value)


@pytest.mark.parametrize(
    "cell", ["2.1E+25", "1.0692E+025", "1,000,000", "1,5", "1.000.000", "12'000", "1E5", "###", "#N/A"]
)
def test_a_number_that_a_spreadsheet_rewrote_is_refused_as_such(path: Path, cell: str) -> None:
    row = one(path, cell)
    with pytest.raises(InputError, match="spreadsheet") as error:
        row.number("X", Quantity)
    assert (error.value.place.line, error.value.place.field) == (2, "X")
    assert "as it was published" in error.value.hint


@pytest.mark.parametrize(
    "cell", ["-5", "-1e3", "nan", "NaN", "inf", "Infinity", "1e999", "0x10", "٣", "5 GPUs", "1e", "00"]
)
def test_what_is_not_an_amount_is_refused(path: Path, cell: str) -> None:
    row = one(path, cell)
    with pytest.raises(InputError) as error:
        row.number("X", Quantity)
    assert error.value.place == Place(str(path), 2, "X")
    assert "spreadsheet" not in error.value.problem


def test_a_count_is_whole(path: Path) -> None:
    assert one(path, "512.0").number("X", Count) == Count.exact(512)
    with pytest.raises(InputError, match="not a whole number"):
        one(path, "512.5").number("X", Count)


@pytest.mark.parametrize("cell", ["2025-09-16", "2025-09", "1957"])
def test_a_date_keeps_its_precision(path: Path, cell: str) -> None:
    assert str(one(path, cell).date("X")) == cell


@pytest.mark.parametrize(
    "cell", ["9/16/2025", "16.09.2025", "2025/09/16", "Oct-25", "16-Sep-25", "09-16-2025", "45916"]
)
def test_a_date_that_a_spreadsheet_rewrote_is_refused_as_such(path: Path, cell: str) -> None:
    row = one(path, cell)
    with pytest.raises(InputError, match="as a spreadsheet shows it") as error:
        row.date("X")
    assert "as it was published" in error.value.hint


@pytest.mark.parametrize(
    "cell", ["2025-13-01", "2025-02-30", "0025-01-01", "3025-01-01", "soon", "2025-01-01/2025-02-01"]
)
def test_an_impossible_date_is_refused(path: Path, cell: str) -> None:
    row = one(path, cell)
    with pytest.raises(InputError) as error:
        row.date("X")
    assert error.value.place == Place(str(path), 2, "X")


floats = st.floats(min_value=1e-6, max_value=1e58, allow_nan=False)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(floats | st.integers(0, 10**18))
def test_whatever_number_python_writes_is_read_as_exactly_those_digits(path: Path, number: float | int) -> None:
    found = one(path, repr(number)).number("X", Quantity)
    assert found is not None
    assert found.value == Decimal(repr(number))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(floats.filter(lambda number: "e" in repr(number)))
def test_no_number_that_a_spreadsheet_writes_with_an_exponent_is_taken(path: Path, number: float) -> None:
    with pytest.raises(InputError, match="spreadsheet"):
        one(path, f"{number:.2E}").number("X", Quantity)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40))
def test_no_text_brings_anything_but_a_value_or_an_error_of_input(path: Path, cell: str) -> None:
    row = one(path, cell)
    for reading in (row.name, row.names, row.text, row.date, lambda column: row.number(column, Quantity)):
        with suppress(InputError):
            reading("X")
