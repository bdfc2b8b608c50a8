"""When: every precision as stated, nothing impossible, and an order only where no time zone could reverse it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.when import When

from .shapes import points, whens


@given(whens)
def test_every_form_prints_back_exactly_as_it_was_written(text: str) -> None:
    assert str(When.parse(text)) == text
    assert When.parse(text) == When.parse(text)
    assert hash(When.parse(text)) == hash(text)


@given(points, points)
def test_an_interval_prints_back_and_knows_its_ends_or_is_refused_as_backwards(start: str, end: str) -> None:
    text = f"{start}/{end}"
    try:
        when = When.parse(text)
    except ValueError as error:
        assert "the interval ends before it starts" in str(error)  # noqa: PT017 - either outcome is right, for its inputs
        assert not When.parse(start).certainly_before(When.parse(end))
        return
    assert str(when) == text
    assert (str(when.start), str(when.end)) == (start, end)
    assert not When.parse(end).certainly_before(When.parse(start))


@pytest.mark.parametrize(
    ("text", "precision", "first", "last"),
    [
        ("2024", "year", date(2024, 1, 1), date(2024, 12, 31)),
        ("2024-02", "month", date(2024, 2, 1), date(2024, 2, 29)),
        ("2023-02", "month", date(2023, 2, 1), date(2023, 2, 28)),
        ("2024-03-05", "day", date(2024, 3, 5), date(2024, 3, 5)),
        ("2024-03-05T14:30Z", "time", date(2024, 3, 5), date(2024, 3, 5)),
        ("2024-03-05T14:30:00.5+08:00", "time", date(2024, 3, 5), date(2024, 3, 5)),
        ("2024-03/2024-03-09", "interval", date(2024, 3, 1), date(2024, 3, 9)),
        ("2024/2024", "interval", date(2024, 1, 1), date(2024, 12, 31)),
        ("2024-03/..", "open", date(2024, 3, 1), None),
        ("../2024-03", "open", None, date(2024, 3, 31)),
        ("1800", "year", date(1800, 1, 1), date(1800, 12, 31)),
        ("2199-12-31", "day", date(2199, 12, 31), date(2199, 12, 31)),
    ],
)
def test_the_bounds_are_the_first_and_the_last_day_that_a_form_may_mean(
    text: str, precision: str, first: date | None, last: date | None
) -> None:
    when = When.parse(text)
    assert (when.precision, when.first_day, when.last_day) == (precision, first, last)


def test_only_a_time_has_an_instant_and_its_offset_counts() -> None:
    assert When.parse("2024-03-05T01:30:00+08:00").instant == datetime(2024, 3, 4, 17, 30, tzinfo=UTC)
    assert When.parse("2024-03-05").instant is None
    assert When.parse("2024-03-05T01:30Z/..").instant is None


@pytest.mark.parametrize(
    ("text", "lesson"),
    [
        ("2024-02-30", "2024-02 has no day 30"),
        ("2023-02-29", "2023-02 has no day 29"),
        ("2024-13", "there is no month 13"),
        ("2024-00-10", "there is no month 0"),
        ("2024-03-05T24:00Z", "no such time of day"),
        ("2024-03-05T23:59:60Z", "no such time of day"),
        ("2024-03-05T14:30", "needs its offset, such as +08:00 or Z"),
        ("2024-03-05T14:30+08:60", "there is no offset"),
        ("2024-03-05T14:30+14:01", "there is no offset"),
        ("2024-03-05T14:30-12:01", "there is no offset"),
        ("2024-05/2024-04", "ends before it starts"),
        ("2024-03-05T14:30:00Z/2024-03-05T14:30:00+08:00", "ends before it starts"),
        ("../..", "leave the field out"),
        ("1799", "outside 1800 to 2199"),
        ("2200-01-01", "outside 1800 to 2199"),
        ("05/03/2024", "is not a date: write 2024, 2024-03, 2024-03-05"),
        ("March 2024", "is not a date"),
        ("2024-3-5", "is not a date"),
        ("20240305", "is not a date"),
        ("2024-03-05 14:30", "is not a date"),
        ("2024-W10", "is not a date"),
        ("45356", "is not a date"),
        ("", "is not a date"),
        ("2024-03-05\n", "is not a date"),
        ("２０２４", "is not a date"),  # noqa: RUF001 - full-width digits are the point
        ("2024/", "is not a date"),
        ("2024/2025/2026", "is not a date"),
    ],
)
def test_what_is_impossible_is_refused_with_a_message_that_teaches(text: str, lesson: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        When.parse(text)
    assert lesson in str(refused.value)


def test_a_megabyte_that_is_not_a_date_is_not_echoed() -> None:
    with pytest.raises(ValueError, match="is not a date") as refused:
        When.parse("2024" * 250_000)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("one", "other", "certain"),
    [
        ("2024-03-05", "2024-03-05", False),
        ("2024-03-05", "2024-03-06", False),  # a morning in Auckland, the evening before in Los Angeles
        ("2024-03-05", "2024-03-07", False),  # 10:00 to 12:00 UTC: three dates are in use on Earth
        ("2024-03-05", "2024-03-08", True),
        ("2024", "2025-01-01", False),
        ("2024", "2025-02", True),
        ("2024-03-05T10:00Z", "2024-03-07", True),
        ("2024-03-05T23:30-12:00", "2024-03-07", False),
        ("2024-03-05", "2024-03-06T12:00Z", True),
        ("2024-03-05", "2024-03-06T11:59Z", False),
        ("2024-03-05T10:00Z", "2024-03-05T10:00Z", False),
        ("2024-03-05T10:00+08:00", "2024-03-05T02:30Z", True),
        ("2024/..", "2099", False),
        ("2000", "../2099", False),
        ("../2000", "2010/..", True),
    ],
)
def test_one_is_certainly_before_another_only_where_no_time_zone_could_reverse_them(
    one: str, other: str, certain: bool
) -> None:
    assert When.parse(one).certainly_before(When.parse(other)) is certain


@given(st.datetimes(datetime(1801, 1, 1), datetime(2198, 1, 1)), st.integers(-12, 14), st.integers(-12, 14))  # noqa: DTZ001
def test_the_local_days_that_two_places_give_one_moment_are_never_before_one_another(
    moment: datetime, here: int, there: int
) -> None:
    days = [moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=hours))).date() for hours in (here, there)]
    one, other = (When.parse(str(day)) for day in days)
    assert not one.certainly_before(other)
    assert not other.certainly_before(one)


@given(whens, whens)
def test_certainly_before_never_holds_both_ways_and_agrees_with_the_sort_key(one: str, other: str) -> None:
    first, second = When.parse(one), When.parse(other)
    if first.certainly_before(second):
        assert not second.certainly_before(first)
        assert first.sort_key < second.sort_key


def test_a_timeline_sorts_by_the_earliest_moment_and_then_by_the_latest() -> None:
    texts = ["../2024", "2023", "2024-01-01", "2024-01", "2024", "2024/..", "2024-01-01T00:00:01Z", "2024-02"]
    keys = [When.parse(text).sort_key for text in texts]
    assert all(a < b for a, b in pairwise(keys))
