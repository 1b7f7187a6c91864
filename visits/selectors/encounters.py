"""Reads of visits."""

import uuid

from accounts.models import User
from accounts.policies import Action, clinic_ids
from refills.models import Fill
from visits.models import Visit


def visit_for(user: User, visit_uuid: uuid.UUID) -> Visit | None:
    """The visit, or None where the user may not open that clinic's charts: nobody learns of it."""
    rows = Visit.objects.filter(clinic_id__in=clinic_ids(user, Action.READ_CHART), uuid=visit_uuid)
    return rows.select_related(
        "pump__patient", "pump__model", "pump__clinic", "fill__product", "fill__discrepancy",
        "program", "bridge", "interrogation", "recorded_by", "ordered_by", "withdrawal__by",
    ).first()  # fmt: skip


def imported_fill_for(user: User, fill_uuid: uuid.UUID) -> Fill | None:
    """A refill that no visit recorded; None where the user may not open that clinic's charts."""
    rows = Fill.objects.filter(
        pump__clinic_id__in=clinic_ids(user, Action.READ_CHART), uuid=fill_uuid, visit__isnull=True
    )
    return rows.select_related(
        "pump__patient", "pump__model", "pump__clinic", "recorded_by", "correction__by"
    ).first()
