"""Rules of booking that need no database: local times, what to warn of, which days to offer."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from alarms.domain.deadlines import Deadlines, Limit, is_past_due, is_too_late
from core import local_time
from core.rules import Problem, RuleViolation
from core.words import count, format_date, weekday

FEWEST_WORDS: Final = 3
FIRST_TIME: Final = time(9)
MOST_CHOICES: Final = 12
SATURDAY: Final = 5

AFTER_ALARM: Final = "after_alarm"
PAST_DUE: Final = "past_due"
UNKNOWN: Final = "dates_unknown"
DOUBTFUL: Final = "dates_doubtful"
WEEKEND: Final = "weekend"
TAKEN: Final = "taken"  # these two with the time they are of: another time is another warning
ODD_HOUR: Final = "odd_hour"
DAY_BEGINS: Final = time(6)
DAY_ENDS: Final = time(20)

TOO_LATE: Final = {
    "alarm": "its alarm date is {day}",
    "printed_alarm": "the programmer printed its alarm date as {day}",
    "empty": "it is empty on {day}",
    "may_be_empty": "it may be empty from {day} if it runs as fast as its maker allows",
}
WAS_TOO_LATE: Final = {
    "alarm": "its alarm date was {day}",
    "printed_alarm": "the programmer printed its alarm date as {day}",
    "empty": "it was to be empty on {day}",
    "may_be_empty": "it may be empty since {day} if it runs as fast as its maker allows",
}


@dataclass(frozen=True, slots=True)
class BookingWarning:
    """Something to know before booking; saving asks that it was shown."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a day lies to a pump's dates."""

    reason_needed: str = ""  # the sentence that asks for a reason; empty where none is needed
    way_out: str = ""  # what to do about it: an earlier day only where there is one
    passed: str = ""  # said of a time that is over; nothing else is said of it then
    warnings: tuple[BookingWarning, ...] = ()
    fits: str = ""  # said where all is well

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(warning.code for warning in self.warnings)


def instant_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant of a local date and time; refused as `core.local_time` says."""
    return local_time.instant_of(
        datetime.combine(day, at), zone, day_field="day", time_field="time"
    )


def judge(
    day: date,
    today: date,
    dates: Deadlines,
    *,
    doubtful: bool = False,
    at: time | None = None,
    taken: bool = False,
) -> Verdict:
    """Hold a day against the pump's dates, and a time of it against the clinic's day.

    Args:
        doubtful: somebody must still settle the dates; the earliest of them counts meanwhile.
        at: the clinic's local time, where it is known yet.
        taken: another patient of the clinic is booked for that very minute.
    """
    if day < today:
        return passed(day)
    warnings = []
    reason_needed = way_out = fits = ""
    limit = dates.limit
    if is_too_late(day, dates) and limit is not None:
        reason_needed, way_out = _too_late(dates, limit, today)
    elif is_past_due(day, dates) and dates.due is not None:
        warnings.append(BookingWarning(PAST_DUE, _past_due(day, dates.due, limit)))
    elif dates.known:
        fits = _fits(day, dates)
    if not dates.known:
        warnings.append(
            BookingWarning(
                UNKNOWN,
                "This pump's dates are not known, so nobody can check that this is in time. "
                "Treat it as due: take an early day, and have its dates settled.",
            )
        )
    elif doubtful:
        warnings.append(
            BookingWarning(
                DOUBTFUL,
                "This pump's dates are in doubt until somebody settles them. The earliest was "
                "used here, and the pump counts as not booked until then.",
            )
        )
    if day.weekday() >= SATURDAY:
        name = "Saturday" if day.weekday() == SATURDAY else "Sunday"
        warnings.append(
            BookingWarning(
                WEEKEND, f"{weekday(day)} is a {name}. Make sure that somebody is there."
            )
        )
    if at is not None:
        warnings.extend(_of_the_time(day, at, taken=taken))
    return Verdict(reason_needed, way_out, "", tuple(warnings), fits)


def passed(day: date, at: time | None = None) -> Verdict:
    """The verdict on a time that is over: it can be neither in time nor too late."""
    when = weekday(day) if at is None else f"{weekday(day)} {at:%H:%M}"
    what = "day" if at is None else "time"
    return Verdict(passed=f"{when} has passed. Choose a {what} in the future.")


def check_late_reason(verdict: Verdict, reason: str) -> None:
    """Refuse a day that is not before the alarm unless somebody says why.

    Raises:
        RuleViolation: `after_alarm`.
    """
    if verdict.reason_needed and len(reason.split()) < FEWEST_WORDS:
        raise RuleViolation.of(
            "late_reason",
            AFTER_ALARM,
            f"{verdict.reason_needed} {verdict.way_out}",
        )


def check_warnings_seen(verdict: Verdict, accepted: Collection[str]) -> None:
    """Refuse to save what the user was not yet warned of.

    Raises:
        RuleViolation: `look_first`, a sentence for each warning.
    """
    unseen = [warning for warning in verdict.warnings if warning.code not in accepted]
    if unseen:
        raise RuleViolation([Problem("accepted", "look_first", one.text) for one in unseen])


def choices(
    dates: Deadlines, at: time, now: datetime, zone: ZoneInfo, most: int = MOST_CHOICES
) -> list[datetime]:
    """The weekdays to offer: those of the window that are still to come, in time for the pump.

    Where the window has closed, the weekdays that are left before the alarm; where none is left,
    or no date is known, the next five: the sooner the better.
    """
    today = now.astimezone(zone).date()
    limit = dates.limit
    last = min(
        (day for day in (dates.due, limit.day - timedelta(days=1) if limit else None) if day),
        default=None,
    )
    first = max(today, dates.opens) if dates.opens else today
    found = _weekdays(first, last, at, now, zone, most) if last else []
    if not found and limit is not None:
        found = _weekdays(today, limit.day - timedelta(days=1), at, now, zone, most)
    return found or _weekdays(today, today + timedelta(days=9), at, now, zone, 5)


def asked_from_the_start(
    found: Collection[datetime], dates: Deadlines, today: date
) -> tuple[str, str]:
    """Why a reason is needed whichever offered day is taken, and what to do; empty where one of
    them needs none."""
    limit = dates.limit
    if limit is None or not found or not all(is_too_late(one.date(), dates) for one in found):
        return "", ""
    why, way_out = _too_late(dates, limit, max(today, limit.day))
    return (why if limit.day <= today else why.replace("Every day", "Every weekday")), way_out


def heading(found: Collection[datetime], dates: Deadlines) -> str:
    """What the weekdays that are offered are to the pump: said over them."""
    offered = [local.date() for local in found]
    opens, due, limit = dates.opens, dates.due, dates.limit
    if not offered or due is None:
        return "The next weekdays"
    if limit is not None and min(offered) >= limit.day:
        return "The next weekdays: each is too late, the first is the best"
    if max(offered) > due:
        in_time = limit is not None and max(offered) < limit.day
        before = "the alarm" if limit is None or limit.kind.endswith("alarm") else "it may be empty"
        return f"Weekdays left before {before}" if in_time else "The next weekdays"
    if opens is not None and min(offered) >= opens:
        return "Weekdays in the refill window"
    return "Weekdays up to the refill date"


def _weekdays(
    first: date, last: date, at: time, now: datetime, zone: ZoneInfo, most: int
) -> list[datetime]:
    found: list[datetime] = []
    day = first
    while day <= last and len(found) < most:
        if day.weekday() < SATURDAY:
            try:
                instant = instant_of(day, at, zone)
            except RuleViolation:
                instant = now
            if instant > now:
                found.append(instant.astimezone(zone))
        day += timedelta(days=1)
    return found


def _too_late(dates: Deadlines, limit: Limit, today: date) -> tuple[str, str]:
    """Why a reason is needed, and what to do."""
    if dates.empty is not None and dates.empty <= today:
        return (
            f"The reservoir is empty since {format_date(dates.empty)} by our sum.",
            "Call the family now, take the first time there is, and write in a few words why it is "
            "booked this late.",
        )
    why = (WAS_TOO_LATE if limit.day < today else TOO_LATE)[limit.kind]
    why = why.format(day=format_date(limit.day))
    if limit.day <= today:
        return (
            f"Every day from now on is too late for this pump: {why}.",
            "Take the first time there is, and write in a few words why it is booked this late.",
        )
    return (
        f"This is not before the pump needs it: {why}.",
        "Choose an earlier day, or write in a few words why it must be this one.",
    )


def _of_the_time(day: date, at: time, *, taken: bool) -> list[BookingWarning]:
    found = []
    if taken:
        text = (
            f"Another patient is booked for {weekday(day)} {at:%H:%M} in this clinic. Take another "
            "time, or make sure that both can be seen."
        )
        found.append(BookingWarning(f"{TAKEN}_{at:%H%M}", text))
    if not DAY_BEGINS <= at <= DAY_ENDS:
        spoken_time = f"{at.hour % 12 or 12}:{at:%M} {'a.m.' if at.hour < 12 else 'p.m.'}"
        text = (
            f"{at:%H:%M} is {spoken_time}, outside {DAY_BEGINS:%H:%M} to {DAY_ENDS:%H:%M}. Is it "
            "the other half of the day?"
        )
        found.append(BookingWarning(f"{ODD_HOUR}_{at:%H%M}", text))
    return found


def _past_due(day: date, due: date, limit: Limit | None) -> str:
    late = f"{days(day, due)} after the day it is due by, {format_date(due)}"
    if limit is None:
        return f"This is {late}."
    kind = "the alarm" if limit.kind.endswith("alarm") else "it may be empty"
    return f"This is {late}, and {days(limit.day, day)} before {kind}. Is there no earlier time?"


def _fits(day: date, dates: Deadlines) -> str:
    limit = dates.limit
    if dates.opens is not None and day < dates.opens:
        return f"In time, and {days(dates.opens, day)} before the refill window opens."
    if limit is not None:
        kind = "the alarm" if limit.kind.endswith("alarm") else "it may be empty"
        return f"In time: {days(limit.day, day)} before {kind}."
    return "In time."


def days(later: date, earlier: date) -> str:
    """`1 day`, `12 days`."""
    return count((later - earlier).days, "day")
