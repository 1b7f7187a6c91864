"""A pump is put in, taken out, or was taken out only on paper: what a nurse or a doctor records.

Each act is one transaction under the pump's lock, with what follows from it: the dates, the plan of
reminders, the appointment, the tasks, the family's paper.
"""

import re
import uuid
from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from django.db import transaction

from accounts.models import User
from accounts.policies import Action, check_may
from alarms.domain.explain import at_clinic
from alarms.selectors.inputs import load_facts
from core.rules import Problem, RuleViolation
from followup import services as followup
from followup.services.work_items import settle_all_of_pump
from patients.models import Patient
from pumps import services as pumps
from pumps.models import Explant, ExplantWithdrawal, Pump, PumpModel
from pumps.services import devices
from refills import services as refills
from refills.selectors import lock_open_appointments, open_appointments

from . import summaries
from .visit import check_version

PUMP_TAKEN_OUT: Final = "The pump was taken out:"


@transaction.atomic
def implant(
    *,
    patient: Patient,
    model: PumpModel,
    serial_number: str,
    implanted_on: date | None,
    low_reservoir_alarm_ml: Decimal | None,
    by: User,
    now: datetime,
) -> Pump:
    """Record a pump that was put in; it is on the list at once, as unknown until its first fill.

    Args:
        low_reservoir_alarm_ml: None takes the catalogue's default, shown as assumed.

    Raises:
        RuleViolation: not allowed, or with each field's sentence.
    """
    check_may(by, Action.RECORD_DEVICE, patient.clinic)
    serial = re.sub(r"\s", "", serial_number).upper()
    problems = []
    if not serial:
        text = "Write the serial number as it is printed on the device card."
        problems.append(Problem("serial_number", "missing", text))
    if implanted_on is None:
        problems.append(Problem("implanted_on", "missing", "Write the day of the implant."))
    if problems:
        raise RuleViolation(problems)
    pump = devices.implant_pump(
        patient=patient,
        model=model,
        serial_number=serial,
        implanted_on=implanted_on,
        low_reservoir_alarm_ml=low_reservoir_alarm_ml,
        by=by,
        at=now,
    )
    followup.resync([pump.pk], now=now)
    return pump


@transaction.atomic
def take_out(
    *,
    pump_id: int,
    at: datetime,
    reason: str,
    by: User,
    now: datetime,
    seen_version: int | None = None,
    seen_appointments: Collection[uuid.UUID] | None = None,
    confirmed: bool = False,
) -> Explant:
    """Record that a pump was taken out; from then on it is on no list, nothing is booked for it,
    and nobody is asked or reminded about it.

    Args:
        at: when; not in the future, and not before the implant.
        seen_version: the pump's `input_version` on the page that the user decided from.
        seen_appointments: those that the page named; None where nothing was shown.
        confirmed: it is right although something was recorded for a later time.

    Raises:
        RuleViolation: with the sentence; then nothing was written.
    """
    pump = pumps.lock_pump(pump_id)
    check_may(by, Action.RECORD_DEVICE, pump.clinic)
    devices.check_in_place(pump)
    check_version(pump, seen_version)
    _check_appointments(pump, seen_appointments)
    if not confirmed:
        _check_nothing_later(pump, at, now)
    row = devices.explant_pump(pump=pump, at=at, reason=reason, by=by, recorded_at=now)
    for appointment in lock_open_appointments(pump, since=at):
        refills.cancel(
            appointment=appointment, reason=f"{PUMP_TAKEN_OUT} {row.reason}", by=by, now=now
        )
    followup.resync([pump.pk], now=now)
    settle_all_of_pump(pump_id=pump.pk, now=now)
    return row


def _check_appointments(pump: Pump, seen: Collection[uuid.UUID] | None) -> None:
    """Refuse to cancel an appointment that the page did not name."""
    if seen is not None and set(seen) != {row.uuid for row in open_appointments(pump)}:
        raise RuleViolation.of(
            "seen_appointments",
            "appointments_changed",
            "Somebody booked, moved or cancelled an appointment of this pump since you opened the "
            "page. Nothing was saved: look at what is booked now, then save again.",
        )


def _check_nothing_later(pump: Pump, at: datetime, now: datetime) -> None:
    """Refuse, until it is said to be right, a time before what was done with the pump."""
    facts = load_facts([pump.pk])[pump.pk]
    done = [("A refill", facts.fill.at)] if facts.fill else []
    done += [("A program", row.effective_at) for row in facts.programs if row.effective_at <= now]
    what, latest = max(done, key=lambda pair: pair[1], default=("", at))
    if latest > at:
        raise RuleViolation.of(
            "at",
            "before_the_last_visit",
            f"{what} of {at_clinic(latest, pump.clinic.zone)} is on record, which is later. Check "
            "the date; if it is right all the same, say so below and save again.",
        )


@transaction.atomic
def take_explant_back(
    *, explant: Explant, reason: str, by: User, now: datetime
) -> ExplantWithdrawal:
    """Say that a pump was not taken out: it is back on the list with its dates and reminders.

    What was cancelled with the explant stays cancelled; its time may be another patient's by now.

    Raises:
        RuleViolation: not allowed, no reason, or somebody was faster.
    """
    pump = pumps.lock_pump(explant.pump_id)
    check_may(by, Action.RECORD_DEVICE, pump.clinic)
    row = devices.withdraw_explant(explant=explant, reason=reason, by=by, now=now)
    followup.resync([pump.pk], now=now)
    summaries.resume_for_pump(pump.pk, now)
    return row
