"""Reads of patients, scoped to the clinics in which the user may open a chart."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q

from accounts.models import Clinic, User
from accounts.policies import Action, clinic_ids
from patients.models import ContactConsent, Patient

from .search import found_by


def patient_for(user: User, patient_uuid: uuid.UUID) -> Patient | None:
    """The patient, or None where the user may not see it: nobody learns that it exists."""
    return (
        Patient.objects.select_related("clinic")
        .prefetch_related("caregivers")
        .filter(uuid=patient_uuid, clinic_id__in=clinic_ids(user, Action.READ_CHART))
        .first()
    )


def with_mrn(clinic: Clinic, mrn: str) -> Patient | None:
    """The clinic's patient of that MRN; capitals make no other number."""
    return Patient.objects.filter(clinic=clinic, mrn__iexact=mrn).order_by("pk").first()


def same_person(clinic: Clinic, family_name: str, given_name: str, born: date) -> list[Patient]:
    """The clinic's patients of that name and date of birth; capitals make no other name."""
    found = Patient.objects.filter(
        clinic=clinic,
        family_name__iexact=family_name,
        given_name__iexact=given_name,
        date_of_birth=born,
    )
    return list(found.order_by("pk"))


def patients_found(of_clinics: Collection[int], words: str) -> list[uuid.UUID]:
    """The patients of these clinics whom the words find, as the refill list finds them."""
    if not words.strip():
        return []
    rows = Patient.objects.filter(found_by(words), clinic_id__in=of_clinics)
    return list(rows.order_by("pk").values_list("uuid", flat=True))


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody who agreed to be written to: a reference, never an address."""

    ref: str
    language: str  # as the chart says it


def contacts_for_reminders(patient_ids: Collection[int], now: datetime) -> dict[int, list[Contact]]:
    """The same for many patients: a consent that runs, is not withdrawn, and has an address."""
    rows = (
        ContactConsent.objects.filter(
            Q(valid_until__isnull=True) | Q(valid_until__gt=now),
            caregiver__patient__in=patient_ids,
            caregiver__removed_at__isnull=True,
            channel=ContactConsent.Channel.EMAIL,
            valid_from__lte=now,
            withdrawal__isnull=True,
        )
        .exclude(caregiver__email="")
        .order_by("caregiver_id", "id")
        .distinct("caregiver_id")
        .values_list("caregiver__patient_id", "caregiver__uuid", "caregiver__patient__language")
    )
    found: dict[int, list[Contact]] = {}
    for patient_id, ref, language in rows:
        found.setdefault(patient_id, []).append(Contact(ref=str(ref), language=language))
    return found


def running_consents(patient: Patient, now: datetime) -> dict[int, ContactConsent]:
    """By caregiver id, the consent to e-mail that counts now: the newest one that runs."""
    rows = ContactConsent.objects.filter(
        Q(valid_until__isnull=True) | Q(valid_until__gt=now),
        caregiver__patient=patient,
        channel=ContactConsent.Channel.EMAIL,
        valid_from__lte=now,
        withdrawal__isnull=True,
    )
    return {row.caregiver_id: row for row in rows.order_by("id")}
