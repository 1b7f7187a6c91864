"""A patient comes, gets a pump, and the pump goes: each step on its page, and the board follows."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts import services as accounts
from accounts.models import Clinic, Role, User
from followup.services import scans
from itbclinic import watchdog
from patients.models import Patient
from pumps.models import Pump
from tests import factories
from tests.functional.conftest import Seat, SeatOf
from tests.summary_support import doctor_of, settings_of

from . import support

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("checked_now")]


def holds() -> None:
    """The independent watch finds nothing, after the scans that beat would run."""
    scans.sweep(clock=timezone.now)
    scans.due_scan(clock=timezone.now)
    assert watchdog.check(timezone.now()) == []


def day(of: Clinic, days: int) -> str:
    return support.in_days(of, days).isoformat()


def test_from_a_new_patient_to_a_pump_that_was_taken_out_and_was_not(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    settings_of(clinic)
    doctor_of(clinic)
    seat = seat_of(nurse)
    page = seat.open("/")
    page.locator(".empty-state").get_by_role("link", name="Add a patient").click()
    _add_patient(seat, clinic)
    holds()
    _implant(seat, clinic)
    holds()
    _first_visit(seat, page)
    holds()
    _on_the_board(seat)
    _take_out(seat, clinic)
    holds()
    _take_back(seat)
    holds()


def _add_patient(seat: Seat, clinic: Clinic) -> None:
    page = seat.page
    page.get_by_label("MRN").fill("719400")
    page.get_by_label("Last name").fill("Díaz")
    page.get_by_label("First name").fill("Sofía")
    page.get_by_label("Date of birth").fill(day(clinic, 400))
    page.get_by_label("Language").fill("Spanish")
    page.get_by_label("Relationship").fill("Mother")
    page.get_by_label("Phone").fill("555")
    page.get_by_role("button", name="Add the patient").click()
    expect(page.locator("[data-focus]")).to_be_focused()
    expect(page.locator(".error-summary")).to_contain_text("not a phone number")
    expect(page.locator(".error-summary")).to_contain_text("in the future. Check the year")
    expect(page.get_by_label("Last name")).to_have_value("Díaz")
    seat.said.clear()  # the browser reports the 422
    seat.check()
    page.get_by_label("Phone").fill("801-555-0142")
    page.get_by_label("Date of birth").fill("2014-03-09")
    page.get_by_role("button", name="Add the patient").click()
    page.wait_for_url(re.compile("/implant/"))
    expect(page.locator("[role=status]").first).to_contain_text("The patient is added")
    seat.check()
    page.goto(f"{seat.base}/")
    expect(page.locator("#board")).to_contain_text("1 patient without a pump on record")
    seat.check()
    page.get_by_role("link", name="Record an implant of DÍAZ, Sofía").click()


def _implant(seat: Seat, clinic: Clinic) -> None:
    page = seat.page
    offered = page.get_by_label("Pump model").locator("option", has_text="8637-20")
    page.get_by_label("Pump model").select_option(offered.get_attribute("value"))
    page.get_by_label("Serial number").fill("npx 0001234h")
    page.get_by_label("Implanted on").fill("2013-01-01")
    page.get_by_role("button", name="Record the implant").click()
    expect(page.locator(".error-summary")).to_contain_text("The patient was born 09-Mar-2014")
    seat.said.clear()
    page.get_by_label("Implanted on").fill(day(clinic, -2))
    page.get_by_role("button", name="Record the implant").click()
    page.wait_for_url(re.compile("/visit/"))
    expect(page.locator("[role=status]").first).to_contain_text("on the board as unknown")
    board = page.context.new_page()
    board.goto(f"{seat.base}/")
    row = board.locator(".board tbody tr")
    expect(row).to_contain_text("DÍAZ, Sofía")
    expect(row).to_contain_text("No refill is recorded for this pump")
    board.close()


def _first_visit(seat: Seat, page: Page) -> None:
    page.get_by_label("Drug", exact=True).select_option(index=2)
    page.fill("#visit_volume_ml", "20")
    page.check("text=New dose, the same all day")
    page.fill("#visit_daily_dose_mcg", "100")
    page.fill("#visit_reason", "First dose after the implant")
    page.locator("#visit_ordered_by").select_option(index=1)
    page.click("text=Save the visit")
    page.wait_for_url(re.compile("/visits/"))


def _on_the_board(seat: Seat) -> None:
    page = seat.page
    page.goto(f"{seat.base}/?tab=all")
    row = page.locator(".board tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("window opens")
    expect(row).to_contain_text("NPX0001234H")
    expect(page.locator("#board")).not_to_contain_text("without a pump on record")


def _take_out(seat: Seat, clinic: Clinic) -> None:
    page = seat.page
    pump = Pump.objects.get()
    support.booked(pump, 20, by=pump.recorded_by)
    page.goto(f"{seat.base}{support.address_of(pump)}")
    page.get_by_role("link", name="Record that this pump was taken out").click()
    expect(page.locator("#consequences")).to_contain_text("is cancelled")
    seat.check()
    page.get_by_label("Taken out at").fill(f"{day(clinic, -1)}T08:00")
    page.get_by_label("Why it was taken out").fill("Pocket infection")
    page.get_by_role("button", name="Record that it was taken out").click()
    expect(page.locator(".error-summary")).to_contain_text("which is later. Check the date")
    seat.said.clear()
    seat.check()
    page.get_by_label("although something later is on record").check()
    page.get_by_role("button", name="Record that it was taken out").click()
    expect(page.locator("[role=status]").first).to_contain_text("the pump is off the board")
    expect(page.locator("[role=status]").first).to_contain_text("is cancelled; tell the family")
    expect(page.locator(".person")).to_contain_text("Taken out")
    seat.check()
    page.goto(f"{seat.base}/?tab=all")
    expect(page.locator(".empty-state")).to_contain_text("No pumps yet")
    page.fill("#words", "díaz")
    page.press("#words", "Enter")
    expect(page.locator("#board")).to_contain_text("Not on the list, found by “díaz”")
    expect(page.locator("#board")).to_contain_text("Pump taken out")
    seat.check()


def _take_back(seat: Seat) -> None:
    page = seat.page
    page.locator("#board").get_by_role("link", name="DÍAZ, Sofía", exact=True).click()
    page.get_by_role("link", name="It was not taken out").click()
    seat.check()
    page.get_by_role("button", name="The pump is still in place: take it back").click()
    expect(page.locator(".invalid-feedback")).to_contain_text("Write a reason")
    page.get_by_label("What was wrong with it").fill("The other patient of that name")
    page.get_by_role("button", name="The pump is still in place: take it back").click()
    expect(page.locator("[role=status]").first).to_contain_text("on the board again")
    expect(page.locator(".history tr.corrected")).to_contain_text("The other patient of that name")
    seat.said.clear()
    seat.check()
    page.goto(f"{seat.base}/?tab=all")
    expect(page.locator(".board tbody tr")).to_contain_text("window opens")
    assert Patient.objects.get().pumps.get().explant is None


def test_the_same_pages_where_more_is_on_record(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    """Two clinics to choose from, a patient of the same name, two pumps, tasks, a past booking."""
    other = factories.clinic("harbor")
    system = accounts.system_user("system-import")
    accounts.grant_role(user=nurse, clinic=other, role=Role.NURSE, by=system, at=timezone.now())
    pump = support.named(clinic, "Díaz", 3)
    support.second_pump(pump, by=nurse)
    now = timezone.now()
    pump.appointments.create(
        starts_at=now - timedelta(days=1), created_at=now - timedelta(days=9), created_by=nurse
    )
    holds()
    seat = seat_of(nurse, script=False)
    page = seat.open("/patients/add/")
    page.get_by_label("Clinic", exact=True).select_option(clinic.slug)
    page.get_by_label("MRN").fill("719400")
    page.get_by_label("Last name").fill("díaz")
    page.get_by_label("First name").fill("Sofía")
    page.get_by_label("Date of birth").fill("2014-03-09")
    page.get_by_role("button", name="Add the patient").click()
    expect(page.locator(".error-summary").get_by_role("link", name="DÍAZ, Sofía")).to_be_visible()
    page.get_by_label("This is another person").check()
    page.get_by_role("button", name="Add the patient").click()
    page.wait_for_url(re.compile("/implant/"))
    seat = seat_of(nurse)
    page = seat.open(f"/patients/{pump.patient.uuid}/implant/")
    expect(page.locator(".note.warn")).to_have_count(2)
    seat.check()
    page.locator(".note.warn a").first.click()
    page.wait_for_url(re.compile("/taken-out/"))
    page.goto(f"{seat.base}{support.address_of(pump)}pumps/{pump.uuid}/taken-out/")
    expect(page.locator("#consequences")).to_contain_text("has no outcome")
    expect(page.locator("#consequences")).to_contain_text("open task")
    expect(page.locator("#consequences")).to_contain_text("stays on the board")
    seat.check()
    page.goto(f"{seat.base}{support.address_of(pump)}?pump={pump.uuid}")
    expect(page.locator("main")).to_contain_text("The patient has 2 pumps on the board")
    seat.check()


def test_a_slip_in_a_name_is_corrected(seat_of: SeatOf, nurse: User, clinic: Clinic) -> None:
    pump = support.named(clinic, "Iot", 15)
    seat = seat_of(nurse)
    page = seat.open(support.address_of(pump))
    page.click("text=Correct name, MRN, date of birth")
    expect(page.get_by_label("Last name")).to_have_value("Iot")
    seat.check()
    page.get_by_label("Last name").fill("")
    page.click("text=Save the correction")
    expect(page.locator(".error-summary")).to_contain_text("Fill this in")
    seat.said.clear()  # the browser tells of the 422
    seat.check()
    page.get_by_label("Last name").fill("Ito")
    page.click("text=Save the correction")
    expect(page.locator(".person")).to_contain_text("ITO, Sofía")
