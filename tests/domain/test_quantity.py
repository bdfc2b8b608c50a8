"""Quantities: exact both ways, never a binary float, and what is printed is what is read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.codec import canonical
from ledger.domain.quantity import Count, Percent, Quantity, format_number, parse_number

from .shapes import counts, numbers, plain, ranges

written = st.from_regex(r"(?:0|[1-9][0-9]{0,59})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?", fullmatch=True)


@given(st.one_of(numbers, ranges))
def test_what_json_states_is_stated_again_after_reading(value: Any) -> None:
    assert Quantity.parse(value).json() == value
    assert Quantity.parse(plain(canonical(Quantity.parse(value).json()))) == Quantity.parse(value)


@given(counts)
def test_a_count_is_stated_again_after_reading(value: Any) -> None:
    assert Count.parse(value).json() == value


@given(written)
def test_any_way_to_write_a_number_is_refused_or_reads_back_from_its_canonical_form(text: str) -> None:
    try:
        quantity = Quantity.parse(text)
    except ValueError:
        return
    assert quantity.value == Decimal(text)
    again = Quantity.parse(quantity.json())
    assert again == quantity
    assert again.json() == quantity.json()


@pytest.mark.parametrize(
    ("stated", "canonical_form"),
    [
        ("1e26", "100000000000000000000000000"),
        ("1E+2", 100),
        ("1.50", "1.5"),
        ("64", 64),
        ("-0", 0),
        ("0e9", 0),
        ("1e-5", "0.00001"),
        (str(2**53), str(2**53)),
        (str(2**53 - 1), 2**53 - 1),
        ({"min": 5, "max": 5}, 5),
        ({"min": "1e3"}, {"min": 1000}),
    ],
)
def test_other_spellings_are_written_back_in_the_canonical_form(stated: Any, canonical_form: Any) -> None:
    assert Quantity.parse(stated).json() == canonical_form


@pytest.mark.parametrize("value", [2**53, 2**63, -(2**53), 10**30])
def test_an_integer_of_two_to_the_53_or_more_is_refused_and_told_to_be_a_string(value: int) -> None:
    with pytest.raises(ValueError, match=f'write it as a string, "{value}"'):
        Quantity.parse(value)


def test_a_huge_integer_is_refused_without_being_printed() -> None:
    with pytest.raises(ValueError, match=r"write it as a string$") as refused:
        Quantity.parse(10**1000)
    assert len(str(refused.value)) < 100


@pytest.mark.parametrize(
    ("value", "lesson"),
    [
        (1.5, 'as a string, such as "1.5"'),
        (1e26, 'as a string, such as "1e\\+26"'),
        (float("nan"), "would be rounded"),
        (True, "got true"),
        (None, "expected a number"),
        ([1], r"an integer, a decimal string, or \{min, max\}"),
        (-1, "-1 is negative"),
        ("-0.5", "is negative"),
        ("NaN", "not a decimal number"),
        ("Infinity", "not a decimal number"),
        ("1,000", "not a decimal number"),
        ("1_000", "not a decimal number"),
        ("007", "not a decimal number"),
        (".5", "not a decimal number"),
        ("5.", "not a decimal number"),
        (" 5", "not a decimal number"),
        ("5\n", "not a decimal number"),
        ("\u0665", "not a decimal number"),
        ("64 GPUs", "not a decimal number"),
        ("", "not a decimal number"),
        ("1e60", "more than 60 digits"),
        ("1e99", "more than 60 digits"),
        ("1e-31", "30 after the point"),
        ("0.1e-30", "30 after the point"),
        ({}, "min, max or both"),
        ({"min": 2, "max": 1}, "runs backwards: min 2 is above max 1"),
        ({"min": None}, "expected a number"),
        ({"min": 1, "about": 2}, "not 'about'"),
    ],
)
def test_what_is_not_an_exact_amount_is_refused_with_a_message_that_teaches(value: Any, lesson: str) -> None:
    with pytest.raises(ValueError, match=lesson):
        Quantity.parse(value)


@pytest.mark.parametrize(("value", "lesson"), [("1.5", "not a whole"), ("1e16", "2\\^53"), (str(2**53), "2\\^53")])
def test_a_count_is_whole_and_below_two_to_the_53(value: str, lesson: str) -> None:
    with pytest.raises(ValueError, match=lesson):
        Count.parse(value)


def test_a_percentage_is_at_most_100() -> None:
    assert Percent.parse(100).value == 100
    with pytest.raises(ValueError, match="above 100 percent"):
        Percent.parse("100.5")
    with pytest.raises(ValueError, match="above 100 percent"):
        Percent.parse({"min": 0, "max": 101})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (64, "64"),
        ("1.5", "1.5"),
        ("1e26", "100000000000000000000000000"),
        ({"min": 8, "max": 16}, "8 to 16"),
        ({"min": 8}, "8 to ?"),
        ({"max": 16}, "? to 16"),
    ],
)
def test_the_text_of_an_amount_says_what_is_not_known(value: Any, text: str) -> None:
    assert str(Quantity.parse(value)) == text


def test_sums_are_exact_whatever_their_size_and_open_where_a_term_is() -> None:
    tiny, huge = Quantity.parse("0." + "0" * 29 + "1"), Quantity.parse("9" * 60)
    assert str(tiny + huge) == "9" * 60 + "." + "0" * 29 + "1"
    assert (huge + huge).value == 2 * int("9" * 60)
    assert (Count.parse(2**53 - 1) + Count.parse(1)).value == 2**53
    assert (Quantity.parse({"min": 1}) + Quantity.parse({"min": 2, "max": 3})).json() == {"min": 3}
    assert (Quantity.parse({"max": 1}) + Quantity.parse({"min": 2, "max": 3})).json() == {"max": 4, "min": 2}


@given(numbers)
def test_a_number_is_the_same_after_formatting(value: Any) -> None:
    assert parse_number(format_number(parse_number(value))) == parse_number(value)
