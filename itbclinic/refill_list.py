"""The rows of the refill-due list as values for programs: JSON and CSV.

The page formats the same rows for people (`alarms.presenters`); both come from
`alarms.selectors.worklist`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, TypedDict

from accounts.models import Clinic
from alarms.domain.status import Status
from alarms.models import Projection
from alarms.selectors.listed import ListedPump, NextAppointment, Position
from core.local_time import iso_z
from core.quantities import plain
from pumps.models import Pump
from rosters.models import ImportRow

from .csv_cells import marked


class PatientItem(TypedDict):
    id: str
    mrn: str
    name: str
    date_of_birth: str


class PumpItem(TypedDict):
    id: str
    model: str
    serial_number: str


class AppointmentItem(TypedDict):
    id: str
    starts_at: str


class Item(TypedDict):
    """One row as docs/contracts.md, REST, says: quantities are strings, days and instants ISO."""

    patient: PatientItem
    pump: PumpItem
    clinic: str
    as_of_date: str
    status: Status
    reason: str | None
    window_opens_on: str | None
    refill_due_on: str | None
    alarm_date: str | None
    earliest_empty_date: str | None
    empty_date: str | None
    printed_alarm_date: str | None
    flags: list[str]
    days_to_alarm: int | None
    binding_clock: str | None
    daily_dose_mcg: str | None
    concentration_mcg_per_ml: str | None
    appointment: AppointmentItem | None


class RefusedItem(TypedDict):
    """A row of the roster that was not imported."""

    id: str
    clinic: str
    row: int
    mrn: str
    errors: list[dict[str, str]]
    imported_on: str


class Answer(TypedDict):
    """One page of the list; `itbclinic.api.schemas` describes it to its readers."""

    as_of: str
    computed_at: str | None
    stale: bool
    total_count: int
    active_count: int
    excluded_count: int
    hidden_more_urgent: int
    complete: bool
    next: str | None
    unimported_rows: list[RefusedItem]
    results: list[Item]


def clinic_date(clinic: Clinic, instant: datetime) -> date:
    """The clinic's calendar date of an instant."""
    return instant.astimezone(clinic.zone).date()


def item(row: ListedPump) -> Item:
    """One row of the worklist for programs."""
    dates = row.dates
    alarm_date = dates.alarm_date
    return {
        "patient": {
            "id": str(row.patient.uuid),
            "mrn": row.patient.mrn,
            "name": row.patient.display_name,
            "date_of_birth": row.patient.date_of_birth.isoformat(),
        },
        "pump": {
            "id": str(row.pump.uuid),
            "model": row.model.name,
            "serial_number": row.pump.serial_number,
        },
        "clinic": row.clinic.slug,
        "as_of_date": row.today.isoformat(),
        "status": row.status,
        "reason": row.reason or None,
        "window_opens_on": _date(dates.window_opens_on),
        "refill_due_on": _date(dates.refill_due_on),
        "alarm_date": _date(alarm_date),
        "earliest_empty_date": _date(dates.earliest_empty_date),
        "empty_date": _date(dates.empty_date),
        "printed_alarm_date": _date(dates.printed_alarm_date),
        "flags": _flags(row.pump, dates),
        "days_to_alarm": (alarm_date - row.today).days if alarm_date else None,
        "binding_clock": dates.binding_clock or None,
        "daily_dose_mcg": _quantity(dates.daily_dose_mcg),
        "concentration_mcg_per_ml": _quantity(dates.concentration_mcg_per_ml),
        "appointment": _appointment(row.appointment),
    }


def _flags(pump: Pump, dates: Projection) -> list[str]:
    assumed = ["low_reservoir_alarm_assumed"] if pump.low_reservoir_alarm_assumed else []
    return [*dates.flags, *dates.attention, *assumed]


def _appointment(coming: NextAppointment | None) -> AppointmentItem | None:
    if coming is None:
        return None
    return {"id": str(coming.uuid), "starts_at": iso_z(coming.starts_at)}


def _date(value: date | None) -> str | None:
    return value.isoformat() if value else None


def _quantity(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def refused_row(row: ImportRow) -> RefusedItem:
    """A row of the roster that was not imported and that nobody settled yet."""
    return {
        "id": str(row.uuid),
        "clinic": row.clinic.slug,
        "row": row.row,
        "mrn": row.mrn,
        "errors": row.errors,
        "imported_on": iso_z(row.run.started_at),
    }


CSV_COLUMNS: Final = (
    "clinic",
    "patient_id",
    "mrn",
    "name",
    "date_of_birth",
    "pump_id",
    "model",
    "serial_number",
    "as_of_date",
    "status",
    "reason",
    "window_opens_on",
    "refill_due_on",
    "alarm_date",
    "earliest_empty_date",
    "empty_date",
    "printed_alarm_date",
    "flags",
    "days_to_alarm",
    "binding_clock",
    "daily_dose_mcg",
    "concentration_mcg_per_ml",
    "appointment_starts_at",
)


def csv_row(found: Item) -> list[str]:
    """One row of `item` under `CSV_COLUMNS`; no cell starts a formula in a spreadsheet."""
    flat: Mapping[str, object] = {
        **found,
        "patient_id": found["patient"]["id"],
        "mrn": found["patient"]["mrn"],
        "name": found["patient"]["name"],
        "date_of_birth": found["patient"]["date_of_birth"],
        "pump_id": found["pump"]["id"],
        "model": found["pump"]["model"],
        "serial_number": found["pump"]["serial_number"],
        "flags": " ".join(found["flags"]),
        "appointment_starts_at": found["appointment"] and found["appointment"]["starts_at"],
    }
    return [_cell(flat[name]) for name in CSV_COLUMNS]


def _cell(value: object) -> str:
    """A typed name such as `=HYPERLINK(…)` must stay text when a spreadsheet opens the file."""
    if value is None:
        return ""
    return marked(value) if isinstance(value, str) else str(value)


def position_as_list(position: Position) -> list[int | str]:
    """A place in the list as JSON values, for a cursor."""
    return [position.rank, position.alarm.isoformat(), position.due.isoformat(), position.pump_id]


def position_from(values: Sequence[int | str]) -> Position:
    """The place that `position_as_list` wrote."""
    rank, alarm, due, pump_id = values
    return Position(
        int(rank), date.fromisoformat(str(alarm)), date.fromisoformat(str(due)), int(pump_id)
    )
