"""A patient's page: the dates with their sums, the history, and what a nurse decides there."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Clinic, User
from tests import factories
from visits.services import devices, visit

from . import support
from .conftest import NARROW, WIDE, SeatOf

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_page_tells_everything_and_passes_axe(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    pump = support.named(clinic, "Díaz", 20, diagnosis="Spinal cord injury")
    support.corrected(pump, by=nurse)
    support.flex(pump, timezone.now() - timedelta(days=2), by=nurse)
    support.booked(pump, 5, by=nurse)
    support.from_sheet(
        pump, by=nurse, next_appointment="call mom after 12/3??", notes="Uses <b>EMLA</b>"
    )
    seat = seat_of(nurse)
    page = seat.open(support.address_of(pump))
    expect(page).to_have_title("Patient · ITB clinic")
    expect(page.locator(".person")).to_contain_text("DÍAZ, Sofía")
    expect(page.locator(".person")).to_contain_text("born 09-Mar-2014")
    alarm = page.locator(".dates tr", has_text="Low-reservoir alarm")
    expect(alarm.locator(".sum")).to_contain_text("20 mL − 2 mL alarm volume = 18 mL")
    expect(page.locator(".steps-chart")).to_have_count(2)
    expect(page.locator(".steps-chart").first).to_have_attribute(
        "aria-label", "Rate over 24 hours: from 00:00 17.1 mcg/h, from 07:00 27.5 mcg/h, "
        "from 19:00 30 mcg/h."
    )  # fmt: skip
    struck = page.locator(".history tr.corrected")
    expect(struck).to_contain_text("Entered in error: “Typed from the wrong line”")
    expect(page.locator(".verbatim").first).to_have_text("call mom after 12/3??")
    expect(page.locator(".verbatim").nth(1)).to_have_text("Uses <b>EMLA</b>")
    expect(page.locator("a.phone")).to_have_attribute("href", "tel:8015550101")
    seat.check()
    assert seat.visible_in_print(".person")
    assert not seat.visible_in_print(".topbar")


def test_a_doubtful_date_is_settled_and_what_was_typed_stays_when_refused(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    pump = support.doubtful(clinic)
    seat = seat_of(nurse)
    page = seat.open("/")
    page.get_by_role("link", name="Settle").first.click()
    page.fill("#alarm_date_mismatch_reason", "Printed before the dose change")
    page.fill("#alarm_date_mismatch_ends_on", "2099-01-01")
    page.click("text=Settle it until then")
    expect(page.locator("[data-focus]")).to_be_focused()
    expect(page.locator(".error-summary")).to_contain_text("End it within 90 days")
    reason = page.locator("#alarm_date_mismatch_reason")
    expect(reason).to_have_value("Printed before the dose change")
    expect(page.locator("#alarm_date_mismatch_ends_on")).to_have_value("2099-01-01")
    seat.said.clear()  # the browser reports the 422
    seat.check()
    until = support.in_days(clinic, 20)
    page.fill("#alarm_date_mismatch_ends_on", until.isoformat())
    page.click("text=Settle it until then")
    expect(page.locator("[role=status]")).to_contain_text("Settled until")
    expect(page.locator(".note", has_text="Settled by Rowan nurse-1")).to_be_visible()
    pump.refresh_from_db()
    assert pump.settlements.get().ends_on == until


def test_a_form_that_saw_older_facts_is_refused_once(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    pump = support.doubtful(clinic)
    page = seat_of(nurse).open(support.address_of(pump))
    support.bolus(pump, timezone.now() - timedelta(days=3), by=nurse)
    page.fill("#alarm_date_mismatch_reason", "Checked")
    until = support.in_days(clinic, 20).isoformat()
    page.fill("#alarm_date_mismatch_ends_on", until)
    page.click("text=Settle it until then")
    expect(page.locator("[data-focus]")).to_contain_text("record has changed")
    page.click("text=Settle it until then")
    expect(page.locator("[role=status]")).to_contain_text("Settled until")


def test_leave_off_the_list_and_put_back(seat_of: SeatOf, nurse: User, clinic: Clinic) -> None:
    pump = support.named(clinic, "Kaur", 5)
    seat = seat_of(nurse)
    page = seat.open(support.address_of(pump))
    page.click("text=Leave this pump off the list for a time")
    page.fill("#exclude_reason", "In hospital elsewhere")
    page.fill("#exclude_ends_on", support.in_days(clinic, 200_000).isoformat())
    expect(page.locator("#exclude_ends_on + .echo")).to_contain_text("in 200,000 days")
    page.fill("#exclude_ends_on", support.in_days(clinic, 20).isoformat())
    expect(page.locator("#exclude_ends_on + .echo")).to_contain_text("in 20 days")
    page.click("button:has-text('Leave it off the list')")
    expect(page.locator(".error-summary")).to_contain_text("it must be back on the list in time")
    expect(page.locator("#exclude_reason")).to_have_value("In hospital elsewhere")
    seat.said.clear()  # the browser tells of the 422
    page.fill("#exclude_ends_on", support.in_days(clinic, 7).isoformat())
    page.click("button:has-text('Leave it off the list')")
    expect(page.locator(".person")).to_contain_text("Excluded")
    expect(page.locator(".note", has_text="In hospital elsewhere")).to_be_visible()
    seat.check()
    page.click("text=Put this pump back on the list")
    page.fill("#end_reason", "Home again")
    page.click("button:has-text('Put it back')")
    expect(page.locator(".person")).not_to_contain_text("Excluded")
    expect(page.locator(".history")).to_contain_text("“Home again”")


def test_the_alarm_volume_that_was_read_moves_the_dates(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    pump = support.named(clinic, "Kaur", 20, alarm_ml=None)
    seat = seat_of(nurse)
    page = seat.open(support.address_of(pump))
    page.click("text=Record what the pump shows")
    expect(page.locator("#volume_low_reservoir_alarm_ml")).to_be_focused()
    page.fill("#volume_low_reservoir_alarm_ml", "25")
    page.click("button:has-text('Record the alarm volume')")
    expect(page.locator(".invalid-feedback")).to_contain_text("must be below the reservoir's 20 mL")
    page.fill("#volume_low_reservoir_alarm_ml", "4")
    page.click("button:has-text('Record the alarm volume')")
    expect(page.locator("[role=status]")).to_contain_text("Alarm volume recorded")
    expect(page.locator(".facts", has_text="Alarm volume")).to_contain_text("4 mL")
    expect(page.locator("main")).not_to_contain_text("assumed")
    alarm = page.locator(".dates tr", has_text="Low-reservoir alarm")
    expect(alarm.locator(".sum")).to_contain_text("20 mL − 4 mL alarm volume = 16 mL")


@pytest.mark.parametrize("kind", ["no_fill", "no_program", "taken_out"])
def test_pages_of_pumps_without_dates(
    seat_of: SeatOf, nurse: User, clinic: Clinic, kind: str
) -> None:
    now = timezone.now()
    pump = factories.pump(clinic)
    if kind == "no_program":
        visit.record_facts(
            pump_id=pump.pk, at=now - timedelta(days=3), by=nurse, now=now, fill=factories.fill()
        )
    if kind == "taken_out":
        devices.take_out(pump_id=pump.pk, at=now, reason="Pocket infection", by=nurse, now=now)
    seat = seat_of(nurse)
    page = seat.open(support.address_of(pump))
    said = {
        "no_fill": "No refill is recorded for this pump",
        "no_program": "No program is recorded that ran when the pump was last filled",
        "taken_out": "This pump was taken out",
    }
    expect(page.locator("main")).to_contain_text(said[kind])
    seat.check()


def test_a_patient_without_a_pump_has_a_page(seat_of: SeatOf, nurse: User, clinic: Clinic) -> None:
    patient = factories.patient(clinic)
    seat = seat_of(nurse)
    page = seat.open(f"/patients/{patient.uuid}/")
    expect(page.locator(".empty-state")).to_contain_text("No pump is recorded")
    seat.check()


def test_on_a_phone_the_number_and_the_acts_are_in_the_first_screen(
    seat_of: SeatOf, nurse: User, clinic: Clinic, checked_now: None
) -> None:
    pump = support.named(clinic, "Kaur", 12)
    booked = support.named(clinic, "Ito", 12)
    support.booked(booked, 3, by=nurse)
    seat = seat_of(nurse)
    page = seat.page
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    for of, book in ((pump, "Book a refill"), (booked, "Move the appointment")):
        seat.open(support.address_of(of))
        acts = page.locator(".state-acts")
        for said in ("Record visit", book, "801-555-0101"):
            link = acts.locator("a", has_text=said)
            expect(link).to_be_visible()
            box = link.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= NARROW["height"], said
    for link in page.locator(".topbar nav a").all():
        box = link.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= NARROW["width"], link.inner_text()
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    expect(page.locator(".state-acts .call")).to_be_hidden()  # it stands at the right there
    page.click(".state-acts >> text=Move the appointment")
    expect(page.locator("form.panel")).to_contain_text("Booked now")
