"""The difference between aspirated and expected, in words: never 0 mL less or more."""

from decimal import Decimal
from fractions import Fraction

import pytest

from visits.domain import aspirate


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        ("0", "Exactly as programmed."),
        ("0.004", "As programmed, to a hundredth of a mL."),
        ("-0.004", "As programmed, to a hundredth of a mL."),
        ("0.01", "0.01 mL less was delivered than programmed"),
        ("-0.01", "0.01 mL more was delivered than programmed"),
    ],
)
def test_what_rounds_to_nothing_is_as_programmed(difference: str, said: str) -> None:
    expected = Fraction(11)
    found = aspirate.Aspirate(
        "info", Decimal(11) + Decimal(difference), expected, Fraction(difference), None
    )
    assert found.text.startswith(said)
    assert "0 mL less" not in found.text
