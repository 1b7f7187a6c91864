"""Reads that only the pages need: who is excluded and why, and the history on a patient's page.

They start from what a selector has already scoped to the user's clinics.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Q

from accounts.models import AuditEvent, User
from accounts.policies import Action, clinic_ids
from accounts.selectors import audit_events
from alarms.models import Exclusion, Projection, Settlement
from alarms.selectors import worklist
from alarms.selectors.listed import ListedPump
from core import words
from dosing.models import Bolus, Program
from patients.models import Patient
from pumps.models import Catheter, Interrogation, Pump
from rosters.models import ImportRow
from visits.models import AfterVisitSummary, Visit


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
    found = worklist.excluded_pumps(ids, now).filter(
        worklist.matching(worklist.Filters(everything=True, search=search))
    )
    pumps = found.select_related("patient", "model", "clinic", "projection")
    shown = [
        _excluded(pump) for pump in pumps.prefetch_related("exclusions__by", "exclusions__end")
    ]
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
        born=f"{words.day(patient.date_of_birth)} ({words.age(patient.date_of_birth, pump.today)})",
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


def count_recalculating(ids: Collection[int], now: datetime) -> int:
    """How many active pumps have no dates of their present facts yet."""
    fresh = Q(projection__input_version=F("input_version"))
    return worklist.active_pumps(ids, now).filter(Q(projection__isnull=True) | ~fresh).count()


def pumps_of(patient: Patient) -> list[Pump]:
    """The patient's pumps, the latest implanted first; one that was taken out comes last."""
    pumps = patient.pumps.select_related("model", "clinic", "projection").prefetch_related(
        "explants__withdrawal__by", "explants__recorded_by"
    )
    return sorted(pumps.order_by("-implanted_on", "-pk"), key=lambda pump: bool(pump.explant))


def worklist_row(pump: Pump, now: datetime) -> ListedPump | None:
    """The pump as the board lists it; None when it is excluded or taken out."""
    pumps = worklist.listed_pumps([pump.clinic_id], now).filter(pk=pump.pk)
    found = worklist.page(pumps, worklist.Filters(everything=True), size=1)
    return found[0] if found else None


def running_exclusion(pump: Pump, now: datetime) -> Exclusion | None:
    """The exclusion that keeps the pump off the list today."""
    today = now.astimezone(pump.clinic.zone).date()
    return pump.exclusions.filter(end__isnull=True, ends_on__gte=today).select_related("by").first()


def programs(pump: Pump) -> list[Program]:
    """Every program, the corrected ones too, newest first."""
    rows = pump.programs.select_related("recorded_by", "correction__by")
    return list(rows.prefetch_related("steps").order_by("-effective_at", "-id"))


def boluses(pump: Pump) -> list[Bolus]:
    """Every bolus, the corrected ones too, newest first."""
    return list(pump.boluses.select_related("recorded_by", "correction__by").order_by("-at", "-id"))


def interrogations(pump: Pump) -> list[Interrogation]:
    """What the programmer showed, newest first."""
    return list(pump.interrogations.select_related("recorded_by").order_by("-at", "-id"))


def catheters(pump: Pump) -> list[Catheter]:
    """The catheter and its revisions, newest first."""
    return list(pump.catheters.select_related("recorded_by").order_by("-implanted_on", "-id"))


def settlements(pump: Pump) -> list[Settlement]:
    """What people settled about the pump's present facts, newest first."""
    rows = pump.settlements.filter(input_version=pump.input_version)
    return list(rows.select_related("by").order_by("-id"))


def exclusions(pump: Pump) -> list[Exclusion]:
    """Every time the pump was left off the list, newest first."""
    return list(pump.exclusions.select_related("by", "end__by").order_by("-id"))


def sheet_row(patient: Patient) -> ImportRow | None:
    """The last row of the clinic's spreadsheet that spoke of the patient."""
    rows = patient.import_rows.select_related("run").order_by("-id")
    return rows.first()


def audit_of(user: User, patient: Patient, pumps: Collection[Pump]) -> list[AuditEvent]:
    """Who did and read what about the patient, newest first; empty for who may not see it."""
    if patient.clinic_id not in clinic_ids(user, Action.READ_AUDIT):
        return []
    subjects = [str(patient.uuid), *(str(pump.uuid) for pump in pumps)]
    return list(audit_events([patient.clinic_id]).filter(subject_id__in=subjects)[:100])


def visits(pump: Pump) -> list[Visit]:
    """Every visit of the pump, those taken back too, newest first."""
    rows = pump.visits.select_related("recorded_by", "ordered_by", "withdrawal__by")
    return list(rows.order_by("-at", "-id"))


def current_summary(visit: Visit) -> AfterVisitSummary | None:
    """What the family takes home from the visit, in its present version."""
    return visit.summaries.filter(replaced_at__isnull=True).defer("pdf", "html").first()
