"""Recording a visit in a real browser: consequences before saving, by keyboard, and its page."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from accounts.models import Clinic, User
from pumps.models import Pump
from tests import factories
from visits.models import Visit

from . import support
from .conftest import NARROW, WIDE, SeatOf

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    """Filled 30 days ago at 600 mcg/day: 11 mL should be left."""
    now = timezone.now().replace(second=0, microsecond=0)
    return factories.filled_pump(
        clinic, now - timedelta(days=30), dose="600", now=now, family_name="Díaz"
    )


def form_of(pump: Pump) -> str:
    return f"/patients/{pump.patient.uuid}/pumps/{pump.uuid}/visit/"


def line(page: Page, label: str) -> Locator:
    return page.locator(".side-by-side tr", has_text=label)


def test_a_plain_refill_by_keyboard_takes_a_few_keys(
    seat_of: SeatOf, nurse: User, pump: Pump
) -> None:
    seat = seat_of(nurse)
    page = seat.open(form_of(pump))
    pressed = 0

    def press(*keys: str) -> None:
        nonlocal pressed
        for key in keys:
            page.keyboard.press(key)
            pressed += 1

    expect(page.locator("#visit_aspirated_ml")).to_be_focused()
    press("1", "1", "Tab", "2", "0", "Enter")
    page.wait_for_url(re.compile("/visits/"))
    assert pressed <= 10
    visit = Visit.objects.get(pump=pump)
    assert visit.fill is not None
    assert [visit.fill.aspirated_ml, visit.fill.volume_ml] == [Decimal(11), Decimal(20)]
    expect(page.locator("main")).to_contain_text("exactly as programmed")
    seat.check()
    assert seat.visible_in_print(".person")
    assert not seat.visible_in_print(".topbar")


def test_consequences_show_before_saving_and_warnings_need_a_reason(
    seat_of: SeatOf, nurse: User, pump: Pump, clinic: Clinic
) -> None:
    doctor = factories.user("doctor-1", clinic, "doctor")
    seat = seat_of(nurse)
    page = seat.open(form_of(pump))
    page.fill("#visit_aspirated_ml", "8")
    page.fill("#visit_volume_ml", "20")
    page.check("text=New dose, the same all day")
    page.fill("#visit_daily_dose_mcg", "750")
    expect(page.locator(".side-by-side")).to_contain_text("+25 %")
    expect(page.locator("[data-concern]")).to_have_count(2)
    expect(page.locator("#changes-said")).to_contain_text("2 warnings.")
    expect(line(page, "Dose")).to_contain_text("600 mcg/day")
    assert Visit.objects.count() == 0
    page.fill("#visit_reason", "More tone")
    page.select_option("#visit_ordered_by", str(doctor.uuid))
    page.click("text=Save the visit")
    expect(page.locator(".error-summary")).to_contain_text("Explain why this is correct")
    expect(page.locator("#visit_daily_dose_mcg")).to_have_value("750")
    seat.said.clear()  # the browser reports the 422
    seat.check()
    page.fill("#visit_concern_reason", "Discussed with the doctor")
    page.click("text=Save the visit")
    page.wait_for_url(re.compile("/visits/"))
    expect(page.locator("main")).to_contain_text("“Discussed with the doctor”")
    expect(page.locator("main")).to_contain_text("Ordered by")
    seat.check()


def test_flex_steps_are_added_taken_away_and_saved(
    seat_of: SeatOf, clinic: Clinic, pump: Pump
) -> None:
    doctor = factories.user("doctor-1", clinic, "doctor")
    seat = seat_of(doctor)
    page = seat.open(form_of(pump))
    page.check("text=New flex program, in steps")
    page.fill("[name=steps-0-0-dose]", "300")
    page.click("text=Add a step")
    page.fill("[name=steps-0-1-start]", "12:00")
    page.fill("[name=steps-0-1-dose]", "330")
    expect(page.locator("#total-0")).to_have_text("630 mcg/day")
    expect(page.locator("#rate-0-1")).to_have_text("27.5 mcg/h")
    expect(page.locator(".side-by-side")).to_contain_text("+5 %")
    seat.check()
    page.fill("#visit_reason", "More tone after noon")
    page.click("text=Save the visit")
    page.wait_for_url(re.compile("/visits/"))
    visit = Visit.objects.get(pump=pump)
    assert visit.fill is None
    assert visit.program is not None
    assert visit.program.steps.count() == 2
    expect(page.locator("main")).to_contain_text("Until then: Simple continuous")
    page.goto(f"{seat.base}{form_of(pump)}?again={visit.uuid}")
    expect(page.locator("[name=steps-0-1-dose]")).to_have_value("330")


def test_on_a_phone_every_cell_of_a_step_says_what_it_is(
    seat_of: SeatOf, nurse: User, pump: Pump
) -> None:
    seat = seat_of(nurse)
    page = seat.open(form_of(pump))
    with page.expect_response("**/visit/preview/"):  # asked for a moment after the choice
        page.check("text=New flex program, in steps")
    label = "(e) => getComputedStyle(e.closest('td'), '::before').content"
    for name, said in (("start", "From"), ("dose", "Dose, mcg")):
        field = page.locator(f"[name=steps-0-0-{name}]")
        assert field.evaluate(label) == "none"  # the heading over the column says it
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]
        assert field.evaluate(label) == f'"{said}"'
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    expect(page.locator(".htmx-request")).to_have_count(0)
    seat.check()


def test_without_script_the_same(seat_of: SeatOf, nurse: User, pump: Pump) -> None:
    page = seat_of(nurse, script=False).open(form_of(pump))
    page.fill("#visit_volume_ml", "18")
    page.click("text=Show what this changes")
    expect(line(page, "In the reservoir")).to_contain_text("18 mL")
    page.check("text=New flex program, in steps")
    page.click("text=Add a step")
    expect(page.locator("[name=steps-0-1-dose]")).to_be_visible()
    page.check("text=The dose stays")
    page.click("text=Save the visit")
    expect(page.locator("main")).to_contain_text("The visit is recorded")


def test_a_visit_is_taken_back_and_recorded_again(seat_of: SeatOf, nurse: User, pump: Pump) -> None:
    visit = factories.visit_of(pump, timezone.now().replace(second=0, microsecond=0))
    seat = seat_of(nurse)
    page = seat.open(f"/visits/{visit.uuid}/")
    page.click("text=Entered in error")
    page.fill("#withdraw_reason", "Wrong patient")
    page.click("text=Take this visit back")
    expect(page.locator(".note.stop")).to_contain_text("“Wrong patient”")
    seat.check()
    page.click("text=Record it again with these values")
    expect(page.locator("#visit_volume_ml")).to_have_value("20")


def test_the_board_and_the_patients_page_lead_here(
    seat_of: SeatOf, nurse: User, pump: Pump
) -> None:
    page = seat_of(nurse).open("/?tab=all")
    page.locator(".board .go a", has_text="Visit").click()
    expect(page).to_have_url(re.compile(f"{form_of(pump)}$"))
    page.goto(page.url.replace(form_of(pump), support.address_of(pump)))
    page.click("text=Record visit")
    expect(page).to_have_url(re.compile(f"{form_of(pump)}$"))


def test_a_booking_that_comes_too_late_is_the_first_thing_after_saving(
    seat_of: SeatOf, pump: Pump, clinic: Clinic
) -> None:
    doctor = factories.user("doctor-1", clinic, "doctor")
    due = support.in_days(clinic, 23)  # the alarm comes in 30 days
    support.booked(pump, 23, by=doctor)
    seat = seat_of(doctor)
    page = seat.open(form_of(pump))
    page.check("text=New dose, the same all day")
    page.fill("#visit_daily_dose_mcg", "690")
    said = re.compile(f"Booked {due:%d-%b-%Y} is [0-9] days? after the new refill date")
    expect(page.locator("[data-concern]")).to_contain_text(said)
    expect(page.locator(".htmx-request")).to_have_count(0)
    seat.check()
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.fill("#visit_reason", "More tone")
    page.fill("#visit_concern_reason", "Moved after saving")
    page.click("text=Save the visit")
    page.wait_for_url(re.compile("/visits/"))
    expect(page.locator("#booked")).to_contain_text("after the refill date")
    expect(page.locator(".actions .btn-primary")).to_have_text("Move the appointment")
    seat.check()
    page.click("text=The patient's page")
    expect(page.locator(".state-now .tag.is-alarm")).to_be_visible()
    seat.check()


def test_the_saved_visit_asks_for_a_booking_only_where_there_is_none(
    seat_of: SeatOf, nurse: User, pump: Pump
) -> None:
    made = factories.visit_of(pump, timezone.now() - timedelta(minutes=5))
    seat = seat_of(nurse)
    page = seat.open(f"/visits/{made.uuid}/")
    expect(page.locator(".actions .btn-primary")).to_have_text("Book the next refill")
    support.booked(pump, 50, by=nurse)
    page.reload()
    expect(page.locator(".actions")).to_contain_text("See the appointment")
    expect(page.locator(".actions")).not_to_contain_text("Book the next refill")
    expect(page.locator("#booked")).to_have_count(0)


def test_on_a_phone_the_button_and_the_new_dates_stay_in_sight(
    seat_of: SeatOf, nurse: User, pump: Pump
) -> None:
    seat = seat_of(nurse)
    page = seat.open(form_of(pump))
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    said, save = page.locator("#bar-said"), page.get_by_role("button", name="Save the visit")
    expect(save).to_be_in_viewport()
    expect(said).to_have_text("Nothing new yet")
    page.fill("#visit_volume_ml", "20")
    expect(said).to_contain_text("refill due by")
    page.fill("#visit_volume_ml", "400")
    expect(said).to_have_text("1 to correct")
    expect(save).to_be_in_viewport()
    page.locator("#visit_note").scroll_into_view_if_needed()
    expect(save).to_be_in_viewport()
    expect(page.locator(".htmx-request")).to_have_count(0)
    seat.check()
