"""The difference between aspirated and expected, in words: never 0 mL less or more."""

from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from itbclinic.pages.patient import history
from itbclinic.pages.visit import record
from refills.domain.reservoir import discrepancy
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


def judged(expected: str, aspirated: str, filled: str = "20") -> aspirate.Aspirate:
    found = discrepancy(Decimal(filled), Fraction(expected), Decimal(aspirated))
    return aspirate.judge(
        found, aspirated_ml=Decimal(aspirated), expected_ml=Fraction(expected),
        filled_ml=Decimal(filled), reservoir_ml=Decimal(20),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "aspirated", "said"),
    [
        ("10", "12.5", "2.5 mL less was delivered than programmed (−25 % of what was programmed)."
         " The pump may have stalled or the catheter"),
        ("10", "7.5", "2.5 mL more was delivered than programmed (+25 % of what was programmed)."
         " The pump may have run fast"),
        ("4", "5.37", "1.37 mL less was delivered than programmed (−8.6 % of what was programmed)."
         " Look again"),
        ("4", "4.126", "0.13 mL less was delivered than programmed (−0.8 % of what was programmed)."
         " Within what is usual."),
        ("20", "18.5", "1.5 mL more was delivered than programmed. Look again"),
        ("10", "10", "Exactly as programmed. Within what is usual."),
        ("16", "16.9", "0.9 mL less was delivered than programmed (−22.5 % of what was programmed)."
         " The pump may have stalled"),
        ("18", "19.5", "1.5 mL less was delivered than programmed (−75 % of what was programmed)."
         " Almost all of the last fill is still there"),
    ],
)  # fmt: skip
def test_the_difference_is_said_with_its_share_and_what_it_may_mean(
    expected: str, aspirated: str, said: str
) -> None:
    assert judged(expected, aspirated).text.startswith(said)


def test_the_title_says_both_volumes_the_expected_one_to_a_hundredth() -> None:
    assert judged("10.376", "10.5").title == "Aspirated 10.5 mL, expected 10.38 mL"


@pytest.mark.parametrize(
    ("expected", "aspirated", "level"),
    [
        ("18", "19", "info"),  # a difference of 1 mL is none yet, though 1 mL was used
        ("18", "19.01", "nothing_used"),
        ("17", "18.99", "review"),
        ("20", "18.5", "review"),  # nothing was programmed: no share of it
        ("20", "17.5", "alert"),
    ],
)
def test_a_pump_that_did_not_run_is_told_from_one_that_is_a_little_off(
    expected: str, aspirated: str, level: str
) -> None:
    assert judged(expected, aspirated).level == level


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
