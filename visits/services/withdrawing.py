"""Taking back a visit that was entered in error."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from accounts.policies import Action, check_may
from core.rules import RuleViolation
from dosing import services as dosing
from dosing.models import Bolus, Program
from followup import services as followup
from pumps import services as pumps
from refills import services as refills
from refills.models import Fill
from visits.models import Visit, VisitWithdrawal

from . import summaries, withdrawn_paper
from .booking import take_arrival_back


def check_may_be_withdrawn(visit: Visit) -> None:
    """Refuse to take back what later records rest on.

    Raises:
        RuleViolation: `already_withdrawn` or `not_the_latest`.
    """
    if VisitWithdrawal.objects.filter(visit=visit).exists():
        raise RuleViolation.of("visit", "already_withdrawn", "This visit was taken back already.")
    for model, what, own in (
        (Fill, "a refill", visit.fill_id),
        (Program, "a program", visit.program_id),
        (Bolus, "a bolus", visit.bridge_id),
    ):
        after = Q(recorded_at__gt=visit.recorded_at)
        if own is not None:  # rows of a pump are numbered under its lock, whatever a clock said
            after |= Q(pk__gt=own)
        rows = model.objects.filter(after, pump_id=visit.pump_id, correction__isnull=True)
        later = rows.order_by("-recorded_at").select_related("recorded_by").first()
        if later is not None:
            raise RuleViolation.of(
                "visit",
                "not_the_latest",
                f"After this visit {what} was recorded by {later.recorded_by.display_name}, and "
                "its dates rest on both. Take back the later one first, in the patient's history.",
            )


@transaction.atomic
def withdraw_visit(*, visit: Visit, reason: str, by: User, now: datetime) -> VisitWithdrawal:
    """Take back a visit that was entered in error: its facts do not count any more.

    Raises:
        RuleViolation: no reason, taken back already, or something was recorded after it.
    """
    pump = pumps.lock_pump(visit.pump_id)
    check_may(by, Action.RECORD_VISIT, pump.clinic)
    if not reason.strip():
        raise RuleViolation.of("reason", "missing", "Say what was wrong with the visit.")
    check_may_be_withdrawn(visit)
    if visit.fill is not None:
        refills.correct_fill(fill=visit.fill, replacement=None, reason=reason, by=by, now=now)
    if visit.program is not None:
        dosing.correct_program(
            program=visit.program, replacement=None, reason=reason, by=by, now=now
        )
    if visit.bridge is not None:
        dosing.withdraw_bolus(bolus=visit.bridge, reason=reason, by=by, now=now)
    if visit.interrogation is not None:
        pumps.withdraw_interrogation(
            interrogation=visit.interrogation, reason=reason, by=by, now=now
        )
    take_arrival_back(pump=pump, visit_at=visit.at, recorded_at=visit.recorded_at, by=by, now=now)
    row = VisitWithdrawal.objects.create(visit=visit, reason=reason.strip(), at=now, by=by)
    pumps.audit_pump(
        pump,
        "visit.withdrawn",
        by,
        now,
        reason,
        after={"visit": str(visit.uuid)},
    )
    followup.resync([pump.pk], now=now)
    summaries.withdraw_for(visit=visit, now=now)
    withdrawn_paper.tell_somebody(visit=visit, now=now)
    return row
