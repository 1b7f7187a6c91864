"""A program as rates over the pump clock's week: the one form that totals and dates are made of."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Final

from .programs import (
    MINUTES_A_DAY,
    WEEK,
    DayGroup,
    Flex,
    MinimumRate,
    PeriodicBolus,
    Program,
    SimpleContinuous,
    Stopped,
)

MINUTES_A_WEEK: Final = MINUTES_A_DAY * len(WEEK)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Rates over the pump clock's week, from Monday 00:00.

    `starts` are minutes, ascending, the first 0; `ml_per_minute` has one rate for each start.
    """

    starts: tuple[int, ...]
    ml_per_minute: tuple[Fraction, ...]


def pattern_of(program: Program, concentration: Decimal, min_ml_per_day: Decimal) -> Pattern:
    """The rates of a program whose drug has this concentration, in mcg/mL.

    Args:
        min_ml_per_day: the pump model's lowest flow, which `minimum_rate` runs at.
    """
    per_ml = 1 / Fraction(concentration)
    match program:
        case SimpleContinuous():
            rate = Fraction(program.daily_dose_mcg) * per_ml / MINUTES_A_DAY
            return Pattern((0,), (rate,))
        case Flex():
            return _flex(program, per_ml)
        case PeriodicBolus():
            return _periodic(program, per_ml)
        case MinimumRate():
            return Pattern((0,), (Fraction(min_ml_per_day) / MINUTES_A_DAY,))
        case Stopped():
            return Pattern((0,), (Fraction(0),))
    raise TypeError(f"no calculation for {type(program).__name__}")


def _flex(program: Flex, per_ml: Fraction) -> Pattern:
    starts: list[int] = []
    rates: list[Fraction] = []
    day_of = {day: _day(group, per_ml) for group in program.groups for day in group.days}
    for number, day in enumerate(WEEK):
        minutes, of_day = day_of[day]
        starts += [number * MINUTES_A_DAY + minute for minute in minutes]
        rates += of_day
    return Pattern(tuple(starts), tuple(rates))


def _day(group: DayGroup, per_ml: Fraction) -> tuple[list[int], list[Fraction]]:
    """The starts and the rates of one day; one fraction for each step, which is what costs."""
    starts = [step.start_minute for step in group.steps]
    rates = []
    for step, end in zip(group.steps, [*starts[1:], MINUTES_A_DAY], strict=True):
        dose, parts = step.dose_mcg.as_integer_ratio()
        minutes = end - step.start_minute
        rates.append(Fraction(dose * per_ml.numerator, parts * minutes * per_ml.denominator))
    return starts, rates


def _periodic(program: PeriodicBolus, per_ml: Fraction) -> Pattern:
    """The boluses run round the clock, so one that crosses midnight is found again at 00:00."""
    basal = Fraction(program.basal_mcg_per_hour) * per_ml / 60
    during = Fraction(program.bolus_mcg) * per_ml / program.bolus_minutes
    if not program.basal_suspended:
        during += basal
    if program.bolus_minutes == program.interval_minutes:
        return Pattern((0,), (during,))
    first = program.first_minute % program.interval_minutes
    changes = {
        (first + begin + shift) % MINUTES_A_WEEK: rate
        for begin in range(0, MINUTES_A_WEEK, program.interval_minutes)
        for shift, rate in ((0, during), (program.bolus_minutes, basal))
    }
    starts = sorted(changes)
    if starts[0] != 0:  # what runs at Monday 00:00 began on Sunday
        changes[0] = changes[starts[-1]]
        starts.insert(0, 0)
    return Pattern(tuple(starts), tuple(changes[start] for start in starts))


def daily_volumes_ml(pattern: Pattern) -> tuple[Fraction, ...]:
    """The volume of each day of the pump clock's week, in mL, Monday first."""
    common = lcm(*(rate.denominator for rate in pattern.ml_per_minute))
    totals = [0] * len(WEEK)
    ends = (*pattern.starts[1:], MINUTES_A_WEEK)
    for start, end, rate in zip(pattern.starts, ends, pattern.ml_per_minute, strict=True):
        units = rate.numerator * (common // rate.denominator)
        while start < end:  # a run may last over midnight
            day = start // MINUTES_A_DAY
            until = min(end, (day + 1) * MINUTES_A_DAY)
            totals[day] += units * (until - start)
            start = until
    return tuple(Fraction(total, common) for total in totals)
