"""What a second pair of eyes broke: each stays broken in no other way."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Clinic, User
from core.rules import RuleViolation
from documents.services import rendering
from followup.models import WorkItem
from followup.services import scans
from refills.models import Appointment
from tests import factories
from tests.summary_support import settings_of, summary_of, visited
from visits.domain.printed import _is_typo
from visits.models import Visit
from visits.selectors.summaries import never_printed
from visits.services import VisitEntry, complete_visit, summaries
from visits.services.contact import change_contact_settings
from visits.services.encounter import withdraw_visit

pytestmark = pytest.mark.django_db


def test_a_form_of_a_visit_that_was_taken_back_is_not_called_recorded(
    clinic: Clinic, nurse: User
) -> None:
    now = timezone.now()
    pump = factories.filled_pump(clinic, now - timedelta(days=30), dose="600", now=now)
    entry = VisitEntry(key=uuid.uuid4(), at=now, fill=factories.fill())
    saved = complete_visit(pump_id=pump.pk, entry=entry, by=nurse, now=now)
    assert complete_visit(pump_id=pump.pk, entry=entry, by=nurse, now=now) == saved
    withdraw_visit(visit=saved, reason="Wrong patient", by=nurse, now=now)
    with pytest.raises(RuleViolation, match="key_used"):
        complete_visit(pump_id=pump.pk, entry=entry, by=nurse, now=now)
    assert Visit.objects.count() == 1


def test_the_paper_of_an_earlier_visit_is_neither_listed_nor_printed(
    clinic: Clinic, nurse: User
) -> None:
    settings_of(clinic)
    now = timezone.now()
    first = visited(clinic, nurse, now - timedelta(days=20))
    rendering.render_due(clock=timezone.now)
    assert [row.visit for row in never_printed([clinic.pk])] == [first]
    second = visited(clinic, nurse, now, pump=first.pump, dose="620")
    rendering.render_due(clock=timezone.now)
    assert [row.visit for row in never_printed([clinic.pk])] == [second]
    with pytest.raises(RuleViolation, match="later_visit"):
        summaries.record_print(summary=summary_of(first), by=nurse, now=now)
    summaries.record_print(summary=summary_of(second), by=nurse, now=now)


def test_a_year_that_is_still_being_typed_breaks_no_page(
    clinic: Clinic, nurse: User, client: Client
) -> None:
    now = timezone.now()
    pump = factories.filled_pump(clinic, now - timedelta(days=30), dose="600", now=now)
    client.force_login(nurse)
    base = f"/patients/{pump.patient.uuid}/pumps/{pump.uuid}"
    for at, printed in (("2026-11-27T10:00", "0002-03-09"), ("9999-12-31T23:59", "2027-01-01")):
        values = {"at": at, "printed_alarm_date": printed, "volume_ml": "20", "change": "stays"}
        for address in (f"{base}/visit/preview/", f"{base}/visit/"):
            assert client.post(address, values).status_code in (200, 422), (at, printed)
    typed = {"day": "9999-12-31", "time": "23:59"}
    assert client.post(f"{base}/book/", typed).status_code == 422
    for day in ("9999-12-31", "0001-01-01"):
        assert client.get(f"/appointments/?on={day}").status_code == 200
    today = now.date()
    assert not _is_typo(today, today.replace(year=2, month=1, day=1))


def test_taking_a_visit_back_opens_the_appointment_that_it_marked(
    clinic: Clinic, nurse: User
) -> None:
    now = timezone.now()
    pump = factories.due_in(clinic, 10, now)
    booked = Appointment.objects.create(
        pump=pump, starts_at=now, created_at=now - timedelta(days=3), created_by=nurse
    )
    visit = factories.visit_of(pump, now)
    booked.refresh_from_db()
    assert booked.outcome == "arrived"
    withdraw_visit(visit=visit, reason="Wrong patient", by=nurse, now=now)
    booked.refresh_from_db()
    assert booked.outcome == ""
    scans.due_scan(clock=lambda: now + timedelta(days=1))
    kind = WorkItem.Kind.APPOINTMENT_WITHOUT_OUTCOME
    assert WorkItem.objects.filter(kind=kind, settled_at__isnull=True).exists()


def test_a_new_phone_number_reaches_the_paper(clinic: Clinic, nurse: User) -> None:
    settings_of(clinic)
    admin = factories.user("admin-1", clinic, "admin")
    visit = visited(clinic, nurse, timezone.now())
    summaries.refresh_changed(now=timezone.now())
    assert summaries.refresh_changed(now=timezone.now()) == 0
    before = summary_of(visit)
    change_contact_settings(clinic=clinic, by=admin, now=timezone.now(), phone_night="801-555-0177")
    assert summaries.refresh_changed(now=timezone.now()) == 1
    after = summary_of(visit)
    assert after.version == before.version + 1
    assert "801-555-0177" in str(after.content)
    assert summaries.refresh_changed(now=timezone.now()) == 0
