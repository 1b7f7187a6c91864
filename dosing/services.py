"""Writes of programs, boluses and the drug catalogue.

Whoever records or corrects these must have the dates recomputed in the same transaction:
`visits.services` and `alarms.services` do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import Clinic, User
from accounts.policies import Action, check_may
from core.rules import RuleViolation, check_unchanged
from pumps.models import Pump
from pumps.services import audit_pump, bump_input_version

from . import catalogue
from .domain import programs
from .limits import check_bolus, check_drug_product, check_program
from .models import (
    Bolus,
    BolusCorrection,
    BolusKind,
    DrugProduct,
    Mode,
    Program,
    ProgramCorrection,
    StabilityLimit,
    Step,
)
from .selectors import values_of


@dataclass(frozen=True, slots=True)
class BolusEntry:
    """A bolus as given: when it began, its dose in mcg, and how long it took in minutes."""

    kind: BolusKind
    at: datetime
    dose_mcg: Decimal
    minutes: Decimal


@transaction.atomic
def prescribe(
    *, pump: Pump, program: programs.Program, by: User, now: datetime, reason: str = ""
) -> Program:
    """Record what the pump was told to deliver from `program.effective_at` on.

    Raises:
        RuleViolation: as `check_program` says; nothing is written.
    """
    check_program(pump, program)
    row, steps = rows_of(program, pump=pump, recorded_at=now, recorded_by=by, reason=reason)
    row.save(force_insert=True)
    Step.objects.bulk_create(steps)
    bump_input_version([pump.pk])
    audit_pump(pump, "program.recorded", by, now, reason, after=_summary(row))
    return row


def rows_of(program: programs.Program, **details: Any) -> tuple[Program, list[Step]]:
    """The rows that `prescribe` writes, unsaved: what a preview computes with.

    Args:
        details: the other columns of the program's row.
    """
    row = Program(**details, **_columns(program))
    return row, _steps(row, program) if isinstance(program, programs.Flex) else []


def _columns(program: programs.Program) -> dict[str, Any]:
    common = {
        "effective_at": program.effective_at,
        "utc_offset_minutes": program.utc_offset_minutes,
        "concentration_mcg_per_ml": program.concentration_mcg_per_ml,
    }
    match program:
        case programs.SimpleContinuous():
            own: dict[str, Any] = {
                "mode": Mode.SIMPLE_CONTINUOUS,
                "daily_dose_mcg": program.daily_dose_mcg,
            }
        case programs.Flex():
            own = {"mode": Mode.FLEX}
        case programs.PeriodicBolus():
            own = {
                "mode": Mode.PERIODIC_BOLUS,
                "basal_mcg_per_hour": program.basal_mcg_per_hour,
                "bolus_mcg": program.bolus_mcg,
                "bolus_minutes": program.bolus_minutes,
                "interval_minutes": program.interval_minutes,
                "first_at": _time(program.first_minute),
                "basal_suspended": program.basal_suspended,
            }
        case programs.MinimumRate():
            own = {"mode": Mode.MINIMUM_RATE}
        case programs.Stopped():
            own = {"mode": Mode.STOPPED}
    return {**common, **own}


def _steps(row: Program, program: programs.Flex) -> list[Step]:
    return [
        Step(
            program=row,
            days=list(group.days),
            start=_time(step.start_minute),
            dose_mcg=step.dose_mcg,
        )
        for group in program.groups
        for step in group.steps
    ]


def _time(minute: int) -> time:
    return time(minute // 60, minute % 60)


@transaction.atomic
def correct_program(
    *,
    program: Program,
    replacement: programs.Program | None,
    reason: str,
    by: User,
    now: datetime,
) -> Program | None:
    """Say that a program was entered in error, and what it should have been, if anything."""
    if not reason.strip():
        raise RuleViolation.of("reason", "missing", "Say what was wrong with the program.")
    if ProgramCorrection.objects.filter(program=program).exists():
        raise RuleViolation.of(
            "program", "already_corrected", "This program was corrected already."
        )
    pump = program.pump
    new = None
    if replacement is not None:
        new = prescribe(pump=pump, program=replacement, by=by, now=now, reason=reason)
    ProgramCorrection.objects.create(
        program=program, replacement=new, reason=reason.strip(), at=now, by=by
    )
    bump_input_version([pump.pk])
    audit_pump(
        pump,
        "program.corrected",
        by,
        now,
        reason,
        before=_summary(program),
        after=_summary(new) if new else None,
    )
    return new


@transaction.atomic
def record_bolus(*, pump: Pump, entry: BolusEntry, by: User, now: datetime) -> Bolus:
    """Record a single, priming or bridge bolus."""
    check_bolus(entry.dose_mcg, entry.minutes)
    row = Bolus.objects.create(
        pump=pump,
        kind=entry.kind,
        at=entry.at,
        dose_mcg=entry.dose_mcg,
        minutes=entry.minutes,
        replaces_program=entry.kind == BolusKind.BRIDGE,
        recorded_at=now,
        recorded_by=by,
    )
    bump_input_version([pump.pk])
    audit_pump(
        pump,
        "bolus.recorded",
        by,
        now,
        after={"bolus": str(row.uuid), "kind": entry.kind, "dose_mcg": str(entry.dose_mcg)},
    )
    return row


@transaction.atomic
def withdraw_bolus(*, bolus: Bolus, reason: str, by: User, now: datetime) -> None:
    """Say that a bolus was entered in error; nothing stands in its place."""
    if not reason.strip():
        raise RuleViolation.of("reason", "missing", "Say what was wrong with the bolus.")
    if BolusCorrection.objects.filter(bolus=bolus).exists():
        raise RuleViolation.of("bolus", "already_corrected", "This bolus was corrected already.")
    BolusCorrection.objects.create(
        bolus=bolus, replacement=None, reason=reason.strip(), at=now, by=by
    )
    bump_input_version([bolus.pump_id])
    audit_pump(bolus.pump, "bolus.withdrawn", by, now, reason, before={"bolus": str(bolus.uuid)})


@transaction.atomic
def seed_drug_products(*, clinic: Clinic, by: User, at: datetime) -> None:
    """Give a clinic the default drugs; entries that it has already stay as they are."""
    for concentration in catalogue.DEFAULT_CONCENTRATIONS_MCG_PER_ML:
        product, _ = DrugProduct.objects.get_or_create(
            clinic=clinic,
            name="Baclofen",
            concentration_mcg_per_ml=concentration,
            defaults={"source": catalogue.PRODUCT_SOURCE},
        )
        for family, source in catalogue.STABILITY_SOURCES.items():
            StabilityLimit.objects.get_or_create(
                product=product,
                pump_family=family,
                defaults={
                    "stability_days": catalogue.STABILITY_DAYS,
                    "source": source,
                },
            )
    audit.record(
        event="catalogue.drugs_seeded",
        by=by,
        at=at,
        clinic_id=clinic.pk,
        subject_type="clinic",
        subject_id=clinic.uuid,
    )


@dataclass(frozen=True, slots=True)
class LimitEntry:
    """How many days a drug may stay in one family of pumps, and where the figure comes from."""

    pump_family: str
    stability_days: int
    source: str


@transaction.atomic
def save_drug_product(
    *,
    product: DrugProduct,
    by: User,
    at: datetime,
    name: str,
    concentration_mcg_per_ml: Decimal,
    source: str,
    limits: Sequence[LimitEntry],
    seen: str | None = None,
) -> DrugProduct:
    """Make or change a drug of the catalogue with its limits.

    No date moves: a fill keeps the limit that it was recorded with.

    Args:
        product: a new, unsaved drug with its clinic, or one to change.
        limits: all limits that it has from now on; a pump family that is left out has none.
        seen: the fingerprint of what was shown; anything else on record is refused.

    Raises:
        RuleViolation: not allowed, `stale`, or as `check_drug_product` says.
    """
    check_may(by, Action.EDIT_CATALOGUE, product.clinic)
    before = None
    if product.pk:
        product = DrugProduct.objects.select_for_update().get(pk=product.pk)
        before = values_of(product)
        check_unchanged(seen, before)
    product.name = " ".join(name.split())
    product.concentration_mcg_per_ml = concentration_mcg_per_ml
    product.source = source.strip()
    rows = [
        StabilityLimit(
            product=product,
            pump_family=entry.pump_family,
            stability_days=entry.stability_days,
            source=entry.source.strip(),
        )
        for entry in limits
    ]
    check_drug_product(product, rows)
    product.save()
    StabilityLimit.objects.filter(product=product).delete()
    StabilityLimit.objects.bulk_create(rows)
    saved = DrugProduct.objects.get(pk=product.pk)
    audit.record(
        event="catalogue.drug_saved",
        by=by,
        at=at,
        clinic_id=product.clinic_id,
        subject_type="drug_product",
        subject_id=product.uuid,
        before=before,
        after=values_of(saved),
    )
    return saved


def _summary(row: Program) -> dict[str, Any]:
    return {
        "program": str(row.uuid),
        "mode": row.mode,
        "effective_at": row.effective_at.isoformat(),
        "concentration_mcg_per_ml": str(row.concentration_mcg_per_ml),
        "daily_dose_mcg": None if row.daily_dose_mcg is None else str(row.daily_dose_mcg),
    }
