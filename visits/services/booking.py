"""Booking a refill, moving and cancelling it, and what became of it.

Each act locks the pump, changes the appointment, plans the pump's reminders anew and moves the
clinic's change sequence: one transaction, so the board, the API and the plan never disagree.
"""

from collections.abc import Collection
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.models import User
from accounts.policies import Action, check_may
from alarms.selectors.deadlines import deadlines_of
from core.rules import RuleViolation
from followup import services as followup
from pumps import services as pumps
from pumps.models import Pump
from refills import services as refills
from refills.models import Appointment
from refills.selectors import arrived_by, lock_appointment, open_on_day, times_taken
from visits.domain import booking as rules

from . import summaries


def judge(pump: Pump, day: date, now: datetime, at: time | None = None) -> rules.Verdict:
    """How a day, and a time of it, lies to the pump's dates and the clinic's other bookings."""
    zone = pump.clinic.zone
    today = now.astimezone(zone).date()
    instant = _instant(day, at, zone)
    if instant is not None and day == today and instant <= now:
        return rules.passed(day, at)
    dates, doubtful = deadlines_of(pump, now)
    taken = instant is not None and instant in times_taken(pump, [instant])
    return rules.judge(day, today, dates, doubtful=doubtful, at=at, taken=taken)


def _instant(day: date, at: time | None, zone: ZoneInfo) -> datetime | None:
    try:
        return None if at is None else rules.instant_of(day, at, zone)
    except RuleViolation:  # the clocks skip it or show it twice: the field says so
        return None


@transaction.atomic
def book(
    *,
    pump_id: int,
    day: date,
    at: time,
    by: User,
    now: datetime,
    late_reason: str = "",
    accepted: Collection[str] | None = None,
) -> Appointment:
    """Book the next refill.

    Args:
        day, at: by the clinic's calendar and clock.
        late_reason: why it must be a day that is not before the alarm; kept only for such a day.
        accepted: the codes of the warnings that the user saw; None where nobody is asked.

    Raises:
        RuleViolation: with the sentence; then nothing was written.
    """
    pump = _lock(pump_id, by)
    starts_at = rules.instant_of(day, at, pump.clinic.zone)
    refills.check_time(pump, starts_at, now)
    refills.hold_minute(pump.clinic_id, starts_at)
    reason = _checked_reason(pump, day, at, late_reason, accepted, now)
    row = refills.book(pump=pump, starts_at=starts_at, by=by, now=now, late_reason=reason)
    _follow_up(pump, now)
    return row


@transaction.atomic
def rebook(
    *,
    appointment: Appointment,
    day: date,
    at: time,
    by: User,
    now: datetime,
    reason: str = "",
    late_reason: str = "",
    accepted: Collection[str] | None = None,
) -> Appointment:
    """Move an appointment to another time; arguments as for `book`.

    Returns:
        The new appointment.

    Raises:
        RuleViolation: also when somebody cancelled, moved or marked it meanwhile.
    """
    pump = _lock(appointment.pump_id, by)
    row = lock_appointment(appointment.pk)
    refills.check_open(row)
    starts_at = rules.instant_of(day, at, pump.clinic.zone)
    refills.check_time(pump, starts_at, now, instead_of=row)
    refills.hold_minute(pump.clinic_id, starts_at)
    late = _checked_reason(pump, day, at, late_reason, accepted, now)
    new = refills.rebook(
        appointment=row, starts_at=starts_at, by=by, now=now, reason=reason, late_reason=late
    )
    _follow_up(pump, now)
    return new


@transaction.atomic
def cancel(*, appointment: Appointment, reason: str, by: User, now: datetime) -> Appointment:
    """Cancel an appointment; with no other one the pump is unbooked again, and the plan says so.

    Raises:
        RuleViolation: no reason, or somebody cancelled, moved or marked it meanwhile.
    """
    pump = _lock(appointment.pump_id, by)
    row = refills.cancel(
        appointment=lock_appointment(appointment.pk), reason=reason, by=by, now=now
    )
    _follow_up(pump, now)
    return row


@transaction.atomic
def mark_arrived(*, appointment: Appointment, by: User, now: datetime) -> Appointment:
    """The patient came."""
    return _mark(appointment, Appointment.Outcome.ARRIVED, by, now)


@transaction.atomic
def mark_no_show(*, appointment: Appointment, by: User, now: datetime) -> Appointment:
    """The patient did not come: a task opens until the refill is booked anew."""
    return _mark(appointment, Appointment.Outcome.NO_SHOW, by, now)


@transaction.atomic
def take_outcome_back(
    *, appointment: Appointment, reason: str, by: User, now: datetime
) -> Appointment:
    """Undo an outcome that was marked by mistake.

    Raises:
        RuleViolation: no reason, or there is none to take back.
    """
    pump = _lock(appointment.pump_id, by)
    row = refills.take_outcome_back(
        appointment=lock_appointment(appointment.pk), reason=reason, by=by, now=now
    )
    _follow_up(pump, now)
    return row


def arrive_for_visit(*, pump: Pump, at: datetime, by: User, now: datetime) -> None:
    """Mark the pump's appointment of the clinic date of a refill as arrived.

    Called within the visit's transaction, under the pump's lock and before it plans reminders.
    """
    for row in open_on_day(pump, at):
        refills.record_outcome(appointment=row, outcome=Appointment.Outcome.ARRIVED, by=by, now=now)


def take_arrival_back(
    *, pump: Pump, visit_at: datetime, recorded_at: datetime, by: User, now: datetime
) -> None:
    """Open again what a visit that is taken back had marked as arrived: the patient may not have
    come at all. Called within that transaction, under the pump's lock.
    """
    for row in arrived_by(pump, visit_at, recorded_at):
        try:
            refills.take_outcome_back(
                appointment=row, reason="The visit was taken back.", by=by, now=now
            )
        except RuleViolation:  # another one is booked by now, and stands for it
            continue


def _mark(
    appointment: Appointment, outcome: Appointment.Outcome, by: User, now: datetime
) -> Appointment:
    pump = _lock(appointment.pump_id, by)
    row = refills.record_outcome(
        appointment=lock_appointment(appointment.pk), outcome=outcome, by=by, now=now
    )
    _follow_up(pump, now)
    return row


def _follow_up(pump: Pump, now: datetime) -> None:
    """What to remind of has changed, and what the family's paper says of the next appointment."""
    followup.resync([pump.pk], now=now)
    summaries.refresh_for_pump(pump.pk, now)


def _lock(pump_id: int, by: User) -> Pump:
    pump = pumps.lock_pump(pump_id)
    check_may(by, Action.BOOK, pump.clinic)
    return pump


def _checked_reason(
    pump: Pump,
    day: date,
    at: time,
    late_reason: str,
    accepted: Collection[str] | None,
    now: datetime,
) -> str:
    """The reason to keep, after everything about the day and its time was checked."""
    verdict = judge(pump, day, now, at)
    rules.check_late_reason(verdict, late_reason)
    if accepted is not None:
        rules.check_warnings_seen(verdict, accepted)
    return late_reason.strip() if verdict.reason_needed else ""
