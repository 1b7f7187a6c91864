"""What a family takes home from a visit: all that the paper shows, in words (docs/domain.md).

A date that is not known is never printed: a sentence stands in its place.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.quantities import format_quantity
from core.words import NOT_RECORDED

from . import summary_words as words
from .summary_dose import Dose, changed, lines_of, schedule_of

CALL_TO_BOOK_WITHIN: Final = timedelta(days=7)
ENGLISH: Final = {"", "en", "eng", "english"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    """Where the family belongs to, and how it reaches the clinic."""

    name: str
    place: str
    phone_day: str
    phone_night: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """The dates as they stand. `known` False: none of them may be printed."""

    known: bool
    alarm: date | None = None
    refill_by: date | None = None
    printed_differs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is known at the moment of making; instants are aware, volumes in mL."""

    given_name: str
    family_name: str
    born: date
    spoken: str
    clinic: Clinic
    visit_at: datetime
    seen_by: str
    ordered_by: str = ""
    before: Dose | None = None
    now: Dose | None = None
    medicine: str = ""
    concentration_mcg_per_ml: Decimal | None = None
    filled_ml: Decimal | None = None
    bridge_until: datetime | None = None
    dates: Dates
    next_visit_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """One of the two great dates: a label, the date in words, what to do about it."""

    label: str
    date: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The paper's content: words only, ready to be laid out."""

    name: str
    born: str
    visit_on: str
    clinic: str
    seen_by: str
    ordered_by: str
    interpreter: str
    boxes: tuple[Box, ...]
    unknown: tuple[str, ...]
    refill_by: str
    date_note: str
    before: tuple[str, ...]
    now: tuple[str, ...]
    medicine: str
    filled: str
    schedule: tuple[Any, ...] = ()
    state: str = ""
    change: str = ""
    bridge: str = ""
    clock_note: str = ""
    cream: tuple[str, ...] = words.CREAM
    warnings: tuple[tuple[str, str], ...] = words.WARNINGS
    emergency: str = words.EMERGENCY
    phone_day: str = ""
    phone_night: str = ""
    no_phone: str = ""
    questions: tuple[str, ...] = field(default=words.QUESTIONS)


# What no paper is whole without; of each group, one at least.
NEVER_EMPTY: Final = (
    ("name",), ("born",), ("visit_on",), ("clinic",), ("seen_by",), ("before",), ("now",),
    ("filled",),
    ("boxes", "unknown"), ("cream",), ("warnings",), ("emergency",), ("questions",),
    ("phone_day", "phone_night", "no_phone"),
)  # fmt: skip


def lacks(content: Mapping[str, Any]) -> list[str]:
    """What a stored content lacks of a whole paper, by name: the layout leaves out in silence
    what is not there."""
    return [" or ".join(names) for names in NEVER_EMPTY if not any(map(content.get, names))]


def summarise(told: Told, *, today: date) -> Summary:
    """Write the paper.

    Args:
        today: the clinic's date at which it is made.
    """
    clinic = told.clinic
    schedule = schedule_of(told.now) if told.now else ()
    return Summary(
        name=f"{told.given_name} {told.family_name}".strip(),
        born=words.day(told.born),
        visit_on=words.weekday(told.visit_at.astimezone(clinic.zone).date()),
        clinic=clinic.name,
        seen_by=told.seen_by,
        ordered_by=told.ordered_by,
        interpreter=interpreter_for(told.spoken),
        boxes=_boxes(told, today),
        unknown=() if told.dates.known else words.UNKNOWN_DATES,
        refill_by=_refill_by(told.dates),
        date_note=_date_note(told),
        before=lines_of(told.before) if told.before else (NOT_RECORDED,),
        now=lines_of(told.now) if told.now else (NOT_RECORDED,),
        medicine=_medicine(told),
        filled="No refill" if told.filled_ml is None else format_quantity(told.filled_ml, "mL"),
        schedule=schedule,
        state=told.now.state if told.now else "",
        change=changed(told.before, told.now),
        bridge=_bridge(told),
        clock_note=words.PUMP_CLOCK if schedule else "",
        phone_day=clinic.phone_day,
        phone_night=clinic.phone_night,
        no_phone="" if clinic.phone_day or clinic.phone_night else words.NO_PHONE,
    )


def as_json(summary: Summary) -> dict[str, Any]:
    """The content as JSON values, lists in place of tuples."""
    return {name: _plain(value) for name, value in asdict(summary).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value


def interpreter_for(spoken: str) -> str:
    """The line for staff where the family speaks another language; empty for English."""
    language = " ".join(spoken.split())
    if language.casefold() in ENGLISH or language.casefold().startswith(("english ", "en-", "en_")):
        return ""
    return f"Please use an interpreter: {language}."


def _boxes(told: Told, today: date) -> tuple[Box, ...]:
    """When to come back and when the alarm would sound; nothing where a date is not known, but for
    an appointment, which was agreed upon."""
    boxes = []
    if told.next_visit_at is not None:
        boxes.append(_booked(told, told.next_visit_at))
    elif told.dates.known:
        boxes.append(Box("Your next refill visit", words.NOT_BOOKED, _call_to_book(told, today)))
    if told.dates.known:
        boxes.append(_alarm(told.dates, today))
    return tuple(boxes)


def _booked(told: Told, at: datetime) -> Box:
    local = at.astimezone(told.clinic.zone)
    place = ", ".join(filter(None, (words.time_of(local), told.clinic.place)))
    return Box("Your next refill visit", words.unbroken(words.weekday(local.date())), place)


def _call_to_book(told: Told, today: date) -> str:
    last = told.dates.refill_by or today
    by = min(today + CALL_TO_BOOK_WITHIN, last)
    if by <= today:
        return "Call us today to book."
    return f"Call us by {words.weekday(by)} to book."


def _alarm(dates: Dates, today: date) -> Box:
    if dates.alarm is None:
        return Box("The pump alarm", "May not sound", words.NO_ALARM_FIRST)
    label = "The pump alarm would sound"
    note = words.BEFORE_ALARM
    if dates.alarm <= today:
        note = words.PAST if dates.alarm < today else words.TODAY
    return Box(label, words.unbroken(words.weekday(dates.alarm)), note)


def _refill_by(dates: Dates) -> str:
    if not dates.known or dates.refill_by is None:
        return ""
    return words.weekday(dates.refill_by)


def _date_note(told: Told) -> str:
    dates = told.dates
    if told.next_visit_at is not None and dates.known:
        on = told.next_visit_at.astimezone(told.clinic.zone).date()
        last = dates.alarm or dates.refill_by
        if last is not None and on >= last:
            return words.VISIT_TOO_LATE
    return words.EARLIER_OF_TWO if dates.known and dates.printed_differs else ""


def _bridge(told: Told) -> str:
    if told.bridge_until is None:
        return ""
    local = told.bridge_until.astimezone(told.clinic.zone)
    until = f"{words.weekday(local.date())}, {words.time_of(local)}"
    return f"{words.BRIDGE} {until}"


def _medicine(told: Told) -> str:
    if told.concentration_mcg_per_ml is None:
        return NOT_RECORDED
    name = told.medicine or "baclofen"
    per_ml = format_quantity(told.concentration_mcg_per_ml, "mcg per mL")
    return f"{name}, {per_ml}"
