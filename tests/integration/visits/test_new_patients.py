"""A patient who is added by hand, and a pump that was put in."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEvent, Clinic, User
from alarms.domain.status import Status
from alarms.models import Reason
from alarms.selectors import worklist
from core.rules import RuleViolation
from followup.models import WorkItem
from followup.services import scans
from itbclinic import watchdog
from patients.models import Caregiver, Patient
from patients.services import CaregiverEntry, PatientEntry, add_patient
from pumps.models import Pump, PumpModel
from tests import factories
from visits.services import devices

pytestmark = pytest.mark.django_db

NOBODY = CaregiverEntry()


def add(
    clinic: Clinic, by: User, now: datetime, caregiver: CaregiverEntry = NOBODY, **changes: Any
) -> Patient:
    another = changes.pop("another_person", False)
    values: dict[str, Any] = {
        "mrn": "719400", "family_name": "Díaz", "given_name": "Sofía",
        "date_of_birth": date(2014, 3, 9), **changes,
    }  # fmt: skip
    return add_patient(
        clinic=clinic, entry=PatientEntry(**values), caregiver=caregiver, by=by, now=now,
        another_person=another,
    )  # fmt: skip


def problems(act: Any) -> set[tuple[str, str]]:
    with pytest.raises(RuleViolation) as caught:
        act()
    return {(problem.field, problem.code) for problem in caught.value.problems}


def put_in(patient: Patient, by: User, now: datetime, **changes: Any) -> Pump:
    values: dict[str, Any] = {
        "model": PumpModel.objects.get(clinic=patient.clinic, catalogue_number="8637-20"),
        "serial_number": "NPX0001234H",
        "implanted_on": now.astimezone(patient.clinic.zone).date(),
        "low_reservoir_alarm_ml": None,
        **changes,
    }
    return devices.implant(patient=patient, by=by, now=now, **values)


def test_a_patient_with_somebody_to_call(clinic: Clinic, now: datetime) -> None:
    staff = factories.user("staff-1", clinic, "staff")
    mother = CaregiverEntry(relationship="Mother", phone="801-555-0142")
    made = add(clinic, staff, now, mother, language="Spanish", diagnosis="Cerebral palsy")
    assert Caregiver.objects.get(patient=made).phone == "801-555-0142"
    assert AuditEvent.objects.get(event="patient.registered").subject_id == str(made.uuid)
    assert add(clinic, staff, now, mrn="1", family_name="Ito").caregivers.count() == 0


@pytest.mark.parametrize("role", ["pharmacist", "auditor", "admin"])
def test_who_may_not_add_a_patient(role: str, clinic: Clinic, now: datetime) -> None:
    other = factories.user(f"{role}-1", clinic, role)
    assert problems(lambda: add(clinic, other, now)) == {("role", "not_allowed")}


def test_nobody_adds_to_another_clinic(clinic: Clinic, other_clinic: Clinic, now: datetime) -> None:
    stranger = factories.user("nurse-9", other_clinic, "nurse")
    assert problems(lambda: add(clinic, stranger, now)) == {("role", "not_allowed")}


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"mrn": ""}, "mrn", "missing"),
        ({"mrn": "9" * 33}, "mrn", "too_long"),
        ({"family_name": "", "given_name": ""}, "family_name", "missing"),
        ({"family_name": "x" * 121}, "family_name", "too_long"),
        ({"diagnosis": "x" * 201}, "diagnosis", "too_long"),
        ({"date_of_birth": date(1899, 12, 31)}, "date_of_birth", "date_too_early"),
        ({"caregiver": CaregiverEntry(phone="555")}, "phone", "no_phone_number"),
        ({"caregiver": CaregiverEntry(email="nowhere")}, "email", "invalid"),
    ],
)
def test_what_is_refused(
    changes: dict[str, Any], field: str, code: str, clinic: Clinic, nurse: User, now: datetime
) -> None:
    assert problems(lambda: add(clinic, nurse, now, **changes)) == {(field, code)}
    assert not Patient.objects.exists()


def test_a_birth_is_judged_by_the_clinics_own_day(clinic: Clinic, nurse: User) -> None:
    now = datetime.fromisoformat("2026-03-10T03:00:00+00:00")  # in Denver it is the ninth
    born = [date(2026, 3, 9), date(2026, 3, 10)]
    assert add(clinic, nurse, now, date_of_birth=born[0])
    assert problems(lambda: add(clinic, nurse, now, mrn="2", date_of_birth=born[1])) == {
        ("date_of_birth", "date_in_future")
    }


def test_an_mrn_is_one_patients_in_whatever_capitals(
    clinic: Clinic, other_clinic: Clinic, nurse: User, now: datetime
) -> None:
    factories.patient(clinic, mrn="ab-1")
    factories.patient(other_clinic, mrn="ab-2")
    assert problems(lambda: add(clinic, nurse, now, mrn="AB-1")) == {("mrn", "duplicate_mrn")}
    assert add(clinic, nurse, now, mrn="AB-2")


def test_the_same_name_and_birth_is_asked_about(clinic: Clinic, nurse: User, now: datetime) -> None:
    add(clinic, nurse, now)
    twin: dict[str, Any] = {"mrn": "719401", "family_name": "DÍAZ"}
    assert problems(lambda: add(clinic, nurse, now, **twin)) == {("another_person", "same_person")}
    assert add(clinic, nurse, now, another_person=True, **twin)
    assert add(clinic, nurse, now, mrn="719402", date_of_birth=date(2015, 3, 9))


def test_the_database_refuses_a_birth_that_cannot_be(clinic: Clinic, now: datetime) -> None:
    for born in (date(1899, 12, 31), (now + timedelta(days=400)).date()):
        with pytest.raises(IntegrityError, match="patient_is_born"), transaction.atomic():
            Patient.objects.create(
                clinic=clinic, mrn="1", family_name="x", given_name="y", date_of_birth=born
            )


def test_a_new_pump_is_on_the_list_at_once_as_unknown(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    nurse.email = "nurse@clinic.example"
    nurse.save()
    pump = put_in(add(clinic, nurse, now), nurse, now, serial_number="npx 0001234h")
    assert (pump.serial_number, pump.low_reservoir_alarm_assumed) == ("NPX0001234H", True)
    assert pump.low_reservoir_alarm_ml == pump.model.default_low_reservoir_alarm_ml
    [row] = worklist.page(worklist.listed_pumps([clinic.pk], now), worklist.Filters(), size=9)
    assert (row.pump.pk, row.status, row.reason) == (pump.pk, Status.UNKNOWN, Reason.NO_FILL)
    scans.sweep(clock=lambda: now)
    assert watchdog.check(now) == []
    later = now + timedelta(minutes=31)  # nobody recorded its fill: it is somebody's task
    scans.sweep(clock=lambda: later)
    scans.due_scan(clock=lambda: later)
    assert WorkItem.objects.filter(pump=pump, kind="date_unknown", settled_at=None).count() == 1
    assert watchdog.check(later) == []


def test_a_replacement_stands_beside_the_pump_until_that_is_taken_out(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    old = factories.due_in(clinic, 30, now)
    new = put_in(old.patient, nurse, now, low_reservoir_alarm_ml=Decimal(3))
    assert not new.low_reservoir_alarm_assumed
    everything = worklist.Filters(everything=True)
    assert {row.pump.pk for row in worklist.page(
        worklist.listed_pumps([clinic.pk], now), everything, size=9
    )} == {old.pk, new.pk}  # fmt: skip
    devices.take_out(pump_id=old.pk, at=now, reason="Battery", by=nurse, now=now)
    [row] = worklist.page(worklist.listed_pumps([clinic.pk], now), everything, size=9)
    assert row.pump.pk == new.pk


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"serial_number": " "}, "serial_number", "missing"),
        ({"serial_number": "X" * 41}, "serial_number", "too_long"),
        ({"serial_number": "npx7"}, "serial_number", "duplicate_serial"),
        ({"implanted_on": None}, "implanted_on", "missing"),
        ({"implanted_on": date(2014, 3, 8)}, "implanted_on", "dates_out_of_order"),
        ({"implanted_on": date(2099, 1, 1)}, "implanted_on", "date_in_future"),
        (
            {"low_reservoir_alarm_ml": Decimal(20)},
            "low_reservoir_alarm_ml",
            "alarm_not_below_reservoir",
        ),
        ({"low_reservoir_alarm_ml": Decimal(-1)}, "low_reservoir_alarm_ml", "not_positive"),
    ],
)
def test_an_implant_that_cannot_be(
    changes: dict[str, Any], field: str, code: str, clinic: Clinic, nurse: User, now: datetime
) -> None:
    other = factories.pump(clinic)
    Pump.objects.filter(pk=other.pk).update(serial_number="NPX7")
    patient = add(clinic, nurse, now)
    assert problems(lambda: put_in(patient, nurse, now, **changes)) == {(field, code)}
    assert not patient.pumps.exists()


def test_a_model_comes_from_the_clinics_own_catalogue(
    clinic: Clinic, other_clinic: Clinic, nurse: User, now: datetime
) -> None:
    patient = add(clinic, nurse, now)
    model = PumpModel.objects.get(clinic=other_clinic, catalogue_number="8637-20")
    assert problems(lambda: put_in(patient, nurse, now, model=model)) == {
        ("model", "another_clinic")
    }


def test_staff_add_patients_and_record_no_pumps(clinic: Clinic, now: datetime) -> None:
    staff = factories.user("staff-1", clinic, "staff")
    patient = add(clinic, staff, now)
    assert problems(lambda: put_in(patient, staff, now)) == {("role", "not_allowed")}


def test_the_database_refuses_an_implant_that_cannot_be(clinic: Clinic, now: datetime) -> None:
    pump = factories.pump(clinic)
    for day in (date(1899, 12, 31), (now + timedelta(days=400)).date()):
        with pytest.raises(IntegrityError, match="pump_implant"), transaction.atomic():
            Pump.objects.filter(pk=pump.pk).update(implanted_on=day)
