"""Work items and reminders in words."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from accounts.models import Role
from alarms.domain.status import Status
from alarms.models import Projection
from core import words
from followup.models import WorkItem
from followup.selectors.work import FAILURES, NEAR, Subjects, dates_of
from itbclinic.pages.shared import states
from itbclinic.pages.shared.messages import REASONS
from refills.models import Appointment

Kind = WorkItem.Kind
# What it means, and what to do about it.
REMEDIES: Final = {
    Kind.DELIVERY_FAILED: "Tell the person by phone, then say here that it is done.",
    Kind.NOBODY_TO_TELL: (
        "Until a nurse has an e-mail address, go by the board. An administrator writes the "
        "address under Clinic, People."
    ),
    Kind.CALL_FAMILY: "Call the family about the appointment, then say here what was agreed.",
    Kind.UNBOOKED: "Book a refill, or put it off and say why it may wait.",
    Kind.DATE_UNKNOWN: "Treat the pump as due. Open it and settle or record what is missing.",
    Kind.NO_SHOW: "Call the family the same day and book a new appointment.",
    Kind.APPOINTMENT_WITHOUT_OUTCOME: (
        "Say whether the patient came. If the pump was refilled, record the visit."
    ),
    Kind.CHANNEL_FAILING: (
        "Messages wait and nothing is lost, but nobody is reminded. Tell your administrator, and "
        "go by the board until this is gone."
    ),
    Kind.PAPER_WITHDRAWN: (
        "The visit was taken back after its paper was printed. Call the family: the dates on that "
        "paper are wrong. Record the visit again and print the new paper, or say here what was "
        "agreed."
    ),
    Kind.SUMMARY_FAILED: "Print the summary again; if it fails again, write it by hand.",
}
MOVE: Final = "Move the appointment to an earlier day, or put it off and say why it may wait."
# Said before the rest where a pump is in danger, by the tone of its card.
CALL_NOW: Final[dict[str, str]] = {
    Status.EMPTY: (
        "The pump is empty. Call the family now and ask for signs of withdrawal: much tighter "
        "muscles, itching without a rash, fever. With any of them: to the emergency department "
        "at once, and tell the doctor."
    ),
    Status.ALARM: "Call the family today and take the first time there is.",
}
SOON: Final = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Line:
    """An item as a page shows it."""

    item: WorkItem
    what: str
    remedy: str
    owner: str
    until: str
    late: str  # why it is loud; empty while it is in time
    details: str
    dates: str = ""  # of its pump
    danger: str = ""  # that its pump is empty, past its alarm or may be empty soon
    tone: str = Status.DUE  # the state whose colour it takes
    call_now: str = ""

    @property
    def failure(self) -> bool:
        return self.item.kind in FAILURES


def present(item: WorkItem, subjects: Subjects, now: datetime) -> Line:
    """An item in words, in its clinic's local time."""
    zone = item.clinic.zone
    kind = Kind(item.kind)
    dates = dates_of(item) if item.settled_at is None else None
    late = _late(item, zone, now)
    tone, danger = _danger(dates, now.astimezone(zone).date())
    asks_to_book = kind == Kind.UNBOOKED and item.settled_at is None
    coming = subjects.coming.get(item.pump_id or 0) if asks_to_book else None
    return Line(
        item=item,
        what="Booked too late" if coming else str(kind.label),
        remedy=MOVE if coming else REMEDIES[kind],
        owner=str(Role(item.owner_role).label),
        until=words.weekday_instant(item.due_at, zone),
        late=late,
        details=_too_late(coming, dates, zone) if coming else _details(item, subjects, zone),
        dates=_dates(dates, tone),
        danger=danger,
        tone=tone or (Status.OVERDUE if late or kind in FAILURES else Status.DUE),
        call_now=CALL_NOW.get(tone, ""),
    )


def _danger(dates: Projection | None, today: date) -> tuple[str, str]:
    """The tone and the words of a pump that is empty, past its alarm or may be empty soon."""
    if dates is None:
        return "", ""
    if dates.empty_date is not None and dates.empty_date <= today:
        return Status.EMPTY, f"Empty since {words.day(dates.empty_date)}"
    if dates.alarm_date is not None and dates.alarm_date <= today:
        return Status.ALARM, f"Past its alarm since {words.day(dates.alarm_date)}"
    early = dates.earliest_empty_date
    if early is None or early > today + NEAR:
        return "", ""
    said = states.may_be_empty(early, today)
    soon = early <= today + timedelta(days=1)
    return Status.ALARM if soon else Status.OVERDUE, said[0].upper() + said[1:]


def _too_late(coming: Appointment, dates: Projection | None, zone: ZoneInfo) -> str:
    """`Booked Sat 28-Nov-2026 09:30 MST, 3 days after the refill date.`"""
    booked = f"Booked {words.weekday_instant(coming.starts_at, zone)}"
    due = dates.refill_due_on if dates else None
    days = (coming.starts_at.astimezone(zone).date() - due).days if due else 0
    return f"{booked}, {words.count(days, 'day')} after the refill date." if days else f"{booked}."


def _late(item: WorkItem, zone: ZoneInfo, now: datetime) -> str:
    if item.due_at < now:
        return f"Past its time since {words.instant(item.due_at, zone)}"
    if item.escalated_at is not None:
        return f"Not settled in time: passed on {words.instant(item.escalated_at, zone)}"
    return ""


def _details(item: WorkItem, subjects: Subjects, zone: ZoneInfo) -> str:
    at = subjects.appointments.get(item.subject)
    if at is not None:
        return f"Appointment {words.weekday_instant(at, zone)}."
    if item.kind != Kind.DELIVERY_FAILED:
        return ""
    whom = subjects.recipients.get(item.subject) or "Somebody who is not on record any more"
    why = REASONS.get(str(item.details.get("reason", "")), "")
    return f"To {whom}: {why}." if why else f"To {whom}."


def _dates(row: Projection | None, tone: str) -> str:
    """`Refill by 20-Nov-2026. Alarm 27-Nov-2026. May be empty from 25-Nov-2026. Empty
    04-Dec-2026.` What is empty is not said to be so perhaps."""
    if row is None or row.refill_due_on is None:
        return ""
    found = [
        ("Refill by", row.refill_due_on),
        ("Alarm", row.alarm_date),
        ("May be empty from", None if tone == Status.EMPTY else row.earliest_empty_date),
        ("Empty", row.empty_date),
    ]
    return " ".join(f"{label} {words.day(day)}." for label, day in found if day is not None)
