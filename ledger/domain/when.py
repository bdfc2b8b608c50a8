"""When something happened, at the precision that its source states, and no finer.

Text forms, kept exactly as written (`str(When.parse(text)) == text`)::

    2024                        a year
    2024-03                     a month
    2024-03-05                  a day, local to the place of the event
    2024-03-05T14:30:00+08:00   a time; the offset is required
    2024-03-05/2024-03-09       an interval, both ends included; either end at any precision
    2024-03/..                  an open interval (ISO 8601-2); ../2024-03 is open at its start

Not stated at all is the absence of the field; known to be unknown is JSON ``null``.
Shown by `tests/domain/test_when.py`.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Literal

__all__ = ["Precision", "When"]

Precision = Literal["year", "month", "day", "time", "interval", "open"]

FIRST_YEAR: Final = 1800
LAST_YEAR: Final = 2199

_POINT = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})"
    r"(?:T(?P<h>\d{2}):(?P<m>\d{2})(?::(?P<s>\d{2})(?:\.(?P<ms>\d{1,6}))?)?(?P<tz>Z|[+-]\d{2}:\d{2})?)?)?)?",
    re.ASCII,
)
# A day is local to its place: it begins first where clocks are furthest ahead, and ends last where furthest behind.
_AHEAD: Final = timedelta(hours=14)
_BEHIND: Final = timedelta(hours=12)


class _Point:
    """One end of a `When`: the first and last day that it may mean, and the instant where it is a time."""

    __slots__ = ("first", "instant", "last", "precision")

    def __init__(self, precision: Precision, first: date, last: date, instant: datetime | None = None) -> None:
        self.precision = precision
        self.first = first
        self.last = last
        self.instant = instant

    @property
    def earliest(self) -> datetime:
        """The first moment that this may mean, wherever on Earth its place is."""
        return self.instant or datetime.combine(self.first, time.min, UTC) - _AHEAD

    @property
    def latest(self) -> datetime:
        """The last moment that this may mean, wherever on Earth its place is."""
        return self.instant or datetime.combine(self.last, time.max, UTC) + _BEHIND


def _point(text: str) -> _Point:
    found = _POINT.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text[:60]!r} is not a date: write 2024, 2024-03, 2024-03-05, 2024-03-05T14:30:00+08:00, "
            "or an interval 2024-03-05/2024-03-09"
        )
    year = int(found["year"])
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"year {year} is outside {FIRST_YEAR} to {LAST_YEAR}")
    if found["month"] is None:
        return _Point("year", date(year, 1, 1), date(year, 12, 31))
    month = int(found["month"])
    if not 1 <= month <= 12:
        raise ValueError(f"{text!r}: there is no month {month}")
    if found["day"] is None:
        return _Point("month", date(year, month, 1), date(year, month, monthrange(year, month)[1]))
    try:
        day = date(year, month, int(found["day"]))
    except ValueError:
        raise ValueError(f"{text!r}: {year}-{month:02} has no day {int(found['day'])}") from None
    if found["h"] is None:
        return _Point("day", day, day)
    return _Point("time", day, day, _instant(text, day, found))


def _instant(text: str, day: date, found: re.Match[str]) -> datetime:
    if found["tz"] is None:
        raise ValueError(f"{text!r}: a time needs its offset, such as +08:00 or Z")
    try:
        clock = time(int(found["h"]), int(found["m"]), int(found["s"] or 0), int((found["ms"] or "").ljust(6, "0")))
    except ValueError:
        raise ValueError(f"{text!r}: there is no such time of day") from None
    offset = timedelta(0)
    if found["tz"] != "Z":
        hours, minutes = int(found["tz"][1:3]), int(found["tz"][4:])
        offset = timedelta(hours=hours, minutes=minutes) * (-1 if found["tz"][0] == "-" else 1)
        if minutes > 59 or not -_BEHIND <= offset <= _AHEAD:
            raise ValueError(f"{text!r}: there is no offset {found['tz']}")
    return datetime.combine(day, clock, UTC) - offset


class When:
    """A point or span of time as stated. Equal and hashed by its text; ordered only through its bounds."""

    __slots__ = ("_end", "_start", "precision", "text")

    text: str
    precision: Precision

    def __init__(self, text: str, start: _Point | None, end: _Point | None, precision: Precision) -> None:
        self.text = text
        self.precision = precision
        self._start = start
        self._end = end

    @staticmethod
    @lru_cache(maxsize=4096)
    def parse(text: str) -> When:
        """The `When` that `text` states; ValueError says what is impossible about it."""
        first, slash, last = text.partition("/")
        if not slash:
            point = _point(text)
            return When(text, point, point, point.precision)
        if first == ".." and last == "..":
            raise ValueError("an interval open at both ends says nothing: leave the field out instead")
        try:
            start = None if first == ".." else _point(first)
            end = None if last == ".." else _point(last)
        except ValueError as error:
            raise ValueError(f"{text!r} is not a date or interval: {error}") from None
        if start is None or end is None:
            return When(text, start, end, "open")
        backwards = start.first > end.last
        if start.instant is not None and end.instant is not None:
            backwards = start.instant > end.instant
        if backwards:
            raise ValueError(f"{text!r}: the interval ends before it starts")
        return When(text, start, end, "interval")

    @property
    def first_day(self) -> date | None:
        """The earliest local day that this may mean; None where the start is open."""
        return None if self._start is None else self._start.first

    @property
    def last_day(self) -> date | None:
        """The latest local day that this may mean, included; None where the end is open."""
        return None if self._end is None else self._end.last

    @property
    def instant(self) -> datetime | None:
        """The exact moment in UTC, where a time with offset is stated; None otherwise."""
        return self._start.instant if self._start is not None and self.precision == "time" else None

    @property
    def start(self) -> When | None:
        """The start alone, as a point; None where it is open."""
        return self._end_of_interval(0)

    @property
    def end(self) -> When | None:
        """The end alone, as a point; None where it is open."""
        return self._end_of_interval(1)

    def _end_of_interval(self, which: int) -> When | None:
        if "/" not in self.text:
            return self
        text = self.text.split("/")[which]
        return None if text == ".." else When.parse(text)

    @property
    def sort_key(self) -> tuple[datetime, datetime]:
        """Orders a timeline: earliest possible moment, then latest; a local day counts as UTC."""
        low, high = self._start, self._end
        first = datetime.min.replace(tzinfo=UTC)
        last = datetime.max.replace(tzinfo=UTC)
        if low is not None:
            first = low.instant or datetime.combine(low.first, time.min, UTC)
        if high is not None:
            last = high.instant or datetime.combine(high.last, time.max, UTC)
        return first, last

    def certainly_before(self, other: When) -> bool:
        """Whether no reading of the two lets `other` happen first, whatever their places' time zones."""
        if self._end is None or other._start is None:
            return False
        return self._end.latest < other._start.earliest

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"When({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, When) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)
