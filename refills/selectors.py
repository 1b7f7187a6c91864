"""Reads of fills and appointments. Corrected fills are left out."""

from collections.abc import Collection
from datetime import datetime

from .models import Appointment, Fill


def current_fills(pump_ids: Collection[int]) -> dict[int, Fill]:
    """The latest uncorrected fill of each pump; of two at one instant the last entered."""
    rows = (
        Fill.objects.filter(pump_id__in=pump_ids, correction__isnull=True)
        .order_by("pump_id", "-at", "-id")
        .distinct("pump_id")
    )
    return {row.pump_id: row for row in rows}


def fill_history(pump_id: int) -> list[Fill]:
    """Every fill of a pump, the corrected ones too, newest first."""
    return list(
        Fill.objects.filter(pump_id=pump_id)
        .select_related("recorded_by", "correction__by", "product", "discrepancy")
        .order_by("-at", "-id")
    )


def coming_appointments(pump_id: int, now: datetime) -> list[Appointment]:
    """Appointments of a pump that are still to come and not cancelled."""
    return list(
        Appointment.objects.filter(
            pump_id=pump_id, cancelled_at__isnull=True, starts_at__gt=now
        ).order_by("starts_at")
    )
