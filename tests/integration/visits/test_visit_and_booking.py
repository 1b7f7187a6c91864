"""What a visit does to the next appointment: it is asked about before, and said after."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Clinic, User
from alarms.models import Projection
from core.rules import RuleViolation
from pumps.models import Pump
from refills.models import Appointment
from refills.services import book
from tests import factories
from visits.services.encounter import VisitEntry, complete_visit
from visits.services.preview import preview

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 18, tzinfo=UTC)


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    """Filled 30 days ago at 400 mcg a day: its alarm comes 60 days from now."""
    return factories.filled_pump(clinic, NOW - timedelta(days=30), dose="400", now=NOW)


def booked(pump: Pump, at: datetime, by: User) -> Appointment:
    return book(pump=pump, starts_at=at, by=by, now=NOW)


def entry(**what: Any) -> VisitEntry:
    return VisitEntry(key=uuid.uuid4(), at=NOW, reason="Tone", **what)


def codes(pump: Pump, of: VisitEntry) -> list[str]:
    return [concern.code for concern in preview(pump, of, now=NOW).concerns]


def test_a_higher_dose_leaves_the_booking_behind_and_asks(
    clinic: Clinic, pump: Pump, nurse: User
) -> None:
    doctor = factories.user("doctor-1", clinic, "doctor")
    due = Projection.objects.get(pump=pump).refill_due_on
    assert due is not None
    at = datetime.combine(due, datetime.min.time(), tzinfo=clinic.zone).replace(hour=9)
    booked(pump, at, nurse)
    same = entry(program=factories.simple(NOW, "400"))
    assert "booked_late" not in codes(pump, same)
    more = entry(program=factories.simple(NOW, "440"))
    assert "booked_late" in codes(pump, more)
    with pytest.raises(RuleViolation) as refused:
        complete_visit(pump_id=pump.pk, entry=more, by=doctor, now=NOW)
    assert [p.field for p in refused.value.problems] == ["concern_reason"]
    said = replace(more, concern_reason="I move it now")
    visit = complete_visit(pump_id=pump.pk, entry=said, by=doctor, now=NOW)
    assert visit.concerns == ["booked_late"]


def test_the_appointment_of_the_day_is_the_refills_own(pump: Pump, nurse: User) -> None:
    row = booked(pump, NOW + timedelta(hours=2), nurse)
    refill = entry(fill=factories.fill())
    assert codes(pump, refill) == []
    complete_visit(pump_id=pump.pk, entry=refill, by=nurse, now=NOW)
    row.refresh_from_db()
    assert row.outcome == "arrived"


def test_a_dose_change_alone_leaves_the_appointment_of_the_day_for_the_refill(
    clinic: Clinic, nurse: User
) -> None:
    # The refill date has passed: today's appointment is as early as any can be.
    pump = factories.filled_pump(clinic, NOW - timedelta(days=86), dose="400", now=NOW)
    row = booked(pump, NOW + timedelta(hours=2), nurse)
    more = entry(program=factories.simple(NOW, "440"))
    assert "booked_late" not in codes(pump, more)
    Appointment.objects.filter(pk=row.pk).update(starts_at=NOW + timedelta(days=1))
    assert "booked_late" in codes(pump, more)
