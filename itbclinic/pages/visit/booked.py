"""What is booked after a visit, and what must be done about it now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.urls import reverse

from accounts.models import User
from accounts.policies import Action, may
from alarms.domain.deadlines import is_past_due, is_too_late
from alarms.models import Projection
from alarms.selectors.deadlines import deadlines_in
from core import words
from itbclinic.pages.shared import bookings
from refills.models import Appointment
from refills.selectors import booked_already
from visits.models import Visit

MOVE: Final = "Move the appointment"


@dataclass(frozen=True, slots=True)
class NextBooking:
    """The next appointment as a visit's page says it.

    Args:
        warning, text: what is wrong with it; empty where it is in time.
        act, url: what to do, and where; empty where the user may not.
        first: whether that is what the page asks for first.
    """

    when: str = ""
    warning: str = ""
    text: str = ""
    act: str = ""
    url: str = ""
    first: bool = False


def after_visit(visit: Visit, dates: Projection | None, user: User, now: datetime) -> NextBooking:
    """How what is booked lies to the pump's dates, as they stand now."""
    pump: Any = visit.pump
    row = booked_already(pump, now)
    books = may(user, Action.BOOK, pump.clinic_id)
    if row is None:
        url = reverse("pump_book", args=[pump.patient.uuid, pump.uuid]) if books else ""
        return NextBooking("", "", "", "Book the next refill" if books else "", url, first=True)
    when = words.weekday_instant(row.starts_at, pump.clinic.zone)
    warning, text = _wrong(visit, row, dates, now) if dates is not None else ("", "")
    if not warning:
        return NextBooking(when, act="See the appointment", url=_page("appointment", row))
    if not books:
        return NextBooking(when, warning, text)
    return NextBooking(when, warning, text, MOVE, _page("appointment_rebook", row), first=True)


def _page(name: str, row: Appointment) -> str:
    return reverse(name, args=[row.uuid])


def _wrong(visit: Visit, row: Appointment, dates: Projection, now: datetime) -> tuple[str, str]:
    """`Booked Fri 25-Dec-2026 is 3 days after the refill date Tue 22-Dec-2026`, and what then."""
    zone = visit.pump.clinic.zone
    day = row.starts_at.astimezone(zone).date()
    today = now.astimezone(zone).date()
    if day == today:
        return "", ""  # there is no earlier day to move it to
    booked, deadlines = words.weekday(day), deadlines_in(dates)
    if deadlines.due is not None and is_past_due(day, deadlines):
        late = words.count((day - deadlines.due).days, "day")
        due = words.weekday(deadlines.due)
        # The sentence beside it says what else the day is too late for.
        also = f" {bookings.limit_in_words(deadlines)}" if is_too_late(day, deadlines) else ""
        opens = deadlines.opens
        to = f" to a day from {words.weekday(opens)} on" if opens and opens > today else ""
        return f"Booked {booked} is {late} after the refill date {due}", f"Move it{to}.{also}"
    if is_too_late(day, deadlines):
        return f"Booked {booked} is too late", f"{bookings.limit_in_words(deadlines)} Move it."
    opens = deadlines.opens
    if visit.fill is not None and opens is not None and day < opens:
        return (
            f"Booked {booked} is before the next refill's window opens, {words.weekday(opens)}",
            "Was it for this refill? Move it or cancel it: until then it counts as the next one.",
        )
    return "", ""
