"""What the programmer showed, and the alarm volume that counts since."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from accounts.models import User
from core.quantities import format_quantity
from core.rules import RuleViolation
from pumps.models import Interrogation, InterrogationCorrection, Pump, PumpModel
from pumps.selectors import newest_alarm_reading

from .pump import audit_pump, bump_input_version


@dataclass(frozen=True, slots=True)
class InterrogationEntry:
    """What the programmer showed or printed; what it did not show is None.

    Units: mL; `printed_alarm_date` is the clinic's calendar date as printed.
    """

    source: str
    printed_alarm_date: date | None = None
    low_reservoir_alarm_ml: Decimal | None = None
    reservoir_volume_ml: Decimal | None = None


def check_low_reservoir_alarm(alarm_ml: Decimal, model: PumpModel) -> None:
    """Refuse an alarm volume that the reservoir cannot have.

    Raises:
        RuleViolation: `not_positive` or `alarm_not_below_reservoir`.
    """
    if alarm_ml < 0:
        raise RuleViolation.of(
            "low_reservoir_alarm_ml", "not_positive", "The alarm volume cannot be negative."
        )
    if alarm_ml >= model.reservoir_ml:
        raise RuleViolation.of(
            "low_reservoir_alarm_ml",
            "alarm_not_below_reservoir",
            "The alarm volume must be below the reservoir's "
            f"{format_quantity(model.reservoir_ml, 'mL')}. Check both.",
        )


@transaction.atomic
def record_interrogation(
    *, pump: Pump, entry: InterrogationEntry, at: datetime, by: User, recorded_at: datetime
) -> Interrogation:
    """Record what the programmer showed; a read alarm volume becomes the pump's setting, unless a
    later reading counts already.

    Raises:
        RuleViolation: `date_in_future`, or as `check_low_reservoir_alarm` says.
    """
    if at > recorded_at:
        raise RuleViolation.of(
            "at", "date_in_future", "A readout cannot be in the future. Check the date."
        )
    row = Interrogation.objects.create(
        pump=pump,
        at=at,
        printed_alarm_date=entry.printed_alarm_date,
        low_reservoir_alarm_ml=entry.low_reservoir_alarm_ml,
        reservoir_volume_ml=entry.reservoir_volume_ml,
        source=entry.source,
        recorded_at=recorded_at,
        recorded_by=by,
    )
    if entry.low_reservoir_alarm_ml is not None:
        check_low_reservoir_alarm(entry.low_reservoir_alarm_ml, pump.model)
        _take_newest_reading(pump)
    bump_input_version([pump.pk])
    audit_pump(pump, "pump.interrogated", by, recorded_at, after={"source": entry.source})
    return row


def _take_newest_reading(pump: Pump) -> bool:
    """Set the pump's alarm volume to the newest reading that counts; whether there is one."""
    newest = newest_alarm_reading(pump)
    if newest is None:
        return False
    Pump.objects.filter(pk=pump.pk).update(
        low_reservoir_alarm_ml=newest.low_reservoir_alarm_ml, low_reservoir_alarm_assumed=False
    )
    return True


@transaction.atomic
def withdraw_interrogation(
    *, interrogation: Interrogation, reason: str, by: User, now: datetime
) -> InterrogationCorrection:
    """Say that what the programmer showed was entered in error.

    An alarm volume that it brought falls back to the newest reading that counts. Where none is
    left, to the one that warns earlier of what is set and the catalogue's, shown as assumed.
    """
    pump = interrogation.pump
    row = InterrogationCorrection.objects.create(
        interrogation=interrogation, reason=reason.strip(), at=now, by=by
    )
    if interrogation.low_reservoir_alarm_ml is not None and not _take_newest_reading(pump):
        default_ml = pump.model.default_low_reservoir_alarm_ml
        Pump.objects.filter(pk=pump.pk).update(
            low_reservoir_alarm_ml=Greatest(F("low_reservoir_alarm_ml"), Value(default_ml)),
            low_reservoir_alarm_assumed=True,
        )
    bump_input_version([pump.pk])
    audit_pump(pump, "pump.interrogation_withdrawn", by, now, reason)
    return row
