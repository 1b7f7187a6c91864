"""Bridge and priming boluses (docs/calculations.md, Bridge, prime, mix, discrepancy)."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Bridge:
    """What is programmed so that the old drug in the path leaves at the old dose rate.

    `duration_h` in hours; `bolus_mcg` in the new drug's units, as the programmer takes it;
    `old_drug_mcg` is what the patient gets meanwhile.
    """

    duration_h: Fraction
    bolus_mcg: Fraction
    old_drug_mcg: Fraction


def bridge(
    path_ml: Decimal,
    old_mcg_per_day: Decimal | Fraction,
    old_mcg_per_ml: Decimal,
    new_mcg_per_ml: Decimal,
) -> Bridge:
    """The bridge bolus of a concentration change. It replaces the program while it runs."""
    path = Fraction(path_ml)
    old_ml_per_day = Fraction(old_mcg_per_day) / Fraction(old_mcg_per_ml)
    return Bridge(
        duration_h=path / old_ml_per_day * 24,
        bolus_mcg=path * Fraction(new_mcg_per_ml),
        old_drug_mcg=path * Fraction(old_mcg_per_ml),
    )


def priming_bolus_mcg(path_ml: Decimal, concentration_mcg_per_ml: Decimal) -> Fraction:
    """The drug that fills the path, in mcg."""
    return Fraction(path_ml) * Fraction(concentration_mcg_per_ml)
