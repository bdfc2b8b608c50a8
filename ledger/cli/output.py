"""What the commands print with: tables that fit the terminal, JSON, JSON Lines, and progress on long work."""

from __future__ import annotations

import re
import shutil
import sys
import time
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, Final

import click
import msgspec

from ledger.domain.event import UNSAFE

__all__ = [
    "Progress",
    "counted",
    "json_lines",
    "print_json",
    "print_pairs",
    "print_table",
    "safe",
    "safe_in_json",
    "width_of",
]

_UNSAFE: Final = re.compile(f"[{UNSAFE}\u200c\u200d]")
_GAP: Final = 2
_LEAST: Final = 6
_COMFORTABLE: Final = 12


def safe(text: str) -> str:
    """`text` on one line, without characters that could drive or mislead a terminal."""
    return "".join(
        character if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else "�"
        for character in text.replace("\n", " ⏎ ").replace("\t", "  ")
    )


def counted(number: int, one: str, many: str = "") -> str:
    """`number` and what it counts, in the singular or the plural: ``1 entry``, ``1,024 entries``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def width_of(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def clip(text: str, width: int) -> str:
    """`text` in at most `width` columns, with an ellipsis where it is cut."""
    if width_of(text) <= width:
        return text
    used, kept = 0, []
    for character in text:
        used += _width(character)
        if used > width - 1:
            break
        kept.append(character)
    return "".join(kept) + "…"


def print_table(
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: Sequence[int] = (),
    soft: Sequence[int] = (),
    spare: Sequence[int] = (),
) -> int:
    """Prints rows under headings and returns how many. Columns are named by index.

    On a terminal the table is made to fit: `soft` columns shrink, the widest first; then `spare` ones are left out, in
    the order given, as are columns that are empty; then all shrink. Elsewhere nothing is cut. `right`: flush right.
    """
    cells = [[safe("" if value is None else str(value)) for value in row] for row in rows]
    widths = {
        index: max([width_of(heading), *(width_of(row[index]) for row in cells)])
        for index, heading in enumerate(headings)
    }
    if sys.stdout.isatty():
        empty = [index for index in widths if cells and not any(row[index] for row in cells)]
        _fit(widths, shutil.get_terminal_size().columns, soft, empty, spare)
    for row in [list(headings), *cells]:
        texts = []
        for index, width in widths.items():
            text = clip(row[index], width)
            pad = " " * (width - width_of(text))
            texts.append(pad + text if index in right else text + pad)
        click.echo((" " * _GAP).join(texts).rstrip())
    return len(cells)


def _fit(widths: dict[int, int], columns: int, soft: Sequence[int], empty: Sequence[int], spare: Sequence[int]) -> None:
    """Makes `widths` fit, in place."""

    def excess() -> int:
        return sum(widths.values()) + _GAP * (len(widths) - 1) - columns

    def shrink(which: Sequence[int], least: int) -> None:
        while excess() > 0:
            widest = max((index for index in which if index in widths), key=lambda index: widths[index], default=None)
            if widest is None or widths[widest] <= least:
                return
            widths[widest] -= 1

    for index in empty:
        if excess() > 0:
            del widths[index]
    shrink(soft, _COMFORTABLE)
    for index in spare:
        if excess() > 0:
            widths.pop(index, None)
    shrink(soft, _LEAST)
    shrink(list(widths), _LEAST)


def print_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """Prints names and values, the values aligned; a value of several lines keeps them."""
    kept = [(name, str(value)) for name, value in pairs if value is not None]
    width = max((width_of(name) for name, _ in kept), default=0)
    for name, value in kept:
        first, *more = value.split("\n")
        click.echo(f"{name.ljust(width)}  {safe(first)}".rstrip())
        for line in more:
            click.echo(f"{' ' * width}  {safe(line)}".rstrip())


def print_json(value: Any) -> None:
    """Prints one value as indented JSON."""
    click.echo(safe_in_json(msgspec.json.format(msgspec.json.encode(_jsonable(value)), indent=2).decode()))


def json_lines(values: Iterable[Any]) -> int:
    """Prints each value as one line of JSON, and returns how many."""
    count = 0
    for value in values:
        click.echo(safe_in_json(msgspec.json.encode(_jsonable(value)).decode()))
        count += 1
    return count


def safe_in_json(text: str) -> str:
    """JSON that means the same, with characters that could drive or mislead a terminal written as escapes."""
    return _UNSAFE.sub(lambda found: "".join(f"\\u{unit:04x}" for unit in _units(found[0])), text)


def _units(character: str) -> tuple[int, ...]:
    code = ord(character) - 0x10000
    return (ord(character),) if code < 0 else (0xD800 + (code >> 10), 0xDC00 + (code & 0x3FF))


def _jsonable(value: Any) -> Any:
    return msgspec.to_builtins(value, enc_hook=_as_text)


def _as_text(value: Any) -> Any:
    from ledger.domain.quantity import Quantity

    return value.json() if isinstance(value, Quantity) else str(value)


class Progress:
    """Says on stderr how far long work is, where somebody watches: after a second, and then a few times a second."""

    def __init__(self) -> None:
        self._started = self._shown = time.monotonic()
        self._on = sys.stderr.isatty()
        self._width = 0

    def __call__(self, doing: str, done: int, of: int) -> None:
        now = time.monotonic()
        if not self._on or now - self._started < 1 or now - self._shown < 0.2:
            return
        self._shown = now
        rate = done / (now - self._started)
        share = f" of {of:,} ({done * 100 // of} %)" if of else ""
        text = f"{doing} {done:,}{share}, {rate:,.0f}/s"
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = len(text)

    def clear(self) -> None:
        """Wipes the line that was shown."""
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()
            self._width = 0
