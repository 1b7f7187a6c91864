"""The pumps that a named person left off the list, in words."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from alarms.models import Projection
from alarms.selectors.exclusions import ExcludedPump, excluded_with_people
from core import words


@dataclass(frozen=True, slots=True)
class ExcludedRow:
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


def excluded(ids: Collection[int], search: str, now: datetime) -> list[ExcludedRow]:
    """The excluded pumps whose patient the words find, the earliest end first."""
    found = excluded_with_people(ids, search, now)
    in_order = sorted(found, key=lambda one: (one.exclusion.ends_on, one.pump.patient.display_name))
    return [_row(one) for one in in_order]


def _row(one: ExcludedPump) -> ExcludedRow:
    pump, patient, due = one.pump, one.pump.patient, one.dates.refill_due_on
    return ExcludedRow(
        patient_uuid=patient.uuid,
        pump_uuid=pump.uuid,
        name=patient.display_name,
        born=words.birth(patient.date_of_birth, one.today),
        mrn=patient.mrn,
        clinic=pump.clinic.name,
        model=pump.model.name,
        until=words.weekday(one.exclusion.ends_on),
        reason=one.exclusion.reason,
        by=one.exclusion.by.display_name,
        dates=_dates_left_off(one.dates),
        late=due is not None and due < one.today,
    )


def _dates_left_off(dates: Projection) -> tuple[str, ...]:
    """What comes of a pump that is left off the list, as it would stand on it."""
    if dates.refill_due_on is None:
        return ("Date not known",)
    shown = (
        ("refill by", dates.refill_due_on),
        ("may be empty from", dates.earliest_empty_date),
        ("alarm", dates.sort_alarm_date),
    )
    return tuple(f"{name} {words.day(day)}" for name, day in shown if day is not None)
