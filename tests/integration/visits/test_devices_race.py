"""A pump is taken out while somebody else acts on it: one of the two is told."""

import threading
import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from accounts.models import Clinic, User
from alarms.models import Projection
from core.rules import RuleViolation
from followup.services import resyncing
from followup.services.settings import change_clinic_settings
from patients.models import Patient
from patients.services import CaregiverEntry, PatientEntry, add_patient
from pumps import services as pumps
from pumps.models import ExplantWithdrawal, Pump, PumpModel
from pumps.services import devices as pump_devices
from refills.models import Appointment
from tests import factories
from tests.integration.followup.test_settings_race import Gate, others
from tests.integration.visits.test_booking_race import booker, codes
from tests.integration.visits.test_visit_race import together
from visits.models import Visit
from visits.services import booking, devices
from visits.services.encounter import VisitEntry, complete_visit

pytestmark = pytest.mark.django_db(transaction=True)
AGAIN = range(4)  # who comes first is chance


@pytest.fixture
def pump(clinic: Clinic, now: datetime) -> Pump:
    return factories.due_in(clinic, 20, now)


def leaver(pump: Pump, by: User, now: datetime, seen: Any = None) -> Callable[[], object]:
    return lambda: devices.take_out(
        pump_id=pump.pk, at=now, reason="Infection", by=by, now=now,
        seen_version=pump.input_version, seen_appointments=seen,
    )  # fmt: skip


def visitor(pump: Pump, by: User, now: datetime) -> Callable[[], object]:
    entry = VisitEntry(key=uuid.uuid4(), at=now, fill=factories.fill(), concern_reason="Looked at")
    return lambda: complete_visit(
        pump_id=pump.pk, entry=entry, by=by, now=now, seen_version=pump.input_version
    )


@pytest.mark.parametrize("again", AGAIN)
def test_a_visit_and_an_explant(
    again: int, pump: Pump, clinic: Clinic, nurse: User, now: datetime
) -> None:
    found = together(visitor(pump, nurse, now), leaver(pump, nurse, now))
    [code] = codes(found)
    left = (Visit.objects.count(), pump.explants.count())
    assert (code, *left) in {("stale", 1, 0), ("already_explanted", 0, 1)}
    pump.refresh_from_db()
    assert Projection.objects.get(pump=pump).input_version == pump.input_version


@pytest.mark.parametrize("again", AGAIN)
def test_a_booking_and_an_explant_whose_page_named_nothing_booked(
    again: int, pump: Pump, nurse: User, now: datetime
) -> None:
    found = together(booker(pump, nurse, now, 4), leaver(pump, nurse, now, seen=[]))
    [code] = codes(found)
    left = (Appointment.objects.filter(cancelled_at=None).count(), pump.explants.count())
    assert (code, *left) in {("appointments_changed", 1, 0), ("explanted", 0, 1)}


@pytest.mark.parametrize("again", AGAIN)
def test_an_outcome_and_an_explant(again: int, pump: Pump, nurse: User, now: datetime) -> None:
    row = Appointment.objects.create(
        pump=pump, starts_at=now, created_at=now - timedelta(days=3), created_by=nurse
    )
    found = together(
        lambda: booking.mark_no_show(appointment=row, by=nurse, now=now),
        leaver(pump, nurse, now, seen=[row.uuid]),
    )
    [code] = codes(found)
    row.refresh_from_db()
    assert (code, row.outcome, pump.explants.count()) in {
        ("appointments_changed", "no_show", 0),
        ("cancelled", "", 1),
    }


def test_of_two_who_take_it_out_one_is_told(pump: Pump, nurse: User, now: datetime) -> None:
    assert codes(together(leaver(pump, nurse, now), leaver(pump, nurse, now))) == [
        "already_explanted"
    ]
    assert pump.explants.count() == 1


def test_without_the_lock_only_the_database_would_stand_between(
    pump: Pump, nurse: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the test above can fail. The second one would meet the constraint in
    place of a sentence."""
    both_have_looked = threading.Barrier(2)

    def look_without_lock(pump_id: int) -> Pump:
        return Pump.objects.select_related("model", "clinic").get(pk=pump_id)

    check = pump_devices.check_in_place

    def check_and_wait(of: Pump) -> None:
        check(of)
        both_have_looked.wait(10)

    monkeypatch.setattr(pumps, "lock_pump", look_without_lock)
    monkeypatch.setattr(pump_devices, "check_in_place", check_and_wait)
    found = together(leaver(pump, nurse, now), leaver(pump, nurse, now))
    assert [type(one) for one in found if isinstance(one, Exception)] == [IntegrityError]


def test_of_two_who_take_it_back_one_is_told(pump: Pump, nurse: User, now: datetime) -> None:
    explant = devices.take_out(pump_id=pump.pk, at=now, reason="Infection", by=nurse, now=now)

    def back() -> object:
        return devices.take_explant_back(explant=explant, reason="Wrong", by=nurse, now=now)

    assert codes(together(back, back)) == ["already_withdrawn"]
    assert ExplantWithdrawal.objects.count() == 1


def lead_days(pump: Pump) -> int:
    found = Projection.objects.get(pump=pump)
    assert found.alarm_date is not None
    assert found.refill_due_on is not None
    assert found.input_version == Pump.objects.get(pk=pump.pk).input_version
    return (found.alarm_date - found.refill_due_on).days


def take_back_beside_a_change(
    pump: Pump, by: User, now: datetime, monkeypatch: pytest.MonkeyPatch, *, waits: bool
) -> None:
    """The settings change while the pump comes back: its dates are computed, nothing is saved."""
    explant = devices.take_out(pump_id=pump.pk, at=now, reason="Infection", by=by, now=now)
    admin = factories.user("admin-1", pump.clinic, "admin")
    gate = Gate(monkeypatch, resyncing, "plan_for", after=False)

    def change() -> int:
        return change_clinic_settings(clinic=pump.clinic, by=admin, now=now, refill_lead_days=3)

    with others() as start:
        came = start(
            lambda: devices.take_explant_back(explant=explant, reason="Wrong", by=by, now=now)
        )
        assert gate.reached.wait(20)
        changed = start(change)
        if waits:
            with pytest.raises(TimeoutError):
                changed.result(1)
        else:
            assert changed.result(20) == 0
        gate.opened.set()
        came.result(20)
        assert changed.result(20) == (1 if waits else 0)


def test_a_pump_that_comes_back_beside_a_change_has_dates_of_the_new_settings(
    pump: Pump, nurse: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_back_beside_a_change(pump, nurse, now, monkeypatch, waits=True)
    assert lead_days(pump) == 3


def test_negative_control_a_change_that_does_not_wait_misses_the_pump(
    pump: Pump, nurse: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_devices, "keep_settings", lambda clinic_id: None)
    take_back_beside_a_change(pump, nurse, now, monkeypatch, waits=False)
    assert lead_days(pump) != 3


def test_of_two_who_record_the_same_device_one_is_told(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    model = PumpModel.objects.get(clinic=clinic, catalogue_number="8637-20")
    patients = [factories.patient(clinic) for _ in range(2)]

    def implant(of: Patient) -> Callable[[], object]:
        return lambda: devices.implant(
            patient=of, model=model, serial_number="NPX1", implanted_on=date(2024, 1, 1),
            low_reservoir_alarm_ml=None, by=nurse, now=now,
        )  # fmt: skip

    assert codes(together(*map(implant, patients))) == ["duplicate_serial"]
    assert Pump.objects.filter(serial_number="NPX1").count() == 1


def test_of_two_who_add_the_same_patient_one_is_told(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    def add(name: str) -> Callable[[], object]:
        entry = PatientEntry("719400", name, "Sofía", date(2014, 3, 9))
        return lambda: add_patient(
            clinic=clinic, entry=entry, caregiver=CaregiverEntry(), by=nurse, now=now
        )

    found = together(add("Díaz"), add("Kaur"))
    assert codes(found) == ["duplicate_mrn"]
    assert Patient.objects.count() == 1
    assert sum(isinstance(one, RuleViolation) for one in found) == 1
