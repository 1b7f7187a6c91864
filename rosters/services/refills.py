"""Which refill a row of the roster speaks of, one that a person took back included."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Max

from accounts.models import Clinic, User
from core.words import format_date
from dosing.domain import programs
from dosing.models import Bolus, Program, ProgramCorrection
from patients.models import Patient
from pumps.models import Pump
from refills.models import Fill, FillCorrection
from rosters.domain.dates import LocalMoment
from rosters.domain.identity import last_refill_of
from rosters.domain.row_types import RosterRow, RowError
from rosters.domain.sheet import RawRow
from rosters.models import ImportRow

# How far apart two time zones can have one and the same local time.
_ZONES_APART: Final = timedelta(hours=26)
_APPLIED: Final = (ImportRow.Outcome.IMPORTED, ImportRow.Outcome.UNCHANGED)


def same_refill(row: RosterRow, fills: Sequence[Fill], clinic: Clinic) -> Fill | None:
    """The fill that the row speaks of: at the same instant; where the sheet has no time of day, on
    the same day in the clinic."""
    if row.refill_is_timed:
        found = [fill for fill in fills if fill.at == row.refilled_at]
    else:
        found = [fill for fill in fills if _on_its_day(row, fill, clinic)]
    return found[-1] if found else None


def read_in_another_zone(
    row: RosterRow, fills: Sequence[Fill], patient: Patient, clinic: Clinic
) -> Fill | None:
    """The fill that an earlier import made of the same date and time, when the clinic's time zone
    was another one: 00:00 there may be the day before here."""
    near = [fill for fill in fills if abs(fill.at - row.refilled_at) <= _ZONES_APART]
    if not near or not _was_applied_before(row, patient, clinic):
        return None
    return min(near, key=lambda fill: abs(fill.at - row.refilled_at))


def _on_its_day(row: RosterRow, fill: Fill, clinic: Clinic) -> bool:
    days = [at.astimezone(clinic.zone).date() for at in (fill.at, row.refilled_at)]
    return days[0] == days[1]


def _was_applied_before(row: RosterRow, patient: Patient, clinic: Clinic) -> bool:
    local = row.refilled_at.astimezone(clinic.zone)
    typed = LocalMoment(local.date(), local.time() if row.refill_is_timed else None)
    earlier = ImportRow.objects.filter(clinic=clinic, patient=patient, outcome__in=_APPLIED)
    return any(
        last_refill_of(RawRow(line, cells)) == typed
        for line, cells in earlier.values_list("row", "raw")
    )


def refill_taken_back(
    row: RosterRow, pump: Pump, patient: Patient, clinic: Clinic
) -> RowError | None:
    """Why the row is refused whose refill a named person took back; None where nobody did.

    The whole day counts, whatever time the row has: which of two was right, a person knows.
    """
    fills = [
        correction.fill
        for correction in FillCorrection.objects.filter(
            fill__pump=pump, replacement__isnull=True
        ).select_related("fill__correction__by")
    ]
    found = [fill for fill in fills if _on_its_day(row, fill, clinic)]
    fill = found[-1] if found else read_in_another_zone(row, fills, patient, clinic)
    if fill is None:
        return None
    who = _who_and_when(fill.correction.by, fill.correction.at, clinic)
    return RowError(
        "Last Refill",
        "refill_taken_back",
        f"Last Refill is a refill that {who} took back, so a sheet does not record it anew. If it "
        "was done after all, record it on the patient's page; if not, correct the sheet, or "
        "dismiss this row.",
    )


def program_taken_back(program: programs.Program, fill: Fill, clinic: Clinic) -> RowError | None:
    """Why a row is refused whose program of this fill a named person took back."""
    correction = (
        ProgramCorrection.objects.filter(
            program__pump_id=fill.pump_id, program__effective_at=fill.at, replacement__isnull=True
        )
        .select_related("by")
        .order_by("id")
        .last()
    )
    if correction is None:
        return None
    column = "Schedule" if isinstance(program, programs.Flex) else "Daily Dose"
    who = _who_and_when(correction.by, correction.at, clinic)
    return RowError(
        column,
        "program_taken_back",
        f"{column} belongs to a refill whose program {who} took back, so a sheet does not record "
        "one anew. Record the program that the pump has on the patient's page; then correct the "
        "sheet, or dismiss this row.",
    )


def last_recorded(pump: Pump) -> list[datetime]:
    """When the last of each kind of fact was recorded that a visit may have brought."""
    found = [
        model.objects.filter(pump=pump, correction__isnull=True).aggregate(at=Max("recorded_at"))
        for model in (Fill, Program, Bolus)
    ]
    return [last["at"] for last in found if last["at"] is not None]


def _who_and_when(by: User, at: datetime, clinic: Clinic) -> str:
    local = at.astimezone(clinic.zone)
    return f"{by.display_name} on {format_date(local.date())} at {local:%H:%M}"
