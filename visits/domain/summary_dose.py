"""A program in a family's words: the dose of a day, and the times where it changes."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from dosing.domain.pattern import daily_volumes_ml, pattern_of
from dosing.domain.programs import (
    MINUTES_A_DAY,
    Flex,
    MinimumRate,
    PeriodicBolus,
    Program,
    SimpleContinuous,
    Stopped,
)

from . import summary_words as words


@dataclass(frozen=True, slots=True)
class Dose:
    """A program with what each day of the week gets, in mcg, largest and smallest."""

    program: Program
    largest_mcg: Fraction
    smallest_mcg: Fraction

    @property
    def state(self) -> str:
        """What must be said first where the pump gives nothing or next to nothing."""
        if isinstance(self.program, Stopped) or not self.largest_mcg:
            return words.STOPPED
        return words.LOWEST if isinstance(self.program, MinimumRate) else ""


def dose_of(program: Program, concentration_mcg_per_ml: Decimal, min_ml_per_day: Decimal) -> Dose:
    """The dose of a program, exactly."""
    days = daily_volumes_ml(pattern_of(program, concentration_mcg_per_ml, min_ml_per_day))
    doses = [volume * Fraction(concentration_mcg_per_ml) for volume in days]
    return Dose(program, max(doses), min(doses))


def lines_of(dose: Dose) -> tuple[str, ...]:
    """The day's dose; the largest and the smallest where the days differ."""
    if isinstance(dose.program, Stopped):
        return ("None: the pump is stopped",)
    if dose.largest_mcg == dose.smallest_mcg:
        return (words.a_day(dose.largest_mcg),)
    return (
        f"Most in a day: {words.micrograms(dose.largest_mcg)}",
        f"Least in a day: {words.micrograms(dose.smallest_mcg)}",
    )


def schedule_of(dose: Dose) -> tuple[dict[str, Any], ...]:
    """The table of times: for each group of days the doses by the clock and their 24-hour total."""
    match dose.program:
        case Flex() as flex:
            return tuple(
                {
                    "days": words.days_of(group.days),
                    "steps": tuple(
                        (_span(start, end), words.micrograms(step.dose_mcg))
                        for (start, end), step in zip(
                            _spans([one.start_minute for one in group.steps]),
                            group.steps,
                            strict=True,
                        )
                    ),
                    "total": words.a_day(
                        sum((Fraction(s.dose_mcg) for s in group.steps), Fraction())
                    ),
                }
                for group in flex.groups
            )
        case PeriodicBolus() as periodic:
            return (_periodic(periodic, dose),)
        case SimpleContinuous():
            return ()
    return ()


def _spans(starts: list[int]) -> list[tuple[int, int]]:
    return list(pairwise([*starts, MINUTES_A_DAY]))


def _span(start: int, end: int) -> str:
    if (start, end) == (0, MINUTES_A_DAY):
        return "All day"
    span = f"{words.clock(start)} to {words.clock(end)}"
    return span[0].upper() + span[1:]


def _periodic(program: PeriodicBolus, dose: Dose) -> dict[str, Any]:
    every = words.duration(program.interval_minutes)
    if MINUTES_A_DAY % program.interval_minutes == 0:  # else it starts at another time each day
        first = words.clock(program.first_minute % program.interval_minutes)
        every = f"{every}, first at {first}"
    between = "In between" if program.basal_suspended else "All the time"
    return {
        "days": "Every day",
        "steps": (
            (
                f"Every {every}",
                f"{words.micrograms(program.bolus_mcg)} in {words.duration(program.bolus_minutes)}",
            ),
            (between, f"{words.micrograms(program.basal_mcg_per_hour)} an hour"),
        ),
        "total": "; ".join(lines_of(dose)),
    }


def changed(before: Dose | None, now: Dose | None) -> str:
    """What to expect after the change; nothing is promised where the days go both ways."""
    if before is None or now is None:
        return ""
    if now.state:
        return ""
    if (lines_of(before), schedule_of(before)) == (lines_of(now), schedule_of(now)):
        return words.NO_CHANGE
    if now.largest_mcg >= before.largest_mcg and now.smallest_mcg >= before.smallest_mcg:
        same = (now.largest_mcg, now.smallest_mcg) == (before.largest_mcg, before.smallest_mcg)
        return "" if same else words.HIGHER
    if now.largest_mcg <= before.largest_mcg and now.smallest_mcg <= before.smallest_mcg:
        return words.LOWER
    return ""
