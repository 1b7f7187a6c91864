"""How long a drug may stay, where the catalogue does not say it of just this drug and pump."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Clinic, User
from alarms.models import Projection
from dosing.models import DrugProduct, StabilityLimit
from dosing.selectors import stability_of
from pumps.models import Pump
from tests import factories
from visits.models import Visit

from .test_visit_by_client import address, text, typed

pytestmark = pytest.mark.django_db


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    """100 mcg/day: without a limit the next refill would be due after most of a year."""
    now = timezone.now().replace(second=0, microsecond=0)
    return factories.filled_pump(clinic, now - timedelta(days=30), dose="100", now=now)


@pytest.fixture
def compounded(clinic: Clinic) -> DrugProduct:
    return DrugProduct.objects.create(
        clinic=clinic, name="Compounded", concentration_mcg_per_ml=2000, source="Pharmacy"
    )


@pytest.fixture
def desk(client: Client, nurse: User) -> Client:
    client.force_login(nurse)
    return client


def looked(desk: Client, pump: Pump, drug: DrugProduct, **more: str) -> tuple[dict[str, Any], Any]:
    values = typed(pump, aspirated_ml="18.5", product=str(drug.uuid), **more)
    answer = desk.post(address(pump) + "preview/", values)
    return {**values, "seen_concerns": answer.context["changes"].tokens}, answer


def limit(drug: DrugProduct, family: str, days: int) -> None:
    StabilityLimit.objects.create(
        product=drug, pump_family=family, stability_days=days, source=f"Study of {days}"
    )


def found(pump: Pump, drug: DrugProduct | None) -> tuple[int, bool] | None:
    stability = stability_of(
        clinic_id=pump.clinic_id, pump_family=pump.model.family,
        concentration_mcg_per_ml=Decimal(2000), product=drug,
    )  # fmt: skip
    return (stability.days, stability.assumed) if stability else None


def test_the_shortest_limit_near_is_taken_with_its_source(
    desk: Client, pump: Pump, compounded: DrugProduct
) -> None:
    values, look = looked(desk, pump, compounded)
    assert "The shortest near it is taken: 180 days, of Baclofen" in text(look).replace("\xa0", " ")
    assert "Source: Label figure" in text(look)
    answer = desk.post(address(pump), values)
    assert answer.status_code == 302, text(answer)
    fill = Visit.objects.get().fill
    assert fill is not None
    assert fill.stability_days == 180
    assert Projection.objects.get(pump=pump).binding_clock == "drug_stability"


def test_the_order_of_limits(pump: Pump, compounded: DrugProduct) -> None:
    assert found(pump, compounded) == (180, True)
    limit(compounded, "Another family", 45)
    assert found(pump, compounded) == (45, True)
    limit(compounded, pump.model.family, 200)
    assert found(pump, compounded) == (200, False)
    assert found(pump, None) == (180, False)
    StabilityLimit.objects.exclude(product__concentration_mcg_per_ml=500).delete()
    assert found(pump, compounded) == (180, True)
    StabilityLimit.objects.all().delete()
    assert found(pump, compounded) is None


def test_without_any_limit_a_reason_is_asked_for(
    desk: Client, pump: Pump, compounded: DrugProduct
) -> None:
    StabilityLimit.objects.all().delete()
    values, look = looked(desk, pump, compounded)
    assert "Nothing on record says how long this drug may stay" in text(look)
    refused = desk.post(address(pump), values)
    assert refused.status_code == 422
    assert "Explain why this is correct" in text(refused)
    answer = desk.post(address(pump), {**values, "concern_reason": "Limit asked for"})
    assert answer.status_code == 302
    assert Visit.objects.get().concerns == ["no_stability_limit"]
    assert "Nothing said how long the drug may stay" in text(desk.get(answer["Location"]))


def test_a_use_by_date_is_a_limit(desk: Client, pump: Pump, compounded: DrugProduct) -> None:
    StabilityLimit.objects.all().delete()
    until = timezone.now().date() + timedelta(days=60)
    _, look = looked(desk, pump, compounded, use_by=f"{until:%Y-%m-%d}")
    assert "Nothing on record says how long" not in text(look)
