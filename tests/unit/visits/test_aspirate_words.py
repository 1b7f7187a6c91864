"""The difference between aspirated and expected, in words: never 0 mL less or more."""

from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from itbclinic.pages.patient import history
from itbclinic.pages.visit import record
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


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        ("0", "Expected 11 mL: exactly as programmed."),
        ("0.004", "Expected 11 mL: as programmed, to a hundredth of a mL."),
        ("0.01", "Expected 11 mL: 0.01 mL less was delivered than programmed."),
    ],
)
def test_the_recorded_visit_says_the_same(difference: str, said: str) -> None:
    found = SimpleNamespace(expected_ml=Decimal(11), difference_ml=Decimal(difference))
    visit: Any = SimpleNamespace(fill=SimpleNamespace(discrepancy=found))
    assert record._compared(visit) == said


def test_the_history_calls_it_aspirated_as_every_page_does() -> None:
    fill: Any = SimpleNamespace(aspirated_ml=Decimal(11), stability_days=None, use_by=None)
    assert next(history._fill_details(fill)) == "Aspirated: 11 mL"
