"""Booking, moving, cancelling, and what became of an appointment: each rule and what follows."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEvent, Clinic, User
from alarms.models import Projection
from alarms.selectors import worklist
from alarms.selectors.listed import ListedPump, NextAppointment, rows_of
from core.rules import RuleViolation
from followup.models import WorkItem
from pumps.models import Pump
from refills.models import Appointment
from tests import factories
from visits.domain import booking as rules
from visits.services import booking, devices, encounter

pytestmark = pytest.mark.django_db

NINE = time(9, 30)


def day_of(clinic: Clinic, now: datetime, days: int) -> date:
    return now.astimezone(clinic.zone).date() + timedelta(days=days)


def weekday_before(day: date) -> date:
    while day.weekday() >= rules.SATURDAY:
        day -= timedelta(days=1)
    return day


def book(pump: Pump, by: User, now: datetime, day: date, **details: Any) -> Appointment:
    return booking.book(pump_id=pump.pk, day=day, at=NINE, by=by, now=now, **details)


def refusal(act: Any) -> str:
    with pytest.raises(RuleViolation) as caught:
        act()
    return caught.value.problems[0].code


def row_of(pump: Pump, now: datetime) -> ListedPump:
    [row] = rows_of(worklist.listed_pumps([pump.clinic_id], now).filter(pk=pump.pk))
    return row


def sequence(clinic: Clinic) -> int:
    return Clinic.objects.values_list("change_sequence", flat=True).get(pk=clinic.pk)


def test_a_booking_is_on_the_list_and_in_the_audit_log(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 20, now)
    before = sequence(clinic)
    made = book(pump, nurse, now, day_of(clinic, now, 8))
    row = row_of(pump, now)
    assert (row.booked, row.appointment) == (True, NextAppointment(made.uuid, made.starts_at))
    assert made.starts_at.astimezone(clinic.zone).time() == NINE
    assert sequence(clinic) > before
    event = AuditEvent.objects.get(event="appointment.booked")
    assert event.after == {
        "appointment": str(made.uuid), "starts_at": made.starts_at.isoformat()
    }  # fmt: skip


def test_a_day_that_is_not_before_the_alarm_asks_for_a_reason(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 20, now)
    dates = Projection.objects.get(pump=pump)
    assert dates.earliest_empty_date is not None
    assert dates.alarm_date is not None
    limit = min(dates.earliest_empty_date, dates.alarm_date)
    for reason in ("", "  ", "family away"):
        assert refusal(lambda r=reason: book(pump, nurse, now, limit, late_reason=r)) == (
            "after_alarm"
        )
    assert not Appointment.objects.exists()
    made = book(pump, nurse, now, limit, late_reason=" The family is abroad ")
    assert made.late_reason == "The family is abroad"


def test_the_day_before_the_limit_needs_no_reason_and_keeps_none(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 20, now)
    dates = Projection.objects.get(pump=pump)
    assert dates.earliest_empty_date is not None
    assert dates.alarm_date is not None
    last = min(dates.earliest_empty_date, dates.alarm_date) - timedelta(days=1)
    assert book(pump, nurse, now, last, late_reason="Not needed at all").late_reason == ""


def test_a_day_after_the_due_date_is_saved_once_its_warning_was_seen(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 20, now)
    Projection.objects.filter(pump=pump).update(earliest_empty_date=None)
    due = Projection.objects.get(pump=pump).refill_due_on
    assert due is not None
    late = due + timedelta(days=1)
    codes = booking.judge(pump, late, now).codes
    assert rules.PAST_DUE in codes
    assert refusal(lambda: book(pump, nurse, now, late, accepted=[])) == "look_first"
    book(pump, nurse, now, late, accepted=codes)
    assert row_of(pump, now).booked is False  # docs/calculations.md: on or before the due date


def test_unknown_dates_are_booked_with_a_note(clinic: Clinic, nurse: User, now: datetime) -> None:
    pump = factories.pump(clinic)
    day = weekday_before(day_of(clinic, now, 5))
    assert booking.judge(pump, day, now).codes == {rules.UNKNOWN}
    assert refusal(lambda: book(pump, nurse, now, day, accepted=[])) == "look_first"
    assert book(pump, nurse, now, day, accepted=[rules.UNKNOWN]).late_reason == ""


def test_the_minute_of_another_patient_is_warned_of(
    clinic: Clinic, other_clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump, second = factories.due_in(clinic, 20, now), factories.due_in(clinic, 20, now)
    day = weekday_before(day_of(clinic, now, 8))
    made = book(pump, nurse, now, day)
    taken = {f"{rules.TAKEN}_0930"}
    assert booking.judge(second, day, now, NINE).codes == taken
    assert booking.judge(second, day, now, time(9, 31)).codes == set()
    assert booking.judge(pump, day, now, NINE).codes == set()  # its own does not stand in its way
    local = made.starts_at.astimezone(other_clinic.zone)
    elsewhere = factories.due_in(other_clinic, 20, now)
    theirs = booking.judge(elsewhere, local.date(), now, local.time())
    assert not theirs.codes & {f"{rules.TAKEN}_{local:%H%M}"}
    assert refusal(lambda: book(second, nurse, now, day, accepted=[])) == "look_first"
    book(second, nurse, now, day, accepted=taken)
    booking.cancel(appointment=made, reason="Family called", by=nurse, now=now)
    third = factories.due_in(clinic, 20, now)
    assert booking.judge(third, day, now, NINE).codes == taken  # the second's
    booking.cancel(appointment=Appointment.objects.get(pump=second), reason="So did theirs",
                   by=nurse, now=now)  # fmt: skip
    assert booking.judge(third, day, now, NINE).codes == set()


def test_what_no_appointment_can_be(clinic: Clinic, nurse: User, now: datetime) -> None:
    pump = factories.due_in(clinic, 20, now)
    assert refusal(lambda: book(pump, nurse, now, day_of(clinic, now, -1))) == "date_in_past"
    assert refusal(lambda: book(pump, nurse, now, day_of(clinic, now, 369))) == "too_far_ahead"
    book(pump, nurse, now, day_of(clinic, now, 5))
    assert refusal(lambda: book(pump, nurse, now, day_of(clinic, now, 6))) == "already_booked"
    gone = factories.due_in(clinic, 20, now)
    devices.take_out(pump_id=gone.pk, at=now, reason="Infection", by=nurse, now=now)
    assert refusal(lambda: book(gone, nurse, now, day_of(clinic, now, 5))) == "explanted"
    assert Appointment.objects.count() == 1


def test_the_database_refuses_them_too(clinic: Clinic, nurse: User, now: datetime) -> None:
    pump = factories.due_in(clinic, 20, now)
    good = {"pump": pump, "created_at": now, "created_by": nurse}
    Appointment.objects.create(starts_at=now + timedelta(days=3), **good)
    bad: list[dict[str, Any]] = [
        {"starts_at": now},
        {"starts_at": now + timedelta(days=368)},
        {"starts_at": now + timedelta(days=3)},
        {"starts_at": now + timedelta(days=4), "late_reason": "two words"},
        {
            "starts_at": now + timedelta(days=4), "outcome": "no_show", "outcome_at": now,
            "outcome_by": nurse,
        },
    ]  # fmt: skip
    for values in bad:
        with pytest.raises(IntegrityError), transaction.atomic():
            Appointment.objects.create(**good, **values)


def test_moving_cancels_the_old_one_and_names_the_new(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 20, now)
    old = book(pump, nurse, now, day_of(clinic, now, 5))
    new = booking.rebook(
        appointment=old, day=day_of(clinic, now, 6), at=NINE, by=nurse, now=now, reason="School"
    )
    old.refresh_from_db()
    assert (old.replaced_by, old.cancel_reason, old.cancelled_by) == (new, "School", nurse)
    assert row_of(pump, now).appointment == NextAppointment(new.uuid, new.starts_at)
    again = lambda: booking.rebook(  # noqa: E731
        appointment=old, day=day_of(clinic, now, 7), at=NINE, by=nurse, now=now
    )
    assert refusal(again) == "replaced"
    same = lambda: booking.rebook(  # noqa: E731
        appointment=new, day=day_of(clinic, now, 6), at=NINE, by=nurse, now=now
    )
    assert refusal(same) == "same_time"


def test_cancelling_asks_why_and_the_plan_asks_for_a_booking_again(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 5, now)  # past its due date, before its alarm
    Projection.objects.filter(pump=pump).update(earliest_empty_date=None)
    made = book(pump, nurse, now, day_of(clinic, now, 1))
    assert refusal(
        lambda: booking.cancel(appointment=made, reason=" ", by=nurse, now=now)
    ) == "missing"  # fmt: skip
    booking.cancel(appointment=made, reason="Family called", by=nurse, now=now)
    row = row_of(pump, now)
    assert (row.booked, row.appointment) == (False, None)
    assert WorkItem.objects.filter(pump=pump, kind="unbooked", settled_at=None).exists()
    assert refusal(
        lambda: booking.cancel(appointment=made, reason="Twice", by=nurse, now=now)
    ) == "cancelled"  # fmt: skip


def test_outcomes_come_in_time_and_can_be_taken_back(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 20, now)
    made = book(pump, nurse, now, day_of(clinic, now, 2))
    early = lambda: booking.mark_no_show(appointment=made, by=nurse, now=now)  # noqa: E731
    assert refusal(early) == "too_early"
    assert refusal(
        lambda: booking.mark_arrived(appointment=made, by=nurse, now=now)
    ) == "too_early"  # fmt: skip
    later = made.starts_at + timedelta(hours=1)
    booking.mark_no_show(appointment=made, by=nurse, now=later)
    assert WorkItem.objects.filter(pump=pump, kind="no_show", settled_at=None).exists()
    assert refusal(
        lambda: booking.mark_arrived(appointment=made, by=nurse, now=later)
    ) == "has_outcome"  # fmt: skip
    booking.take_outcome_back(appointment=made, reason="Wrong row", by=nurse, now=later)
    assert not WorkItem.objects.filter(pump=pump, kind="no_show", settled_at=None).exists()
    event = AuditEvent.objects.get(event="appointment.outcome_taken_back")
    assert (event.reason, (event.before or {})["outcome"]) == ("Wrong row", "no_show")
    booking.mark_arrived(appointment=made, by=nurse, now=later)
    made.refresh_from_db()
    assert (made.outcome, made.outcome_by) == ("arrived", nurse)


def test_what_was_marked_before_its_hour_is_not_taken_back_over_another_booking(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 20, now)
    made = book(pump, nurse, now, day_of(clinic, now, 2))
    early = made.starts_at - timedelta(minutes=20)
    booking.mark_arrived(appointment=made, by=nurse, now=early)
    other = book(pump, nurse, early, day_of(clinic, now, 5))

    def back() -> Appointment:
        return booking.take_outcome_back(appointment=made, reason="Wrong row", by=nurse, now=early)

    assert refusal(back) == "already_booked"
    booking.cancel(appointment=other, reason="Booked twice", by=nurse, now=early)
    back()
    made.refresh_from_db()
    assert made.outcome == ""


def test_a_refill_marks_its_appointment_as_arrived(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 20, now)
    made = book(pump, nurse, now, day_of(clinic, now, 3))
    other = factories.due_in(clinic, 20, now)
    kept = book(other, nurse, now, day_of(clinic, now, 3))
    then = made.starts_at + timedelta(minutes=20)
    entry = encounter.VisitEntry(key=made.uuid, at=then, fill=factories.fill())
    encounter.complete_visit(pump_id=pump.pk, entry=entry, by=nurse, now=then)
    made.refresh_from_db()
    kept.refresh_from_db()
    assert (made.outcome, kept.outcome) == ("arrived", "")


@pytest.mark.parametrize("role", ["pharmacist", "auditor", "admin"])
def test_who_may_not_book(clinic: Clinic, nurse: User, now: datetime, role: str) -> None:
    pump = factories.due_in(clinic, 20, now)
    other = factories.user("other", clinic, role)
    assert refusal(lambda: book(pump, other, now, day_of(clinic, now, 5))) == "not_allowed"
    made = book(pump, nurse, now, day_of(clinic, now, 5))
    cancel = lambda: booking.cancel(  # noqa: E731
        appointment=made, reason="Because", by=other, now=now
    )
    assert refusal(cancel) == "not_allowed"
