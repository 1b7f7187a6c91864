"""An appointment in words: when, for whom, how it lies to the pump's dates, what became of it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from alarms.domain.deadlines import Deadlines, is_past_due, is_too_late
from alarms.domain.status import Status
from alarms.models import Projection
from alarms.selectors.deadlines import dates_of, deadlines_in
from core import words
from core.quantities import PER_ML, format_quantity
from pumps.models import Pump
from refills.models import Appointment

# Of an appointment without an outcome, to come or past.
TAKEN_OUT: Final = {
    False: "Pump taken out: cancel this",
    True: "Pump taken out since: mark what became of this",
}


@dataclass(frozen=True, slots=True)
class Booked:
    """An appointment, ready to be shown."""

    uuid: UUID
    patient_uuid: UUID
    pump_uuid: UUID
    day: date
    time: str
    when: str
    name: str
    born: str
    mrn: str
    clinic: str
    clinic_id: int
    model: str
    serial_number: str
    solution: str
    refill_by: str
    alarm: str
    state: str
    tone: str
    late: str  # how it lies to the dates where it is not in time
    late_reason: str
    details: tuple[str, ...]
    is_open: bool
    past: bool
    may_arrive: bool
    marked: bool
    cancelled: bool
    no_show: bool
    taken_out: bool  # the pump is: nothing more is booked for it
    may_visit: bool  # its day has come, and nobody said that the patient did not
    visit_uuid: UUID | None = None  # the visit of that pump on that day


def present(row: Appointment, now: datetime, visit_uuid: UUID | None = None) -> Booked:
    """Put an appointment into words; its pump is loaded with model, patient and projection."""
    pump = row.pump
    zone = pump.clinic.zone
    local = row.starts_at.astimezone(zone)
    dates = dates_of(pump)
    cancelled = row.cancelled_at is not None
    is_open = not cancelled and not row.outcome
    past = row.starts_at <= now
    state, tone = ("Visit recorded", "calm") if visit_uuid else _state(row, past)
    no_show = row.outcome == Appointment.Outcome.NO_SHOW
    has_come = local.date() <= now.astimezone(zone).date()
    taken_out = pump.explant is not None
    return Booked(
        uuid=row.uuid,
        patient_uuid=pump.patient.uuid,
        pump_uuid=pump.uuid,
        day=local.date(),
        time=f"{local:%H:%M} {words.zone_name(local)}",
        when=words.weekday_instant(row.starts_at, zone),
        name=pump.patient.display_name,
        born=words.day(pump.patient.date_of_birth),
        mrn=pump.patient.mrn,
        clinic=pump.clinic.name,
        clinic_id=pump.clinic_id,
        model=pump.model.name,
        serial_number=pump.serial_number or "no serial number",
        solution=_solution(dates, pump),
        refill_by=words.day(dates.refill_due_on) if dates.refill_due_on else "Not known",
        alarm=words.day(dates.alarm_date) if dates.alarm_date else "Not known",
        state=state,
        tone=tone,
        late=TAKEN_OUT[past] if taken_out and is_open else late(local.date(), dates, row, past),
        taken_out=taken_out,
        late_reason=row.late_reason,
        details=tuple(_details(row, zone)),
        is_open=is_open,
        past=past,
        may_arrive=is_open and has_come and visit_uuid is None,
        marked=bool(row.outcome),
        cancelled=cancelled,
        no_show=no_show,
        may_visit=has_come and visit_uuid is None and not (cancelled or no_show or taken_out),
        visit_uuid=visit_uuid,
    )


def late(day: date, dates: Projection, row: Appointment, past: bool) -> str:
    """That an appointment to come does not come in time; empty where it does."""
    if past or row.cancelled_at is not None or row.outcome:
        return ""
    deadlines = deadlines_in(dates)
    limit = deadlines.limit
    if is_too_late(day, deadlines) and limit is not None:
        if limit.kind.endswith("alarm"):
            return f"Not before the alarm, {words.day(limit.day)}"
        return f"May be empty by then, from {words.day(limit.day)}"
    if is_past_due(day, deadlines):
        return f"Late: refill by {words.day(deadlines.due)}"
    return "" if deadlines.known else "Dates not known: cannot be checked"


def limit_in_words(deadlines: Deadlines) -> str:
    """`The pump may be empty from 26-Dec-2026.`: the first day that is too late, and why."""
    limit = deadlines.limit
    if limit is None:
        return ""
    what = {
        "alarm": "Its alarm comes on",
        "printed_alarm": "The printed alarm date is",
        "may_be_empty": "The pump may be empty from",
        "empty": "The pump is empty on",
    }[limit.kind]
    return f"{what} {words.weekday(limit.day)}."


def _state(row: Appointment, past: bool) -> tuple[str, str]:
    if row.cancelled_at is not None:
        return ("Moved" if row.replaced_by_id else "Cancelled"), "calm"
    if row.outcome == Appointment.Outcome.ARRIVED:
        return "Arrived", Status.DUE
    if row.outcome == Appointment.Outcome.NO_SHOW:
        return "No-show", Status.ALARM
    return ("No outcome yet", Status.OVERDUE) if past else ("Booked", "calm")


def _solution(dates: Projection, pump: Pump) -> str:
    reservoir = format_quantity(pump.model.reservoir_ml, "mL")
    if dates.concentration_mcg_per_ml is None:
        return reservoir
    return f"{format_quantity(dates.concentration_mcg_per_ml, PER_ML)} · {reservoir}"


def _details(row: Appointment, zone: ZoneInfo) -> list[str]:
    found = [f"Booked by {row.created_by.display_name}, {words.instant(row.created_at, zone)}"]
    if row.late_reason:
        found.append(f"Not before the alarm because: “{row.late_reason}”")
    if row.cancelled_by is not None:
        by = f"{row.cancelled_by.display_name}, {words.instant(row.cancelled_at, zone)}"
        moved = row.replaced_by
        if moved is None:
            found.append(f"Cancelled by {by}: “{row.cancel_reason}”")
        else:
            to = words.weekday_instant(moved.starts_at, zone)
            found.append(f"Moved to {to} by {by}: “{row.cancel_reason}”")
    if row.outcome_by is not None:
        by = f"{row.outcome_by.display_name}, {words.instant(row.outcome_at, zone)}"
        found.append(f"Marked “{row.get_outcome_display()}” by {by}")
    return found
