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
from alarms.models import Projection
from core import words as day_words
from itbclinic.pages.visit import record
from itbclinic.pages.visit.forms import HoursField, hours_of
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
    answer = client.post(
        f"/visits/{visit.uuid}/withdraw/", {"reason": "Entered for another patient"}
    )
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
        {"change": "flex", "steps-0-count": "1", "steps-0-0-start": "25", "steps-0-0-dose": "5"},
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


def new_values(changes: Any) -> dict[str, str]:
    return {line.label: line.after for line in changes.lines}


@pytest.mark.parametrize("dose", ["13000", "1.3"])
def test_a_dose_that_is_stopped_shows_no_new_dose(desk: Client, pump: Pump, dose: str) -> None:
    answer = preview(desk, pump, change="simple", daily_dose_mcg=dose)
    changes = answer.context["changes"]
    shown = new_values(changes)
    assert changes.lines[0].before == "600 mcg/day"
    assert (shown["Dose"], shown["Low-reservoir alarm"]) == ("", "")
    assert changes.lines[0].note == ""
    assert shown["In the reservoir"] == "20 mL"
    assert "as it is" not in words(answer)


def test_a_volume_that_is_stopped_is_not_in_the_reservoir(desk: Client, pump: Pump) -> None:
    shown = new_values(preview(desk, pump, volume_ml="400").context["changes"])
    assert (shown["In the reservoir"], shown["Low-reservoir alarm"]) == ("", "")
    assert shown["Dose"] == "600 mcg/day"


def test_another_drug_without_its_program_shows_neither(desk: Client, pump: Pump) -> None:
    drug = pump.clinic.drug_products.get(concentration_mcg_per_ml=500)
    shown = new_values(preview(desk, pump, product=str(drug.uuid)).context["changes"])
    assert (shown["Dose"], shown["Drug, mcg per mL"]) == ("", "")


def test_a_decimal_comma_shows_a_dash_and_not_the_old_value(desk: Client, pump: Pump) -> None:
    answer = preview(desk, pump, volume_ml="4,0")
    assert set(new_values(answer.context["changes"]).values()) == {""}
    assert "as it is" not in words(answer)
    assert "—" in words(answer)


def test_a_dose_that_is_not_written_yet_is_not_the_old_one(desk: Client, pump: Pump) -> None:
    answer = preview(desk, pump, change="simple", daily_dose_mcg="")
    changes = answer.context["changes"]
    assert changes.found.stops == ()
    assert set(new_values(changes).values()) == {""}
    assert (changes.dates, changes.tokens) == ([], "")
    assert "Write the new dose: the new values show here." in words(answer)


def test_everything_wrong_is_said_at_once(desk: Client, pump: Pump) -> None:
    factories.user("doctor-1", pump.clinic, "doctor")
    wrong = {
        "aspirated_ml": "6,2", "volume_ml": "400", "change": "simple", "daily_dose_mcg": "13000",
    }  # fmt: skip
    answer = desk.post(address(pump), typed(pump, **wrong))
    assert answer.status_code == 422
    errors = answer.context["form"].errors
    assert set(errors) == {*wrong, "reason", "ordered_by"} - {"change"}
    assert "This comes to 13,000 mcg/day" in errors["daily_dose_mcg"][0]
    assert not Visit.objects.exists()


def test_what_rests_on_a_field_that_cannot_be_read_is_not_called_wrong(
    desk: Client, pump: Pump
) -> None:
    drug = pump.clinic.drug_products.get(concentration_mcg_per_ml=500)
    wrong = {
        "product": str(drug.uuid), "change": "simple", "daily_dose_mcg": "600,5", "reason": "Tone",
    }  # fmt: skip
    answer = desk.post(address(pump), typed(pump, **wrong))
    # With the dose unread, "the pump runs a program for 2,000" would be untrue.
    assert set(answer.context["form"].errors) == {"daily_dose_mcg", "ordered_by"}
    factories.user("doctor-1", pump.clinic, "doctor")
    without_time = {"at": "yesterday", "expires_on": "2020-01-01"}
    answer = desk.post(address(pump), typed(pump, **without_time))
    assert set(answer.context["form"].errors) == {"at"}


def flex_steps(*steps: tuple[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "change": "flex", "steps-0-count": str(len(steps)),
        "steps-0-days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
    }  # fmt: skip
    for number, (start, dose) in enumerate(steps):
        values |= {f"steps-0-{number}-start": start, f"steps-0-{number}-dose": dose}
    return values


def test_an_hour_is_a_time_of_day(desk: Client, pump: Pump) -> None:
    steps = flex_steps(("0", "200"), ("7", "250"), ("19:30", "150"))
    found = preview(desk, pump, **steps).context["changes"].found
    assert found.stops == ()
    minutes = [step.start_minute for step in found.proposed.program.groups[0].steps]
    assert minutes == [0, 420, 1170]


def test_a_step_that_cannot_be_read_is_named(desk: Client, pump: Pump) -> None:
    steps = flex_steps(("00:00", "200"), ("730", "250"), ("19:30", ""))
    said = [
        "Step 2: “730” is not a time of day: write it as 07:30.",
        "Step 3: Write the dose of this step in mcg, such as 20.5.",
    ]
    changes = preview(desk, pump, **steps).context["changes"]
    assert [stop.message for stop in changes.found.stops] == said
    answer = desk.post(address(pump), typed(pump, **steps))
    assert answer.status_code == 422
    assert answer.context["form"].errors["change"] == said


def test_a_refused_step_is_named_in_the_summary(desk: Client, pump: Pump) -> None:
    steps = flex_steps(("00:00", "2999"), ("12:00", "900"))
    answer = desk.post(address(pump), typed(pump, **steps, reason="Tone"))
    assert any(one.startswith("Step") for one in answer.context["form"].errors["change"])


def test_what_a_refill_lacks_is_a_hint_and_no_warning(desk: Client, pump: Pump) -> None:
    lacks = "The lot number, the expiry date and the alarm date on the printout."
    answer = preview(desk, pump)
    assert lacks in words(answer)
    assert answer.context["changes"].tokens == ""
    answer = preview(desk, pump, lot_number="L1", expires_on="2099-01-01")
    assert "The alarm date on the printout." in words(answer)
    assert "lot number" not in words(answer)
    without_refill = {"volume_ml": "", "aspirated_ml": "", "change": "simple"}
    answer = preview(desk, pump, **without_refill, daily_dose_mcg="620")
    assert "Not written yet" not in words(answer)
    desk.post(address(pump), typed(pump, lot_number="L1"))
    page = text(desk.get(f"/visits/{Visit.objects.get().uuid}/"))
    assert "Not recorded: the expiry date and the alarm date on the printout." in page


def test_the_recorded_visit_says_the_dates_before_and_after(desk: Client, pump: Pump) -> None:
    before = dates_of(pump)
    made = factories.visit_of(pump, timezone.now())
    moved = desk.get(f"/visits/{made.uuid}/").context["moved"]
    after = dates_of(pump)
    assert before != after
    assert moved == [
        ("Low-reservoir alarm", before[0], after[0]), ("Refill due by", before[1], after[1]),
    ]  # fmt: skip
    names = ("alarm_date_before", "refill_due_before", "alarm_date_after", "refill_due_after")
    # A visit of before these columns; the trigger lets nobody clear them, so it is made.
    older = Visit(uuid=uuid.uuid4(), pump=pump, **dict.fromkeys(names))
    assert record._moved(older) == []


def dates_of(pump: Pump) -> tuple[str, str]:
    row = Projection.objects.get(pump=pump)
    return day_words.weekday(row.alarm_date), day_words.weekday(row.refill_due_on)  # type: ignore[arg-type]


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
