"""What is in the reservoir, and how that compares with what should be."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Fill:
    """What is in the reservoir after a refill (docs/calculations.md, Inputs).

    Units: mL, mcg/mL, days. `at` is an aware instant. None: no such limit.
    """

    at: datetime
    volume_ml: Decimal
    concentration_mcg_per_ml: Decimal
    stability_days: int | None = None
    use_by: date | None = None


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Actual against expected volume at a refill.

    `difference_ml` is actual − expected: positive means that less was delivered than programmed.
    `delivered_ratio` is delivered ÷ programmed; None when nothing was programmed.
    """

    difference_ml: Fraction
    delivered_ratio: Fraction | None


def discrepancy(
    filled_ml: Fraction | Decimal, expected_ml: Fraction | Decimal, actual_ml: Fraction | Decimal
) -> Discrepancy:
    """Compare the aspirated volume with the residual volume that was expected, all in mL."""
    filled, expected, actual = Fraction(filled_ml), Fraction(expected_ml), Fraction(actual_ml)
    programmed = filled - expected
    ratio = (filled - actual) / programmed if programmed else None
    return Discrepancy(actual - expected, ratio)


def mixed_concentration(
    remainder_ml: Decimal, old_mcg_per_ml: Decimal, fill_ml: Decimal, new_mcg_per_ml: Decimal
) -> Fraction:
    """Concentration in mcg/mL when a remainder was not aspirated."""
    drug = Fraction(remainder_ml) * Fraction(old_mcg_per_ml)
    drug += Fraction(fill_ml) * Fraction(new_mcg_per_ml)
    return drug / (Fraction(remainder_ml) + Fraction(fill_ml))
