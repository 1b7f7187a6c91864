"""What a new clinic starts with: the figures as specified, each with its source."""

from decimal import Decimal

import pytest

from accounts.models import Clinic
from dosing.models import DrugProduct, StabilityLimit
from pumps.catalogue import DEFAULT_PUMP_MODELS, FIGURES
from pumps.models import PumpModel

pytestmark = pytest.mark.django_db


def test_every_figure_of_every_pump_model_has_a_source(clinic: Clinic) -> None:
    columns = {
        field.name
        for field in PumpModel._meta.concrete_fields
        if field.name
        not in ("id", "uuid", "clinic", "catalogue_number", "name", "family", "aliases", "sources")
    }
    assert set(FIGURES) == columns
    for model in PumpModel.objects.filter(clinic=clinic):
        assert set(model.sources) == columns
        assert all(len(text.strip()) > 10 for text in model.sources.values())


def test_a_figure_taken_over_from_another_family_says_so(clinic: Clinic) -> None:
    for model in PumpModel.objects.filter(clinic=clinic, family="SynchroMed III"):
        taken = [text for name, text in model.sources.items() if name != "reservoir_ml"]
        assert all("Taken over from SynchroMed II" in text for text in taken)


@pytest.mark.parametrize(
    ("number", "family", "reservoir"),
    [
        ("8637-20", "SynchroMed II", 20),
        ("8637-40", "SynchroMed II", 40),
        ("8667-20", "SynchroMed III", 20),
        ("8667-40", "SynchroMed III", 40),
    ],
)
def test_the_pump_models_are_as_specified(
    clinic: Clinic, number: str, family: str, reservoir: int
) -> None:
    model = PumpModel.objects.get(clinic=clinic, catalogue_number=number)
    assert model.family == family
    assert model.reservoir_ml == reservoir
    assert model.default_low_reservoir_alarm_ml == 2
    assert (model.min_ml_per_day, model.max_ml_per_day) == (Decimal("0.048"), Decimal(24))
    assert model.flow_accuracy_percent == Decimal("14.5")
    assert model.allows_zero_flow is False
    assert model.max_steps == 13


def test_there_is_no_other_pump_model(clinic: Clinic) -> None:
    assert PumpModel.objects.filter(clinic=clinic).count() == len(DEFAULT_PUMP_MODELS) == 4


def test_the_drugs_are_as_specified(clinic: Clinic) -> None:
    found = DrugProduct.objects.filter(clinic=clinic)
    assert [(p.name, int(p.concentration_mcg_per_ml)) for p in found] == [
        ("Baclofen", 500),
        ("Baclofen", 1000),
        ("Baclofen", 2000),
    ]
    assert all(product.source for product in found)
    limits = StabilityLimit.objects.filter(product__clinic=clinic)
    assert limits.count() == 6
    assert {limit.pump_family for limit in limits} == {"SynchroMed II", "SynchroMed III"}
    assert {limit.stability_days for limit in limits} == {180}
    assert all(limit.source for limit in limits)
