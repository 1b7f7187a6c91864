"""Writes of patients and of those who care for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from accounts import audit
from accounts.models import Clinic, User
from accounts.rules import RuleViolation

from .models import Caregiver, Patient


@dataclass(frozen=True, slots=True)
class CaregiverEntry:
    """Someone to call about a patient; what is not known is empty."""

    relationship: str = ""
    name: str = ""
    phone: str = ""
    email: str = ""

    def __bool__(self) -> bool:
        return bool(self.relationship or self.name or self.phone or self.email)


@transaction.atomic
def register_patient(
    *,
    clinic: Clinic,
    mrn: str,
    family_name: str,
    given_name: str,
    date_of_birth: date,
    by: User,
    at: datetime,
    language: str = "",
    diagnosis: str = "",
    caregivers: Sequence[CaregiverEntry] = (),
) -> Patient:
    """Make a patient with the people to call.

    Raises:
        RuleViolation: `duplicate_mrn` when the clinic has that MRN already.
    """
    if Patient.objects.filter(clinic=clinic, mrn=mrn).exists():
        raise RuleViolation.of(
            "mrn", "duplicate_mrn", "This MRN is another patient's. Check it, or open that patient."
        )
    patient = Patient.objects.create(
        clinic=clinic,
        mrn=mrn,
        family_name=family_name,
        given_name=given_name,
        date_of_birth=date_of_birth,
        language=language,
        diagnosis=diagnosis,
    )
    Caregiver.objects.bulk_create(
        Caregiver(
            patient=patient,
            relationship=entry.relationship,
            name=entry.name,
            phone=entry.phone,
            email=entry.email,
        )
        for entry in caregivers
        if entry
    )
    audit.record(
        event="patient.registered",
        by=by,
        at=at,
        clinic_id=clinic.pk,
        subject_type="patient",
        subject_id=patient.uuid,
    )
    return patient
