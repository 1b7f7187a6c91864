"""A bolus, with the program it runs on, keeps the maximum (docs/calculations.md, Programs)."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from core.rules import Problem
from dosing.domain.checks import maximum_problems
from dosing.domain.programs import Bolus, Program
from pumps.domain.limits import PumpLimits

from .infusion import (
    MINUTE_US,
    PreparedProgram,
    bolus_changes,
    bolus_span,
    highest_rate,
    prepare,
    to_us,
)

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
    if not boluses:
        return
    ordered = sorted(programs, key=lambda program: program.effective_at)
    prepared = [prepare(p, concentration, limits.min_ml_per_day) for p in ordered]
    most = Fraction(limits.max_ml_per_day) / DAY_US
    fast = [
        (begin, until, rate)
        for begin, until, rate in _stretches(boluses, prepared, concentration)
        if rate > most
    ]
    ends = [until for _, until, _ in fast]
    for number, bolus in enumerate(boluses):
        start, end = bolus_span(bolus)
        first = bisect_right(ends, start)  # the first fast stretch that ends after it began
        if first < len(fast) and fast[first][0] < end:
            field = f"boluses[{number}].dose_mcg"
            yield from maximum_problems(field, fast[first][2] * DAY_US, limits)


def _stretches(
    boluses: Sequence[Bolus], programs: Sequence[PreparedProgram], concentration: Decimal
) -> Iterator[tuple[Fraction, Fraction, Fraction]]:
    """Each stretch in which the same boluses and one program run, with its highest rate in mL per
    microsecond; in order, and only while a bolus runs."""
    changes = bolus_changes(boluses, concentration)
    begins = [to_us(prepared.program.effective_at) for prepared in programs]
    cuts = sorted({*changes, *begins})
    rate, running, replacing = Fraction(0), 0, 0
    for begin, until in pairwise(cuts):
        change = changes.get(begin)
        if change is not None:
            rate, running, replacing = (
                rate + change.rate, running + change.count, replacing + change.replacing,
            )  # fmt: skip
        if not running:
            continue
        index = bisect_right(begins, begin) - 1
        on_top = Fraction(0)
        if index >= 0 and not replacing:
            on_top = highest_rate(programs[index], begin, until)
        yield Fraction(begin), Fraction(until), rate + on_top
