"""One encounter: a refill, a dose change, or both in one act; and taking back one entered in error.

The visit, its facts, the new dates, the plan of reminders, the summary and the audit events are one
transaction: no reader ever sees a part of them.
"""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

import alarms.services.projection as alarms
from accounts import audit
from accounts.models import User
from accounts.policies import Action, check_may
from accounts.rules import RuleViolation
from dosing import services as dosing
from dosing.domain import programs
from pumps import services as pumps
from pumps.models import Pump
from pumps.services import InterrogationEntry
from refills import services as refills
from refills.services import FillEntry
from visits.models import Visit, VisitWithdrawal

from . import summaries
from .visit import check_version

READOUT = "Programmer at the visit"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitEntry:
    """What was done at one instant: volumes in mL, `program.effective_at` is the visit's instant.

    Args:
        key: made with the form; a second entry with the same key is the same visit.
        reason: why the dose changes.
        ordered_by: the doctor, where the one who records is none.
        concern_reason: why it is right in spite of the warnings.
    """

    key: uuid.UUID
    at: datetime
    fill: FillEntry | None = None
    program: programs.Program | None = None
    printed_alarm_date: date | None = None
    reservoir_volume_ml: Decimal | None = None
    reason: str = ""
    ordered_by: User | None = None
    concern_reason: str = ""
    note: str = ""


@transaction.atomic
def complete_visit(
    *, pump_id: int, entry: VisitEntry, by: User, now: datetime, seen_version: int | None = None
) -> Visit:
    """Record a visit with all that follows from it.

    Args:
        now: the instant of recording; nothing may be dated after it.
        seen_version: the pump's `input_version` on the page that the user saved from.

    Returns:
        The visit; the one that is on record already, where this key was saved before.

    Raises:
        RuleViolation: with every sentence; then nothing was written.
    """
    pump = pumps.lock_pump(pump_id)
    check_may(by, Action.RECORD_VISIT, pump.clinic)
    saved = Visit.objects.filter(key=entry.key, pump=pump).first()
    if saved is not None:
        return saved
    check_version(pump, seen_version)
    visit = _record(pump, entry, by, now)
    projection = alarms.resync([pump.pk], now=now)[pump.pk]
    audit.record(
        event="visit.recorded",
        by=by,
        at=now,
        clinic_id=pump.clinic_id,
        subject_type="pump",
        subject_id=pump.uuid,
        reason=entry.concern_reason,
        after={"visit": str(visit.uuid), "at": entry.at.isoformat()},
    )
    summaries.issue(visit=visit, projection=projection, now=now)
    return visit


def _record(pump: Pump, entry: VisitEntry, by: User, now: datetime) -> Visit:
    """The facts, and the visit that holds them together."""
    fill = program = interrogation = None
    if entry.fill is not None:
        fill = refills.record_fill(pump=pump, entry=entry.fill, at=entry.at, by=by, now=now)
    if entry.program is not None:
        program = dosing.prescribe(
            pump=pump, program=entry.program, by=by, now=now, reason=entry.reason
        )
    if entry.printed_alarm_date is not None or entry.reservoir_volume_ml is not None:
        interrogation = pumps.record_interrogation(
            pump=pump,
            entry=InterrogationEntry(
                source=READOUT,
                printed_alarm_date=entry.printed_alarm_date,
                reservoir_volume_ml=entry.reservoir_volume_ml,
            ),
            at=entry.at,
            by=by,
            recorded_at=now,
        )
    return Visit.objects.create(
        key=entry.key,
        clinic_id=pump.clinic_id,
        pump=pump,
        at=entry.at,
        fill=fill,
        program=program,
        interrogation=interrogation,
        ordered_by=entry.ordered_by,
        concern_reason=entry.concern_reason.strip(),
        note=entry.note.strip(),
        recorded_at=now,
        recorded_by=by,
    )


@transaction.atomic
def withdraw_visit(*, visit: Visit, reason: str, by: User, now: datetime) -> VisitWithdrawal:
    """Take back a visit that was entered in error: its facts do not count any more.

    Raises:
        RuleViolation: no reason, or taken back already.
    """
    pump = pumps.lock_pump(visit.pump_id)
    check_may(by, Action.RECORD_VISIT, pump.clinic)
    if not reason.strip():
        raise RuleViolation.of("reason", "missing", "Say what was wrong with the visit.")
    if VisitWithdrawal.objects.filter(visit=visit).exists():
        raise RuleViolation.of("visit", "already_withdrawn", "This visit was taken back already.")
    if visit.fill is not None:
        refills.correct_fill(fill=visit.fill, replacement=None, reason=reason, by=by, now=now)
    if visit.program is not None:
        dosing.correct_program(
            program=visit.program, replacement=None, reason=reason, by=by, now=now
        )
    if visit.interrogation is not None:
        pumps.withdraw_interrogation(
            interrogation=visit.interrogation, reason=reason, by=by, now=now
        )
    row = VisitWithdrawal.objects.create(visit=visit, reason=reason.strip(), at=now, by=by)
    audit.record(
        event="visit.withdrawn",
        by=by,
        at=now,
        clinic_id=pump.clinic_id,
        subject_type="pump",
        subject_id=pump.uuid,
        reason=reason.strip(),
        after={"visit": str(visit.uuid)},
    )
    alarms.resync([pump.pk], now=now)
    summaries.withdraw_for(visit=visit, now=now)
    return row
