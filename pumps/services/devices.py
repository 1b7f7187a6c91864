"""A pump is put in and taken out. Whoever calls these has the dates recomputed in the same
transaction: `visits.services.visit` does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal

from django.db import IntegrityError, connection, transaction

from accounts.models import User
from accounts.services import keep_settings
from core.rules import Problem, RuleViolation
from core.words import format_date
from patients.models import Patient
from pumps.domain.device import explant_problems, implant_problems
from pumps.models import Explant, ExplantWithdrawal, Pump, PumpModel

from .pump import audit_pump, bump_input_version
from .readings import check_low_reservoir_alarm


def check_implant(
    patient: Patient, model: PumpModel, serial_number: str, implanted_on: date | None, at: datetime
) -> None:
    """Refuse a device that this patient cannot have.

    Args:
        implanted_on: the clinic's date; None where it is not known.
        at: the instant of recording.

    Raises:
        RuleViolation: with each field's sentence.
    """
    today = at.astimezone(patient.clinic.zone).date()
    problems = implant_problems(serial_number, implanted_on, patient.date_of_birth, today)
    if model.clinic_id != patient.clinic_id:
        text = "This model is not in the clinic's catalogue. Choose one from the list."
        problems.append(Problem("model", "another_clinic", text))
    if problems:
        raise RuleViolation(problems)


@transaction.atomic
def implant_pump(
    *,
    patient: Patient,
    model: PumpModel,
    serial_number: str,
    implanted_on: date | None,
    low_reservoir_alarm_ml: Decimal | None,
    by: User,
    at: datetime,
) -> Pump:
    """Record an implanted pump.

    Args:
        low_reservoir_alarm_ml: the pump's own setting in mL; None takes the catalogue's default,
            which is shown as assumed until somebody reads the setting.

    Raises:
        RuleViolation: `duplicate_serial`, `alarm_not_below_reservoir`, or as `check_implant` says.
    """
    check_implant(patient, model, serial_number, implanted_on, at)
    # Nobody sees the pump before the transaction ends: who changes what its dates hang on waits,
    # and then finds it. The catalogue before the clinic, as everywhere.
    _keep_figures(model)
    keep_settings(patient.clinic_id)
    same_serial = Pump.objects.filter(
        clinic_id=patient.clinic_id, serial_number__iexact=serial_number
    )
    if serial_number and same_serial.exists():
        raise _duplicate_serial()
    alarm_ml = low_reservoir_alarm_ml
    if alarm_ml is None:
        alarm_ml = model.default_low_reservoir_alarm_ml
    check_low_reservoir_alarm(alarm_ml, model)
    with _one_per_serial():
        pump = Pump.objects.create(
            clinic_id=patient.clinic_id,
            patient=patient,
            model=model,
            serial_number=serial_number,
            implanted_on=implanted_on,
            low_reservoir_alarm_ml=alarm_ml,
            low_reservoir_alarm_assumed=low_reservoir_alarm_ml is None,
            recorded_at=at,
            recorded_by=by,
        )
    audit_pump(pump, "pump.implanted", by, at, after={"low_reservoir_alarm_ml": str(alarm_ml)})
    return pump


def _duplicate_serial() -> RuleViolation:
    return RuleViolation.of(
        "serial_number",
        "duplicate_serial",
        "A pump with this serial number is recorded already. Check the number.",
    )


@contextmanager
def _one_per_serial() -> Iterator[None]:
    """Of two people who record the same device at once, the database lets one in."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "one_pump_per_serial_number" not in str(error):
            raise
        raise _duplicate_serial() from error


def _keep_figures(model: PumpModel) -> None:
    """Have whoever changes the model's figures wait until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pumps_pumpmodel WHERE id = %s FOR KEY SHARE", [model.pk])


def check_in_place(pump: Pump) -> None:
    """Refuse what only a pump that is in place can have; its row is locked.

    Raises:
        RuleViolation: `already_explanted`, naming who recorded it.
    """
    explant = pump.explant
    if explant is None:
        return
    local = explant.at.astimezone(pump.clinic.zone)
    raise RuleViolation.of(
        "pump",
        "already_explanted",
        f"{explant.recorded_by.display_name} recorded that this pump was taken out "
        f"{format_date(local.date())} {local:%H:%M}. Nothing of yours was saved. If that is wrong, "
        "take it back on the patient's page.",
    )


@transaction.atomic
def explant_pump(
    *, pump: Pump, at: datetime, reason: str, by: User, recorded_at: datetime
) -> Explant:
    """Record that the pump was taken out.

    Raises:
        RuleViolation: `already_explanted`, or with each field's sentence.
    """
    check_in_place(pump)
    zone = pump.clinic.zone
    problems = explant_problems(
        at.astimezone(zone), reason, recorded_at, pump.implanted_on, pump.patient.date_of_birth
    )
    if problems:
        raise RuleViolation(problems)
    before = Explant.objects.filter(pump=pump).select_related("withdrawal").order_by("id").last()
    row = Explant.objects.create(
        pump=pump,
        follows=before.withdrawal if before else None,
        at=at,
        reason=reason.strip(),
        recorded_at=recorded_at,
        recorded_by=by,
    )
    bump_input_version([pump.pk])
    audit_pump(pump, "pump.explanted", by, recorded_at, reason, after={"at": at.isoformat()})
    return row


@transaction.atomic
def withdraw_explant(
    *, explant: Explant, reason: str, by: User, now: datetime
) -> ExplantWithdrawal:
    """Say that the pump was not taken out: it was entered in error.

    Raises:
        RuleViolation: `missing` or `already_withdrawn`.
    """
    if not reason.strip():
        raise RuleViolation.of("reason", "missing", "Say what was wrong with it.")
    if ExplantWithdrawal.objects.filter(explant=explant).exists():
        raise RuleViolation.of(
            "explant", "already_withdrawn", "Somebody took this back already. Look at the pump."
        )
    # From here on the pump is in use: who changes the clinic's settings waits, and then finds it.
    keep_settings(explant.pump.clinic_id)
    row = ExplantWithdrawal.objects.create(explant=explant, reason=reason.strip(), at=now, by=by)
    bump_input_version([explant.pump_id])
    before = {"at": explant.at.isoformat()}
    audit_pump(explant.pump, "pump.explant_withdrawn", by, now, reason, before=before)
    return row
