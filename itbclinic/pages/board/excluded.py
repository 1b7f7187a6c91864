"""The pumps that a named person left off the list, in words."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from alarms.models import Projection
from alarms.selectors.exclusions import excluded_with_people
from core import words


@dataclass(frozen=True, slots=True)
class ExcludedPump:
    """A pump that a named person left off the list, and until when."""

    patient_uuid: UUID
    pump_uuid: UUID
    name: str
    born: str
    mrn: str
    clinic: str
    model: str
    until: str
    reason: str
    by: str
    dates: tuple[str, ...]
    late: bool  # its refill date has passed while nobody sees it


def excluded(ids: Collection[int], search: str, now: datetime) -> list[ExcludedPump]:
    """The excluded pumps whose patient the words find, the earliest end first."""
    shown = [_excluded(pump) for pump in excluded_with_people(ids, search, now)]
    return [row for _, row in sorted(shown, key=lambda pair: (pair[0], pair[1].name))]


def _excluded(pump: Any) -> tuple[date, ExcludedPump]:
    running = [row for row in pump.exclusions.all() if not hasattr(row, "end")]
    exclusion = max(running, key=lambda row: row.ends_on)
    patient = pump.patient
    found = getattr(pump, "projection", None)
    dates = found if found and found.input_version == pump.input_version else None
    return exclusion.ends_on, ExcludedPump(
        patient_uuid=patient.uuid,
        pump_uuid=pump.uuid,
        name=patient.display_name,
        born=words.birth(patient.date_of_birth, pump.today),
        mrn=patient.mrn,
        clinic=pump.clinic.name,
        model=pump.model.name,
        until=words.weekday(exclusion.ends_on),
        reason=exclusion.reason,
        by=exclusion.by.display_name,
        dates=_dates_left_off(dates),
        late=dates is not None and dates.refill_due_on is not None
        and dates.refill_due_on < pump.today,
    )  # fmt: skip


def _dates_left_off(dates: Projection | None) -> tuple[str, ...]:
    """What comes of a pump that is left off the list, as it would stand on it."""
    if dates is None or dates.refill_due_on is None:
        return ("Date not known",)
    shown = (
        ("refill by", dates.refill_due_on),
        ("may be empty from", dates.earliest_empty_date),
        ("alarm", dates.sort_alarm_date),
    )
    return tuple(f"{name} {words.day(day)}" for name, day in shown if day is not None)
