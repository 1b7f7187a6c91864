"""Writes of appointments. Whoever calls these holds the pump's lock and plans its reminders in the
same transaction: `visits.services.booking` does. Whether a day fits the pump's dates is checked
there, where they are known.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Q

from accounts.models import User
from core.rules import RuleViolation
from core.words import format_date
from pumps.models import Pump
from pumps.services import audit_pump
from pumps.services.devices import check_in_place
from refills.models import Appointment

Outcome = Appointment.Outcome
FURTHEST: Final = timedelta(days=366)
REBOOKED: Final = "Rebooked"


def hold_minute(clinic_id: int, starts_at: datetime) -> None:
    """Have whoever books the same clinic at the same time wait until the transaction ends, so that
    the second sees that it is taken. After the pump's lock; nothing is locked behind this one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, %s)",
            [clinic_id, int(starts_at.timestamp()) // 60 % 2**31],
        )


def check_time(
    pump: Pump, starts_at: datetime, now: datetime, *, instead_of: Appointment | None = None
) -> None:
    """Refuse a time that no appointment of this pump can have.

    Args:
        instead_of: the appointment that is being moved there.

    Raises:
        RuleViolation: `date_in_past`, `too_far_ahead`, `explanted`, `same_time` or
            `already_booked`.
    """
    if starts_at <= now:
        raise RuleViolation.of(
            "starts_at", "date_in_past", "That time has passed. Book a time in the future."
        )
    if starts_at > now + FURTHEST:
        raise RuleViolation.of(
            "starts_at", "too_far_ahead", "That is more than a year ahead. Check the year."
        )
    if pump.explant is not None:
        raise RuleViolation.of(
            "pump", "explanted", "This pump was taken out; there is nothing to refill."
        )
    if instead_of is not None and instead_of.starts_at == starts_at:
        raise RuleViolation.of(
            "starts_at", "same_time", "It is booked for that time already. Choose another."
        )
    _check_no_other(pump, starts_at, now, besides=instead_of)


def _check_no_other(
    pump: Pump, starts_at: datetime, now: datetime, *, besides: Appointment | None
) -> None:
    """Refuse a second appointment to come. A pump has one at a time."""
    same_pump = Appointment.objects.filter(pump=pump, cancelled_at__isnull=True)
    if besides is not None:
        same_pump = same_pump.exclude(pk=besides.pk)
    other = same_pump.filter(Q(outcome="", starts_at__gt=now) | Q(starts_at=starts_at)).first()
    if other is not None:
        raise RuleViolation.of(
            "starts_at",
            "already_booked",
            f"This pump has an appointment already: {when(other)}, booked by "
            f"{other.created_by.display_name}. Rebook that one instead.",
        )


@transaction.atomic
def book(
    *, pump: Pump, starts_at: datetime, by: User, now: datetime, late_reason: str = ""
) -> Appointment:
    """Book a refill.

    Raises:
        RuleViolation: as `check_time` says.
    """
    check_time(pump, starts_at, now)
    return _create(pump, starts_at, by, now, late_reason)


def _create(
    pump: Pump, starts_at: datetime, by: User, now: datetime, late_reason: str
) -> Appointment:
    appointment = Appointment.objects.create(
        pump=pump,
        starts_at=starts_at,
        created_at=now,
        created_by=by,
        late_reason=late_reason.strip(),
    )
    after = {"appointment": str(appointment.uuid), "starts_at": starts_at.isoformat()}
    audit_pump(appointment.pump, "appointment.booked", by, now, late_reason, after=after)
    return appointment


@transaction.atomic
def rebook(
    *,
    appointment: Appointment,
    starts_at: datetime,
    by: User,
    now: datetime,
    reason: str = "",
    late_reason: str = "",
) -> Appointment:
    """Move an appointment: the old one is cancelled and names the new one.

    Raises:
        RuleViolation: as `check_open` and `check_time` say.
    """
    check_open(appointment)
    check_time(appointment.pump, starts_at, now, instead_of=appointment)
    new = _create(appointment.pump, starts_at, by, now, late_reason)
    _cancel(appointment, reason.strip() or REBOOKED, by, now, new)
    before = {"starts_at": appointment.starts_at.isoformat()}
    after = {"appointment": str(new.uuid), "starts_at": starts_at.isoformat()}
    audit_pump(
        appointment.pump, "appointment.rebooked", by, now, reason, before=before, after=after
    )
    return new


@transaction.atomic
def cancel(*, appointment: Appointment, reason: str, by: User, now: datetime) -> Appointment:
    """Cancel an appointment without a new one.

    Raises:
        RuleViolation: `missing`, or as `check_open` says.
    """
    check_open(appointment)
    if not reason.strip():
        raise RuleViolation.of(
            "reason", "missing", "Write why it is cancelled, or rebook it to another time."
        )
    _cancel(appointment, reason.strip(), by, now, None)
    before = {"starts_at": appointment.starts_at.isoformat()}
    audit_pump(appointment.pump, "appointment.cancelled", by, now, reason, before=before)
    return appointment


def _cancel(
    row: Appointment, reason: str, by: User, now: datetime, replaced_by: Appointment | None
) -> None:
    row.cancelled_at, row.cancelled_by, row.cancel_reason = now, by, reason
    row.replaced_by = replaced_by
    row.save(update_fields=["cancelled_at", "cancelled_by", "cancel_reason", "replaced_by"])


@transaction.atomic
def record_outcome(
    *, appointment: Appointment, outcome: Appointment.Outcome, by: User, now: datetime
) -> Appointment:
    """Record that the patient came, or did not.

    Raises:
        RuleViolation: `too_early`, or as `check_open` says.
    """
    check_open(appointment)
    _check_not_too_early(appointment, outcome, now)
    appointment.outcome, appointment.outcome_at, appointment.outcome_by = outcome, now, by
    appointment.save(update_fields=["outcome", "outcome_at", "outcome_by"])
    event = "appointment.arrived" if outcome == Outcome.ARRIVED else "appointment.no_show"
    audit_pump(
        appointment.pump, event, by, now, after={"starts_at": appointment.starts_at.isoformat()}
    )
    return appointment


def _check_not_too_early(row: Appointment, outcome: Appointment.Outcome, now: datetime) -> None:
    zone = row.pump.clinic.zone
    if outcome == Outcome.NO_SHOW and now < row.starts_at:
        raise RuleViolation.of(
            "outcome",
            "too_early",
            f"The appointment is in the future: {when(row)}. If the family called it off, cancel "
            "or rebook it.",
        )
    if now.astimezone(zone).date() < row.starts_at.astimezone(zone).date():
        raise RuleViolation.of(
            "outcome",
            "too_early",
            f"The appointment is on another day: {when(row)}. If the patient comes today, rebook "
            "it to today.",
        )


@transaction.atomic
def take_outcome_back(
    *, appointment: Appointment, reason: str, by: User, now: datetime
) -> Appointment:
    """Take back an outcome that was marked by mistake.

    Raises:
        RuleViolation: `missing`, `no_outcome`, or the pump was taken out.
    """
    if not appointment.outcome:
        raise RuleViolation.of(
            "outcome", "no_outcome", "Nothing is marked for this appointment any more."
        )
    if not reason.strip():
        raise RuleViolation.of("reason", "missing", "Write what was wrong with it.")
    if appointment.starts_at > now:  # marked before its hour, and open again from here on
        check_in_place(appointment.pump)
        _check_no_other(appointment.pump, appointment.starts_at, now, besides=appointment)
    before = {
        "outcome": appointment.outcome,
        "starts_at": appointment.starts_at.isoformat(),
    }
    appointment.outcome, appointment.outcome_at, appointment.outcome_by = "", None, None
    appointment.save(update_fields=["outcome", "outcome_at", "outcome_by"])
    after = {**before, "outcome": ""}
    audit_pump(
        appointment.pump,
        "appointment.outcome_taken_back",
        by,
        now,
        reason,
        before=before,
        after=after,
    )
    return appointment


def check_open(row: Appointment) -> None:
    """Refuse to change an appointment that somebody cancelled, moved or marked meanwhile.

    Raises:
        RuleViolation: `replaced`, `cancelled` or `has_outcome`.
    """
    if row.replaced_by is not None and row.cancelled_by is not None:
        raise RuleViolation.of(
            "appointment",
            "replaced",
            f"{row.cancelled_by.display_name} moved this appointment to {when(row.replaced_by)}. "
            "Nothing of yours was saved; look at the new one.",
        )
    if row.cancelled_by is not None:
        raise RuleViolation.of(
            "appointment",
            "cancelled",
            f"{row.cancelled_by.display_name} cancelled this appointment: “{row.cancel_reason}”. "
            "Nothing of yours was saved; book a new one where it is needed.",
        )
    if row.outcome_by is not None:
        raise RuleViolation.of(
            "appointment",
            "has_outcome",
            f"{row.outcome_by.display_name} marked this appointment as "
            f"“{row.get_outcome_display()}”. Take that back first if it is wrong.",
        )


def when(row: Appointment) -> str:
    """`09-Mar-2027 07:05`, by the clinic's clock."""
    local = row.starts_at.astimezone(row.pump.clinic.zone)
    return f"{format_date(local.date())} {local:%H:%M}"
