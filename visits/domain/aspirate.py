"""Aspirated against expected: the published thresholds (docs/algorithms/visit-checks.md)."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

from core.quantities import format_quantity
from refills.domain.reservoir import Discrepancy

Level = Literal["info", "review", "alert", "nothing_used"]

REVIEW_ML: Final = Decimal(1)  # up to a 20 mL reservoir; a larger one: the alert's
ALERT_ML: Final = Decimal(2)
SMALL_RESERVOIR_ML: Final = Decimal(20)
RATIO_TOLERANCE: Final = Fraction(145, 1000)  # delivered ÷ programmed, from 1
JUDGED_FROM_ML: Final = Decimal(4)  # programmed; below, a ratio says nothing
UNUSED_ML: Final = Decimal(1)  # of the last fill, gone


@dataclass(frozen=True, slots=True)
class Aspirate:
    """How what was aspirated compares; `difference_ml` positive: less was delivered."""

    level: Level
    aspirated_ml: Decimal
    expected_ml: Fraction
    difference_ml: Fraction
    delivered_ratio: Fraction | None

    @property
    def title(self) -> str:
        """`Aspirated 4.1 mL, expected 4.4 mL`."""
        return (
            f"Aspirated {format_quantity(self.aspirated_ml, 'mL')}, "
            f"expected {format_quantity(self.expected_ml, 'mL', 2)}"
        )

    @property
    def text(self) -> str:
        """The difference in words with its sign said, and what it may mean."""
        return f"{_difference(self)} {MEANING[self.level, self.difference_ml > 0]}".rstrip()


MEANING: Final = {
    ("info", True): "Within what is usual.",
    ("info", False): "Within what is usual.",
    ("review", True): "Look again: the reservoir emptied fully, the volume read right?",
    ("review", False): "Look again: the reservoir emptied fully, the volume read right?",
    ("alert", True): (
        "The pump may have stalled or the catheter may be blocked. Tell the doctor before the "
        "patient leaves, and check the pump's log."
    ),
    ("alert", False): (
        "The pump may have run fast, a fill may have gone beside the pump, or the reservoir may "
        "leak. Tell the doctor before the patient leaves, and watch for overdose."
    ),
    ("nothing_used", True): (
        "Almost all of the last fill is still there: the pump may not have run. Tell the doctor "
        "before the program is changed. A pump that starts again has given an overdose."
    ),
    ("nothing_used", False): "",
}


def judge(
    found: Discrepancy,
    *,
    aspirated_ml: Decimal,
    expected_ml: Fraction,
    filled_ml: Decimal,
    reservoir_ml: Decimal,
) -> Aspirate:
    """The level of a discrepancy. `filled_ml` is the fill before."""
    level = _level(found, Fraction(filled_ml), Fraction(aspirated_ml), expected_ml, reservoir_ml)
    return Aspirate(level, aspirated_ml, expected_ml, found.difference_ml, found.delivered_ratio)


def _level(
    found: Discrepancy,
    filled: Fraction,
    aspirated: Fraction,
    expected: Fraction,
    reservoir_ml: Decimal,
) -> Level:
    size, programmed = abs(found.difference_ml), filled - expected
    if filled - aspirated <= Fraction(UNUSED_ML) and found.difference_ml > Fraction(REVIEW_ML):
        return "nothing_used"
    ratio = found.delivered_ratio
    odd = ratio is not None and abs(ratio - 1) > RATIO_TOLERANCE
    if size > ALERT_ML or (odd and programmed >= JUDGED_FROM_ML):
        return "alert"
    if size > REVIEW_ML and reservoir_ml <= SMALL_RESERVOIR_ML:
        return "review"
    return "info"


def _difference(found: Aspirate) -> str:
    difference = found.difference_ml
    if difference == 0:
        return "Exactly as programmed."
    size = format_quantity(abs(difference), "mL", 2)
    if size == "0 mL":
        return "As programmed, to a hundredth of a mL."
    side = "less" if difference > 0 else "more"
    ratio = found.delivered_ratio
    percent = ""
    if ratio is not None:
        percent = f" ({format_quantity((ratio - 1) * 100, '%', 1)} of what was programmed)"
        percent = percent if difference > 0 else percent.replace("(", "(+", 1)
    return f"{size} {side} was delivered than programmed{percent}."
