"""Two people at one pump's appointments at once: the second is told, and nothing is lost."""

import contextlib
import threading
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from accounts.models import Clinic, User
from core.rules import RuleViolation
from pumps import services as pumps
from pumps.models import Pump
from refills import services as refills
from refills.models import Appointment
from tests import factories
from tests.integration.visits.test_visit_race import together
from visits.services import booking

pytestmark = pytest.mark.django_db(transaction=True)


def day_of(clinic: Clinic, now: datetime, days: int) -> date:
    return now.astimezone(clinic.zone).date() + timedelta(days=days)


def booker(pump: Pump, by: User, now: datetime, days: int) -> Any:
    day = day_of(pump.clinic, now, days)
    return lambda: booking.book(pump_id=pump.pk, day=day, at=time(9), by=by, now=now)


def codes(found: list[object]) -> list[str]:
    assert not [one for one in found if isinstance(one, Exception)
                and not isinstance(one, RuleViolation)]  # fmt: skip
    return [one.problems[0].code for one in found if isinstance(one, RuleViolation)]


def test_of_two_who_book_the_same_pump_one_is_told(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 20, now)
    found = together(booker(pump, nurse, now, 4), booker(pump, nurse, now, 5))
    assert codes(found) == ["already_booked"]
    assert Appointment.objects.filter(cancelled_at=None).count() == 1


def test_without_the_lock_both_would_be_booked(
    clinic: Clinic, nurse: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the test above can fail."""
    pump = factories.due_in(clinic, 20, now)
    both_have_looked = threading.Barrier(2)
    check = refills.check_time

    def look_without_lock(pump_id: int) -> Pump:
        return Pump.objects.select_related("model", "clinic").get(pk=pump_id)

    def check_and_wait(*values: Any, **more: Any) -> None:
        check(*values, **more)
        both_have_looked.wait(10)

    monkeypatch.setattr(pumps, "lock_pump", look_without_lock)
    monkeypatch.setattr("refills.services.appointments.check_time", check_and_wait)
    found = together(booker(pump, nurse, now, 4), booker(pump, nurse, now, 5))
    assert codes(found) == []
    assert Appointment.objects.filter(cancelled_at=None).count() == 2


def test_one_cancels_while_another_moves(clinic: Clinic, nurse: User, now: datetime) -> None:
    pump = factories.due_in(clinic, 20, now)
    row = booker(pump, nurse, now, 4)()
    day = day_of(clinic, now, 5)
    found = together(
        lambda: booking.cancel(appointment=row, reason="Family called", by=nurse, now=now),
        lambda: booking.rebook(appointment=row, day=day, at=time(9), by=nurse, now=now),
    )
    [code] = codes(found)
    open_ones = Appointment.objects.filter(cancelled_at=None).count()
    assert (code, open_ones) in {("cancelled", 0), ("replaced", 1)}


def test_of_two_patients_at_one_minute_the_second_is_warned(
    clinic: Clinic, nurse: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first waits, having looked, until the second has come: without `hold_minute` it passes
    unseen, as the negative control below shows."""
    found = together(*at_one_minute(clinic, nurse, now, monkeypatch))
    assert codes(found) == ["look_first"]
    assert Appointment.objects.filter(cancelled_at=None).count() == 1


def test_without_holding_the_minute_nobody_would_be_warned(
    clinic: Clinic, nurse: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the test above can fail."""
    works = at_one_minute(clinic, nurse, now, monkeypatch)
    monkeypatch.setattr(refills, "hold_minute", lambda clinic_id, starts_at: None)
    assert codes(together(*works)) == []
    assert Appointment.objects.filter(cancelled_at=None).count() == 2


def at_one_minute(
    clinic: Clinic, by: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> list[Any]:
    """Two bookers of two patients; each gives the other a second to look before it writes."""
    pumps_of_two = [factories.due_in(clinic, 20, now) for _ in range(2)]
    look, both_have_looked = booking.judge, threading.Barrier(2)

    def look_and_wait(*values: Any) -> Any:
        verdict = look(*values)
        with contextlib.suppress(threading.BrokenBarrierError):
            both_have_looked.wait(1)
        return verdict

    monkeypatch.setattr(booking, "judge", look_and_wait)
    day = next(day for ahead in range(3, 8) if (day := day_of(clinic, now, ahead)).weekday() < 5)

    def work(pump: Pump) -> Any:
        return lambda: booking.book(
            pump_id=pump.pk, day=day, at=time(9), by=by, now=now, accepted=()
        )

    return [work(pump) for pump in pumps_of_two]
