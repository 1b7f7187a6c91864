"""What is typed outlives a check that fails, a network that is gone, and a session that ended."""

import re
from contextlib import suppress
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, Route, expect

from accounts.models import Clinic, User
from pumps.models import Pump
from tests import factories
from visits.models import Visit

from . import support
from .conftest import Seat, SeatOf

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fresh_rate_limits"),
]
KEPT = "What you typed is still here."


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    now = timezone.now().replace(second=0, microsecond=0)
    return factories.filled_pump(clinic, now - timedelta(days=30), dose="600", now=now)


def form_of(pump: Pump) -> str:
    return f"/patients/{pump.patient.uuid}/pumps/{pump.uuid}/visit/"


def started(seat: Seat, pump: Pump) -> Page:
    """The form of a visit, half typed, its consequences shown."""
    page = seat.open(form_of(pump))
    page.fill("#visit_note", "Sleepy since Tuesday")
    page.fill("#visit_aspirated_ml", "11")
    page.fill("#visit_volume_ml", "18")
    expect(page.locator(".side-by-side")).to_contain_text("18 mL")
    return page


def sign_in(page: Page, user: User) -> None:
    page.fill("input[name=login]", user.username)
    page.fill("input[name=password]", factories.PASSWORD)
    page.press("input[name=password]", "Enter")


@pytest.mark.parametrize(
    ("status", "said"), [(500, "fault (500)"), (502, "fault (502)"), (403, "you may not do this")]
)
def test_a_preview_that_fails_leaves_the_form_without_old_figures(
    seat_of: SeatOf, nurse: User, pump: Pump, status: int, said: str
) -> None:
    seat = seat_of(nurse)
    page = started(seat, pump)
    answer = "**/visit/preview/"
    page.route(answer, lambda route: route.fulfill(status=status, body="Bad gateway"))
    page.fill("#visit_volume_ml", "5")
    expect(page.locator("#changes [role=alert]")).to_contain_text(said)
    expect(page.locator("#changes")).to_contain_text(KEPT)
    expect(page.locator("#changes")).not_to_contain_text("18 mL")
    expect(page.locator("#visit_note")).to_have_value("Sleepy since Tuesday")
    seat.said.clear()  # the browser reports the status
    seat.check()
    page.unroute(answer)
    page.fill("#visit_volume_ml", "19")
    expect(page.locator(".side-by-side")).to_contain_text("19 mL")
    expect(page.locator("[data-failed]")).to_have_count(0)


def test_without_a_network_old_consequences_go(seat_of: SeatOf, nurse: User, pump: Pump) -> None:
    page = started(seat_of(nurse), pump)
    page.route("**/visit/preview/", lambda route: route.abort())
    page.fill("#visit_volume_ml", "5")
    expect(page.locator("#changes [role=alert]")).to_contain_text("could not be reached")
    expect(page.locator(".side-by-side")).to_have_count(0)
    page.route("**/session/", lambda route: route.abort())
    page.click("text=Save the visit")
    expect(page.locator("form > [role=alert], .visit-side > [role=alert]")).to_contain_text(
        "Nothing was saved: the server could not be reached"
    )
    expect(page.locator("#visit_volume_ml")).to_have_value("5")


def test_old_figures_are_dimmed_while_new_ones_are_under_way(
    seat_of: SeatOf, nurse: User, pump: Pump
) -> None:
    page = started(seat_of(nurse), pump)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/visit/preview/", hold)
    page.fill("#visit_volume_ml", "19")
    expect(page.locator("#changes")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#changes")).to_have_css("opacity", re.compile(r"0\.[0-5]"))
    expect(page.locator("#changes")).to_contain_text("18 mL")
    held[-1].continue_()
    expect(page.locator(".side-by-side")).to_contain_text("19 mL")
    expect(page.locator("[aria-busy]")).to_have_count(0)


def test_after_an_ended_session_one_signs_in_beside_the_form_and_goes_on(
    seat_of: SeatOf, nurse: User, pump: Pump
) -> None:
    page = started(seat_of(nurse), pump)
    Session.objects.all().delete()
    page.fill("#visit_volume_ml", "20")
    expect(page.locator("#changes [role=alert]")).to_contain_text("no longer signed in")
    page.click("text=Save the visit")
    expect(page.locator(".visit-side > [role=alert]")).to_contain_text("Nothing was saved")
    expect(page.locator("#changes [role=alert]")).to_contain_text(KEPT)
    assert not Visit.objects.exists()
    with page.context.expect_page() as opened:
        page.click(".visit-side > [role=alert] >> text=Sign in in another tab")
    other = opened.value
    sign_in(other, nurse)
    expect(other.locator("#visit_note")).to_have_value("")  # the form's own page, anew
    other.close()
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator(".side-by-side")).to_contain_text("20 mL")
    expect(page.locator("#visit_note")).to_have_value("Sleepy since Tuesday")
    page.click("text=Save the visit")
    page.wait_for_url(re.compile("/visits/"))
    assert Visit.objects.get().note == "Sleepy since Tuesday"


def test_without_script_what_was_typed_is_shown_after_an_ended_session(
    seat_of: SeatOf, nurse: User, pump: Pump
) -> None:
    seat = seat_of(nurse, script=False)
    page = seat.open(form_of(pump))
    page.fill("#visit_note", "Sleepy since Tuesday")
    page.fill("#visit_volume_ml", "18")
    Session.objects.all().delete()
    page.click("text=Save the visit")
    expect(page.locator("h1")).to_contain_text("Nothing was saved")
    expect(page.locator("dl")).to_contain_text("Sleepy since Tuesday")
    expect(page.locator("dl")).to_contain_text("volume ml")
    with page.context.expect_page() as opened:
        page.click("text=sign in in another tab")
    sign_in(opened.value, nurse)
    expect(opened.value).to_have_url(f"{seat.base}{form_of(pump)}")


def test_a_booking_keeps_its_reason_when_the_check_fails(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    pump = support.named(clinic, "Kaur", 3)
    seat = seat_of(nurse)
    page = seat.open(f"/patients/{pump.patient.uuid}/pumps/{pump.uuid}/book/")
    page.fill("input[name=day]", f"{support.in_days(clinic, 9):%Y-%m-%d}")
    page.press("input[name=day]", "Tab")
    page.fill("textarea[name=late_reason]", "The family is abroad")
    page.route("**/book/", lambda route: route.fulfill(status=502, body="Bad gateway"))
    page.fill("input[name=time]", "10:15")
    page.press("input[name=time]", "Tab")
    expect(page.locator("#verdict [data-failed]")).to_contain_text(KEPT)
    expect(page.locator("#verdict")).not_to_contain_text("Too late without a reason")
    expect(page.locator("textarea[name=late_reason]")).to_have_value("The family is abroad")
    seat.said.clear()  # the browser reports the 502
    seat.check()


def late_booking(seat: Seat, clinic: Clinic) -> Page:
    """The form of a booking on a day that is too late: a reason is asked for."""
    pump = support.named(clinic, "Kaur", 3)
    page = seat.open(f"/patients/{pump.patient.uuid}/pumps/{pump.uuid}/book/")
    page.fill("input[name=day]", f"{support.in_days(clinic, 9):%Y-%m-%d}")
    page.press("input[name=day]", "Tab")
    expect(page.locator("#verdict")).to_contain_text("it needs a reason")
    return page


def test_an_answer_that_comes_late_wipes_nothing_that_was_typed_meanwhile(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    page = late_booking(seat_of(nurse), clinic)
    held: list[Route] = []
    page.route("**/book/", lambda route: held.append(route))
    with page.expect_request("**/book/"):
        page.fill("input[name=time]", "22:15")
        page.press("input[name=time]", "Tab")
    reason = page.locator("textarea[name=late_reason]")
    reason.press_sequentially("The family is")
    held[-1].continue_()
    expect(page.locator("#verdict")).to_contain_text("the other half of the day")
    expect(reason).to_have_value("The family is")
    expect(reason).to_be_focused()
    page.keyboard.type(" abroad")  # the caret stands where it stood
    expect(reason).to_have_value("The family is abroad")


def test_of_two_answers_the_one_to_the_last_question_stands(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    page = late_booking(seat_of(nurse), clinic)
    held: list[Route] = []
    page.route("**/book/", lambda route: held.append(route) if not held else route.continue_())
    with page.expect_request("**/book/"):
        page.fill("input[name=time]", "22:15")
        page.press("input[name=time]", "Tab")
    with page.expect_response("**/book/"):
        page.fill("input[name=time]", "23:45")
        page.press("input[name=time]", "Tab")
    expect(page.locator("#verdict")).to_contain_text("23:45 is")
    with suppress(PlaywrightError):  # the browser has given it up
        held[0].continue_()
    page.wait_for_load_state("networkidle")
    expect(page.locator("#verdict")).to_contain_text("23:45 is")


def test_no_step_is_typed_into_a_row_that_is_about_to_move(
    seat_of: SeatOf, nurse: User, pump: Pump
) -> None:
    page = seat_of(nurse).open(form_of(pump))
    page.check("input[name=change][value=flex]")
    page.click("#steps >> text=Add a step")
    doses = page.locator("#steps input[name*=dose]")
    expect(doses).to_have_count(2)
    held: list[Route] = []
    page.route("**/visit/preview/", lambda route: held.append(route))
    with page.expect_request("**/visit/preview/"):
        page.locator("#steps button[value^=remove-0]").first.click()
    expect(page.locator("#steps")).to_have_js_property("inert", True)
    for route in held:
        route.continue_()
    expect(doses).to_have_count(1)
    expect(page.locator("#steps")).to_have_js_property("inert", False)
    doses.first.fill("250")
    expect(doses.first).to_have_value("250")


def test_figures_that_were_asked_for_before_a_step_went_do_not_stay(
    seat_of: SeatOf, nurse: User, pump: Pump
) -> None:
    page = seat_of(nurse).open(form_of(pump))
    page.check("input[name=change][value=flex]")
    page.click("#steps >> text=Add a step")
    doses = page.locator("#steps input[name*=dose]")
    expect(doses).to_have_count(2)
    page.locator("#steps input[name*=start]").last.fill("12:00")
    doses.first.fill("100")
    doses.last.fill("300")
    dose = page.locator(".side-by-side tr", has_text="Dose").first
    expect(dose).to_contain_text("400 mcg/day")
    held: list[Route] = []
    page.route(
        "**/visit/preview/", lambda route: held.append(route) if not held else route.continue_()
    )
    with page.expect_request("**/visit/preview/"):
        page.fill("#visit_note", "Slept well")
    page.locator("#steps button[value^=remove-0-1]").click()
    expect(doses).to_have_count(1)
    expect(dose).to_contain_text("100 mcg/day")
    with suppress(PlaywrightError), page.expect_response("**/visit/preview/", timeout=3000):
        held[0].continue_()  # it may be given up already
    page.wait_for_load_state("networkidle")
    expect(page.locator("#total-0")).to_contain_text("100 mcg")
    expect(page.locator("#steps")).not_to_contain_text("400 mcg")


def test_a_search_after_an_ended_session_keeps_the_words(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    support.named(clinic, "Kaur", 55)
    seat = seat_of(nurse)
    page = seat.open("/")
    Session.objects.all().delete()
    page.fill("#words", "kaur")
    expect(page.locator("#board [role=alert]")).to_contain_text("no longer signed in")
    expect(page.locator("[data-rows]")).to_have_count(0)
    expect(page.locator("#words")).to_have_value("kaur")
    with page.context.expect_page() as opened:
        page.click("#board >> text=Sign in in another tab")
    sign_in(opened.value, nurse)
    expect(opened.value.locator("h1")).to_have_text("Refills")
