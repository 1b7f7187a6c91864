"""The clinic's catalogue of pump models. A change bumps the input version of each model's pumps."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit
from accounts.models import Clinic, User
from core.quantities import format_quantity
from core.rules import Problem, RuleViolation, check_unchanged
from pumps.catalogue import DEFAULT_PUMP_MODELS, FIGURES
from pumps.models import Pump, PumpModel
from pumps.selectors import EDITABLE, highest_alarm_ml, values_of

from .pump import bump_input_version

MOST_STEPS = 48


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
