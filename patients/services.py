"""Writes of patients and of those who care for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from accounts import audit
from accounts.models import Clinic, User
from accounts.rules import RuleViolation

from .models import Caregiver, ConsentWithdrawal, ContactConsent, Patient


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


@transaction.atomic
def record_consent(
    *,
    caregiver: Caregiver,
    channel: ContactConsent.Channel,
    by: User,
    now: datetime,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> ContactConsent:
    """Record that a caregiver agreed to be written to. `alarms` then plans the reminders anew.

    Args:
        valid_until: exclusive; None until it is withdrawn.

    Raises:
        RuleViolation: no address for the channel, or an end before the beginning.
    """
    starts = valid_from or now
    if not caregiver.email:
        raise RuleViolation.of("email", "missing", "Write down the e-mail address first.")
    if valid_until is not None and valid_until <= starts:
        raise RuleViolation.of(
            "valid_until", "out_of_range", "The consent must end after it begins."
        )
    consent = ContactConsent.objects.create(
        caregiver=caregiver,
        channel=channel,
        valid_from=starts,
        valid_until=valid_until,
        recorded_at=now,
        recorded_by=by,
    )
    _audit_consent("consent.recorded", consent, by, now)
    return consent


@transaction.atomic
def withdraw_consent(*, consent: ContactConsent, by: User, now: datetime) -> ConsentWithdrawal:
    """Record that a consent was taken back: it is obeyed at once.

    Raises:
        RuleViolation: `already_withdrawn`.
    """
    if ConsentWithdrawal.objects.filter(consent=consent).exists():
        raise RuleViolation.of(
            "consent", "already_withdrawn", "This consent was withdrawn already."
        )
    row = ConsentWithdrawal.objects.create(consent=consent, at=now, recorded_by=by)
    _audit_consent("consent.withdrawn", consent, by, now)
    return row


def _audit_consent(event: str, consent: ContactConsent, by: User, now: datetime) -> None:
    patient = consent.caregiver.patient
    audit.record(
        event=event,
        by=by,
        at=now,
        clinic_id=patient.clinic_id,
        subject_type="patient",
        subject_id=patient.uuid,
        after={"caregiver": str(consent.caregiver.uuid), "channel": consent.channel},
    )
