"""A bolus, with the program that it runs on, keeps the pump's maximum (calculations.md, Inputs)."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from accounts.rules import Problem
from dosing.domain.checks import maximum_problems
from dosing.domain.programs import Bolus, Program
from pumps.domain.limits import PumpLimits

from .delivery import MINUTE_US, PreparedProgram, bolus_span, highest_rate, prepare, to_us

DAY_US = 1440 * MINUTE_US


def bolus_problems(
    boluses: Sequence[Bolus],
    programs: Sequence[Program],
    limits: PumpLimits,
    concentration: Decimal,
) -> Iterator[Problem]:
    """Boluses that would run the pump above its maximum; overlapping ones add up.

    Args:
        programs: all of the pump's, checked before; `concentration` is the fill's, in mcg/mL.
    """
    ordered = sorted(programs, key=lambda program: program.effective_at)
    prepared = [prepare(p, concentration, limits.min_ml_per_day) for p in ordered]
    spans = [(*bolus_span(bolus), bolus) for bolus in boluses]
    for number, (start, end, _) in enumerate(spans):
        cuts: set[int | Fraction] = {start, end}
        cuts |= {to_us(p.effective_at) for p in ordered}
        cuts |= {cut for begin, until, _ in spans for cut in (begin, until)}
        inside = sorted(cut for cut in cuts if start <= cut <= end)
        highest = max(
            _rate(spans, prepared, begin, until, concentration) for begin, until in pairwise(inside)
        )
        yield from maximum_problems(f"boluses[{number}].dose_mcg", highest * DAY_US, limits)


def _rate(
    spans: Sequence[tuple[int, Fraction, Bolus]],
    programs: Sequence[PreparedProgram],
    begin: int | Fraction,
    until: int | Fraction,
    concentration: Decimal,
) -> Fraction:
    """The highest rate in mL per microsecond of a stretch in which the same boluses run."""
    running = [(b, e, bolus) for b, e, bolus in spans if b <= begin < e]
    rate = sum(
        (Fraction(bolus.dose_mcg) / Fraction(concentration) / (e - b) for b, e, bolus in running),
        Fraction(0),
    )
    begun = [p for p in programs if to_us(p.program.effective_at) <= begin]
    if begun and not any(bolus.replaces_program for _, _, bolus in running):
        rate += highest_rate(begun[-1], begin, until)
    return rate
