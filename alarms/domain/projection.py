"""From a fill and programs to dates: docs/calculations.md, Instants and Dates.

Everything is exact; `now` (as `as_of`) and the time zone are arguments. The readings taken where
a choice was left are on the same page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Final, Literal
from zoneinfo import ZoneInfo

from dosing.domain.programs import Bolus, MinimumRate, Program, Stopped
from pumps.domain.limits import PumpLimits
from refills.domain.reservoir import Fill

from .infusion import EPOCH, Delivery, PreparedProgram, prepare, to_us

SECOND_US: Final = 1_000_000
# Beyond this year an instant is as good as never; a calendar date could not be made of it.
LAST_US: Final = to_us(datetime(9998, 1, 1, tzinfo=UTC))

UnknownReason = Literal[
    "no_fill", "fill_in_future", "no_program", "concentration_mismatch", "no_deadline"
]


@dataclass(frozen=True, slots=True)
class Settings:
    """The clinic's settings. Days are whole; `max_interval_days` None: no such limit."""

    timezone: ZoneInfo
    refill_lead_days: int = 7
    window_days: int = 14
    max_interval_days: int | None = None


@dataclass(frozen=True, slots=True)
class ProjectionInputs:
    """Everything that the dates of one pump are computed from.

    `as_of` is the instant whose daily dose is asked for; None: the fill's.
    """

    settings: Settings
    pump: PumpLimits
    fill: Fill | None
    programs: Sequence[Program]
    boluses: Sequence[Bolus] = ()
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """No date: the pump counts as due."""

    reason: UnknownReason


@dataclass(frozen=True, slots=True)
class ClockWarning:
    """The pump's clock is not the clinic's at that instant: somebody may have mistyped it."""

    at: datetime
    pump_offset_minutes: int
    clinic_offset_minutes: int


@dataclass(frozen=True, slots=True)
class Known:
    """The dates. Instants are UTC, floored to the second; None: never.

    Units: mcg a day, mL a day. `delivery` and `program` (in force at `as_of`) are what they were
    computed with.
    """

    as_of: datetime
    fill: Fill
    alarm_at: datetime | None
    alarm_date: date | None
    empty_at: datetime | None
    empty_date: date | None
    earliest_empty_at: datetime | None
    earliest_empty_date: date | None
    stability_date: date | None
    max_interval_date: date | None
    refill_due_on: date
    window_opens_on: date
    binding_clock: str
    daily_dose_mcg: Fraction
    daily_dose_min_mcg: Fraction
    daily_volume_ml: Fraction
    warnings: tuple[ClockWarning, ...]
    program: PreparedProgram
    programs: tuple[PreparedProgram, ...]
    delivery: Delivery

    @property
    def may_be_empty_before_alarm(self) -> bool:
        """The pump may run dry before it beeps."""
        return self._may_be_empty_by(self.alarm_date)

    @property
    def may_be_empty_before_due(self) -> bool:
        """The pump may run dry before it is called late."""
        return self._may_be_empty_by(self.refill_due_on)

    def _may_be_empty_by(self, day: date | None) -> bool:
        earliest = self.earliest_empty_date
        return earliest is not None and (day is None or earliest <= day)

    @property
    def pump_stopped(self) -> bool:
        """The program in force is stopped or at minimum rate."""
        return isinstance(self.program.program, Stopped | MinimumRate)

    def residual_ml(self, at: datetime) -> Fraction:
        """What is left in the reservoir at an instant, in mL; the fill's volume before the fill."""
        left = Fraction(self.fill.volume_ml) - self.delivery.delivered_ml(to_us(at))
        return max(Fraction(0), left)


def project(inputs: ProjectionInputs) -> Known | Unknown:
    """Compute the dates of one pump.

    The inputs must have passed the checks of `dosing.domain.checks`; what those refuse may raise
    here, but gives no wrong date.
    """
    fill = inputs.fill
    if fill is None:
        return Unknown("no_fill")
    if inputs.as_of is not None and inputs.as_of < fill.at:
        return Unknown("fill_in_future")
    counting = programs_from(fill.at, inputs.programs)
    if not counting:
        return Unknown("no_program")
    if any(p.concentration_mcg_per_ml not in (None, fill.concentration_mcg_per_ml)
           for p in counting):  # fmt: skip
        return Unknown("concentration_mismatch")
    return project_prepared(
        inputs,
        [
            prepare(program, fill.concentration_mcg_per_ml, inputs.pump.min_ml_per_day)
            for program in counting
        ],
    )


def programs_from(fill_at: datetime, programs: Sequence[Program]) -> list[Program]:
    """The program in force at the fill and those after it, in order; none: empty.

    Of two at one instant, the last listed is in force.
    """
    ordered = sorted(programs, key=lambda program: program.effective_at)  # stable
    begun = [index for index, program in enumerate(ordered) if program.effective_at <= fill_at]
    return ordered[begun[-1] :] if begun else []


def project_prepared(
    inputs: ProjectionInputs, prepared: Sequence[PreparedProgram]
) -> Known | Unknown:
    """As `project`, from programs that are prepared and checked: the part a sweep repeats."""
    fill = inputs.fill
    assert fill is not None
    delivery = Delivery(to_us(fill.at), prepared, inputs.boluses, fill.concentration_mcg_per_ml)
    clock = _Clock(inputs.settings.timezone, prepared)
    volume = Fraction(fill.volume_ml)
    alarm_us = delivery.reaches(volume - Fraction(inputs.pump.low_reservoir_alarm_ml))
    empty_us = delivery.reaches(volume)
    faster = 1 + Fraction(inputs.pump.flow_accuracy_percent) / 100
    earliest_us = delivery.reaches(volume / faster)
    alarm_at, empty_at, earliest_at = map(_instant, (alarm_us, empty_us, earliest_us))
    fill_date = fill.at.astimezone(inputs.settings.timezone).date()
    alarm_date = clock.date_of(alarm_at)
    due = _due(inputs, fill_date, alarm_date)
    if due is None:
        return Unknown("no_deadline")
    as_of = inputs.as_of or fill.at
    program = clock.program_at(as_of)
    largest_ml, smallest_ml = program.daily_ml
    concentration = Fraction(program.concentration_mcg_per_ml)
    return Known(
        as_of=as_of,
        fill=fill,
        alarm_at=alarm_at,
        alarm_date=alarm_date,
        empty_at=empty_at,
        empty_date=clock.date_of(empty_at),
        earliest_empty_at=earliest_at,
        earliest_empty_date=clock.date_of(earliest_at),
        stability_date=due.stability_date,
        max_interval_date=due.max_interval_date,
        refill_due_on=due.on,
        window_opens_on=max(fill_date, days_after(due.on, -inputs.settings.window_days)),
        binding_clock=due.binding_clock,
        daily_dose_mcg=largest_ml * concentration,
        daily_dose_min_mcg=smallest_ml * concentration,
        daily_volume_ml=largest_ml,
        warnings=clock.warnings(),
        program=program,
        programs=tuple(prepared),
        delivery=delivery,
    )


@dataclass(frozen=True, slots=True)
class _Due:
    on: date
    binding_clock: str
    stability_date: date | None
    max_interval_date: date | None


def _due(inputs: ProjectionInputs, fill_date: date, alarm_date: date | None) -> _Due | None:
    """The earliest of the three clocks, not before the fill date; a tie goes to the first."""
    fill = inputs.fill
    assert fill is not None
    settings = inputs.settings
    stability = [fill.use_by] if fill.use_by is not None else []
    if fill.stability_days is not None:
        stability.append(days_after(fill_date, fill.stability_days))
    stability_date = min(stability, default=None)
    max_interval_date = None
    if settings.max_interval_days is not None:
        max_interval_date = days_after(fill_date, settings.max_interval_days)
    clocks = [
        ("low_reservoir", None if alarm_date is None else days_after(
            alarm_date, -settings.refill_lead_days)),
        ("drug_stability", stability_date),
        ("max_interval", max_interval_date),
    ]  # fmt: skip
    ticking = [(day, name) for name, day in clocks if day is not None]
    if not ticking:
        return None
    day, name = min(ticking, key=lambda clock: clock[0])  # the first of equals
    return _Due(max(fill_date, day), name, stability_date, max_interval_date)


def days_after(day: date, days: int) -> date:
    """The day so many days later, or the calendar's end: an absurd limit must not crash."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min


def _instant(at_us: Fraction | None) -> datetime | None:
    """An aware UTC instant, floored to the second."""
    if at_us is None or at_us >= LAST_US:
        return None
    return EPOCH + timedelta(seconds=int(at_us // SECOND_US))


class _Clock:
    """The clinic's calendar and the pump's own clock, side by side."""

    def __init__(self, timezone: ZoneInfo, programs: Sequence[PreparedProgram]) -> None:
        self.timezone = timezone
        self.programs = programs

    def program_at(self, instant: datetime) -> PreparedProgram:
        """The program in force; before the first one, the first."""
        for prepared in reversed(self.programs):
            if prepared.program.effective_at <= instant:
                return prepared
        return self.programs[0]

    def date_of(self, instant: datetime | None) -> date | None:
        """The earlier of the clinic's calendar date and the pump clock's; never rounded up."""
        if instant is None:
            return None
        offset = self.program_at(instant).program.utc_offset_minutes
        on_pump = (instant + timedelta(minutes=offset)).date()
        return min(instant.astimezone(self.timezone).date(), on_pump)

    def warnings(self) -> tuple[ClockWarning, ...]:
        """Programs whose pump clock was not the clinic's when they took effect."""
        found = []
        for prepared in self.programs:
            at = prepared.program.effective_at
            offset = at.astimezone(self.timezone).utcoffset() or timedelta()
            clinic_minutes = offset // timedelta(minutes=1)
            if clinic_minutes != prepared.program.utc_offset_minutes:
                found.append(ClockWarning(at, prepared.program.utc_offset_minutes, clinic_minutes))
        return tuple(found)
