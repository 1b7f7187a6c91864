"""Dates, times, counts and states in the words that every page uses."""

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from alarms.models import Reason
from dosing.domain.quantities import format_date

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MINUS: Final = "−"
NOT_RECORDED: Final = "Not recorded"
PER_ML: Final = "mcg per mL"  # “per”: a slash has been read as a 1

STATUS: Final = {
    "unknown": "No sure date",
    "empty": "Empty",
    "alarm": "Past alarm",
    "overdue": "Overdue",
    "due": "Due",
    "not_due": "Not due",
    "excluded": "Excluded",
}

# Why a status is unknown, and what to do about it.
UNKNOWN: Final = {
    Reason.NO_FILL: (
        "No refill is recorded for this pump.",
        "Record its last refill as a visit, or add it to the roster and import the row again.",
    ),
    Reason.NO_PROGRAM: (
        "No program is recorded that ran when the pump was last filled.",
        "Record a visit with the program, or add dose and mode to the roster and import the row.",
    ),
    Reason.CONCENTRATION_MISMATCH: (
        "The program and the fill name different concentrations.",
        "Check the printout and the vial's label, then correct the one that is wrong.",
    ),
    Reason.FILL_IN_FUTURE: (
        "The last refill is dated in the future.",
        "Check its date, correct the roster and import the row again.",
    ),
    Reason.NO_DEADLINE: (
        "Nothing limits the interval: the pump never reaches its alarm volume, and neither the "
        "drug nor the clinic sets a limit.",
        "Have the drug's days in the pump or the clinic's longest interval recorded.",
    ),
    Reason.RECALCULATING: (
        "The dates are being recalculated.",
        "Reload in a minute. If this stays, tell your clinic's administrator.",
    ),
    Reason.FAILED: (
        "The calculation failed.",
        "Go by the programmer's printout, and tell your clinic's administrator.",
    ),
    Reason.PUMP_STOPPED: (
        "The pump runs at its minimum rate.",
        "Ask the doctor whether that is meant, then settle it with a reason.",
    ),
    Reason.ALARM_DATE_MISMATCH: (
        "The printed alarm date differs from ours.",
        "The earlier one counts. Check the printout, then settle it with a reason.",
    ),
}


def day(value: date | None) -> str:
    """`09-Mar-2027`, whatever the browser's language; never blank."""
    return NOT_RECORDED if value is None else format_date(value)


def day_short(value: date) -> str:
    """`09-Mar`, only where the year is plain from the axis beside it."""
    return format_date(value)[:6]


def weekday(value: date) -> str:
    """`Tue 09-Mar-2027`."""
    return f"{WEEKDAYS[value.weekday()]} {day(value)}"


def zone_name(value: datetime) -> str:
    """`MST`; `UTC+03` where the zone has no letters."""
    name = value.tzname() or ""
    return f"UTC{name}" if name[:1] in "+-" else name


def instant(value: datetime | None, zone: ZoneInfo) -> str:
    """`22-Nov-2026 07:05 MST`: the clinic's local time, with its zone."""
    if value is None:
        return NOT_RECORDED
    local = value.astimezone(zone)
    return f"{day(local.date())} {local:%H:%M} {zone_name(local)}"


def weekday_instant(value: datetime, zone: ZoneInfo) -> str:
    """`Tue 24-Nov-2026 09:30 MST`."""
    return f"{WEEKDAYS[value.astimezone(zone).weekday()]} {instant(value, zone)}"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 day`, `12 days`, `−3 days`, `1,204 pumps`."""
    word = noun if abs(number) == 1 else plural or f"{noun}s"
    sign = MINUS if number < 0 else ""
    return f"{sign}{abs(number):,} {word}"


def ahead(value: date, today: date) -> str:
    """`today`, `in 12 days`, `3 days ago`."""
    days = (value - today).days
    if days == 0:
        return "today"
    return f"in {count(days, 'day')}" if days > 0 else f"{count(-days, 'day')} ago"


def may_be_empty(earliest: date, today: date) -> str:
    """`may be empty tomorrow`, `may be empty in 3 days`, `may be empty since 20-Nov-2026`."""
    days = (earliest - today).days
    if days < 0:
        return f"may be empty since {day(earliest)}"
    when = ("today", "tomorrow")[days] if days < 2 else ahead(earliest, today)
    return f"may be empty {when}"


def age(born: date, today: date) -> str:
    """`12 y`; under two years in months."""
    months = (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
    return f"{months // 12} y" if months >= 24 else f"{max(months, 0)} months"
