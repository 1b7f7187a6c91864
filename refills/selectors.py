"""Reads of fills and appointments. Corrected fills are left out."""

import uuid
from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Case, IntegerField, QuerySet, When

from accounts.models import User
from accounts.policies import Action, clinic_ids
from pumps.models import Pump

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


def open_to_come(pump_id: int, now: datetime) -> list[Appointment]:
    """Appointments that are still to come and that nothing became of yet, the next first."""
    return [row for row in coming_appointments(pump_id, now) if not row.outcome]


def next_appointments(pump: Pump, visit_at: datetime, now: datetime) -> list[Appointment]:
    """Open appointments to come, on a later day than the visit: its own day's had its visit."""
    zone = pump.clinic.zone
    day = visit_at.astimezone(zone).date()
    return [
        row for row in open_to_come(pump.pk, now) if row.starts_at.astimezone(zone).date() > day
    ]


def booked_already(pump: Pump, now: datetime) -> Appointment | None:
    """The pump's open appointment to come: with it, another one cannot be booked."""
    rows = Appointment.objects.filter(
        pump=pump, cancelled_at__isnull=True, outcome="", starts_at__gt=now
    )
    return rows.select_related("created_by").order_by("starts_at").first()


def times_taken(pump: Pump, times: Collection[datetime]) -> frozenset[datetime]:
    """Those of the times at which another patient of the pump's clinic is booked."""
    rows = Appointment.objects.filter(
        pump__clinic=pump.clinic_id, cancelled_at__isnull=True, outcome="", starts_at__in=times
    ).exclude(pump__patient=pump.patient_id)
    return frozenset(rows.values_list("starts_at", flat=True))


def lock_appointment(pk: int) -> Appointment:
    """The appointment as it is now, locked. Its pump is locked before."""
    rows = Appointment.objects.select_for_update(of=("self",)).select_related(
        "pump__clinic", "cancelled_by", "outcome_by", "replaced_by__pump__clinic"
    )
    return rows.get(pk=pk)


def open_on_day(pump: Pump, at: datetime) -> list[Appointment]:
    """The pump's appointments of the clinic's date of an instant that have no outcome yet."""
    zone = pump.clinic.zone
    starts, ends = day_bounds(at.astimezone(zone).date(), zone)
    rows = Appointment.objects.select_for_update(of=("self",)).filter(
        pump=pump, cancelled_at__isnull=True, outcome="", starts_at__gte=starts, starts_at__lt=ends
    )
    return list(rows.select_related("pump__clinic").order_by("starts_at"))


def open_appointments(pump: Pump) -> list[Appointment]:
    """The pump's appointments without an outcome that were not cancelled, past or to come."""
    rows = Appointment.objects.filter(pump=pump, cancelled_at__isnull=True, outcome="")
    return list(rows.order_by("starts_at"))


def lock_open_appointments(pump: Pump, since: datetime) -> list[Appointment]:
    """Those of them from an instant on, locked. Their pump is locked before."""
    rows = Appointment.objects.select_for_update(of=("self",)).filter(
        pump=pump, cancelled_at__isnull=True, outcome="", starts_at__gte=since
    )
    return list(rows.select_related("pump__clinic").order_by("starts_at"))


def arrived_by(pump: Pump, at: datetime, marked_at: datetime) -> list[Appointment]:
    """The pump's appointments of that clinic date that were marked as arrived at that instant."""
    starts, ends = day_bounds(at.astimezone(pump.clinic.zone).date(), pump.clinic.zone)
    rows = Appointment.objects.select_for_update(of=("self",)).filter(
        pump=pump,
        outcome="arrived",
        outcome_at=marked_at,
        starts_at__gte=starts,
        starts_at__lt=ends,
    )
    return list(rows.select_related("pump__clinic").order_by("starts_at"))


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants between which it is that day in a clinic: 23 to 25 hours apart."""
    return (
        datetime.combine(day, time(), tzinfo=zone),
        datetime.combine(day + timedelta(days=1), time(), tzinfo=zone),
    )


def began_between(of_clinics: Collection[int], after: datetime, until: datetime) -> bool:
    """Whether the hour of an appointment came in which nobody said an outcome of: from then on its
    pump is not booked by it."""
    return Appointment.objects.filter(
        pump__clinic__in=of_clinics,
        cancelled_at__isnull=True,
        outcome="",
        starts_at__gt=after,
        starts_at__lte=until,
    ).exists()


def appointment_for(user: User, appointment_uuid: uuid.UUID) -> Appointment | None:
    """An appointment of a patient whose chart the user may open; None where there is none."""
    return (
        with_people(Appointment.objects.all())
        .filter(uuid=appointment_uuid, pump__clinic_id__in=clinic_ids(user, Action.READ_CHART))
        .first()
    )


def with_people(rows: QuerySet[Appointment]) -> QuerySet[Appointment]:
    """With everything that a page says of an appointment."""
    return rows.select_related(
        "pump__patient__clinic",
        "pump__clinic",
        "pump__model",
        "created_by",
        "cancelled_by",
        "outcome_by",
        "replaced_by",
    ).prefetch_related("pump__explants__withdrawal")


def appointments_of(pump: Pump) -> list[Appointment]:
    """Every appointment of a pump, the latest first."""
    rows = with_people(Appointment.objects.filter(pump=pump))
    return list(rows.order_by("-starts_at", "-id"))


def last_used_time(pump: Pump) -> time | None:
    """The local time of the pump's last booking, or else of its clinic's."""
    rows = Appointment.objects.filter(pump__clinic=pump.clinic_id).order_by(
        Case(When(pump=pump.pk, then=0), default=1, output_field=IntegerField()), "-id"
    )
    starts_at = rows.values_list("starts_at", flat=True).first()
    if starts_at is None:
        return None
    return starts_at.astimezone(pump.clinic.zone).time().replace(second=0, microsecond=0)
