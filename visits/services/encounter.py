"""One encounter: a refill, a dose change, or both in one act.

The visit, its facts, the new dates, the plan of reminders, the summary and the audit events are one
transaction: no reader ever sees a part of them.
"""

from datetime import date, datetime
from fractions import Fraction

from django.db import IntegrityError, transaction

from accounts.models import Role, User
from accounts.policies import Action, check_may, roles_of
from accounts.selectors import doctors_of
from alarms.models import Projection
from core.rules import Problem, RuleViolation
from dosing import services as dosing
from dosing.models import BolusKind
from dosing.services import BolusEntry
from followup import services as followup
from pumps import services as pumps
from pumps.models import Pump
from pumps.services import InterrogationEntry
from pumps.services.devices import check_in_place
from refills import services as refills
from refills.models import Fill
from visits.domain.proposal import comparison
from visits.models import Visit, VisitWithdrawal

from . import summaries
from .booking import arrive_for_visit
from .entry import BridgeEntry, VisitEntry
from .preview import Preview, preview
from .repeats import check_same
from .visit import check_version
from .withdrawing import withdraw_visit

__all__ = ["BridgeEntry", "VisitEntry", "complete_visit", "withdraw_visit"]

READOUT = "Programmer at the visit"


@transaction.atomic
def complete_visit(
    *, pump_id: int, entry: VisitEntry, by: User, now: datetime, seen_version: int | None = None
) -> Visit:
    """Record a visit with all that follows from it.

    Args:
        now: the instant of recording; nothing may be dated after it.
        seen_version: the pump's `input_version` on the page that the user saved from.

    Returns:
        The visit; the one that is on record already, where this very entry was saved before.

    Raises:
        RuleViolation: with every sentence; then nothing was written.
    """
    pump = pumps.lock_pump(pump_id)
    check_may(by, Action.RECORD_VISIT, pump.clinic)
    saved = Visit.objects.filter(key=entry.key).select_related("fill", "program").first()
    if saved is not None:
        check_same(saved, entry, pump)
        _check_still_counts(saved)
        return saved
    if pump.explant is not None and entry.at >= pump.explant.at:
        check_in_place(pump)  # who took it out, not only that something changed
    check_version(pump, seen_version)
    found = preview(pump, entry, now=now)
    check_visit(found, entry, by)
    visit = _record(pump, entry, found, by, now)
    if entry.fill is not None:
        arrive_for_visit(pump=pump, at=entry.at, by=by, now=now)
    projection = followup.resync([pump.pk], now=now)[pump.pk]
    pumps.audit_pump(
        pump,
        "visit.recorded",
        by,
        now,
        entry.concern_reason,
        after={
            "visit": str(visit.uuid),
            "at": entry.at.isoformat(),
            "concerns": ", ".join(visit.concerns),
        },
    )
    _follow_up(visit, projection, now)
    return visit


def _check_still_counts(saved: Visit) -> None:
    """Refuse to call a visit recorded that was taken back since: its form is still open somewhere.

    Raises:
        RuleViolation: `key_used`.
    """
    if VisitWithdrawal.objects.filter(visit=saved).exists():
        raise RuleViolation.of(
            "key",
            "key_used",
            "This visit was saved before and taken back since. Nothing was saved now: look at it "
            "once more, then save again to record it anew.",
        )


def _follow_up(visit: Visit, projection: Projection, now: datetime) -> None:
    """What a visit settles beside the dates, in its transaction: the one place for it."""
    summaries.issue(visit=visit, projection=projection, now=now)


def check_visit(found: Preview, entry: VisitEntry, by: User) -> None:
    """Refuse a visit that must not be saved, or that lacks a reason or a name.

    Raises:
        RuleViolation: with each field's sentence.
    """
    problems = list(found.stops)
    if entry.fill is None and entry.program is None:
        problems.append(
            Problem("volume_ml", "missing", "Write what was filled, or change the dose.")
        )
    if entry.program is not None:
        problems += _program_problems(found.facts.pump, entry, by)
    if not found.stops:  # with one, nothing is computed that could warn
        problems += _concern_problems(found, entry)
    if problems:
        raise RuleViolation(problems)


def _program_problems(pump: Pump, entry: VisitEntry, by: User) -> list[Problem]:
    problems = []
    if entry.program is not None and entry.program.effective_at != entry.at:
        text = "A visit's program counts from the visit's time."
        problems.append(Problem("at", "program_at_another_time", text))
    return problems + order_problems(pump, entry.reason, entry.ordered_by, by)


def order_problems(pump: Pump, reason: str, ordered_by: User | None, by: User) -> list[Problem]:
    """What a change of the program lacks beside the program: why, and on whose order."""
    problems = []
    if not reason.strip():
        problems.append(Problem("reason", "missing", "Say why the dose changes."))
    doctors = doctors_of(pump.clinic)
    if ordered_by is None and roles_of(by).get(pump.clinic_id) != Role.DOCTOR:
        text = "Name the doctor who ordered the change."
        if not doctors:
            text += " The clinic has none on record: ask its administrator to add one."
        problems.append(Problem("ordered_by", "missing", text))
    elif ordered_by is not None and ordered_by not in doctors:
        text = "This person is not a doctor at this clinic. Choose one from the list."
        problems.append(Problem("ordered_by", "not_a_doctor", text))
    return problems


def _concern_problems(found: Preview, entry: VisitEntry) -> list[Problem]:
    shown = {concern.token for concern in found.concerns}
    if entry.seen_concerns is not None and set(entry.seen_concerns) != shown:
        text = "Warnings appeared or went since you looked. Nothing was saved: read them, then save"
        if not shown:
            text = "The warnings that you saw no longer apply. Nothing was saved: look, then save"
        return [Problem("seen_concerns", "concerns_changed", f"{text} again.")]
    if found.concerns and not entry.concern_reason.strip():
        text = "Explain why this is correct despite the warnings, or correct what was typed."
        return [Problem("concern_reason", "missing", text)]
    return []


def _record(pump: Pump, entry: VisitEntry, found: Preview, by: User, now: datetime) -> Visit:
    """The facts, and the visit that holds them together."""
    fill = program = bridge = interrogation = None
    dates = _dates(pump, found)  # before anything is written
    if entry.fill is not None:
        fill = refills.record_fill(pump=pump, entry=entry.fill, at=entry.at, by=by, now=now)
        _compare(fill, found, now)
    if entry.program is not None:
        program = dosing.prescribe(
            pump=pump, program=entry.program, by=by, now=now, reason=entry.reason.strip()
        )
    if entry.bridge is not None:
        bridge = dosing.record_bolus(
            pump=pump,
            entry=BolusEntry(
                kind=BolusKind.BRIDGE,
                at=entry.at,
                dose_mcg=entry.bridge.dose_mcg,
                minutes=entry.bridge.minutes,
            ),
            by=by,
            now=now,
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
    try:
        with transaction.atomic():
            return Visit.objects.create(
                key=entry.key,
                clinic_id=pump.clinic_id,
                pump=pump,
                at=entry.at,
                fill=fill,
                program=program,
                bridge=bridge,
                interrogation=interrogation,
                ordered_by=entry.ordered_by,
                concerns=[concern.code for concern in found.concerns],
                concern_reason=entry.concern_reason.strip() if found.concerns else "",
                note=entry.note.strip(),
                **dates,
                recorded_at=now,
                recorded_by=by,
            )
    except IntegrityError as error:  # the same key at another pump, at the same moment
        raise RuleViolation.of(
            "key", "key_used", "This form was saved already. Nothing was saved: open it anew."
        ) from error


def _dates(pump: Pump, found: Preview) -> dict[str, date | None]:
    """The alarm and the refill date until now and from now on, for the visit's row."""
    before = Projection.objects.filter(pump=pump, input_version=pump.input_version).first()
    after = found.dates_after
    return {
        "alarm_date_before": before.alarm_date if before else None,
        "refill_due_before": before.refill_due_on if before else None,
        "alarm_date_after": after.alarm_date if after else None,
        "refill_due_after": after.refill_due_on if after else None,
    }


def _compare(fill: Fill, found: Preview, now: datetime) -> None:
    before = found.situation
    difference = comparison(before, fill.aspirated_ml)
    if difference is None:
        return
    assert before.fill is not None
    assert before.expected_ml is not None
    refills.record_discrepancy(
        fill=fill,
        found=difference,
        expected_ml=before.expected_ml,
        programmed_ml=Fraction(before.fill.volume_ml) - before.expected_ml,
        now=now,
    )
