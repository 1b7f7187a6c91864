"""A booking beside the worker that makes the pump's paper: neither waits in a circle, and no paper
misses an appointment that was being made."""

import threading
import time
from datetime import datetime, timedelta
from datetime import time as time_of_day
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from accounts.models import Clinic, User
from documents.services import rendering
from followup.models import WorkItem
from pumps import services as pumps
from pumps.models import Pump
from refills.models import Appointment
from tests.integration.visits.test_visit_race import together
from tests.summary_support import settings_of, summary_of, visited
from visits.domain.summary_words import NOT_BOOKED
from visits.models import AfterVisitSummary, Visit
from visits.services import booking, summaries, summary_paper
from visits.services.summary_paper import SUMMARY

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def visit(clinic: Clinic, nurse: User, now: datetime) -> Visit:
    settings_of(clinic)
    return visited(clinic, nurse, now)


def book(visit: Visit, by: User, now: datetime) -> Any:
    day = now.astimezone(visit.clinic.zone).date() + timedelta(days=5)
    return booking.book(pump_id=visit.pump_id, day=day, at=time_of_day(9), by=by, now=now)


def book_while_the_last_attempt_fails(
    visit: Visit, by: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> list[object]:
    """Both hold their first lock before either asks for its second."""
    AfterVisitSummary.objects.filter(visit=visit).update(attempts=rendering.MOST_ATTEMPTS - 1)
    row = rendering.claim(SUMMARY, worker="w")
    assert row is not None
    both_hold_one = threading.Barrier(2)
    refresh, tell = summaries.refresh_for_pump, summary_paper.tell_somebody

    def refresh_then(*values: Any) -> Any:
        both_hold_one.wait(10)  # the pump
        return refresh(*values)

    def tell_then(*values: Any) -> None:
        both_hold_one.wait(10)  # the summary
        tell(*values)

    monkeypatch.setattr(summaries, "refresh_for_pump", refresh_then)
    monkeypatch.setattr(summary_paper, "tell_somebody", tell_then)
    failed = rendering.Made(error="ValueError")
    return together(
        lambda: book(visit, by, now),
        lambda: rendering.record(SUMMARY, row=row, worker="w", made=failed, now=timezone.now()),
    )


def test_a_booking_and_a_failing_summary_do_not_wait_in_a_circle(
    visit: Visit, nurse: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = book_while_the_last_attempt_fails(visit, nurse, now, monkeypatch)
    assert not [one for one in found if isinstance(one, Exception)]
    assert Appointment.objects.filter(pump=visit.pump, cancelled_at=None).count() == 1
    assert WorkItem.objects.filter(kind="summary_failed", pump=visit.pump).exists()


def test_with_a_stronger_lock_they_would(
    visit: Visit, nurse: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""

    def lock_for_update(pump_id: int) -> Pump:
        locked = Pump.objects.select_for_update(of=("self",))
        return locked.select_related("model", "clinic").get(pk=pump_id)

    monkeypatch.setattr(pumps, "lock_pump", lock_for_update)
    found = book_while_the_last_attempt_fails(visit, nurse, now, monkeypatch)
    [error] = [one for one in found if isinstance(one, Exception)]
    assert isinstance(error, OperationalError)
    assert "deadlock" in str(error)


def book_while_the_scan_renews(
    visit: Visit, by: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> AfterVisitSummary:
    """The scan has read the appointments, and writes after the booking has had its time."""
    settings_of(visit.clinic, phone_day="801-555-0199")  # so that the paper says something else
    scan_has_read, booked = threading.Event(), threading.Event()
    written, refresh = summaries._written, summaries.refresh_for_pump
    scan = threading.local()

    def read_and_wait(*values: Any) -> Any:
        found = written(*values)
        if getattr(scan, "here", False):
            scan_has_read.set()
            if booked.wait(1.5):
                time.sleep(0.5)  # by now it waits for the summary's row
        return found

    def said(pump_id: int, now: datetime) -> Any:
        booked.set()  # and now waits for what the scan holds
        return refresh(pump_id, now)

    def renew() -> None:
        scan.here = True
        refresh(visit.pump_id, now)

    def book_later() -> Any:
        assert scan_has_read.wait(10)
        return book(visit, by, now)

    monkeypatch.setattr(summaries, "_written", read_and_wait)
    monkeypatch.setattr(summaries, "refresh_for_pump", said)
    found = together(renew, book_later)
    assert not [one for one in found if isinstance(one, Exception)]
    return summary_of(visit)


def tells_of_the_appointment(row: AfterVisitSummary) -> bool:
    [box] = [box for box in row.content["boxes"] if box["label"] == "Your next refill visit"]
    return bool(box["date"] != NOT_BOOKED)


def test_the_paper_tells_of_an_appointment_that_was_being_made(
    visit: Visit, nurse: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tells_of_the_appointment(book_while_the_scan_renews(visit, nurse, now, monkeypatch))


def test_without_the_pumps_lock_it_would_not(
    visit: Visit, nurse: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""

    class WithoutLock:
        @staticmethod
        def lock_pump(pump_id: int) -> Pump:
            return Pump.objects.get(pk=pump_id)

    monkeypatch.setattr(summaries, "pumps", WithoutLock)
    assert not tells_of_the_appointment(book_while_the_scan_renews(visit, nurse, now, monkeypatch))
