"""Dates, times, counts and ages in the words that every page and paper uses."""

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEKDAY_NAMES: Final = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
)  # fmt: skip
MINUS: Final = "−"
NOT_RECORDED: Final = "Not recorded"


def format_date(day: date) -> str:
    """A date as staff read it, whatever the locale: `09-Mar-2027`."""
    return f"{day.day:02d}-{MONTHS[day.month - 1]}-{day.year:04d}"


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


def age(born: date, today: date) -> str:
    """`12 y`; under two years in months."""
    months = (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
    return f"{months // 12} y" if months >= 24 else f"{max(months, 0)} months"


def birth(born: date, today: date) -> str:
    """`09-Mar-2014 (12 y)`: a date of birth as it stands beside a name."""
    return f"{format_date(born)} ({age(born, today)})"
