"""The rows of the refill-due list as values for programs: JSON and CSV.

The page formats the same rows for people (`alarms.presenters`); both come from
`alarms.selectors.worklist`.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from accounts.models import Clinic
from alarms.models import Projection
from alarms.selectors import worklist
from core.local_time import iso_z
from core.quantities import plain
from rosters.models import ImportRow

from .csv_cells import marked

NO_PROJECTION: Final = Projection()


def clinic_date(clinic: Clinic, instant: datetime) -> date:
    """The clinic's calendar date of an instant."""
    return instant.astimezone(clinic.zone).date()


def item(row: Any) -> dict[str, Any]:
    """One row of `worklist.page` as contracts.md, REST, names it. Quantities are strings."""
    stale = row.reason == "recalculating"
    projection = NO_PROJECTION if stale else row.projection
    alarm_date = projection.alarm_date
    return {
        "patient": {
            "id": str(row.patient.uuid),
            "mrn": row.patient.mrn,
            "name": row.patient.display_name,
            "date_of_birth": row.patient.date_of_birth.isoformat(),
        },
        "pump": {
            "id": str(row.uuid),
            "model": row.model.name,
            "serial_number": row.serial_number,
        },
        "clinic": row.clinic.slug,
        "as_of_date": row.today.isoformat(),
        "status": worklist.RANKS[row.rank],
        "reason": row.reason or None,
        "window_opens_on": _date(projection.window_opens_on),
        "refill_due_on": _date(projection.refill_due_on),
        "alarm_date": _date(alarm_date),
        "earliest_empty_date": _date(projection.earliest_empty_date),
        "empty_date": _date(projection.empty_date),
        "printed_alarm_date": _date(projection.printed_alarm_date),
        "flags": _flags(row, projection),
        "days_to_alarm": (alarm_date - row.today).days if alarm_date else None,
        "binding_clock": projection.binding_clock or None,
        "daily_dose_mcg": _quantity(projection.daily_dose_mcg),
        "concentration_mcg_per_ml": _quantity(projection.concentration_mcg_per_ml),
        "appointment": _appointment(row),
    }


def _flags(row: Any, projection: Projection) -> list[str]:
    assumed = ["low_reservoir_alarm_assumed"] if row.low_reservoir_alarm_assumed else []
    return [*projection.flags, *projection.attention, *assumed]


def _appointment(row: Any) -> dict[str, str] | None:
    if row.appointment_at is None:
        return None
    return {"id": str(row.appointment_uuid), "starts_at": iso_z(row.appointment_at)}


def _date(value: date | None) -> str | None:
    return value.isoformat() if value else None


def _quantity(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def refused_row(row: ImportRow) -> dict[str, Any]:
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


def csv_row(found: dict[str, Any]) -> list[str]:
    """One row of `item` under `CSV_COLUMNS`; no cell starts a formula in a spreadsheet."""
    flat = {
        **{name: found[name] for name in CSV_COLUMNS if name in found},
        "patient_id": found["patient"]["id"],
        "mrn": found["patient"]["mrn"],
        "name": found["patient"]["name"],
        "date_of_birth": found["patient"]["date_of_birth"],
        "pump_id": found["pump"]["id"],
        "model": found["pump"]["model"],
        "serial_number": found["pump"]["serial_number"],
        "flags": " ".join(found["flags"]),
        "appointment_starts_at": (found["appointment"] or {}).get("starts_at"),
    }
    return [_cell(flat[name]) for name in CSV_COLUMNS]


def _cell(value: Any) -> str:
    """A typed name such as `=HYPERLINK(…)` must stay text when a spreadsheet opens the file."""
    if value is None:
        return ""
    return marked(value) if isinstance(value, str) else str(value)


def position_as_list(position: worklist.Position) -> list[Any]:
    """A place in the list as JSON values, for a cursor."""
    return [position.rank, position.alarm.isoformat(), position.due.isoformat(), position.pump_id]


def position_from(values: Sequence[Any]) -> worklist.Position:
    """The place that `position_as_list` wrote."""
    rank, alarm, due, pump_id = values
    return worklist.Position(
        int(rank), date.fromisoformat(alarm), date.fromisoformat(due), int(pump_id)
    )
