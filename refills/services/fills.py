"""Writes of fills.

Whoever records or corrects a fill must have the dates recomputed in the same transaction:
`visits.services` does.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from django.db import transaction

from accounts.models import User
from core.quantities import format_quantity, rounded
from core.rules import Problem, RuleViolation
from dosing.models import DrugProduct
from pumps.models import Pump
from pumps.services import audit_pump, bump_input_version
from refills.domain.reservoir import Discrepancy as Comparison
from refills.models import Discrepancy, Fill, FillCorrection


@dataclass(frozen=True, slots=True)
class FillEntry:
    """What was put into the reservoir. Volumes in mL, concentration in mcg/mL, days as counted."""

    volume_ml: Decimal
    concentration_mcg_per_ml: Decimal
    stability_days: int | None = None
    use_by: date | None = None
    aspirated_ml: Decimal | None = None
    product: DrugProduct | None = None
    lot_number: str = ""
    expires_on: date | None = None


def check_fill(pump: Pump, entry: FillEntry, at: datetime, now: datetime) -> None:
    """Refuse a fill that this reservoir cannot hold or that has not happened yet.

    Raises:
        RuleViolation: `fill_exceeds_reservoir`, `not_positive` or `date_in_future`.
    """
    problems = []
    reservoir_ml = pump.model.reservoir_ml
    if entry.volume_ml > reservoir_ml:
        problems.append(
            Problem(
                "volume_ml",
                "fill_exceeds_reservoir",
                f"{format_quantity(entry.volume_ml, 'mL')} does not fit: the reservoir holds "
                f"{format_quantity(reservoir_ml, 'mL')}. Check the volume and the pump model.",
            )
        )
    for name in ("volume_ml", "concentration_mcg_per_ml"):
        if getattr(entry, name) <= 0:
            problems.append(Problem(name, "not_positive", "This must be more than zero."))
    if entry.aspirated_ml is not None and entry.aspirated_ml < 0:
        problems.append(Problem("aspirated_ml", "not_positive", "This cannot be negative."))
    if at > now:
        problems.append(
            Problem("at", "date_in_future", "A fill cannot be in the future. Check the date.")
        )
    if problems:
        raise RuleViolation(problems)


@transaction.atomic
def record_fill(*, pump: Pump, entry: FillEntry, at: datetime, by: User, now: datetime) -> Fill:
    """Record what is in the reservoir from `at` on.

    Raises:
        RuleViolation: as `check_fill` says.
    """
    check_fill(pump, entry, at, now)
    fill = Fill.objects.create(
        pump=pump,
        at=at,
        volume_ml=entry.volume_ml,
        concentration_mcg_per_ml=entry.concentration_mcg_per_ml,
        product=entry.product,
        stability_days=entry.stability_days,
        use_by=entry.use_by,
        aspirated_ml=entry.aspirated_ml,
        lot_number=entry.lot_number,
        expires_on=entry.expires_on,
        recorded_at=now,
        recorded_by=by,
    )
    bump_input_version([pump.pk])
    audit_pump(
        pump,
        "fill.recorded",
        by,
        now,
        after={
            "fill": str(fill.uuid),
            "at": at.isoformat(),
            "volume_ml": str(entry.volume_ml),
            "concentration_mcg_per_ml": str(entry.concentration_mcg_per_ml),
        },
    )
    return fill


def record_discrepancy(*, fill: Fill, found: Comparison, expected_ml: Fraction,
                       programmed_ml: Fraction, now: datetime) -> Discrepancy:  # fmt: skip
    """Keep what was aspirated against what should have been there, in the fill's transaction."""
    assert fill.aspirated_ml is not None
    return Discrepancy.objects.create(
        fill=fill,
        expected_ml=rounded(expected_ml, 6),
        aspirated_ml=fill.aspirated_ml,
        difference_ml=rounded(found.difference_ml, 6),
        programmed_ml=rounded(programmed_ml, 6),
        recorded_at=now,
    )


@transaction.atomic
def correct_fill(
    *, fill: Fill, replacement: FillEntry | None, reason: str, by: User, now: datetime
) -> Fill | None:
    """Say that a fill was entered in error, and what it should have been, if anything.

    The wrong row stays readable; dates are computed without it. `replacement` keeps its instant.
    """
    if not reason.strip():
        raise RuleViolation.of("reason", "missing", "Say what was wrong with the fill.")
    if FillCorrection.objects.filter(fill=fill).exists():
        raise RuleViolation.of("fill", "already_corrected", "This fill was corrected already.")
    new = None
    if replacement is not None:
        new = record_fill(pump=fill.pump, entry=replacement, at=fill.at, by=by, now=now)
    FillCorrection.objects.create(fill=fill, replacement=new, reason=reason.strip(), at=now, by=by)
    bump_input_version([fill.pump_id])
    audit_pump(
        fill.pump,
        "fill.corrected",
        by,
        now,
        reason,
        before={"fill": str(fill.uuid)},
        after={"fill": str(new.uuid) if new else None},
    )
    return new
