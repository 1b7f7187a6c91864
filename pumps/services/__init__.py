"""Writes of pumps and their catalogue. Each bumps the input version of what it touches.

Whoever calls these must have the dates recomputed in the same transaction: `visits.services` and
`alarms.services` do.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from accounts import audit
from accounts.models import Clinic, User
from core.quantities import format_quantity
from core.rules import Problem, RuleViolation, check_unchanged
from pumps.catalogue import DEFAULT_PUMP_MODELS, FIGURES
from pumps.models import Interrogation, InterrogationCorrection, Pump, PumpModel
from pumps.selectors import EDITABLE, highest_alarm_ml, newest_alarm_reading, values_of

MOST_STEPS = 48


@dataclass(frozen=True, slots=True)
class InterrogationEntry:
    """What the programmer showed or printed; what it did not show is None.

    Units: mL; `printed_alarm_date` is the clinic's calendar date as printed.
    """

    source: str
    printed_alarm_date: date | None = None
    low_reservoir_alarm_ml: Decimal | None = None
    reservoir_volume_ml: Decimal | None = None


def lock_pump(pump_id: int) -> Pump:
    """The pump, locked until the transaction ends. Every change of its facts starts here.

    The pump's row only: with the clinic's, every visit of a clinic would wait for every other.
    """
    # No key changes under it: a work item or a message that names the pump need not wait, and so
    # cannot wait in a circle.
    Pump.objects.select_for_update(no_key=True).only("pk").get(pk=pump_id)
    # A second statement: after a wait, the first one has the pump as it is now, but whatever it
    # joins as it was before the wait.
    return Pump.objects.select_related("model", "clinic").get(pk=pump_id)


def bump_input_version(pump_ids: Collection[int]) -> None:
    """Say that what the dates of these pumps are computed from has changed."""
    Pump.objects.filter(pk__in=pump_ids).update(input_version=F("input_version") + 1)


@transaction.atomic
def seed_pump_models(*, clinic: Clinic, by: User, at: datetime) -> None:
    """Give a clinic the default catalogue; entries that it has already stay as they are."""
    for figures in DEFAULT_PUMP_MODELS:
        PumpModel.objects.get_or_create(
            clinic=clinic, catalogue_number=figures["catalogue_number"], defaults=figures
        )
    audit.record(
        event="catalogue.pump_models_seeded",
        by=by,
        at=at,
        clinic_id=clinic.pk,
        subject_type="clinic",
        subject_id=clinic.uuid,
    )


def check_pump_model(model: PumpModel) -> None:
    """Refuse figures that dates cannot be computed with, or that have no source.

    Raises:
        RuleViolation: with each field's sentence.
    """
    problems: list[Problem] = []
    try:
        model.clean_fields()
    except ValidationError as error:
        problems = [
            Problem(field, "invalid", message)
            for field, messages in error.message_dict.items()
            for message in messages
        ]
    unreadable = {problem.field for problem in problems}
    if not unreadable & set(FIGURES):
        problems += _figure_problems(model)
    same = PumpModel.objects.filter(
        clinic=model.clinic_id, catalogue_number=model.catalogue_number
    ).exclude(pk=model.pk)
    if same.exists():
        text = "The catalogue has a model of this number already. Change that one."
        problems.append(Problem("catalogue_number", "duplicate", text))
    problems += [
        Problem(f"source_{name}", "missing", "Say where this figure comes from.")
        for name in FIGURES
        if not str(model.sources.get(name, "")).strip()
    ]
    if problems:
        raise RuleViolation(problems)


def _figure_problems(model: PumpModel) -> list[Problem]:
    alarm, reservoir = model.default_low_reservoir_alarm_ml, model.reservoir_ml
    highest = highest_alarm_ml(model) if model.pk else None
    rules = (
        ("reservoir_ml", reservoir > 0, "The reservoir must hold more than 0 mL."),
        (
            "reservoir_ml",
            reservoir <= 0 or highest is None or highest < reservoir,
            f"A pump of this model has its alarm at {format_quantity(highest or 0, 'mL')}; the "
            "reservoir must hold more.",
        ),
        ("default_low_reservoir_alarm_ml", alarm >= 0, "The alarm volume cannot be negative."),
        (
            "default_low_reservoir_alarm_ml",
            reservoir <= 0 or alarm < reservoir,
            "The alarm volume must be below the reservoir's capacity.",
        ),
        ("min_ml_per_day", model.min_ml_per_day >= 0, "The lowest flow cannot be negative."),
        (
            "max_ml_per_day",
            model.max_ml_per_day > model.min_ml_per_day,
            "The highest flow must be above the lowest flow.",
        ),
        (
            "flow_accuracy_percent",
            0 <= model.flow_accuracy_percent < 100,
            "Write a percentage from 0 to below 100.",
        ),
        (
            "max_steps",
            1 <= model.max_steps <= MOST_STEPS,
            f"Write a number of steps from 1 to {MOST_STEPS}.",
        ),
    )
    return [Problem(field, "out_of_range", text) for field, holds, text in rules if not holds]


@transaction.atomic
def save_pump_model(
    *, model: PumpModel, by: User, at: datetime, seen: str | None = None, **figures: Any
) -> Collection[int]:
    """Make or change an entry of the catalogue.

    Args:
        model: a new, unsaved entry with its clinic, or one to change.
        seen: the fingerprint of the figures that were shown; others than these are refused.
        figures: new values of `EDITABLE`.

    Returns:
        The pumps whose input version was bumped; the caller has them recomputed.
    """
    before = None
    if model.pk:
        model = PumpModel.objects.select_for_update().get(pk=model.pk)
        before = values_of(model)
        check_unchanged(seen, before)
    for name, value in figures.items():
        if name not in EDITABLE:
            raise TypeError(f"{name} is no figure of a pump model")
        setattr(model, name, value)
    check_pump_model(model)
    model.save()
    model.refresh_from_db()  # the decimals as they are stored, so that only a change looks like one
    audit.record(
        event="catalogue.pump_model_saved",
        by=by,
        at=at,
        clinic_id=model.clinic_id,
        subject_type="pump_model",
        subject_id=model.uuid,
        before=before,
        after=values_of(model),
    )
    pump_ids = list(
        Pump.objects.select_for_update(no_key=True)
        .filter(model=model)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    bump_input_version(pump_ids)
    return pump_ids


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


def audit_pump(
    pump: Pump,
    event: str,
    by: User,
    at: datetime,
    reason: str = "",
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write an audit event about a pump, in the transaction of what it tells of."""
    audit.record(
        event=event,
        by=by,
        at=at,
        clinic_id=pump.clinic_id,
        subject_type="pump",
        subject_id=pump.uuid,
        reason=reason.strip(),
        before=before,
        after=after,
    )
