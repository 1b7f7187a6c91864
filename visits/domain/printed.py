"""Why a printed alarm date is not ours: the mistakes that would give just that date."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from alarms.domain.projection import Known, ProjectionInputs, project
from core.quantities import format_quantity
from core.words import format_date
from dosing.domain.programs import Flex, PeriodicBolus, Program, SimpleContinuous

DAY: Final = timedelta(days=1)
RESERVOIRS_ML: Final = (Decimal(20), Decimal(40))
FACTORS: Final = (
    (Decimal(1000), "A dose in mg taken as mcg, or the other way round: check the unit."),
    (Decimal(24), "An hour's dose taken as a day's, or the other way round: check the dose."),
)


def likely_causes(
    inputs: ProjectionInputs,
    ours: date | None,
    printed: date,
    *,
    other_mcg_per_ml: Sequence[Decimal] = (),
    old_program: Program | None = None,
) -> tuple[str, ...]:
    """The mistakes that reproduce the printed date within a day, the exact ones first.

    Args:
        inputs: what our date is computed from.
        other_mcg_per_ml: concentrations that the clinic stocks.
        old_program: the one until now, where the visit changes it.
    """
    exact, near = [], []
    for text, changed in _mistakes(inputs, other_mcg_per_ml, old_program):
        found = project(changed)
        day = found.alarm_date if isinstance(found, Known) else None
        if day == printed:
            exact.append(text)
        elif day is not None and abs(day - printed) <= DAY:
            near.append(text)
    if ours is not None and _is_typo(ours, printed):
        exact.append(
            f"A slip in the date: ours is {format_date(ours)}, {format_date(printed)} was typed."
        )
    return (*exact, *near)


def _mistakes(
    inputs: ProjectionInputs, concentrations: Sequence[Decimal], old_program: Program | None
) -> Iterator[tuple[str, ProjectionInputs]]:
    fill = inputs.fill
    if fill is None:
        return
    for volume in RESERVOIRS_ML:
        if volume != fill.volume_ml:
            told, filled = format_quantity(volume, "mL"), format_quantity(fill.volume_ml, "mL")
            text = f"The programmer was told {told} in the reservoir, not {filled}."
            yield text, replace(inputs, fill=replace(fill, volume_ml=volume))
    for factor, text in FACTORS:
        for up in (True, False):
            programs = [_scaled(program, factor, up=up) for program in inputs.programs]
            changed = fill.concentration_mcg_per_ml
            # A dose divided is exact as a concentration multiplied: the flow is the same.
            changed = changed if up else changed * factor
            yield (
                text,
                replace(
                    inputs,
                    programs=programs,
                    fill=replace(fill, concentration_mcg_per_ml=changed),
                ),
            )
    for other in concentrations:
        if other != fill.concentration_mcg_per_ml:
            drug = format_quantity(other, "mcg per mL")
            programs = [replace(p, concentration_mcg_per_ml=other) for p in inputs.programs]
            yield (
                f"The programmer has the drug as {drug}.",
                replace(
                    inputs, programs=programs, fill=replace(fill, concentration_mcg_per_ml=other)
                ),
            )
    if old_program is not None:
        yield (
            "The printout is of the program until now, from before the change.",
            replace(
                inputs,
                programs=[replace(old_program, concentration_mcg_per_ml=None)],
            ),
        )


def _scaled(program: Program, factor: Decimal, *, up: bool) -> Program:
    concentration = program.concentration_mcg_per_ml
    if not up:
        told = None if concentration is None else concentration * factor
        return replace(program, concentration_mcg_per_ml=told)
    changes: dict[str, Any] = {}
    match program:
        case SimpleContinuous():
            changes["daily_dose_mcg"] = program.daily_dose_mcg * factor
        case Flex():
            changes["groups"] = tuple(
                replace(
                    group,
                    steps=tuple(replace(s, dose_mcg=s.dose_mcg * factor) for s in group.steps),
                )
                for group in program.groups
            )
        case PeriodicBolus():
            changes["basal_mcg_per_hour"] = program.basal_mcg_per_hour * factor
            changes["bolus_mcg"] = program.bolus_mcg * factor
    return replace(program, **changes)


def _is_typo(ours: date, printed: date) -> bool:
    """One digit wrong, two neighbours swapped, or day and month swapped."""
    a, b = (f"{day:%d%m}{day.year:04d}" for day in (ours, printed))
    wrong = [index for index in range(8) if a[index] != b[index]]
    if len(wrong) == 1:
        return True
    swapped = len(wrong) == 2 and wrong[1] == wrong[0] + 1
    if swapped and a[wrong[0]] == b[wrong[1]] and a[wrong[1]] == b[wrong[0]]:
        return True
    return (ours.day, ours.month, ours.year) == (printed.month, printed.day, printed.year)


def percent_of(value: Fraction) -> str:
    """`+8.7 %`, `−12 %`: a change with its sign."""
    text = format_quantity(value, "%", 1)
    return f"+{text}" if value > 0 else text
