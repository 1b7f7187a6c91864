"""Reads of what the pumps were told to deliver. Corrected rows are left out."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Clinic, User
from accounts.policies import Action, clinic_ids
from core.quantities import format_quantity
from pumps.models import Pump

from .models import Bolus, DrugProduct, Program, StabilityLimit, Step

Row = TypeVar("Row", Program, Bolus)


def current_programs(pump_ids: Collection[int]) -> dict[int, list[Program]]:
    """Every uncorrected program of each pump, oldest first; of two at one instant the last entered
    comes last, as docs/calculations.md wants it."""
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


@dataclass(frozen=True, slots=True)
class Stability:
    """How long a drug may stay in a pump, and whose limit that is.

    `assumed` where the catalogue says nothing of just this drug in just this family of pumps.
    """

    days: int
    of: str
    source: str
    assumed: bool


def stability_of(
    *, clinic_id: int, pump_family: str, concentration_mcg_per_ml: Decimal, product: Any = None
) -> Stability | None:
    """The limit of a drug in that family of pumps; where nobody recorded it, the shortest that is
    near: of two readings the one that warns earlier (docs/calculations.md).

    Near are the same drug in other pumps, and other drugs of this concentration in this family;
    where there is neither, every drug in this family.

    Args:
        product: the catalogue's drug, where it is known; without it any of the concentration.

    Returns:
        None where the clinic's catalogue has no such limit at all.
    """
    rows = StabilityLimit.objects.filter(product__clinic_id=clinic_id).select_related("product")
    limits = list(rows.order_by("stability_days", "id"))
    here = [row for row in limits if row.pump_family == pump_family]
    alike = [
        row for row in here if row.product.concentration_mcg_per_ml == concentration_mcg_per_ml
    ]
    own = [row for row in alike if product is None or row.product_id == product.pk]
    same_drug = [row for row in limits if product is not None and row.product_id == product.pk]
    near = sorted([*same_drug, *alike], key=lambda row: row.stability_days)
    for row in [*own, *near, *here][:1]:
        drug = format_quantity(row.product.concentration_mcg_per_ml, "mcg per mL")
        of = f"{row.product.name} {drug} in {row.pump_family}"
        return Stability(row.stability_days, of, row.source, assumed=not own)
    return None


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


def programs_of(pump: Pump) -> list[Program]:
    """Every program, the corrected ones too, newest first."""
    rows = pump.programs.select_related("recorded_by", "correction__by")
    return list(rows.prefetch_related("steps").order_by("-effective_at", "-id"))


def boluses_of(pump: Pump) -> list[Bolus]:
    """Every bolus, the corrected ones too, newest first."""
    return list(pump.boluses.select_related("recorded_by", "correction__by").order_by("-at", "-id"))
