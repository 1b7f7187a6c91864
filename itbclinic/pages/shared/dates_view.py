"""The dates of one pump, each with how far it is and the sum behind it."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from alarms.domain import explain
from alarms.domain.projection import Known, Settings
from alarms.models import Projection, Reason
from core import words
from core.quantities import format_quantity
from pumps.limits import limits_of
from pumps.models import Pump
from refills.models import Fill

from . import rows

# One name for one date, on every page of a patient (docs/glossary.md).
REFILL: Final = "Refill due by"
OPENS: Final = "Window opens"
ALARM: Final = "Low-reservoir alarm"
PRINTED: Final = "Alarm as printed"
MAY_BE_EMPTY: Final = "May be empty from"
EMPTY: Final = "Empty"


@dataclass(frozen=True, slots=True)
class DateLine:
    """One date; `sums` are the lines of its calculation."""

    label: str
    day: str
    relative: str
    note: str = ""
    sums: list[str] = field(default_factory=list)
    binding: bool = False
    at: date | None = None  # what the lines are in order of; none for one that never comes
    opened: bool = False  # the alarm's sum is shown at once: it is the date that is copied by hand

    @property
    def sum(self) -> str:
        """The lines under each other."""
        return "\n".join(self.sums)


def present(
    pump: Pump, dates: Projection, found: Known | None, fill: Fill | None, today: date
) -> list[DateLine]:
    """Every date there is, the earliest first."""
    if dates.refill_due_on is None:
        return []
    clinic = pump.clinic
    sums = _sums(pump, found)
    lines = [
        _line(REFILL, dates.refill_due_on, today, sums.get("due"),
              note=rows.clock(dates, fill, clinic.max_interval_days), binding=True),
        _line(OPENS, dates.window_opens_on, today, sums.get("window")),
        _alarm(dates, today, clinic.zone, sums.get("alarm")),
        _printed(dates, today),
        _line("Drug limit", dates.stability_date, today, _stability(dates, fill, clinic.zone)),
        _longest(found, today, clinic.max_interval_days),
        _line(EMPTY, dates.empty_date, today, sums.get("empty")),
        _line(MAY_BE_EMPTY, dates.earliest_empty_date, today, sums.get("earliest_empty"),
              note=_faster(pump)),
    ]  # fmt: skip
    found_lines = [line for line in lines if line is not None]
    return sorted(found_lines, key=lambda line: line.at or date.max)


def _sums(pump: Pump, found: Known | None) -> dict[str, list[str]]:
    """The lines of each sum by its key."""
    if found is None:
        return {}
    clinic = pump.clinic
    settings = Settings(
        timezone=clinic.zone,
        refill_lead_days=clinic.refill_lead_days,
        window_days=clinic.window_days,
        max_interval_days=clinic.max_interval_days,
    )
    assumed = pump.low_reservoir_alarm_assumed
    found_sums = explain.sums(found, limits_of(pump), settings, alarm_assumed=assumed)
    return {one.key: list(one.lines) for one in found_sums}


def _stability(dates: Projection, fill: Fill | None, zone: ZoneInfo) -> list[str]:
    if fill is None:
        return []
    lines = []
    if fill.stability_days is not None:
        filled = fill.at.astimezone(zone).date()
        last = words.day(filled + timedelta(days=fill.stability_days))
        days = words.count(fill.stability_days, "day")
        lines.append(f"filled {words.day(filled)} + {days} in the pump = {last}")
    if fill.use_by is not None:
        lines.append(f"the pharmacy's use-by date: {words.day(fill.use_by)}")
    return [*lines, "The earlier one counts."] if len(lines) > 1 else lines


def _line(
    label: str,
    value: date | None,
    today: date,
    sums: list[str] | None,
    *,
    note: str = "",
    binding: bool = False,
) -> DateLine | None:
    if value is None:
        return None
    return DateLine(
        label, words.weekday(value), words.ahead(value, today), note, sums or [], binding, value
    )


def _alarm(dates: Projection, today: date, zone: ZoneInfo, sums: list[str] | None) -> DateLine:
    if dates.alarm_date is None:
        return DateLine("Low-reservoir alarm", "Does not sound", "", "at this program", sums or [])
    note = f"about {words.instant(dates.alarm_at, zone)}" if dates.alarm_at else ""
    return DateLine(
        ALARM,
        words.weekday(dates.alarm_date),
        words.ahead(dates.alarm_date, today),
        note,
        sums or [],
        at=dates.alarm_date,
        opened=True,
    )


def _printed(dates: Projection, today: date) -> DateLine | None:
    printed = dates.printed_alarm_date
    if printed is None:
        return None
    note = "agrees with ours"
    if Reason.ALARM_DATE_MISMATCH in dates.attention:
        days = (printed - dates.alarm_date).days if dates.alarm_date else 0
        note = f"{words.count(abs(days), 'day')} {'later' if days > 0 else 'earlier'} than ours"
        note = note if dates.alarm_date else "ours never alarms"
    ahead = words.ahead(printed, today)
    return DateLine(PRINTED, words.weekday(printed), ahead, note, at=printed)


def _longest(found: Known | None, today: date, days: int | None) -> DateLine | None:
    if found is None or days is None:
        return None
    note = f"at most {words.count(days, 'day')} between refills"
    return _line("Clinic's longest interval", found.max_interval_date, today, None, note=note)


def _faster(pump: Pump) -> str:
    percent = format_quantity(pump.model.flow_accuracy_percent, "%")
    return f"if the pump runs {percent} fast, as its maker allows"
