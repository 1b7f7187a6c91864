"""Reads of patients, scoped to the clinics in which the user may open a chart."""

import uuid

from accounts.models import User
from accounts.policies import Action, clinic_ids

from .models import Patient


def patient_for(user: User, patient_uuid: uuid.UUID) -> Patient | None:
    """The patient, or None where the user may not see it: nobody learns that it exists."""
    return (
        Patient.objects.select_related("clinic")
        .prefetch_related("caregivers")
        .filter(uuid=patient_uuid, clinic_id__in=clinic_ids(user, Action.READ_CHART))
        .first()
    )
