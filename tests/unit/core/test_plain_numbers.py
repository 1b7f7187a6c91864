"""A number for programs is the same text, however it is held."""

from decimal import Decimal
from fractions import Fraction

import pytest

from core.quantities import plain


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        ("350.000000", 12, "350"),
        ("0.048000", 12, "0.048"),
        ("1000", 12, "1000"),
        ("1E+3", 12, "1000"),
        ("-0.000", 12, "0"),
        ("0", 0, "0"),
        ("0.0005", 3, "0"),  # half to even
        ("2.5", 0, "2"),
        ("0.1234567890125", 12, "0.123456789012"),
    ],
)
def test_a_decimal_and_its_fraction_are_written_the_same(
    value: str, places: int, text: str
) -> None:
    assert plain(Decimal(value), places) == plain(Fraction(value), places) == text
