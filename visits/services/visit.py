"""The one place where a fill, a program or a bolus changes.

Each function locks the pump, writes the facts with their audit events, and has the dates
recomputed: all in one transaction, so that no reader ever sees facts without their dates.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.models import User
from alarms.models import Projection
from alarms.selectors.inputs import load_facts
from alarms.services.checks import check_boluses
from core.rules import RuleViolation
from dosing import services as dosing
from dosing.domain import programs
from dosing.services import BolusEntry
from followup import services as followup
from pumps import services as pumps
from pumps.models import Pump
from pumps.services import InterrogationEntry, devices
from refills import services as refills
from refills.services import FillEntry


def check_version(pump: Pump, seen_version: int | None) -> None:
    """Refuse to save over a change that the user has not seen.

    Args:
        seen_version: the pump's `input_version` on the page that the user saved from; None where
            nothing was seen, as in an import.

    Raises:
        RuleViolation: `stale`.
    """
    if seen_version is not None and seen_version != pump.input_version:
        raise RuleViolation.of(
            "seen_version",
            "stale",
            "Somebody changed this pump's record since you opened the page. Nothing was saved: "
            "look at the new values, then save again.",
        )


@transaction.atomic
def record_facts(
    *,
    pump_id: int,
    at: datetime,
    by: User,
    now: datetime,
    fill: FillEntry | None = None,
    program: programs.Program | None = None,
    boluses: Sequence[BolusEntry] = (),
    interrogation: InterrogationEntry | None = None,
    reason: str = "",
    seen_version: int | None = None,
) -> Projection:
    """Record one encounter and recompute the pump's dates.

    Args:
        at: the visit's one instant, when the pump was updated. The fill carries it, and so does
            the program unless it says another.
        now: the instant of recording; nothing may be dated after it but a program to come.
        program: the new program; its `effective_at` is the visit's instant.

    Returns:
        The new projection.

    Raises:
        RuleViolation: with every sentence; then nothing was written.
    """
    pump = pumps.lock_pump(pump_id)
    check_version(pump, seen_version)
    if pump.explant is not None and at >= pump.explant.at:
        devices.check_in_place(pump)
    if fill is not None:
        refills.record_fill(pump=pump, entry=fill, at=at, by=by, now=now)
    if program is not None:
        dosing.prescribe(pump=pump, program=program, by=by, now=now, reason=reason)
    for bolus in boluses:
        dosing.record_bolus(pump=pump, entry=bolus, by=by, now=now)
    if boluses or program is not None or fill is not None:
        check_boluses(load_facts([pump.pk])[pump.pk], now)
    if interrogation is not None:
        pumps.record_interrogation(pump=pump, entry=interrogation, at=at, by=by, recorded_at=now)
    return followup.resync([pump.pk], now=now)[pump.pk]
