"""What a program must keep (docs/calculations.md, Inputs and Programs; codes of docs/contracts.md).

Each check returns the problems it finds, with the path of the field below the program; nobody
raises here, so that all errors of a case or a form are shown together.
"""

import itertools
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

from core.quantities import PER_ML, format_quantity
from core.rules import Problem
from pumps.domain.limits import PumpLimits

from .pattern import daily_volumes_ml, pattern_of
from .programs import (
    MINUTES_A_DAY,
    WEEK,
    DayGroup,
    Flex,
    PeriodicBolus,
    Program,
    SimpleContinuous,
)

# A day's total outside these is almost surely mg for mcg, or an hour's dose for a day's.
LEAST_MCG_PER_DAY: Final = Decimal(10)
MOST_MCG_PER_DAY: Final = Decimal(3000)
# Below is mg/mL typed as mcg/mL; above, mcg/mL typed as mg/mL. Sold or compounded: 50 to 4,000.
LEAST_MCG_PER_ML: Final = Decimal(50)
MOST_MCG_PER_ML: Final = Decimal(5000)


def program_problems(
    program: Program, limits: PumpLimits, concentration: Decimal | None
) -> list[Problem]:
    """Everything that is wrong with a program on this pump.

    Args:
        concentration: of the drug that it runs on, in mcg/mL, where the program names none; None
            leaves the flow unchecked.
    """
    concentration = program.concentration_mcg_per_ml or concentration
    match program:
        case SimpleContinuous():
            return list(_simple(program, limits, concentration))
        case Flex():
            return list(_flex(program, limits, concentration))
        case PeriodicBolus():
            return list(_periodic(program, limits, concentration))
    return []


def concentration_problem(field: str, said: str, mcg_per_ml: Decimal) -> Problem | None:
    """Whether it is a concentration that baclofen has.

    Args:
        said: what was typed, as the sentence begins.
    """
    if LEAST_MCG_PER_ML <= mcg_per_ml <= MOST_MCG_PER_ML:
        return None
    return Problem(
        field,
        "concentration_out_of_range",
        f"{said} comes to {format_quantity(mcg_per_ml, PER_ML)}; baclofen has {LEAST_MCG_PER_ML} "
        f"to {format_quantity(MOST_MCG_PER_ML, PER_ML)}. Check the number and its unit: 2 mg per "
        "mL is 2,000 mcg per mL.",
    )


def day_total_problem(field: str, said: str, mcg_per_day: Decimal | Fraction) -> Problem | None:
    """Whether what is programmed for a day is a dose that anybody gets.

    Args:
        said: what comes to that total, as the sentence begins.
    """
    if LEAST_MCG_PER_DAY <= mcg_per_day <= MOST_MCG_PER_DAY:
        return None
    return Problem(
        field,
        "dose_out_of_range",
        f"{said} comes to {format_quantity(mcg_per_day, 'mcg/day')}; a day's dose is between "
        f"{LEAST_MCG_PER_DAY} and {format_quantity(MOST_MCG_PER_DAY, 'mcg/day')}. Check the number "
        "and its unit.",
    )


def day_total_problems(program: Program) -> Iterator[Problem]:
    """Whether each kind of day of a program gets a dose that anybody gets.

    A program that is stopped or at the lowest flow has no dose of its own.
    """
    match program:
        case SimpleContinuous():
            totals = [("daily_dose_mcg", "This", Fraction(program.daily_dose_mcg))]
        case Flex():
            totals = [
                (
                    f"groups[{number}]",
                    f"{', '.join(day.title() for day in group.days)}: the sum of the steps",
                    sum((Fraction(step.dose_mcg) for step in group.steps), Fraction(0)),
                )
                for number, group in enumerate(program.groups)
            ]
        case PeriodicBolus():
            per_ml = program.concentration_mcg_per_ml or Decimal(1)
            days = daily_volumes_ml(pattern_of(program, per_ml, Decimal(0)))
            totals = [("bolus_mcg", "This", days[0] * Fraction(per_ml))]
        case _:
            totals = []
    for field, said, total in totals:
        problem = day_total_problem(field, said, total)
        if problem is not None:
            yield problem


def _simple(
    program: SimpleContinuous, limits: PumpLimits, concentration: Decimal | None
) -> Iterator[Problem]:
    dose = program.daily_dose_mcg
    if dose < 0:
        yield _negative("daily_dose_mcg")
    elif concentration is not None:
        yield from flow_problems("daily_dose_mcg", Fraction(dose) / Fraction(concentration), limits)


def _negative(field: str) -> Problem:
    return Problem(field, "not_positive", "A dose cannot be negative.")


def flow_problems(field: str, ml_per_day: Fraction, limits: PumpLimits) -> Iterator[Problem]:
    """Whether a rate of the program, not of a bolus, is one that the pump can run."""
    if ml_per_day == 0:
        if not limits.allows_zero_flow:
            yield Problem(
                field,
                "flow_below_minimum",
                "This pump cannot run at no flow at all. Check the dose, or program it as stopped.",
            )
        return
    flow = format_quantity(ml_per_day, "mL/day", 5)
    if ml_per_day < Fraction(limits.min_ml_per_day):
        yield Problem(
            field,
            "flow_below_minimum",
            f"This would run at {flow}, below the pump's minimum of "
            f"{format_quantity(limits.min_ml_per_day, 'mL/day', 5)}. Check the dose, the "
            "concentration and the unit, or use a lower concentration.",
        )
    yield from maximum_problems(field, ml_per_day, limits)


def maximum_problems(field: str, ml_per_day: Fraction, limits: PumpLimits) -> Iterator[Problem]:
    """Whether a rate, boluses included, is above what the pump can run."""
    if ml_per_day > Fraction(limits.max_ml_per_day):
        yield Problem(
            field,
            "flow_above_maximum",
            f"This would run at {format_quantity(ml_per_day, 'mL/day', 5)}, above the pump's "
            f"maximum of {format_quantity(limits.max_ml_per_day, 'mL/day', 5)}. Check the dose, "
            "the duration, the concentration and the unit.",
        )


def _flex(program: Flex, limits: PumpLimits, concentration: Decimal | None) -> Iterator[Problem]:
    yield from days_problems([group.days for group in program.groups])
    for number, group in enumerate(program.groups):
        yield from _group(f"groups[{number}]", group, limits, concentration)


def days_problems(groups: Sequence[Sequence[str]]) -> Iterator[Problem]:
    """Whether every day of the week is in exactly one group."""
    named = [day for days in groups for day in days]
    unknown = [day for day in named if day not in WEEK]
    missing = [day for day in WEEK if day not in named]
    twice = sorted({day for day in named if named.count(day) > 1})
    if unknown or missing or twice:
        said = [
            f"{text} {', '.join(map(str, days))}"
            for text, days in (("unknown:", unknown), ("missing:", missing), ("twice:", twice))
            if days
        ]
        yield Problem(
            "groups",
            "flex_days_incomplete",
            f"Every day of the week must be in exactly one group ({'; '.join(said)}).",
        )


def _group(
    path: str, group: DayGroup, limits: PumpLimits, concentration: Decimal | None
) -> Iterator[Problem]:
    starts = [step.start_minute for step in group.steps]
    yield from starts_problems(path, starts, limits.max_steps)
    ordered = all(a < b for a, b in itertools.pairwise(starts))
    for number, step in enumerate(group.steps):
        field = f"{path}.steps[{number}].dose_mcg"
        if step.dose_mcg < 0:
            yield _negative(field)
        elif ordered and concentration is not None:
            end = starts[number + 1] if number + 1 < len(starts) else MINUTES_A_DAY
            per_day = Fraction(step.dose_mcg) * MINUTES_A_DAY / (end - step.start_minute)
            yield from flow_problems(field, per_day / Fraction(concentration), limits)


def starts_problems(path: str, starts: Sequence[int], max_steps: int) -> Iterator[Problem]:
    """Whether the steps of a day begin at midnight, follow one another, and are not too many."""
    if not starts or starts[0] != 0:
        yield Problem(
            f"{path}.steps",
            "flex_not_from_midnight",
            "The first step of a day must start at 00:00; what runs before it would be unknown.",
        )
    if any(a >= b for a, b in itertools.pairwise(starts)):
        yield Problem(
            f"{path}.steps",
            "flex_steps_unordered",
            "Each step must start later than the one before it.",
        )
    if len(starts) > max_steps:
        yield Problem(
            f"{path}.steps",
            "too_many_steps",
            f"This pump takes at most {max_steps} steps a day; these are {len(starts)}.",
        )


def _periodic(
    program: PeriodicBolus, limits: PumpLimits, concentration: Decimal | None
) -> Iterator[Problem]:
    if program.basal_mcg_per_hour < 0:
        yield _negative("basal_mcg_per_hour")
    if program.bolus_mcg <= 0:
        yield Problem("bolus_mcg", "not_positive", "A bolus must be more than zero.")
    yield from _interval(program)
    if concentration is None:
        return
    basal = Fraction(program.basal_mcg_per_hour) * 24 / Fraction(concentration)
    if program.basal_mcg_per_hour >= 0:
        yield from flow_problems("basal_mcg_per_hour", basal, limits)
    if program.bolus_minutes > 0:
        during = Fraction(program.bolus_mcg) * MINUTES_A_DAY / program.bolus_minutes
        during /= Fraction(concentration)
        if not program.basal_suspended:
            during += basal
        yield from maximum_problems("bolus_mcg", during, limits)


def _interval(program: PeriodicBolus) -> Iterator[Problem]:
    interval = program.interval_minutes
    if interval <= 0 or MINUTES_A_DAY % interval:
        yield Problem(
            "interval_minutes",
            "bad_interval",
            "The interval must divide the day: 60, 120, 360 … minutes.",
        )
    if program.bolus_minutes <= 0:
        yield Problem("bolus_minutes", "not_positive", "A bolus takes at least a minute.")
    elif program.bolus_minutes > interval > 0:
        yield Problem(
            "bolus_minutes", "bad_interval", "A bolus must be over before the next one begins."
        )
    if program.first_minute >= interval > 0:
        yield Problem(
            "first_at",
            "bad_interval",
            "The first bolus must come before the first interval of the day is over.",
        )
