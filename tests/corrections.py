"""Facts that were entered in error and replaced: a state that no page makes yet."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from alarms.models import Projection
from dosing import services as dosing
from dosing.domain import programs
from dosing.models import Program
from followup import services as followup
from pumps import services as pumps
from refills import services as refills
from refills.models import Fill
from refills.services import FillEntry
from visits.services.visit import check_version


@transaction.atomic
def correct_fill(
    *,
    fill: Fill,
    replacement: FillEntry | None,
    reason: str,
    by: User,
    now: datetime,
    seen_version: int | None = None,
) -> Projection:
    """Correct a fill that was entered in error, and recompute the dates."""
    pump = pumps.lock_pump(fill.pump_id)
    check_version(pump, seen_version)
    refills.correct_fill(fill=fill, replacement=replacement, reason=reason, by=by, now=now)
    return followup.resync([pump.pk], now=now)[pump.pk]


@transaction.atomic
def correct_program(
    *,
    program: Program,
    replacement: programs.Program | None,
    reason: str,
    by: User,
    now: datetime,
    seen_version: int | None = None,
) -> Projection:
    """Correct a program that was entered in error, and recompute the dates."""
    pump = pumps.lock_pump(program.pump_id)
    check_version(pump, seen_version)
    dosing.correct_program(program=program, replacement=replacement, reason=reason, by=by, now=now)
    return followup.resync([pump.pk], now=now)[pump.pk]
