"""A program as a person reads it: its steps by day, and the rate over 24 hours as a drawing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Final

from alarms.selectors.inputs import domain_program
from core import words
from core.quantities import PER_ML, format_quantity
from dosing.domain.pattern import Pattern, pattern_of
from dosing.domain.programs import MINUTES_A_DAY
from dosing.models import Mode, Program, Step

# The drawing's units. Hours 0 to 24 take WIDTH; the rate takes HEIGHT above the axis.
LEFT, TOP, WIDTH, HEIGHT = 44, 22, 648, 96
NICE: Final = tuple(Fraction(part, 10) for part in (10, 15, 20, 30, 40, 50, 60, 80, 100))
RATE_PLACES: Final = 2  # 6.25 mcg/h is that on every page
LABELLED_STEPS: Final = 8  # more than that, and labels would touch


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step: the pump's own clock from when to when, its whole dose, its rate and its flow."""

    start: str
    end: str
    dose: str
    rate: str
    flow: str


@dataclass(frozen=True, slots=True)
class Label:
    """Words in the drawing."""

    x: int
    y: int
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The rate over 24 hours as SVG geometry, and the sentence that says the same."""

    description: str
    line: str
    area: str
    rates: list[Label]
    hours: list[Label]
    levels: list[Label]
    left: int = LEFT
    right: int = LEFT + WIDTH
    bottom: int = TOP + HEIGHT
    view: str = f"0 0 {LEFT + WIDTH + 28} {TOP + HEIGHT + 22}"


@dataclass(frozen=True, slots=True)
class DayPlan:
    """The days that run alike."""

    days: str
    total: str
    volume: str
    steps: list[StepLine]
    rate: str  # where it is one all day
    drawing: Drawing | None


@dataclass(frozen=True, slots=True)
class ProgramView:
    """A program in words."""

    mode: str
    concentration: str
    since: str
    clock: str
    plans: list[DayPlan] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Run:
    """Minutes of a day at one rate, in mcg a minute."""

    start: int
    end: int
    rate: Fraction

    @property
    def dose(self) -> Fraction:
        return self.rate * (self.end - self.start)


def present(
    program: Program, steps: Sequence[Step], min_ml_per_day: Decimal, since: str
) -> ProgramView:
    """The program with its day plans.

    Args:
        min_ml_per_day: the pump model's lowest flow, which `minimum_rate` runs at.
        since: its start in words.
    """
    concentration = program.concentration_mcg_per_ml
    plans = []
    if program.mode != Mode.STOPPED:
        pattern = pattern_of(domain_program(program, list(steps)), concentration, min_ml_per_day)
        plans = _plans(_days(pattern, Fraction(concentration)), Fraction(concentration))
    return ProgramView(
        mode=Mode(program.mode).label,
        concentration=format_quantity(concentration, PER_ML),
        since=since,
        clock=offset(program.utc_offset_minutes),
        plans=plans,
        notes=_notes(program),
    )


def offset(minutes: int) -> str:
    """`UTC−07:00`, as a pump's clock is set."""
    sign = words.MINUS if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _notes(program: Program) -> list[str]:
    if program.mode != Mode.PERIODIC_BOLUS:
        return []
    assert program.bolus_mcg is not None  # a constraint of the table
    assert program.basal_mcg_per_hour is not None
    first = f"{program.first_at:%H:%M}" if program.first_at else ""
    pause = "; the basal rate pauses meanwhile" if program.basal_suspended else ""
    return [
        f"{format_quantity(program.bolus_mcg, 'mcg')} over {program.bolus_minutes} min every "
        f"{program.interval_minutes} min, the first at {first}{pause}.",
        f"Basal rate {format_quantity(program.basal_mcg_per_hour, 'mcg/h')}.",
    ]


def _days(pattern: Pattern, concentration: Fraction) -> list[tuple[_Run, ...]]:
    """The runs of each day of the pump clock's week, Monday first."""
    days: list[list[_Run]] = [[] for _ in range(7)]
    ends = (*pattern.starts[1:], 7 * MINUTES_A_DAY)
    for start, end, ml in zip(pattern.starts, ends, pattern.ml_per_minute, strict=True):
        begun = start
        while begun < end:
            day, minute = divmod(begun, MINUTES_A_DAY)
            until = min(end, (day + 1) * MINUTES_A_DAY)
            days[day].append(_Run(minute, minute + until - begun, ml * concentration))
            begun = until
    return [tuple(runs) for runs in days]


def _plans(days: Sequence[tuple[_Run, ...]], concentration: Fraction) -> list[DayPlan]:
    alike: dict[tuple[_Run, ...], list[int]] = {}
    for number, runs in enumerate(days):
        alike.setdefault(runs, []).append(number)
    highest = max((run.rate for runs in alike for run in runs), default=Fraction(0)) * 60
    drawn = len(alike) > 1 or any(len(runs) > 1 for runs in alike)  # an even rate needs no drawing
    return [
        _plan(runs, numbers, concentration, highest, drawn=drawn) for runs, numbers in alike.items()
    ]


def _plan(
    runs: tuple[_Run, ...],
    numbers: Sequence[int],
    concentration: Fraction,
    highest: Fraction,
    *,
    drawn: bool,
) -> DayPlan:
    total = sum((run.dose for run in runs), Fraction(0))
    steps = [_line(run, concentration) for run in runs]
    return DayPlan(
        days=name_of_days(numbers),
        total=format_quantity(total, "mcg/day"),
        volume=format_quantity(total / concentration, "mL/day"),
        steps=steps,
        rate=steps[0].rate if len(steps) == 1 else "",
        drawing=_draw(runs, highest) if highest and drawn else None,
    )


def name_of_days(numbers: Sequence[int]) -> str:
    """`Every day`, `Mon to Fri`, `Sat, Sun`."""
    if len(numbers) == 7:
        return "Every day"
    together = list(numbers) == list(range(numbers[0], numbers[0] + len(numbers)))
    if together and len(numbers) > 2:
        return f"{words.WEEKDAYS[numbers[0]]} to {words.WEEKDAYS[numbers[-1]]}"
    return ", ".join(words.WEEKDAYS[number] for number in numbers)


def _time(minute: int) -> str:
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def _line(run: _Run, concentration: Fraction) -> StepLine:
    return StepLine(
        start=_time(run.start),
        end=_time(run.end),
        dose=format_quantity(run.dose, "mcg"),
        rate=format_quantity(run.rate * 60, "mcg/h", RATE_PLACES),
        flow=format_quantity(run.rate * MINUTES_A_DAY / concentration, "mL/day"),
    )


def _top_of_scale(highest: Fraction) -> Fraction:
    scale = Fraction(1)
    while scale * 10 < highest:
        scale *= 10
    while scale > highest:
        scale /= 10
    return next(scale * nice for nice in NICE if scale * nice >= highest)


def _draw(runs: Sequence[_Run], highest: Fraction) -> Drawing:
    top = _top_of_scale(highest)

    def x(minute: int) -> int:
        return LEFT + minute * WIDTH // MINUTES_A_DAY

    def y(per_hour: Fraction) -> int:
        return TOP + HEIGHT - int(per_hour * HEIGHT / top)

    points = [(x(run.start), x(run.end), y(run.rate * 60)) for run in runs]
    line = f"M{LEFT} {points[0][2]}" + "".join(f"V{level}H{end}" for _, end, level in points)
    area = f"M{LEFT} {TOP + HEIGHT}V{points[0][2]}{line[line.index('V') :]}V{TOP + HEIGHT}Z"
    rates = [
        Label((begin + end) // 2, level - 6, format_quantity(run.rate * 60, "", RATE_PLACES))
        for run, (begin, end, level) in zip(runs, points, strict=True)
        if len(runs) <= LABELLED_STEPS
    ]
    return Drawing(
        description=_describe(runs),
        line=line,
        area=area,
        rates=rates,
        hours=[
            Label(x(60 * hour), TOP + HEIGHT + 16, _time(60 * hour)) for hour in range(0, 25, 3)
        ],
        levels=[
            Label(LEFT - 6, y(top * part / 2), format_quantity(top * part / 2, "", 2))
            for part in range(3)
        ],
    )


def _describe(runs: Sequence[_Run]) -> str:
    if len(runs) > LABELLED_STEPS:
        return f"Rate over 24 hours in {len(runs)} steps; the table has the figures."
    parts = [
        f"from {_time(run.start)} {format_quantity(run.rate * 60, 'mcg/h', 1)}" for run in runs
    ]
    return f"Rate over 24 hours: {', '.join(parts)}."
