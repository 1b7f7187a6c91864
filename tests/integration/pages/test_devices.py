"""The pages on which a patient is added, and a pump comes and goes."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import services as accounts
from accounts.models import AuditEvent, Clinic, Role
from patients.models import Patient
from pumps.models import Pump, PumpModel
from refills.services import book
from tests import factories
from tests.integration.pages.conftest import SignedIn, queries, text, user_of
from visits.services import devices

pytestmark = pytest.mark.django_db


def typed(clinic: Clinic, **changes: Any) -> dict[str, Any]:
    return {
        "clinic": clinic.slug, "mrn": "719400", "family_name": "Díaz", "given_name": "Sofía",
        "date_of_birth": "2014-03-09", "caregiver_phone": "801-555-0142", **changes,
    }  # fmt: skip


def address(pump: Pump, page: str) -> str:
    return f"/patients/{pump.patient.uuid}/pumps/{pump.uuid}/{page}"


def explant_form(client: Client, pump: Pump, **changes: Any) -> dict[str, Any]:
    form = client.get(address(pump, "taken-out/")).context["form"]
    values = {name: form[name].value() for name in ("seen_version", "seen_appointments", "at")}
    return {**values, "reason": "Infection", **changes}


def test_a_nurse_goes_on_to_the_implant_and_staff_to_the_patient(
    as_role: SignedIn, clinic: Clinic
) -> None:
    nurse = as_role("nurse").post("/patients/add/", typed(clinic))
    made = Patient.objects.get()
    assert nurse["Location"] == f"/patients/{made.uuid}/implant/"
    client = as_role("staff")
    answer = client.post("/patients/add/", typed(clinic, mrn="2", family_name="Ito"), follow=True)
    assert "A nurse or a doctor records the pump" in text(answer)
    assert "Record the implant" not in text(answer)
    other = Patient.objects.get(mrn="2")
    assert client.get(f"/patients/{other.uuid}/implant/").status_code == 403


def test_a_known_mrn_leads_to_the_patient_who_has_it(as_role: SignedIn, clinic: Clinic) -> None:
    known = factories.patient(clinic, mrn="719400", family_name="Kaur")
    client = as_role("nurse")
    answer = client.post("/patients/add/", typed(clinic))
    assert answer.status_code == 422
    assert f'<a href="/patients/{known.uuid}/">KAUR, Sofía</a>' in text(answer)
    assert 'value="Díaz"' in text(answer)
    read = AuditEvent.objects.get(event="patient.read")
    assert (read.subject_id, read.actor_id) == (str(known.uuid), user_of(client).pk)


def test_the_same_person_is_confirmed_once_seen(as_role: SignedIn, clinic: Clinic) -> None:
    client = as_role("nurse")
    client.post("/patients/add/", typed(clinic))
    again = client.post("/patients/add/", typed(clinic, mrn="719401"))
    assert again.status_code == 422
    assert "On record: <a" in text(again)
    assert 'name="another_person"' in text(again)
    assert Patient.objects.count() == 1
    client.post("/patients/add/", typed(clinic, mrn="719401", another_person="on"))
    assert Patient.objects.count() == 2


def test_another_clinics_patients_are_not_spoken_of(
    as_role: SignedIn, clinic: Clinic, other_clinic: Clinic
) -> None:
    factories.patient(other_clinic, mrn="719400", family_name="Secret")
    client = as_role("nurse")
    assert client.get(f"/patients/add/?clinic={other_clinic.slug}").status_code == 404
    refused = client.post("/patients/add/", typed(other_clinic))
    assert refused.status_code == 422
    assert "Choose one of your clinics" in text(refused)
    assert "Secret" not in text(refused)
    assert client.post("/patients/add/", typed(clinic)).status_code == 302


def test_who_has_two_clinics_chooses(
    as_role: SignedIn, clinic: Clinic, other_clinic: Clinic
) -> None:
    client = as_role("nurse")
    assert 'type="hidden" name="clinic"' in text(client.get("/patients/add/"))
    system = accounts.system_user("system-import")
    accounts.grant_role(
        user=user_of(client), clinic=other_clinic, role=Role.STAFF, by=system, at=timezone.now()
    )
    page = client.get("/patients/add/")
    assert '<select name="clinic"' in text(page)
    assert client.post("/patients/add/", {**typed(clinic), "clinic": ""}).status_code == 422
    assert client.post("/patients/add/", typed(other_clinic)).status_code == 302
    assert Patient.objects.get().clinic == other_clinic


def test_an_implant_form_keeps_what_was_typed(as_role: SignedIn, clinic: Clinic) -> None:
    patient = factories.patient(clinic)
    url = f"/patients/{patient.uuid}/implant/"
    model = PumpModel.objects.get(clinic=clinic, catalogue_number="8637-20")
    values = {"model": model.uuid, "serial_number": "NPX1", "implanted_on": "2024-02-03"}
    client = as_role("doctor")
    refused = client.post(url, {**values, "low_reservoir_alarm_ml": "25"})
    assert refused.status_code == 422
    assert "must be below the reservoir" in text(refused)
    assert 'value="NPX1"' in text(refused)
    foreign = PumpModel.objects.exclude(clinic=clinic)
    assert not foreign.exists()
    done = client.post(url, values)
    pump = Pump.objects.get()
    assert done["Location"] == address(pump, "visit/")
    assert "NPX1" in text(client.get("/"))
    again = client.get(url)
    assert "is on the board" in text(again)
    assert address(pump, "taken-out/") in text(again)


def test_the_page_names_what_it_cancels_and_saves_nothing_unseen(
    as_role: SignedIn, clinic: Clinic
) -> None:
    client, now = as_role("nurse"), timezone.now()
    pump = factories.due_in(clinic, 20, now)
    values = explant_form(client, pump)
    assert "Nothing is booked for it" in text(client.get(address(pump, "taken-out/")))
    row = book(pump=pump, starts_at=now + timedelta(days=3), by=user_of(client), now=now)
    refused = client.post(address(pump, "taken-out/"), values)
    assert refused.status_code == 422
    assert "Somebody booked, moved or cancelled an appointment" in text(refused)
    assert "is cancelled" in text(refused)
    fresh = {name: refused.context["form"][name].value() for name in ("seen_appointments",)}
    assert fresh["seen_appointments"] == str(row.uuid)
    done = client.post(address(pump, "taken-out/"), {**values, **fresh}, follow=True)
    assert "is cancelled; tell the family" in text(done)
    assert "It was not taken out" in text(done)
    page = client.get(f"/appointments/{row.uuid}/")
    assert "The pump was taken out: Infection" in text(page)


def test_an_appointment_of_before_is_marked_but_not_moved(
    as_role: SignedIn, clinic: Clinic
) -> None:
    client, now = as_role("nurse"), timezone.now()
    pump = factories.due_in(clinic, 20, now)
    made = now - timedelta(days=9)
    row = pump.appointments.create(
        starts_at=now - timedelta(days=2), created_at=made, created_by=user_of(client)
    )
    client.post(address(pump, "taken-out/"), explant_form(client, pump))
    page = text(client.get(f"/appointments/{row.uuid}/"))
    assert "Pump taken out since: mark what became of this" in page
    assert "Rebook" not in page
    said = client.post(f"/appointments/{row.uuid}/no-show/", follow=True)
    assert "still needs its refill" not in text(said)
    assert "Book anew" not in text(client.get(f"/appointments/{row.uuid}/"))


def test_what_is_out_is_not_taken_out_again_and_what_is_in_not_taken_back(
    as_role: SignedIn, clinic: Clinic
) -> None:
    client, now = as_role("nurse"), timezone.now()
    pump = factories.due_in(clinic, 20, now)
    answer = client.get(address(pump, "taken-out/take-back/"), follow=True)
    assert "there is nothing to take back" in text(answer)
    values = explant_form(client, pump)
    assert client.post(address(pump, "taken-out/"), values).status_code == 302
    second = client.post(address(pump, "taken-out/"), values)
    assert second.status_code == 422
    assert "recorded that this pump was taken out" in text(second)
    answer = client.get(address(pump, "taken-out/"), follow=True)
    assert "taken out already" in text(answer)
    blank = client.post(address(pump, "taken-out/take-back/"), {"reason": " "})
    assert blank.status_code == 422
    done = client.post(address(pump, "taken-out/take-back/"), {"reason": "Wrong"}, follow=True)
    assert "on the board again" in text(done)
    assert "Entered in error: “Wrong”" in text(done)


@pytest.mark.parametrize("typed_at", ["2026-03-08T02:30", "1700-01-01T10:00", "nonsense"])
def test_a_time_that_is_none(typed_at: str, as_role: SignedIn, clinic: Clinic) -> None:
    client = as_role("nurse")
    pump = factories.due_in(clinic, 20, timezone.now())
    values = explant_form(client, pump, at=typed_at, confirmed="on")
    answer = client.post(address(pump, "taken-out/"), values)
    assert answer.status_code == 422
    assert answer.context["form"]["at"].errors
    assert not pump.explants.exists()


def test_a_search_finds_who_has_no_pump_and_the_board_names_who_never_had_one(
    as_role: SignedIn, clinic: Clinic, other_clinic: Clinic
) -> None:
    client, now = as_role("nurse"), timezone.now()
    gone = factories.due_in(clinic, 20, now, family_name="Gone")
    factories.patient(clinic, family_name="Comer")
    factories.patient(other_clinic, family_name="Comer-Elsewhere")
    devices.take_out(pump_id=gone.pk, at=now, reason="x", by=user_of(client), now=now)
    board = text(client.get("/"))
    assert "1 patient without a pump on record" in board
    assert "COMER, Sofía" in board
    assert "GONE" not in board
    assert "ELSEWHERE" not in board
    found = text(client.post("/search/", {"words": gone.serial_number}, follow=True))
    assert "GONE, Sofía" in found
    assert "Pump taken out" in found
    assert "COMER" not in found
    nobody = text(client.post("/search/", {"words": "zzz"}, follow=True))
    assert "No pump on the list matches" in nobody
    assert nobody.count('href="/patients/add/"') == 2
    reader = as_role("pharmacist")
    assert "/patients/add/" not in text(reader.get("/"))
    assert "Record an implant" not in text(reader.get("/"))


def test_the_board_costs_the_same_for_one_and_for_three_without_a_pump(
    as_role: SignedIn, clinic: Clinic
) -> None:
    client = as_role("nurse")
    factories.patient(clinic)
    client.get("/")  # the first page of a sign-in takes some more
    one = queries(client, "/")
    factories.patient(clinic)
    factories.patient(clinic)
    assert queries(client, "/") == one


def test_the_appointments_cost_the_same_for_one_and_for_three_pumps_that_were_taken_out(
    as_role: SignedIn, clinic: Clinic
) -> None:
    client, now = as_role("nurse"), timezone.now()

    def gone() -> None:
        pump = factories.due_in(clinic, 20, now)
        pump.appointments.create(
            starts_at=now - timedelta(days=2),
            created_at=now - timedelta(days=9),
            created_by=user_of(client),
        )
        devices.take_out(pump_id=pump.pk, at=now, reason="x", by=user_of(client), now=now)

    gone()
    one = queries(client, "/appointments/?tab=open")
    gone()
    gone()
    assert queries(client, "/appointments/?tab=open") == one


def test_two_pumps_on_the_board_are_pointed_out(as_role: SignedIn, clinic: Clinic) -> None:
    client, now = as_role("nurse"), timezone.now()
    pump = factories.due_in(clinic, 20, now)
    url = f"/patients/{pump.patient.uuid}/"
    assert "pumps on the board" not in text(client.get(url))
    devices.implant(
        patient=pump.patient, model=pump.model, serial_number="NPX2",
        implanted_on=now.astimezone(clinic.zone).date(), low_reservoir_alarm_ml=None,
        by=user_of(client), now=now,
    )  # fmt: skip
    assert "The patient has 2 pumps on the board" in text(client.get(url))
