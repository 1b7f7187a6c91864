"""The visit's page by client: what was typed stays, and nobody overwrites another."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import strip_tags

from accounts.models import Clinic, User
from itbclinic.pages.forms.visit import HoursField, hours_of
from pumps.models import Pump
from tests import factories
from visits.models import Visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    now = timezone.now().replace(second=0, microsecond=0)
    return factories.filled_pump(clinic, now - timedelta(days=30), dose="600", now=now)


def address(pump: Pump) -> str:
    return f"/patients/{pump.patient.uuid}/pumps/{pump.uuid}/visit/"


def typed(pump: Pump, **more: Any) -> dict[str, Any]:
    local = timezone.now().astimezone(pump.clinic.zone)
    drug = pump.clinic.drug_products.get(name="Baclofen", concentration_mcg_per_ml=2000)
    return {
        "key": str(uuid.uuid4()), "seen_version": str(pump.input_version),
        "at": local.strftime("%Y-%m-%dT%H:%M"), "product": str(drug.uuid), "aspirated_ml": "11",
        "volume_ml": "20", "change": "stays", "seen_concerns": "", "save": "1", **more,
    }  # fmt: skip


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


@pytest.fixture
def desk(client: Client, nurse: User) -> Client:
    client.force_login(nurse)
    return client


def test_a_refused_form_keeps_what_was_typed(desk: Client, pump: Pump) -> None:
    answer = desk.post(address(pump), typed(pump, volume_ml="20.5", lot_number="LOT-77"))
    assert answer.status_code == 422
    said = text(answer)
    assert "20.5 mL does not fit: the reservoir holds 20 mL" in said
    assert 'value="20.5"' in said
    assert 'value="LOT-77"' in said
    assert not Visit.objects.exists()


def test_what_cannot_be_read_is_named_at_its_field(desk: Client, pump: Pump) -> None:
    wrong = {"volume_ml": "twenty", "expires_on": "x", "product": str(uuid.uuid4()), "at": "x"}
    answer = desk.post(address(pump), typed(pump, **wrong))
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == set(wrong)
    assert 'value="twenty"' in text(answer)


def test_a_change_of_dose_by_a_nurse_names_the_doctor(desk: Client, pump: Pump) -> None:
    factories.user("doctor-1", pump.clinic, "doctor")
    change = {"change": "simple", "daily_dose_mcg": "660", "volume_ml": "", "aspirated_ml": ""}
    answer = desk.post(address(pump), typed(pump, **change))
    assert set(answer.context["form"].errors) == {"reason", "ordered_by"}
    assert 'value="660"' in text(answer)


def test_the_second_of_two_sees_the_firsts_values_and_may_save_again(
    desk: Client, pump: Pump
) -> None:
    mine = typed(pump, aspirated_ml="10.5", volume_ml="", change="stays", note="Sleepy")
    mine |= {"volume_ml": "19"}
    other = factories.visit_of(pump, timezone.now() - timedelta(minutes=10), "18")
    answer = desk.post(address(pump), mine)
    assert answer.status_code == 422
    said = text(answer)
    assert "Somebody changed this pump" in said
    assert f"/visits/{other.uuid}/" in said
    assert 'value="10.5"' in said
    assert "Sleepy" in said
    pump.refresh_from_db()
    assert answer.context["form"]["seen_version"].value() == str(pump.input_version)
    assert Visit.objects.count() == 1


def test_one_form_sent_twice_is_one_visit_and_other_values_are_not_swallowed(
    desk: Client, pump: Pump
) -> None:
    values = typed(pump)
    first = desk.post(address(pump), values)
    second = desk.post(address(pump), values)
    assert first["Location"] == second["Location"]
    third = desk.post(address(pump), values | {"volume_ml": "19"})
    assert third.status_code == 422
    assert "saved already, with other values" in text(third)
    assert third.context["form"]["key"].value() != values["key"]
    assert Visit.objects.count() == 1


def test_the_page_of_steps_that_are_wrong(desk: Client, pump: Pump) -> None:
    factories.user("doctor-1", pump.clinic, "doctor")
    steps = {
        "change": "flex", "steps-0-count": "2", "steps-0-0-start": "01:00", "steps-0-0-dose": "300",
        "steps-0-1-start": "12:00", "steps-0-1-dose": "x", "reason": "Tone",
    }  # fmt: skip
    said = text(desk.post(address(pump), typed(pump, **steps)))
    assert "Write the dose of this step in mcg, such as 20.5." in said
    said = text(desk.post(address(pump), typed(pump, **(steps | {"steps-0-1-dose": "330"}))))
    assert "must start at 00:00" in said
    assert "Every day of the week must be in exactly one group" in said
    assert not Visit.objects.exists()


def test_a_preview_asks_few_questions(desk: Client, pump: Pump) -> None:
    url = address(pump) + "preview/"
    with CaptureQueriesContext(connection) as captured:
        answer = desk.post(url, typed(pump))
    assert answer.status_code == 200
    assert "exactly as programmed" in text(answer).lower()
    assert len(captured) <= 35
    assert not [q for q in captured if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]


def test_one_who_may_read_but_not_record(client: Client, pump: Pump) -> None:
    visit = factories.visit_of(pump, timezone.now())
    client.force_login(factories.user("staff-1", pump.clinic, "staff"))
    assert client.get(address(pump)).status_code == 403
    page = client.get(f"/visits/{visit.uuid}/")
    assert page.status_code == 200
    assert "Take this visit back" not in text(page)
    answer = client.post(f"/visits/{visit.uuid}/withdraw/", {"reason": "x"})
    assert answer.status_code == 403


def words(answer: Any) -> str:
    return " ".join(strip_tags(answer.content.decode()).split())


def other_drug(pump: Pump, **more: str) -> dict[str, str]:
    drug = pump.clinic.drug_products.get(concentration_mcg_per_ml=1000)
    doctor = factories.user("doctor-1", pump.clinic, "doctor")
    return typed(
        pump, product=str(drug.uuid), change="simple", daily_dose_mcg="600", reason="Fewer refills",
        ordered_by=str(doctor.uuid), concern_reason="As the programmer computed", **more,
    )  # fmt: skip


def test_a_bridge_bolus_is_typed_as_the_programmer_shows_it(desk: Client, pump: Pump) -> None:
    values = other_drug(pump, bridge_mcg="450", bridge_hours="22:30")
    looked = desk.post(address(pump).replace("visit/", "visit/preview/"), values)
    assert "over 22 h 30 min, until" in words(looked)
    values["seen_concerns"] = looked.context["changes"].tokens
    answer = desk.post(address(pump), values)
    assert answer.status_code == 302, text(answer)
    visit = Visit.objects.get()
    assert visit.bridge is not None
    assert [visit.bridge.dose_mcg, visit.bridge.minutes] == [Decimal(450), Decimal(1350)]
    assert "450 mcg over 22 h 30 min, until" in words(desk.get(answer["Location"]))
    again = text(desk.get(f"{address(pump)}?again={visit.uuid}"))
    assert 'value="450"' in again
    assert 'value="22:30"' in again


@pytest.mark.parametrize("typed_hours", ["22:30", "1:40", "22.5", "0.125", "22.001", "54"])
def test_hours_that_are_shown_again_are_read_as_the_same(typed_hours: str) -> None:
    field = HoursField(required=False)
    minutes = field.clean(typed_hours)
    assert minutes is not None
    assert field.clean(hours_of(minutes.quantize(Decimal("0.001")))) == minutes


@pytest.mark.parametrize(
    ("more", "field", "sentence"),
    [
        ({"bridge_mcg": "450"}, "bridge_hours", "Write how long the bridge bolus runs."),
        ({"bridge_hours": "22"}, "bridge_mcg", "Write the dose of the bridge bolus in mcg."),
        ({"bridge_mcg": "450", "bridge_hours": "a day"}, "bridge_hours", "such as 22.5 or 22:30"),
        ({"bridge_mcg": "450", "bridge_hours": "22:75"}, "bridge_hours", "such as 22.5 or 22:30"),
        ({"bridge_mcg": "450", "bridge_hours": "999"}, "bridge_hours", "for 14 days at most"),
    ],
)
def test_half_a_bridge_bolus_is_refused_at_its_field(
    desk: Client, pump: Pump, more: dict[str, str], field: str, sentence: str
) -> None:
    answer = desk.post(address(pump), other_drug(pump, **more))
    assert answer.status_code == 422
    assert sentence in str(answer.context["form"].errors[field])
    for value in more.values():
        assert f'value="{value}"' in text(answer)
    assert '<details class="fold" open>' in text(answer)
    assert not Visit.objects.exists()


def test_a_decimal_comma_never_becomes_another_dose(desk: Client, pump: Pump) -> None:
    factories.user("doctor-1", pump.clinic, "doctor")
    steps = {
        "change": "flex", "steps-0-count": "1", "steps-0-0-start": "00:00", "reason": "Tone",
        "steps-0-days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
    }  # fmt: skip
    answer = desk.post(address(pump), typed(pump, **steps, **{"steps-0-0-dose": "59,5"}))
    assert answer.status_code == 422
    assert "Write the dose of this step in mcg, such as 20.5." in text(answer)
    one = typed(pump, change="simple", daily_dose_mcg="59,5", reason="Tone")
    answer = desk.post(address(pump), one)
    assert answer.status_code == 422
    assert "Write decimals with a point: 59.5 if that is meant." in text(answer)
    assert not Visit.objects.exists()


def preview(desk: Client, pump: Pump, **more: str) -> Any:
    return desk.post(address(pump).replace("visit/", "visit/preview/"), typed(pump, **more))


def test_thousands_are_read_as_they_are_printed(desk: Client, pump: Pump) -> None:
    seen = preview(desk, pump, change="simple", daily_dose_mcg="1,000")
    assert "1,000 mcg/day" in words(seen)
    assert seen.context["changes"].found.proposed.program.daily_dose_mcg == 1000


@pytest.mark.parametrize(
    "more",
    [
        {"change": "simple", "daily_dose_mcg": "2,50"},
        {"change": "simple", "daily_dose_mcg": "250 mcg"},
        {"aspirated_ml": "3,5"},
        {"volume_ml": "abc"},
        {"at": "yesterday"},
        {"change": "flex", "steps-0-count": "1", "steps-0-0-start": "7", "steps-0-0-dose": "5"},
        {"change": "flex", "steps-0-count": "1", "steps-0-0-start": "00:00", "steps-0-0-dose": ""},
    ],
)
def test_what_cannot_be_read_has_no_consequences(
    desk: Client, pump: Pump, more: dict[str, str]
) -> None:
    changes = preview(desk, pump, **more).context["changes"]
    assert [stop.code for stop in changes.found.stops][:1] == ["unreadable"]
    assert {line.after for line in changes.lines} == {""}
    assert (changes.dates, changes.flow, changes.aspirate, changes.tokens) == ([], "", None, "")


def test_what_is_not_typed_yet_is_no_mistake(desk: Client, pump: Pump) -> None:
    changes = preview(desk, pump, volume_ml="").context["changes"]
    assert changes.found.stops == ()
    assert changes.aspirate is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [("stopped", "gives no baclofen"), ("minimum_rate", "gives almost no baclofen")],
)
def test_a_pump_is_stopped_with_a_reason_and_a_warning(
    desk: Client, pump: Pump, change: str, said: str
) -> None:
    doctor = factories.user("doctor-1", pump.clinic, "doctor")
    more = {"change": change, "reason": "Infection", "ordered_by": str(doctor.uuid)}
    seen = preview(desk, pump, **more)
    assert said in words(seen)
    assert "Sudden withdrawal can kill" in words(seen)
    values = typed(pump, **more, seen_concerns=seen.context["changes"].tokens)
    assert desk.post(address(pump), values).status_code == 422, "why it is right is missing"
    values["concern_reason"] = "Oral baclofen begun, family told"
    answer = desk.post(address(pump), values)
    assert answer.status_code == 302, text(answer)
    visit = Visit.objects.get()
    assert visit.program is not None
    assert (visit.program.mode, "pump_stopped" in visit.concerns) == (change, True)
    again = desk.get(f"{address(pump)}?again={visit.uuid}")
    assert again.context["form"]["change"].value() == change
