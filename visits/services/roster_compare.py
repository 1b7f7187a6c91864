"""Holds a row of the roster against what is on record of the same refill and the same patient."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from alarms.selectors.inputs import domain_program
from dosing.domain import programs
from dosing.models import Program
from dosing.selectors import current_programs, steps_of
from patients.models import Patient
from pumps.models import Interrogation, Pump
from refills.models import Fill
from visits.domain.roster_types import RosterRow, RowError, RowWarning

from .roster_refills import program_taken_back

_WAY_OUT: Final = (
    "A refill on record is not changed by a sheet: correct the sheet, or the record on the "
    "patient's page."
)
_DOSE_WAY_OUT: Final = (
    "If the pump was reprogrammed at the refill or later, record that on the patient's page with "
    "its own date; otherwise correct the sheet or the record."
)


def same_refill_conflicts(
    row: RosterRow, pump: Pump, fill: Fill
) -> tuple[list[RowError], frozenset[str]]:
    """What the row says otherwise than the record, and what it says that the record lacks.

    Returns:
        The conflicts, and the gaps: `program`, `Alarm Date`.
    """
    conflicts = list(_fill_conflicts(row, pump, fill))
    gaps = set()
    recorded = _program_at(fill)
    if row.program is not None and recorded is None:
        taken_back = program_taken_back(row.program, fill, pump.clinic)
        conflicts += [taken_back] if taken_back else []
        gaps.add("program")
    elif row.program is not None and recorded is not None:
        conflicts += _program_conflicts(row.program, _as_domain(recorded))
    printed = _printed_at(fill)
    if row.printed_alarm_date is not None and printed is None:
        gaps.add("Alarm Date")
    elif row.printed_alarm_date is not None and printed != row.printed_alarm_date:
        conflicts.append(_conflict("Alarm Date", _WAY_OUT))
    return conflicts, frozenset(gaps)


def _conflict(column: str, way_out: str) -> RowError:
    return RowError(
        column,
        "conflicts_with_record",
        f"{column} differs from what is on record for this refill. {way_out}",
    )


def _fill_conflicts(row: RosterRow, pump: Pump, fill: Fill) -> Iterator[RowError]:
    if row.volume_ml != fill.volume_ml:
        yield _conflict("Volume (mL)", _WAY_OUT)
    if row.concentration_mcg_per_ml != fill.concentration_mcg_per_ml:
        yield _conflict("Concentration", _WAY_OUT)
    alarm_ml: Decimal | None = row.low_reservoir_alarm_ml
    known = not pump.low_reservoir_alarm_assumed
    if alarm_ml is not None and known and alarm_ml != pump.low_reservoir_alarm_ml:
        yield _conflict("Low Alarm (mL)", _WAY_OUT)


def _program_at(fill: Fill) -> Program | None:
    """The program in force at the fill, whether the fill brought it or found it; of two at one
    instant, the last entered. One that goes on from before, for another concentration, is none."""
    rows = current_programs([fill.pump_id]).get(fill.pump_id, [])
    begun = [program for program in rows if program.effective_at <= fill.at]
    if not begun:
        return None
    last = begun[-1]
    same_drug = last.concentration_mcg_per_ml == fill.concentration_mcg_per_ml
    return last if same_drug or last.effective_at == fill.at else None


def _as_domain(program: Program) -> programs.Program:
    return domain_program(program, steps_of([program.pk])[program.pk])


def _program_conflicts(ours: programs.Program, recorded: programs.Program) -> Iterator[RowError]:
    if type(ours) is not type(recorded):
        yield _conflict("Mode", _DOSE_WAY_OUT)
    elif _delivery(ours) != _delivery(recorded):
        column = "Schedule" if isinstance(ours, programs.Flex) else "Daily Dose"
        yield _conflict(column, _DOSE_WAY_OUT)


def _delivery(program: programs.Program) -> Any:
    """What is delivered when, however the days were grouped."""
    match program:
        case programs.SimpleContinuous():
            return program.daily_dose_mcg
        case programs.Flex():
            return {
                day: [(step.start_minute, step.dose_mcg) for step in group.steps]
                for group in program.groups
                for day in group.days
            }
    return None


def _printed_at(fill: Fill) -> Any:
    """The alarm date that was printed at the visit of the fill; None when none is on record."""
    return (
        Interrogation.objects.filter(
            pump_id=fill.pump_id,
            at=fill.at,
            printed_alarm_date__isnull=False,
            correction__isnull=True,
        )
        .order_by("id")
        .values_list("printed_alarm_date", flat=True)
        .last()
    )


def contact_warnings(patient: Patient, row: RosterRow) -> list[RowWarning]:
    """What the sheet says otherwise of who the patient is and whom to call.

    No date hangs on these, and they may have been brought up to date here since: a person decides.
    """
    columns = [
        column
        for column, typed, recorded in (
            ("Language", row.language, patient.language),
            ("Diagnosis", row.diagnosis, patient.diagnosis),
        )
        if typed and typed.casefold() != recorded.casefold()
    ]
    people = list(patient.caregivers.all())
    for column, name in (
        ("Guardian", "relationship"),
        ("Guardian", "name"),
        ("Guardian Phone", "phone"),
        ("Email", "email"),
    ):
        typed = getattr(row.contact, name)
        if typed and typed.casefold() not in {getattr(p, name).casefold() for p in people}:
            columns.append(column)
    if not columns:
        return []
    listed = ", ".join(dict.fromkeys(columns))
    contacts = any(column not in ("Language", "Diagnosis") for column in columns)
    way = ": the sheet, or the patient's page under “Who to call”" if contacts else ""
    return [
        RowWarning(
            "differs_from_record",
            f"{listed}: the sheet says something else than the patient's page, which was left as "
            f"it is. Bring one of them up to date{way}.",
        )
    ]
