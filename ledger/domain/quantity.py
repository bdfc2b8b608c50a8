"""Numbers that a court could read back: exact, bounded, never a binary float.

In JSON a number is an integer below 2**53 in magnitude, or a decimal string for larger ones and fractions; a range is
``{"min": …, "max": …}`` with either end left out where it is not known. Examples: ``64``, ``"1.5"``,
``"100000000000000000000000000"``, ``{"min": 1000, "max": 2000}``, ``{"min": 8}``. On the way in ``"1e26"`` is read too,
and written back in the canonical form. Shown by `tests/domain/test_quantity.py`.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import ClassVar, Final, Self, cast

__all__ = ["Count", "Number", "Percent", "Quantity", "format_number", "parse_number"]

Number = int | Decimal

EXACT_LIMIT: Final = 2**53
_TEXT = re.compile(r"-?(?:0|[1-9]\d{0,59})(?:\.\d{1,30})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_MAX_WHOLE: Final = 60
_MAX_FRACTION: Final = 30
# Wide enough that no sum of amounts is ever rounded.
_EXACT: Final = Context(prec=200)


def parse_number(value: object) -> Decimal:
    """The exact number that a JSON value states; ValueError says how to write it instead."""
    if isinstance(value, bool) or value is None:
        raise ValueError(f"expected a number, got {str(value).lower()}")
    if isinstance(value, int):
        if abs(value) >= EXACT_LIMIT:
            raise ValueError(
                f'{value} is 2^53 or more, which JSON readers round: write it as a string, "{value}"'
                if len(str(abs(value))) <= 40
                else "the number is 2^53 or more, which JSON readers round: write it as a string"
            )
        return Decimal(value)
    if isinstance(value, float):
        raise ValueError(f'{value!r} would be rounded: write fractions and exponents as a string, such as "{value!r}"')
    if isinstance(value, str):
        if _TEXT.fullmatch(value) is None:
            raise ValueError(f"{value[:60]!r} is not a decimal number")
        return Decimal(value)
    raise ValueError("expected a number: an integer, a decimal string, or {min, max}")


def format_number(value: Decimal) -> int | str:
    """The canonical JSON form of an exact number: an integer below 2**53, otherwise plain decimal digits."""
    whole = int(value)
    if whole == value:
        return whole if abs(whole) < EXACT_LIMIT else str(whole)
    return format(value, "f").rstrip("0")


def _fraction_digits(value: Decimal) -> int:
    if value == value.to_integral_value():
        return 0
    return len(format(value, "f").rstrip("0").partition(".")[2])


class Quantity:
    """An amount that is not negative: exact (`low == high`), or a range with either bound unknown (None)."""

    __slots__ = ("high", "low")

    low: Decimal | None
    high: Decimal | None
    _sure: ClassVar[int] = EXACT_LIMIT - 1
    """Whole numbers up to here pass every check, and need none."""

    def __init__(self, low: Decimal | int | None, high: Decimal | int | None) -> None:
        if type(low) is int and low == high and 0 <= low <= self._sure:
            self.low = self.high = Decimal(low)
            return
        self.low = None if low is None else Decimal(low)
        self.high = None if high is None else Decimal(high)
        if self.low is None and self.high is None:
            raise ValueError("a range needs min, max or both")
        for bound in (self.low, self.high):
            if bound is not None:
                self._check(bound)
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"the range runs backwards: min {self.low} is above max {self.high}")

    @classmethod
    def exact(cls, value: Decimal | int) -> Self:
        """The amount that is exactly `value`."""
        return cls(value, value)

    @classmethod
    def parse(cls, value: object) -> Self:
        """The amount that a JSON value states; ValueError says what is wrong with it."""
        if isinstance(value, dict):
            fields = cast("dict[str, object]", value)
            unknown = sorted(set(fields) - {"min", "max"})
            if unknown:
                raise ValueError(f"a range has min and max, not {unknown[0]!r}")
            low = parse_number(fields["min"]) if "min" in fields else None
            high = parse_number(fields["max"]) if "max" in fields else None
            return cls(low, high)
        if type(value) is int and 0 <= value <= cls._sure:
            return cls(value, value)
        number = parse_number(value)
        return cls(number, number)

    def _check(self, bound: Decimal) -> None:
        if bound < 0:
            raise ValueError(f"{bound} is negative: an amount is 0 or more")
        if bound.adjusted() >= _MAX_WHOLE or _fraction_digits(bound) > _MAX_FRACTION:
            raise ValueError(f"the number has more than {_MAX_WHOLE} digits, or {_MAX_FRACTION} after the point")

    @property
    def is_exact(self) -> bool:
        """Whether both bounds are known and the same."""
        return self.low is not None and self.low == self.high

    @property
    def value(self) -> Decimal | None:
        """The amount where it is exact; None for a range."""
        return self.low if self.is_exact else None

    def json(self) -> int | str | dict[str, int | str]:
        """The canonical JSON form; `parse` reads it back."""
        low = self.low
        if low is not None and (low is self.high or low == self.high):
            return format_number(low)
        ends = {"max": self.high, "min": self.low}
        return {name: format_number(end) for name, end in ends.items() if end is not None}

    def __add__(self, other: Quantity) -> Quantity:
        total = Quantity(0, None)  # a sum may have more digits than a stated amount
        total.low = _EXACT.add(self.low or Decimal(0), other.low or Decimal(0))
        if self.high is not None and other.high is not None:
            total.high = _EXACT.add(self.high, other.high)
        return total

    def __str__(self) -> str:
        if self.is_exact:
            return str(self.json())
        low = "?" if self.low is None else format_number(self.low)
        high = "?" if self.high is None else format_number(self.high)
        return f"{low} to {high}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and (self.low, self.high) == (other.low, other.high)

    def __hash__(self) -> int:
        return hash((self.low, self.high))


class Count(Quantity):
    """A `Quantity` of things that come whole (chips, persons), below 2**53."""

    __slots__ = ()

    def _check(self, bound: Decimal) -> None:
        super()._check(bound)
        if bound != bound.to_integral_value():
            raise ValueError(f"{bound} is not a whole number")
        if bound >= EXACT_LIMIT:
            raise ValueError(f"{bound} is 2^53 or more: no count of things is that large")


class Percent(Quantity):
    """A `Quantity` of 0 to 100."""

    __slots__ = ()
    _sure = 100

    def _check(self, bound: Decimal) -> None:
        super()._check(bound)
        if bound > 100:
            raise ValueError(f"{bound} is above 100 percent")
