"""Reads of what the pumps were told to deliver. Corrected rows are left out."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Clinic, User
from accounts.policies import Action, clinic_ids

from .domain.quantities import format_quantity
from .models import Bolus, DrugProduct, Program, StabilityLimit, Step

Row = TypeVar("Row", Program, Bolus)


def current_programs(pump_ids: Collection[int]) -> dict[int, list[Program]]:
    """Every uncorrected program of each pump, oldest first; of two at one instant the last entered
    comes last, as calculations.md wants it."""
    rows = Program.objects.filter(pump_id__in=pump_ids, correction__isnull=True)
    return _by_pump(rows.order_by("effective_at", "id"))


def steps_of(program_ids: Collection[int]) -> dict[int, list[Step]]:
    """The steps of each flex program, by start."""
    found: dict[int, list[Step]] = defaultdict(list)
    for step in Step.objects.filter(program_id__in=program_ids).order_by("start", "id"):
        found[step.program_id].append(step)
    return found


def current_boluses(pump_ids: Collection[int]) -> dict[int, list[Bolus]]:
    """Every uncorrected bolus of each pump, oldest first."""
    rows = Bolus.objects.filter(pump_id__in=pump_ids, correction__isnull=True)
    return _by_pump(rows.order_by("at", "id"))


def _by_pump(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.pump_id].append(row)
    return found


def stability_days(*, product: DrugProduct, pump_family: str) -> int | None:
    """How long the drug may stay in that family of pumps, in days; None when nobody recorded it."""
    return (
        StabilityLimit.objects.filter(product=product, pump_family=pump_family)
        .values_list("stability_days", flat=True)
        .first()
    )


def drug_products(clinic: Clinic) -> list[DrugProduct]:
    """The clinic's drugs with their limits."""
    return list(DrugProduct.objects.filter(clinic=clinic).prefetch_related("limits"))


def concentrations_of(clinic: Clinic) -> list[Decimal]:
    """The concentrations that the clinic stocks, in mcg/mL."""
    rows = DrugProduct.objects.filter(clinic=clinic).order_by("concentration_mcg_per_ml")
    return list(rows.values_list("concentration_mcg_per_ml", flat=True).distinct())


def values_of(product: DrugProduct) -> dict[str, Any]:
    """A drug with its limits as JSON values, for the audit log and to tell what was seen."""
    return {
        "name": product.name,
        "concentration_mcg_per_ml": str(product.concentration_mcg_per_ml),
        "source": product.source,
        "limits": {
            limit.pump_family: {"stability_days": limit.stability_days, "source": limit.source}
            for limit in product.limits.all()
        },
    }


def catalogue_of_drugs(of_clinics: Collection[int]) -> QuerySet[DrugProduct]:
    """The clinics' drugs with their limits, by clinic, name and concentration."""
    rows = DrugProduct.objects.filter(clinic_id__in=of_clinics).select_related("clinic")
    return rows.prefetch_related("limits").order_by(
        "clinic__name", "name", "concentration_mcg_per_ml"
    )


def drug_product_for(user: User, action: Action, product_uuid: UUID) -> DrugProduct | None:
    """The drug, or None where the user may not do it in its clinic."""
    return catalogue_of_drugs(clinic_ids(user, action)).filter(uuid=product_uuid).first()


def names_of_products(uuids: Collection[UUID]) -> dict[str, str]:
    """What drugs are called, by uuid."""
    rows = DrugProduct.objects.filter(uuid__in=uuids)
    return {
        str(row.uuid): f"{row.name} {format_quantity(row.concentration_mcg_per_ml, 'mcg per mL')}"
        for row in rows
    }
