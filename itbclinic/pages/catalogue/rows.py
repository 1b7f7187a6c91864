"""The catalogue as its page shows it: figures with units, sources, and what deserves a look."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from accounts.models import Clinic
from dosing.models import DrugProduct
from dosing.selectors import catalogue_of_drugs
from itbclinic.pages.shared import figures
from pumps.catalogue import FIGURES, GENERAL
from pumps.selectors import pump_models


@dataclass(frozen=True, slots=True)
class Sourced:
    """One figure with its unit and where it comes from; `weak` when no document was found."""

    label: str
    value: str
    source: str
    weak: bool


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One pump model."""

    model: Any
    reservoir: str
    alarm: str
    flow: str
    faster: str
    still: str
    figures: list[Sourced]
    limited: bool

    @property
    def weak(self) -> int:
        return sum(figure.weak for figure in self.figures)


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a drug may stay in one family of pumps."""

    family: str
    days: str
    source: str


@dataclass(frozen=True, slots=True)
class DrugRow:
    """One drug in one concentration."""

    product: DrugProduct
    concentration: str
    limits: list[Limit]
    without: list[str]


@dataclass(frozen=True, slots=True)
class Shelf:
    """One clinic's catalogue."""

    clinic: Clinic
    editable: bool
    models: list[ModelRow] = field(default_factory=list)
    drugs: list[DrugRow] = field(default_factory=list)


def shelves(clinics: Sequence[Clinic], editable: Collection[int]) -> list[Shelf]:
    """The clinics' catalogues, in three queries whatever their number."""
    ids = [clinic.pk for clinic in clinics]
    found = {clinic.pk: Shelf(clinic, clinic.pk in editable) for clinic in clinics}
    models = list(pump_models(ids))
    for product in catalogue_of_drugs(ids):
        own = [model for model in models if model.clinic_id == product.clinic_id]
        families = list(dict.fromkeys(model.family for model in own))
        found[product.clinic_id].drugs.append(_drug(product, families))
    for model in models:
        shelf = found[model.clinic_id]
        limited = {limit.family for row in shelf.drugs for limit in row.limits}
        shelf.models.append(_model(model, model.family in limited))
    return list(found.values())


def _model(model: Any, limited: bool) -> ModelRow:
    lowest, highest = (figures.shown(name, getattr(model, name)) for name in FLOWS)
    return ModelRow(
        model=model,
        reservoir=figures.shown("reservoir_ml", model.reservoir_ml),
        alarm=figures.shown(FIGURES[1], model.default_low_reservoir_alarm_ml),
        flow=f"{lowest.removesuffix(' mL/day')} to {highest}",
        faster=figures.shown("flow_accuracy_percent", model.flow_accuracy_percent),
        still=figures.shown("allows_zero_flow", model.allows_zero_flow),
        figures=[
            Sourced(
                label=figures.label(name),
                value=figures.shown(name, getattr(model, name)),
                source=str(model.sources.get(name, "")),
                weak=str(model.sources.get(name, "")).startswith(GENERAL),
            )
            for name in FIGURES
        ],
        limited=limited,
    )


FLOWS: Final = ("min_ml_per_day", "max_ml_per_day")


def _drug(product: DrugProduct, families: Sequence[str]) -> DrugRow:
    limits = [
        Limit(
            limit.pump_family,
            figures.shown("stability_days", limit.stability_days),
            limit.source,
        )
        for limit in product.limits.all()
    ]
    has = {limit.family for limit in limits}
    return DrugRow(
        product=product,
        concentration=figures.shown("concentration_mcg_per_ml", product.concentration_mcg_per_ml),
        limits=limits,
        without=[family for family in families if family not in has],
    )
