"""Reminders in words: what became of a message, and why."""

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from core import words
from followup.selectors.work import Told
from reminders.models import OutboxMessage

REASONS: Final = {
    "refused": "the mail server refused the address",
    "no_time_left": "there was no time left to try again",
    "no_address": "there is no e-mail address any more",
    "worker_lost": "the program stopped each time it tried",
}
# Why a message was not sent, in the words of the patient's page.
ENDS: Final = {
    **REASONS,
    "later_milestone": "a more urgent one went instead",
    "not_wanted": "it was not needed any more",
    "booked": "a refill was booked",
    "date_changed": "the date changed",
    "off_the_list": "the pump was taken off the list",
    "recipient_gone": "consent or address was taken back",
    "not_owed": "it was not needed any more",
}
MILESTONES: Final = {
    "window": "The refill window opened",
    "overdue": "The refill date passed",
    "alarm": "The alarm date came, or the pump may be empty",
    "unknown": "The refill date is not known or in doubt: treat as due",
    "appointment_soon": "Before the appointment",
}
STATES: Final = {
    "pending": "Waiting",
    "sent": "Sent",
    "dead": "Could not be delivered",
    "superseded": "Not sent",
    "suppressed": "Not sent",
}


@dataclass(frozen=True, slots=True)
class Reminder:
    """A row's reminder state; `loud` where somebody was not reached."""

    text: str = ""
    loud: bool = False


def reminder(told: Told | None, nobody: bool, zone: ZoneInfo) -> Reminder:
    """`Reminded 25-Nov`, `Reminder waiting`, `Could not be delivered`, `Nobody to tell`."""
    if told is None:
        return Reminder("Nobody to tell", loud=True) if nobody else Reminder()
    if told.state == "dead":
        return Reminder("Could not be delivered", loud=True)
    if told.state == "pending":
        return Reminder("Reminder waiting")
    day = words.day_short(told.at.astimezone(zone).date())
    return Reminder(f"Family told {day}" if told.family else f"Reminded {day}")


@dataclass(frozen=True, slots=True)
class MessageLine:
    """A message on the patient's page."""

    why: str
    to: str
    state: str
    note: str
    when: str
    attempts: int
    loud: bool


def message(row: OutboxMessage, names: dict[str, str], zone: ZoneInfo) -> MessageLine:
    """A message in words: who by name or relation, never by address."""
    role = "Family" if row.template == "call_us" else "Nurse"
    name = names.get(row.recipient_ref, "not on record any more")
    return MessageLine(
        why=MILESTONES.get(row.milestone, row.milestone),
        to=f"{role}: {name}",
        state=STATES[row.state],
        note=ENDS.get(row.reason, ""),
        when=words.instant(row.settled_at or row.not_before, zone),
        attempts=row.attempts,
        loud=row.state == "dead",
    )
