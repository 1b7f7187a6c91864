"""The catalogue's pages: figures with sources, refusals at the field, two people at once."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent, Clinic
from alarms.models import Projection
from core.rules import RuleViolation
from dosing.models import DrugProduct, StabilityLimit
from dosing.services import LimitEntry, save_drug_product, seed_drug_products
from pumps.models import PumpModel
from pumps.services import seed_pump_models
from tests import factories

from .conftest import SignedIn, dates, last_values, queries, text, user_of

pytestmark = pytest.mark.django_db


def model_of(clinic: Clinic, number: str = "8637-20") -> PumpModel:
    return PumpModel.objects.get(clinic=clinic, catalogue_number=number)


def drug_of(clinic: Clinic, concentration: int = 500) -> DrugProduct:
    return DrugProduct.objects.get(clinic=clinic, concentration_mcg_per_ml=concentration)


def opened(client: Client, url: str) -> dict[str, Any]:
    """What a browser would send back from the form as it was opened."""
    form = client.get(url).context["form"]
    values = {name: form[name].value() for name in form.fields}
    return {name: "" if value is None else value for name, value in values.items()}


def test_every_figure_is_shown_with_unit_and_source(clinic: Clinic, as_role: SignedIn) -> None:
    page = text(as_role("nurse").get("/catalogue/"))
    for figure in ("20 mL", "2 mL", "0.048 to 24 mL/day", "14.5 %", "2,000 mcg per mL", "180 days"):
        assert figure in page
    assert "the suffix is the capacity in mL" in page
    assert "PMID 38043050" in page
    assert "Fills already recorded keep the limit of their day" in page


def test_it_counts_the_pumps_of_a_model(clinic: Clinic, as_role: SignedIn) -> None:
    for _ in range(3):
        factories.pump(clinic)
    page = text(as_role("pharmacist").get("/catalogue/"))
    assert page.count(" 3 active") + page.count(">3 active") == 1


@pytest.mark.parametrize("role", ["nurse", "auditor"])
def test_who_may_only_read_sees_no_way_to_change(
    clinic: Clinic, as_role: SignedIn, role: str
) -> None:
    client = as_role(role)
    assert "Add a pump model" not in text(client.get("/catalogue/"))
    for url in (
        f"/catalogue/pump-models/{model_of(clinic).uuid}/",
        f"/catalogue/drugs/{drug_of(clinic).uuid}/",
        "/catalogue/pump-models/add/",
        "/catalogue/drugs/add/",
    ):
        refused = client.post(url, {})
        assert refused.status_code == 403
        assert "edit pump models and drugs" in text(refused)


def test_staff_get_a_sentence(clinic: Clinic, as_role: SignedIn) -> None:
    refused = as_role("staff").get("/catalogue/")
    assert refused.status_code == 403
    assert "see the catalogue" in text(refused)


def test_another_clinics_catalogue_is_not_found(
    clinic: Clinic, other_clinic: Clinic, as_role: SignedIn
) -> None:
    client = as_role("doctor")
    assert "Harbor" not in text(client.get("/catalogue/"))
    for url in (
        f"/catalogue/pump-models/{model_of(other_clinic).uuid}/",
        f"/catalogue/drugs/{drug_of(other_clinic).uuid}/",
        "/catalogue/pump-models/add/?clinic=harbor",
        "/catalogue/drugs/add/?clinic=harbor",
    ):
        assert client.get(url).status_code == 404
        assert client.post(url, {}).status_code == 404


def test_a_change_says_how_many_pumps_and_recomputes_them(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    pumps = [factories.due_in(clinic, 20, now) for _ in range(2)]
    before = dates("earliest_empty_date")
    client = as_role("pharmacist")
    url = f"/catalogue/pump-models/{model_of(clinic).uuid}/"
    assert "2 pumps will be recomputed" in text(client.get(url))
    sent = opened(client, url) | {
        "flow_accuracy_percent": "30",
        "source_flow_accuracy_percent": "Manual M1, page 12",
    }
    done = client.post(url, sent, follow=True)
    assert "2 pumps were recomputed" in text(done)
    assert model_of(clinic).flow_accuracy_percent == 30
    after = dates("earliest_empty_date")
    for pump in pumps:
        assert after[pump.pk] < before[pump.pk]
    event = AuditEvent.objects.get(event="catalogue.pump_model_saved")
    assert event.actor_id == user_of(client).pk
    before_it, after_it = last_values("catalogue.pump_model_saved")
    assert before_it["flow_accuracy_percent"] == "14.50"
    changed = [name for name, value in after_it.items() if before_it[name] != value]
    assert sorted(changed) == ["flow_accuracy_percent", "sources"]
    assert after_it["sources"]["flow_accuracy_percent"] == "Manual M1, page 12"


def test_saving_without_a_change_moves_nothing(clinic: Clinic, as_role: SignedIn) -> None:
    pump = factories.pump(clinic)
    client = as_role("doctor")
    url = f"/catalogue/pump-models/{model_of(clinic).uuid}/"
    done = client.post(url, opened(client, url), follow=True)
    assert "nothing was changed" in text(done)
    version = pump.input_version
    pump.refresh_from_db()
    assert pump.input_version == version
    assert not AuditEvent.objects.filter(event="catalogue.pump_model_saved").exists()


def test_each_figure_needs_its_source_and_what_was_typed_stays(
    clinic: Clinic, as_role: SignedIn
) -> None:
    client = as_role("pharmacist")
    url = f"/catalogue/pump-models/{model_of(clinic).uuid}/"
    sent = opened(client, url) | {"max_ml_per_day": "20.5", "source_max_ml_per_day": " "}
    refused = client.post(url, sent)
    assert refused.status_code == 422
    assert refused.context["form"].errors == {
        "source_max_ml_per_day": ["Say where this figure comes from."]
    }
    assert 'value="20.5"' in text(refused)
    assert model_of(clinic).max_ml_per_day == 24


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("reservoir_ml", "0", "more than 0 mL"),
        ("reservoir_ml", "2", "below the reservoir"),
        ("max_ml_per_day", "0.01", "above the lowest flow"),
        ("flow_accuracy_percent", "100", "below 100"),
        ("max_steps", "0", "from 1 to 48"),
        ("max_steps", "49", "from 1 to 48"),
        ("catalogue_number", "8637-40", "already"),
        ("min_ml_per_day", "a lot", "Write a number"),
    ],
)
def test_an_implausible_figure_is_refused_at_its_field(
    clinic: Clinic, as_role: SignedIn, field: str, value: str, sentence: str
) -> None:
    client = as_role("pharmacist")
    url = f"/catalogue/pump-models/{model_of(clinic).uuid}/"
    refused = client.post(url, opened(client, url) | {field: value})
    assert refused.status_code == 422
    assert sentence in text(refused)
    assert refused.context["form"].errors


def test_a_reservoir_below_a_pumps_alarm_volume_is_refused(
    clinic: Clinic, as_role: SignedIn
) -> None:
    factories.pump(clinic, alarm_ml="4")
    client = as_role("pharmacist")
    url = f"/catalogue/pump-models/{model_of(clinic).uuid}/"
    refused = client.post(url, opened(client, url) | {"reservoir_ml": "3"})
    assert "A pump of this model has its alarm at 4 mL" in text(refused)


def test_two_people_at_once_both_values_are_shown(clinic: Clinic, as_role: SignedIn) -> None:
    first, second = as_role("pharmacist"), as_role("doctor")
    url = f"/catalogue/pump-models/{model_of(clinic).uuid}/"
    mine, theirs = opened(first, url), opened(second, url)
    first.post(url, mine | {"max_steps": "20"})
    refused = second.post(url, theirs | {"max_steps": "30"})
    assert refused.status_code == 422
    page = text(refused)
    assert "Somebody else saved a change" in page
    assert user_of(first).display_name in page
    line = next(line for line in refused.context["compare"])
    assert (line.on_record, line.typed) == ("20", "30")
    assert model_of(clinic).max_steps == 20
    again = refused.context["form"].data
    assert second.post(url, again).status_code == 302
    assert model_of(clinic).max_steps == 30


def test_a_new_model_is_added(clinic: Clinic, as_role: SignedIn) -> None:
    client = as_role("pharmacist")
    known = opened(client, f"/catalogue/pump-models/{model_of(clinic).uuid}/")
    sent = known | {
        "catalogue_number": "8637-30",
        "model_name": "SynchroMed II 30 mL",
        "reservoir_ml": "30",
        "aliases_text": "SM2 30\n\nSynchro 30",
        "seen": "",
    }
    done = client.post("/catalogue/pump-models/add/?clinic=wasatch", sent, follow=True)
    assert "SynchroMed II 30 mL is saved" in text(done)
    assert model_of(clinic, "8637-30").aliases == ["SM2 30", "Synchro 30"]


def test_a_drugs_limits_are_changed_and_fills_keep_theirs(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    pump = factories.due_in(clinic, 20, now)
    before = Projection.objects.get(pump=pump)
    client = as_role("pharmacist")
    url = f"/catalogue/drugs/{drug_of(clinic, 2000).uuid}/"
    assert "Fills already recorded keep the limit of their day" in text(client.get(url))
    sent = opened(client, url) | {"days_0": "90", "source_0": "Compounder's letter of May",
                                  "days_1": ""}  # fmt: skip
    assert client.post(url, sent).status_code == 302
    limits = StabilityLimit.objects.filter(product=drug_of(clinic, 2000))
    assert [(row.pump_family, row.stability_days) for row in limits] == [("SynchroMed II", 90)]
    after = Projection.objects.get(pump=pump)
    assert after.stability_date == before.stability_date
    was, has = last_values("catalogue.drug_saved")
    assert was["limits"]["SynchroMed II"]["stability_days"] == 180
    assert list(has["limits"]) == ["SynchroMed II"]
    page = text(client.get("/catalogue/"))
    assert "SynchroMed III <b>no limit</b>" in page


@pytest.mark.parametrize(
    ("field", "value", "at"),
    [
        ("days_0", "0", "days_0"),
        ("days_0", "731", "days_0"),
        ("source_0", " ", "source_0"),
        ("source", " ", "source"),
        ("concentration", "2", "concentration"),
        ("concentration", "49", "concentration"),
        ("concentration", "5001", "concentration"),
        ("concentration", "1000", "concentration"),
        ("drug_name", "", "drug_name"),
    ],
)
def test_an_implausible_drug_is_refused_at_its_field(
    clinic: Clinic, as_role: SignedIn, field: str, value: str, at: str
) -> None:
    client = as_role("pharmacist")
    url = f"/catalogue/drugs/{drug_of(clinic).uuid}/"
    refused = client.post(url, opened(client, url) | {field: value})
    assert refused.status_code == 422
    assert list(refused.context["form"].errors) == [at]
    assert drug_of(clinic).limits.count() == 2


def test_two_people_at_one_drug(clinic: Clinic, as_role: SignedIn) -> None:
    first, second = as_role("pharmacist"), as_role("pharmacist")
    url = f"/catalogue/drugs/{drug_of(clinic).uuid}/"
    mine, theirs = opened(first, url), opened(second, url)
    first.post(url, mine | {"days_0": "90"})
    refused = second.post(url, theirs | {"days_0": "120"})
    assert refused.status_code == 422
    lines = [(line.on_record, line.typed) for line in refused.context["compare"]]
    assert lines == [("90 days", "120 days")]


def test_the_service_refuses_what_the_role_may_not(
    clinic: Clinic, nurse: Any, now: datetime
) -> None:
    with pytest.raises(RuleViolation) as refused:
        save_drug_product(
            product=drug_of(clinic),
            by=nurse,
            at=now,
            name="Baclofen",
            concentration_mcg_per_ml=Decimal(500),
            source="Label",
            limits=[LimitEntry("SynchroMed II", 90, "Label")],
        )
    assert refused.value.problems[0].code == "not_allowed"


def test_the_page_takes_as_many_queries_for_one_as_for_three(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    client = as_role("pharmacist")
    DrugProduct.objects.exclude(concentration_mcg_per_ml=500).delete()
    PumpModel.objects.exclude(catalogue_number="8637-20").delete()
    one = queries(client, "/catalogue/")
    seed_pump_models(clinic=clinic, by=user_of(client), at=now)
    seed_drug_products(clinic=clinic, by=user_of(client), at=now)
    assert queries(client, "/catalogue/") == one


def test_a_step_of_zero_is_told_from_a_pump_that_is_stopped(
    clinic: Clinic, as_role: SignedIn
) -> None:
    client = as_role("pharmacist")
    page = text(client.get("/catalogue/"))
    assert "A step may be zero" in page
    assert "Can stand still" not in page
    form = text(client.get("/catalogue/pump-models/add/"))
    assert "Every pump can be stopped, whatever this says." in form


def test_each_familys_days_say_where_they_come_from(clinic: Clinic, as_role: SignedIn) -> None:
    page = as_role("nurse").get("/catalogue/")
    for row in page.context["shelves"][0].drugs:
        said = {limit.family: limit.source for limit in row.limits}
        assert "Taken over" not in said["SynchroMed II"]
        assert said["SynchroMed III"].startswith(said["SynchroMed II"])
        assert said["SynchroMed III"].endswith(
            "Taken over from SynchroMed II until a SynchroMed III figure is found"
        )


def test_a_concentration_is_written_one_way(clinic: Clinic, as_role: SignedIn) -> None:
    client = as_role("pharmacist")
    for url in ("/catalogue/", f"/catalogue/drugs/{drug_of(clinic).uuid}/"):
        page = text(client.get(url))
        assert "500 mcg per mL" in page
        assert "mcg/mL" not in page
