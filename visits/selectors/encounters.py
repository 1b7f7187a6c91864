"""Reads of visits."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from accounts.models import User
from accounts.policies import Action, clinic_ids
from pumps.models import Pump
from refills.models import Appointment, Fill
from visits.models import Visit


def visit_for(user: User, visit_uuid: uuid.UUID) -> Visit | None:
    """The visit, or None where the user may not open that clinic's charts: nobody learns of it."""
    rows = Visit.objects.filter(clinic_id__in=clinic_ids(user, Action.READ_CHART), uuid=visit_uuid)
    return rows.select_related(
        "pump__patient", "pump__model", "pump__clinic", "fill__product", "fill__discrepancy",
        "program", "bridge", "interrogation", "recorded_by", "ordered_by", "withdrawal__by",
    ).first()  # fmt: skip


def visits_on_their_days(rows: Collection[Appointment]) -> dict[int, uuid.UUID]:
    """By appointment, the visit of its pump on its clinic date that was not taken back: one query.

    Args:
        rows: with their pumps and clinics.
    """
    if not rows:
        return {}
    times = [row.starts_at for row in rows]
    around = timedelta(days=1)
    visits = Visit.objects.filter(
        pump__in={row.pump_id for row in rows},
        withdrawal__isnull=True,
        at__range=(min(times) - around, max(times) + around),
    ).order_by("at", "id")
    found = {}
    for pump_id, at, visit_uuid in visits.values_list("pump_id", "at", "uuid"):
        for row in rows:
            zone = row.pump.clinic.zone
            if row.pump_id == pump_id and _same_day(row, at, zone):
                found[row.pk] = visit_uuid
    return found


def _same_day(row: Appointment, at: datetime, zone: ZoneInfo) -> bool:
    return row.starts_at.astimezone(zone).date() == at.astimezone(zone).date()


def imported_fill_for(user: User, fill_uuid: uuid.UUID) -> Fill | None:
    """A refill that no visit recorded; None where the user may not open that clinic's charts."""
    rows = Fill.objects.filter(
        pump__clinic_id__in=clinic_ids(user, Action.READ_CHART), uuid=fill_uuid, visit__isnull=True
    )
    return rows.select_related(
        "pump__patient", "pump__model", "pump__clinic", "recorded_by", "correction__by"
    ).first()


def visits_of(pump: Pump) -> list[Visit]:
    """Every visit of the pump, those taken back too, newest first."""
    rows = pump.visits.select_related("recorded_by", "ordered_by", "withdrawal__by")
    return list(rows.order_by("-at", "-id"))
