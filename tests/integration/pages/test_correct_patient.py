"""Who a patient is, corrected: the list, the paper and the letters go by it."""

from datetime import date, datetime
from html import unescape
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Clinic, User
from core.rules import RuleViolation
from documents.services import rendering
from itbclinic.pages.shared.forms import REQUIRED
from patients.models import Patient
from patients.services import PatientEntry
from pumps.models import Pump
from tests import factories
from tests.integration.visits.test_visit_race import together
from tests.summary_support import settings_of, summary_of, visited
from visits.services import identity, summaries

from .conftest import SignedIn, text

pytestmark = pytest.mark.django_db


def address(patient: Patient) -> str:
    return reverse("patient_correct", args=[patient.uuid])


def values(client: Client, patient: Patient, **changed: str) -> dict[str, str]:
    form = client.get(address(patient)).context["form"]
    return {name: str(form[name].value() or "") for name in form.fields} | changed


def correct(client: Client, patient: Patient, **changed: str) -> Any:
    return client.post(address(patient), values(client, patient, **changed))


def test_a_slip_is_corrected_and_what_stood_there_is_kept(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    pump = factories.due_in(clinic, 15, now, family_name="Iot")
    patient, client = pump.patient, as_role("staff")
    assert address(patient) in text(client.get(reverse("patient", args=[patient.uuid])))
    done = correct(client, patient, family_name="Ito", date_of_birth="2013-03-09")
    assert done["Location"] == reverse("patient", args=[patient.uuid])
    patient.refresh_from_db()
    assert (patient.family_name, patient.date_of_birth) == ("Ito", date(2013, 3, 9))
    assert "ITO, " in text(as_role("nurse").get("/"))
    event = AuditEvent.objects.get(event="patient.corrected")
    assert (event.before, event.after) == (
        {"family_name": "Iot", "date_of_birth": "2014-03-09"},
        {"family_name": "Ito", "date_of_birth": "2013-03-09"},
    )
    assert correct(client, patient).status_code == 302
    assert AuditEvent.objects.filter(event="patient.corrected").count() == 1, "nothing changed"


def test_the_familys_paper_is_made_anew(clinic: Clinic, nurse: User, now: datetime) -> None:
    settings_of(clinic)
    visit = visited(clinic, nurse, now)
    rendering.render_due(clock=timezone.now)
    summaries.record_print(summary=summary_of(visit), by=nurse, now=now)
    patient = visit.pump.patient
    entry = PatientEntry(patient.mrn, "Renamed", "Sofía", patient.date_of_birth, "Spanish")
    identity.correct_patient(patient=patient, entry=entry, by=nurse, now=timezone.now())
    new = summary_of(visit)
    assert new.version == 2
    assert "Renamed" in str(new.content)
    assert "Spanish" in str(new.content)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"mrn": ""}, REQUIRED),
        ({"family_name": "", "given_name": "-"}, ""),
        ({"date_of_birth": "2099-01-01"}, "This date of birth is in the future"),
        ({"date_of_birth": "1899-12-31"}, "Nobody who was born before 1900"),
        ({"mrn": "x719999"}, "This MRN is another patient's"),
        ({"date_of_birth": "2026-01-01"}, "was implanted on 01-Feb-2025, before this date"),
    ],
)
def test_what_cannot_be_is_refused_and_what_was_typed_stays(
    clinic: Clinic, as_role: SignedIn, now: datetime, changed: dict[str, str], said: str
) -> None:
    factories.patient(clinic, mrn="X719999")
    pump = factories.due_in(clinic, 15, now)
    Pump.objects.filter(pk=pump.pk).update(implanted_on=date(2025, 2, 1))
    before = pump.patient
    refused = correct(as_role("nurse"), before, diagnosis="Typed and kept", **changed)
    assert refused.status_code == 422
    page = unescape(text(refused))
    assert said in page
    assert "Typed and kept" in page
    assert Patient.objects.get(pk=before.pk).diagnosis == before.diagnosis
    assert not AuditEvent.objects.filter(event="patient.corrected").exists()


def test_what_somebody_else_saved_meanwhile_is_not_overwritten(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    patient = factories.due_in(clinic, 15, now).patient
    client = as_role("nurse")
    mine = values(client, patient, diagnosis="Mine")
    correct(as_role("staff"), patient, language="Navajo")
    refused = client.post(address(patient), mine)
    assert refused.status_code == 422
    page = text(refused)
    assert "On record now: " in page
    assert "Navajo" in page
    patient.refresh_from_db()
    assert (patient.language, patient.diagnosis == "Mine") == ("Navajo", False)


def test_only_who_keeps_patients(
    clinic: Clinic, other_clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    patient = factories.due_in(clinic, 15, now).patient
    assert as_role("pharmacist").get(address(patient)).status_code == 403
    assert as_role("nurse", other_clinic).get(address(patient)).status_code == 404
    page = text(as_role("pharmacist").get(reverse("patient", args=[patient.uuid])))
    assert address(patient) not in page


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_one_mrn_one_is_told(clinic: Clinic, nurse: User, now: datetime) -> None:
    found = [factories.due_in(clinic, 15, now).patient for _ in range(2)]

    def take(patient: Patient) -> Any:
        entry = PatientEntry("719900", "Ito", "Bea", patient.date_of_birth)
        return lambda: identity.correct_patient(patient=patient, entry=entry, by=nurse, now=now)

    ended = together(*(take(patient) for patient in found))
    [refused] = [one for one in ended if isinstance(one, Exception)]
    assert isinstance(refused, RuleViolation), refused
    assert refused.problems[0].code == "duplicate_mrn"
    assert Patient.objects.filter(mrn="719900").count() == 1
    connections.close_all()
