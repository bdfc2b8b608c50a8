"""Strict CSV: a table read once, row by row, its cells read as names, text, numbers and dates, or refused in place.

A table is UTF-8 (a byte order mark is passed over), separated by commas, quoted as in RFC 4180, and every line ends; a
quoted cell may hold line breaks, LF or CRLF. Refused, with line and column: another separator or encoding, a row with
more or fewer cells than the header, a file that stops in the middle, and what a spreadsheet leaves behind, since it has
changed dates and rounded numbers before it saved::

    Model,Publication date,Training compute (FLOP)
    GPT-4,3/15/2023,2.10E+25            refused: as published this reads 2023-03-15 and 2.1e+25

Shown by `tests/intake/test_table.py`.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, TypeVar

from ledger.domain.event import NAME_PATTERN, UNSAFE
from ledger.domain.quantity import Quantity
from ledger.domain.when import When
from ledger.errors import InputError, Place

__all__ = ["MAX_CELL", "MAX_LINE", "MAX_NAME", "Row", "Table"]

Q = TypeVar("Q", bound=Quantity)

MAX_LINE: Final = 1 << 20
"""The longest line that is read, in bytes."""
MAX_CELL: Final = 50_000
"""The longest cell that is read, in characters."""
MAX_NAME: Final = 300

_BOM: Final = b"\xef\xbb\xbf"
_AS_PUBLISHED: Final = "Spreadsheets change dates and round numbers as they save: import the file as it was published."

_NUMBER: Final = re.compile(r"(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?", re.ASCII)
_REWRITTEN_NUMBER: Final = re.compile(
    r"[+-]?\d+(?:[.,]\d*)?E[+-]?\d+|[+-]?\d{1,3}(?:[,.'\u00a0\u202f ]\d{3})+(?:[.,]\d+)?|[+-]?\d+,\d+(?:e[+-]?\d+)?"
)
_REWRITTEN_DATE: Final = re.compile(
    r"\d{1,4}[/.]\d{1,2}[/.]\d{1,4}.*|\d{1,2}-\d{1,2}-\d{2,4}|\d{5}"
    r"|(?:\d{1,2}[- ])?[A-Za-z]{3,9}[- ]\d{1,4}(?:,? \d{4})?"
)
_SPREADSHEET_ERROR: Final = re.compile(r"#+|#(?:N/A|NAME\?|REF!|VALUE!|NUM!|NULL!|DIV/0!|SPILL!)")

# Spaces that are typed by accident, and characters of no width that stand for nothing.
_SPACES: Final = re.compile(r"[\t\n\r\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000 ]+")
_LINE_BREAK: Final = re.compile(r"\r\n?|[\u2028\u2029]")
_NOTHING: Final = re.compile(r"[\xad\u200b\u2060\ufeff]")
_UNSAFE: Final = re.compile(f"[{UNSAFE}]")
_NAME: Final = re.compile(NAME_PATTERN)
# Epoch AI, and Airtable: a comma divides a list, and a comma before a space is part of a name ("Acme Co., Ltd.").
_BETWEEN_ITEMS: Final = re.compile(r",(?! )")


class Row:
    """One row, which begins at `line`. A cell that is empty, or whose column is missing, reads as None or nothing."""

    __slots__ = ("_cells", "_table", "line")

    def __init__(self, table: Table, line: int, cells: Sequence[str]) -> None:
        self._table = table
        self._cells = cells
        self.line = line

    def place(self, column: str = "") -> Place:
        """Where this row, or its cell under `column`, stands."""
        index = self._table.columns.get(column)
        return Place(self._table.file, self.line, column if index is None else self._table.header[index])

    def refuse(self, column: str, problem: str, hint: str = "") -> InputError:
        """The error to raise for the cell under `column`."""
        return InputError(problem, self.place(column), hint)

    def cell(self, column: str) -> str:
        """The cell as it stands, but for spaces around it."""
        index = self._table.columns.get(column)
        text = "" if index is None else self._cells[index].strip(" \t\r\n")
        if _SPREADSHEET_ERROR.fullmatch(text):
            raise self.refuse(column, f"{text[:20]!r} is a spreadsheet's error, not a value", _AS_PUBLISHED)
        return text

    def name(self, column: str) -> str | None:
        """One line of text. Line breaks and odd spaces become a space; what cannot be seen otherwise is refused."""
        return self._name(column, self.cell(column))

    def names(self, column: str) -> tuple[str, ...]:
        """The names in a list that commas divide, in order."""
        items = (self._name(column, item) for item in _BETWEEN_ITEMS.split(self.cell(column)))
        return tuple(item for item in items if item)

    def text(self, column: str) -> str | None:
        """Text of many lines. A character that cannot be seen is replaced by one that can, U+FFFD."""
        text = _NOTHING.sub("", _LINE_BREAK.sub("\n", self.cell(column)))
        return _UNSAFE.sub("\ufffd", text).strip() or None

    def number(self, column: str, kind: type[Q]) -> Q | None:
        """An amount, exactly as it is written."""
        text = self.cell(column)
        if not text:
            return None
        shown = repr(text[:60])
        if text.startswith("-") and _NUMBER.fullmatch(text[1:]):
            raise self.refuse(column, f"{shown} is negative: an amount is 0 or more")
        if not _NUMBER.fullmatch(text):
            if _REWRITTEN_NUMBER.fullmatch(text):
                problem = f"{shown} is a number as a spreadsheet shows it, perhaps rounded"
                raise self.refuse(column, problem, _AS_PUBLISHED)
            raise self.refuse(column, f"{shown} is not a number")
        try:
            return kind.parse(text)
        except ValueError as error:
            raise self.refuse(column, str(error)) from None

    def date(self, column: str) -> When | None:
        """A year, month or day, as ISO 8601 writes them."""
        text = self.cell(column)
        if not text:
            return None
        if _REWRITTEN_DATE.fullmatch(text):
            problem = f"{text[:60]!r} is a date as a spreadsheet shows it, and could be read in more than one way"
            raise self.refuse(column, problem, _AS_PUBLISHED)
        try:
            when = When.parse(text)
        except ValueError as error:
            raise self.refuse(column, str(error)) from None
        if when.precision not in ("year", "month", "day"):
            raise self.refuse(column, f"{text[:60]!r} is not a day")
        return when

    def _name(self, column: str, text: str) -> str | None:
        text = _SPACES.sub(" ", _NOTHING.sub("", text)).strip()
        if not text:
            return None
        if len(text) > MAX_NAME:
            raise self.refuse(column, f"the name has {len(text)} characters, and {MAX_NAME} are the most")
        if hidden := _UNSAFE.search(text) or (None if _NAME.match(text) else re.search("[\u200c\u200d]", text)):
            found = hidden[0]
            known_as = unicodedata.name(found, "a control character")
            problem = f"the name holds U+{ord(found):04X} ({known_as}), which makes one name look like another"
            raise self.refuse(column, problem, "Remove the character, or report it to whoever publishes the file.")
        return text


class Table:
    """A CSV file, open from ``with`` on: `header` first, then the rows as it is iterated, then `sha256` of all bytes.

    `columns` maps a column's name to its index. InputError for what is not such a table.
    """

    def __init__(self, path: Path) -> None:
        self.file = str(path)
        self.header: tuple[str, ...] = ()
        self.columns: dict[str, int] = {}
        self._path = path
        self._digest = sha256()
        self._line = 0

    def __enter__(self) -> Table:
        try:
            self._bytes: BinaryIO = self._path.open("rb")
        except OSError as error:
            raise self._unreadable(error) from error
        try:
            self._cells = self._read_cells()
            self._read_header()
        except BaseException:
            self._bytes.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bytes.close()

    def __iter__(self) -> Iterator[Row]:
        for line, cells in self._cells:
            if len(cells) != len(self.header):
                problem = f"the row has {len(cells)} cells, the header {len(self.header)}"
                hint = "Is a quotation mark missing, or was the file cut off here?"
                raise InputError(problem, Place(self.file, line), hint)
            yield Row(self, line, cells)

    @property
    def sha256(self) -> str:
        """SHA-256, in hex, of what was read so far: of the whole file once all rows are read."""
        return self._digest.hexdigest()

    def also_called(self, other_names: Mapping[str, str]) -> None:
        """Lets a column that this table lacks be found under another name: {name in the file: name asked for}."""
        for written, asked in other_names.items():
            if asked not in self.columns and written in self.columns:
                self.columns[asked] = self.columns[written]

    def _read_header(self) -> None:
        line, cells = next(self._cells, (1, []))
        self.header = tuple(_SPACES.sub(" ", cell).strip() for cell in cells)
        place = Place(self.file, line)
        if not cells:
            raise InputError("the file is empty", place)
        if len(cells) == 1:
            other = next((mark for mark in (";", "\t", "|") if mark in cells[0]), None)
            if other is not None:
                problem = f"the columns are separated by {'tabs' if other == chr(9) else repr(other)}, not by commas"
                raise InputError(problem, place, _AS_PUBLISHED)
        for index, name in enumerate(self.header):
            if name and name in self.columns:
                raise InputError("the header has this column twice", Place(self.file, line, name[:80]))
            self.columns[name] = index
        self.columns.pop("", None)

    def _read_cells(self) -> Iterator[tuple[int, list[str]]]:
        """(line where it begins, cells) of each row that is not blank."""
        rows = csv.reader(self._lines(), strict=True)
        while True:
            first = self._line + 1
            try:
                cells = next(rows, None)
            except csv.Error as error:
                raise InputError(*self._explain(error, first)) from None
            except OSError as error:
                raise self._unreadable(error) from error
            if cells is None:
                return
            if any(len(cell) > MAX_CELL for cell in cells):
                raise InputError(f"a cell is longer than {MAX_CELL:,} characters", Place(self.file, first))
            if any(cells):
                yield first, cells

    def _explain(self, error: csv.Error, first: int) -> tuple[str, Place, str]:
        place = Place(self.file, first)
        if "unexpected end" in str(error):
            hint = "Was the file cut off, or is a quotation mark missing?"
            return "the file stops within a quoted cell of this row", place, hint
        if "field limit" in str(error):
            return "a cell of this row is too long", place, "Is its closing quotation mark missing?"
        return f"this row is not CSV: {error}", place, "Is a quotation mark missing, or not doubled?"

    def _lines(self) -> Iterator[str]:
        while line := self._bytes.readline(MAX_LINE + 1):
            self._line += 1
            place = Place(self.file, self._line)
            if len(line) > MAX_LINE:
                raise InputError(f"the line is longer than {MAX_LINE:,} bytes", place, "Is this a CSV file?")
            if b"\0" in line:
                raise InputError("the line holds a NUL byte", place, "Is this a CSV file, saved as UTF-8?")
            if not line.endswith(b"\n"):
                problem = "the file stops in the middle of this line: nothing ends it"
                raise InputError(problem, place, "Was the file cut off? Fetch it again.")
            self._digest.update(line)
            yield self._decode(line.removeprefix(_BOM) if self._line == 1 else line, place)

    def _decode(self, line: bytes, place: Place) -> str:
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            raise InputError(f"byte {error.start + 1} of the line is not UTF-8", place, _AS_PUBLISHED) from None

    def _unreadable(self, error: OSError) -> InputError:
        return InputError(f"the file cannot be read: {error.strerror}", Place(self.file))
