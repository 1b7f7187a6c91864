"""Taking back a refill that no visit recorded: an import did, from a wrong sheet or a wrong row."""

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
from pumps.models import Interrogation
from refills import services as refills
from refills.models import Fill, FillCorrection
from visits.models import Visit

from .entries import SOURCE


def programs_with(fill: Fill) -> list[Program]:
    """The programs that came with the refill, from the sheet too."""
    rows = Program.objects.filter(
        pump_id=fill.pump_id, effective_at=fill.at, correction__isnull=True, visit__isnull=True
    )
    return list(rows.order_by("id"))


def check_may_be_taken_back(fill: Fill) -> None:
    """Refuse to take back what a visit holds together, or what later records rest on.

    Raises:
        RuleViolation: `of_a_visit`, `already_corrected` or `not_the_latest`.
    """
    if Visit.objects.filter(fill=fill).exists():
        raise RuleViolation.of(
            "reason", "of_a_visit", "A visit recorded this refill. Take back the visit."
        )
    if FillCorrection.objects.filter(fill=fill).exists():
        raise RuleViolation.of("reason", "already_corrected", "This refill was taken back already.")
    own = [program.pk for program in programs_with(fill)]
    of_pump = Q(pump_id=fill.pump_id, correction__isnull=True)
    after = of_pump & Q(recorded_at__gt=fill.recorded_at)
    for rows, what in (
        (Fill.objects.filter(of_pump, pk__gt=fill.pk), "a refill"),
        (Program.objects.filter(after).exclude(pk__in=own), "a program"),
        (Bolus.objects.filter(after), "a bolus"),
    ):
        later = rows.order_by("-pk").select_related("recorded_by").first()
        if later is not None:
            raise RuleViolation.of(
                "reason",
                "not_the_latest",
                f"After this refill {what} was recorded by {later.recorded_by.display_name}, and "
                "its dates rest on both. Take back the later one first, in the history.",
            )


@transaction.atomic
def take_back_imported(*, fill: Fill, reason: str, by: User, now: datetime) -> None:
    """Take back a refill with the program and the readout that the sheet brought with it.

    Raises:
        RuleViolation: no reason, or as `check_may_be_taken_back` says.
    """
    pump = pumps.lock_pump(fill.pump_id)
    check_may(by, Action.RECORD_VISIT, pump.clinic)
    if not reason.strip():
        raise RuleViolation.of("reason", "missing", "Say what was wrong with the refill.")
    check_may_be_taken_back(fill)
    for program in programs_with(fill):
        dosing.correct_program(program=program, replacement=None, reason=reason, by=by, now=now)
    refills.correct_fill(fill=fill, replacement=None, reason=reason, by=by, now=now)
    seen = Interrogation.objects.filter(
        pump=pump, at=fill.at, source=SOURCE, correction__isnull=True
    )
    for interrogation in seen.order_by("id"):
        pumps.withdraw_interrogation(interrogation=interrogation, reason=reason, by=by, now=now)
    followup.resync([pump.pk], now=now)
