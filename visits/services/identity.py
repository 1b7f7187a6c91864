"""Who a patient is, corrected with all that says so: the family's paper, and the language of its
letters."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from core.rules import RuleViolation
from core.words import format_date
from followup.services import reminding
from patients import services as patients
from patients.models import Patient
from patients.services import PatientEntry
from pumps.models import Pump
from pumps.services import lock_pump

from . import summaries


@transaction.atomic
def correct_patient(
    *, patient: Patient, entry: PatientEntry, by: User, now: datetime, seen: str | None = None
) -> Patient:
    """Correct a patient; arguments and errors as `patients.services.correct_patient` says.

    Raises:
        RuleViolation: also `born_after_implant`.
    """
    # The pumps first, as everywhere: what is said of them moves under these locks.
    rows = Pump.objects.filter(patient=patient.pk).order_by("pk")
    pumps = [lock_pump(pump_id) for pump_id in rows.values_list("pk", flat=True)]
    row = patients.correct_patient(patient=patient, entry=entry, by=by, now=now, seen=seen)
    for pump in pumps:
        if pump.implanted_on is not None and pump.implanted_on < entry.date_of_birth:
            raise RuleViolation.of(
                "date_of_birth",
                "born_after_implant",
                f"The pump {pump.serial_number} was implanted on {format_date(pump.implanted_on)}, "
                "before this date. Check the year.",
            )
    if pumps:
        reminding.plan_for([pump.pk for pump in pumps], now=now)
    for pump in pumps:
        summaries.refresh_for_pump(pump.pk, now)
    return row
