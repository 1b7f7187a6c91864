"""The sum behind each number, in lines that a clinician can check with a pocket calculator."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from core.quantities import format_quantity, rounded
from core.words import count, format_date
from dosing.domain.programs import (
    Flex,
    MinimumRate,
    PeriodicBolus,
    SimpleContinuous,
    Stopped,
)
from pumps.domain.limits import PumpLimits

from .infusion import PreparedProgram, Segment, to_us
from .projection import Known, Settings, days_after


@dataclass(frozen=True, slots=True)
class Sum:
    """How one number comes about: its name, what it came to, and the lines of the sum."""

    key: str
    label: str
    result: str
    lines: tuple[str, ...]


def sums(
    known: Known, limits: PumpLimits, settings: Settings, *, alarm_assumed: bool
) -> tuple[Sum, ...]:
    """The sums behind a projection's dates, the alarm date first.

    Args:
        alarm_assumed: the alarm volume is the catalogue's default, not read from the pump.
    """
    usable = Fraction(known.fill.volume_ml) - Fraction(limits.low_reservoir_alarm_ml)
    zone = settings.timezone
    accuracy = Fraction(limits.flow_accuracy_percent)
    faster = Fraction(known.fill.volume_ml) / (1 + accuracy / 100)
    return (
        Sum(
            "alarm",
            "Low-reservoir alarm",
            _date_or_never(known.alarm_date),
            (
                f"{_ml(known.fill.volume_ml)} − {_ml(limits.low_reservoir_alarm_ml)} alarm volume"
                f"{' (assumed)' if alarm_assumed else ''} = {_ml(usable)}",
                *_path(known, usable, known.alarm_at, zone),
            ),
        ),
        Sum("due", "Refill by", format_date(known.refill_due_on), tuple(_due(known, settings))),
        Sum(
            "empty",
            "Empty",
            _date_or_never(known.empty_date),
            tuple(_path(known, Fraction(known.fill.volume_ml), known.empty_at, zone)),
        ),
        Sum(
            "earliest_empty",
            "Empty at the earliest",
            _date_or_never(known.earliest_empty_date),
            (
                f"The pump may run up to {format_quantity(accuracy, '%')} faster than programmed:",
                f"{_ml(known.fill.volume_ml)} ÷ {format_quantity(1 + accuracy / 100, '', 4)} = "
                f"{_ml(faster)} as programmed",
                *_path(known, faster, known.earliest_empty_at, zone),
            ),
        ),
        Sum(
            "window",
            "Refill window opens",
            format_date(known.window_opens_on),
            (
                f"{format_date(known.refill_due_on)} − {count(settings.window_days, 'day')}, "
                "not before the day of the fill",
            ),
        ),
    )


def _date_or_never(day: object) -> str:
    return format_date(day) if day is not None else "never"  # type: ignore[arg-type]


def _ml(value: Decimal | Fraction) -> str:
    return format_quantity(value, "mL", 4)


def at_clinic(instant: datetime, zone: ZoneInfo) -> str:
    """An instant on the clinic's clock, with the zone's name: `22-Nov-2026 10:05 MST`."""
    local = instant.astimezone(zone)
    return f"{format_date(local.date())} {local:%H:%M} {local.tzname()}"


def _path(
    known: Known, volume_ml: Fraction, reached_at: datetime | None, zone: ZoneInfo
) -> Iterator[str]:
    """How a volume is used up: one division for one even program, else stretch by stretch."""
    if volume_ml <= 0:
        yield "The fill is at or under this volume: it is reached at once."
        return
    if reached_at is None:
        yield f"What is programmed never delivers {_ml(volume_ml)}."
        return
    first = known.programs[0]
    segments = _until(known.delivery.segments, to_us(reached_at))
    if len(segments) == 1 and isinstance(first.program, SimpleContinuous):
        yield from _division(known, first.program, volume_ml)
    else:
        yield from _stretches(segments, reached_at, zone)
    yield f"from {at_clinic(known.fill.at, zone)} → {at_clinic(reached_at, zone)}"
    offset = timedelta(minutes=_offset_at(known, reached_at))
    if (reached_at + offset).date() < reached_at.astimezone(zone).date():
        yield "On the pump's own clock it is still the day before: the earlier date counts."


def _offset_at(known: Known, instant: datetime) -> int:
    begun = [p for p in known.programs if p.program.effective_at <= instant]
    return (begun or known.programs)[-1].program.utc_offset_minutes


def _division(known: Known, program: SimpleContinuous, volume_ml: Fraction) -> Iterator[str]:
    concentration = known.fill.concentration_mcg_per_ml
    drug = volume_ml * Fraction(concentration)
    days = drug / Fraction(program.daily_dose_mcg)
    dose = format_quantity(program.daily_dose_mcg, "mcg/day")
    yield f"{_ml(volume_ml)} × {_per_ml(concentration)} = {format_quantity(drug, 'mcg', 2)}"
    unit = "day" if rounded(days, 2) == 1 else "days"
    yield f"{format_quantity(drug, '', 2)} ÷ {dose} = {format_quantity(days, unit, 2)}"


def _per_ml(concentration: Decimal) -> str:
    return format_quantity(concentration, "mcg per mL")


def _until(segments: Sequence[Segment], at_us: int) -> list[Segment]:
    return [segment for segment in segments if segment.start_us <= at_us]


def _stretches(segments: Sequence[Segment], reached_at: datetime, zone: ZoneInfo) -> Iterator[str]:
    """One line for each stretch with the same program and the same boluses."""
    end_us = to_us(reached_at)
    for segment in segments:
        until = end_us if segment.end_us is None else min(end_us, segment.end_us)
        used = segment.delivered_at(until) - segment.before_ml
        yield (
            f"{_instant(segment.start_us, zone)} to {_instant(until, zone)}: "
            f"{_what(segment)} = {_ml(used)}"
        )


def _instant(at_us: int | Fraction, zone: ZoneInfo) -> str:
    moment = datetime.fromtimestamp(int(at_us // 1_000_000), zone)
    return f"{format_date(moment.date())} {moment:%H:%M}"


def _what(segment: Segment) -> str:
    if segment.program is None:
        return "bridge bolus in place of the program"
    text = describe(segment.program)
    return f"{text} and a bolus" if segment.bolus_ml_per_us else text


def describe(prepared: PreparedProgram) -> str:
    """A program in a few words with its daily dose: `flex, 442 to 552 mcg/day`."""
    most, least = (
        Fraction(volume) * Fraction(prepared.concentration_mcg_per_ml)
        for volume in prepared.daily_ml
    )
    dose = format_quantity(most, "mcg/day", 2)
    if least != most:
        dose = f"{format_quantity(least, '', 2)} to {dose}"
    match prepared.program:
        case SimpleContinuous():
            return dose
        case Flex():
            return f"flex, {dose}, step by step"
        case PeriodicBolus():
            return f"periodic boluses, {dose}"
        case MinimumRate():
            return f"minimum rate, {dose}"
        case Stopped():
            return "stopped"
    return dose


def _due(known: Known, settings: Settings) -> Iterator[str]:
    clocks = (
        (
            "low_reservoir",
            known.alarm_date,
            f"alarm date − {count(settings.refill_lead_days, 'day')}",
            -settings.refill_lead_days,
        ),
        ("drug_stability", known.stability_date, "last day for the drug in this pump", 0),
        ("max_interval", known.max_interval_date, "the clinic's longest interval", 0),
    )
    for name, day, words, days in clocks:
        if day is not None:
            mark = " ← the earliest, so it counts" if name == known.binding_clock else ""
            yield f"{format_date(days_after(day, days))}: {words}{mark}"
    if known.refill_due_on == known.fill.at.astimezone(settings.timezone).date():
        yield "It is not set before the day of the fill."
