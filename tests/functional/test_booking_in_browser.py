"""Booking from the board, moving, cancelling, and the day's list: as a nurse does it."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Clinic, User
from alarms.models import Projection
from pumps.models import Pump
from refills.models import Appointment

from . import support
from .conftest import SeatOf

pytestmark = pytest.mark.django_db(transaction=True)


def past(pump: Pump, by: User, hours: int) -> Appointment:
    """An appointment whose time has passed, as its row would stand."""
    now = timezone.now()
    starts_at = now - timedelta(hours=hours)
    return Appointment.objects.create(
        pump=pump, starts_at=starts_at, created_at=starts_at - timedelta(days=9), created_by=by
    )


def test_book_from_the_board_and_come_back_to_it(
    seat_of: SeatOf, nurse: User, clinic: Clinic, checked_now: None
) -> None:
    support.named(clinic, "Kaur", 15)
    seat = seat_of(nurse)
    page = seat.open("/?tab=soon")
    page.click(".board .go a:has-text('Book')")
    expect(page.locator(".person")).to_contain_text("KAUR")
    seat.check()
    page.locator("[data-pick]").last.click()
    expect(page.locator("#book_day")).not_to_have_value("")
    expect(page.locator("#verdict")).to_contain_text("In time")
    seat.check()
    page.click("form.panel >> text=/^Book$/")
    expect(page.locator("[role=status]").first).to_contain_text("Booked for")
    expect(page).to_have_url(re.compile("tab=soon"))
    row = page.locator(".board tbody tr")
    expect(row.locator(".c-booked")).not_to_contain_text("Not booked")
    row.locator(".c-booked a").click()
    expect(page.locator("main")).to_contain_text("Refill appointment")
    seat.check()


def test_a_day_after_the_alarm_asks_why_and_keeps_what_was_typed(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    pump = support.named(clinic, "Kaur", 15)
    seat = seat_of(nurse, script=False)
    page = seat.open(f"{support.address_of(pump)}pumps/{pump.uuid}/book/")
    days = [support.in_days(clinic, ahead) for ahead in (20, 21, 22)]
    day = next(day for day in days if day.weekday() < 5).isoformat()  # a weekend is another warning
    page.fill("#book_day", day)
    page.click("form.panel >> text=/^Book$/")
    expect(page.locator(".error-summary")).to_contain_text("Nothing was booked")
    expect(page.locator("#book_day")).to_have_value(day)
    page.fill("#book_late_reason", "The family is abroad")
    page.click("form.panel >> text=/^Book$/")
    expect(page.locator("#appointments")).to_contain_text("The family is abroad")
    expect(page.locator("#appointments")).to_contain_text("Not before the alarm")


def test_a_late_and_a_booked_pump_fit_a_phone(
    seat_of: SeatOf, nurse: User, clinic: Clinic, checked_now: None
) -> None:
    late, booked = support.named(clinic, "Kaur", -8), support.named(clinic, "Ito", 15)
    support.booked(booked, 3, by=nurse)
    seat = seat_of(nurse)
    page = seat.open(f"{support.address_of(late)}pumps/{late.uuid}/book/")
    expect(page.locator("legend")).to_contain_text("each is too late, the first is the best")
    expect(page.locator("#book_late_reason")).to_be_visible()
    seat.check()
    page = seat.open(f"{support.address_of(booked)}pumps/{booked.uuid}/book/")
    seat.check()
    page.click("text=Move that appointment")
    expect(page.locator("form.panel")).to_contain_text("Booked now")


def test_a_warning_is_shown_before_it_is_saved(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    pump = support.named(clinic, "Kaur", 15)
    Projection.objects.filter(pump=pump).update(earliest_empty_date=None)
    due = Projection.objects.get(pump=pump).refill_due_on
    assert due is not None
    seat = seat_of(nurse, script=False)
    page = seat.open(f"{support.address_of(pump)}pumps/{pump.uuid}/book/")
    page.fill("#book_day", (due + timedelta(days=2)).isoformat())
    page.click("form.panel >> text=/^Book$/")
    expect(page.locator(".error-summary")).to_contain_text("2 days after the day it is due by")
    assert not Appointment.objects.exists()
    page.click("form.panel >> text=/^Book$/")
    expect(page.locator("#appointments")).to_contain_text("Late: refill by")


def test_without_script_a_day_that_is_offered_fills_the_form(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    pump = support.named(clinic, "Kaur", 15)
    page = seat_of(nurse, script=False).open(f"{support.address_of(pump)}pumps/{pump.uuid}/book/")
    page.locator("[data-pick]").last.click()
    expect(page.locator("#book_day")).not_to_have_value("")
    expect(page.locator("#book_time")).to_have_value("09:00")
    assert not Appointment.objects.exists()


def test_move_and_cancel_from_the_patients_page(
    seat_of: SeatOf, nurse: User, clinic: Clinic
) -> None:
    pump = support.named(clinic, "Kaur", 30)
    support.booked(pump, 5, by=nurse)
    seat = seat_of(nurse)
    page = seat.open(support.address_of(pump))
    seat.check()
    page.click("#appointments >> text=Rebook")
    expect(page.locator("form.panel")).to_contain_text("Booked now")
    seat.check()
    page.locator("[data-pick]").first.click()
    expect(page.locator("#verdict .note").first).to_be_visible()
    page.click("text=Move the appointment")
    expect(page.locator("[role=status]").first).to_contain_text("Moved to")
    page.click("#appointments >> text=Cancel")
    page.fill("#cancel_reason", "The family moved away")
    page.dblclick("text=Cancel the appointment")
    expect(page.locator("main [role=status]")).to_have_count(1)
    expect(page.locator("main [role=status]")).to_contain_text("Cancelled: KAUR, Sofía.")
    expect(page.locator("main")).to_contain_text("Nothing is booked for this pump now.")
    expect(page.locator("#appointments")).to_contain_text("None is booked")
    page.click("#appointments >> text=2 past or cancelled")
    expect(page.locator("#appointments")).to_contain_text("The family moved away")
    seat.check()


def test_the_appointments_page_and_what_became_of_them(
    seat_of: SeatOf, nurse: User, clinic: Clinic, checked_now: None
) -> None:
    pump = support.named(clinic, "Kaur", 15)
    row = past(pump, nurse, hours=30)
    support.booked(support.named(clinic, "Ito", 30), 5, by=nurse)
    seat = seat_of(nurse)
    page = seat.open("/appointments/")
    expect(page.locator(".empty-state")).to_contain_text("Nobody is booked on this day")
    seat.check()
    page.click(".tabs >> text=Coming")
    expect(page.locator(".visit-list")).to_contain_text("ITO")
    seat.check()
    page.click(".tabs >> text=Without outcome")
    seat.check()
    page.click("button:has-text('No-show')")
    expect(page.locator("[role=status]").first).to_contain_text("Marked as a no-show")
    expect(page.locator(".empty-state")).to_contain_text("Every past appointment has its outcome")
    seat.open(f"/appointments/{row.uuid}/#take-back")
    page.fill("#back_reason", "Wrong row")
    page.click("button:has-text('Take it back')")
    expect(page.locator("[role=status]").first).to_be_visible()
    row.refresh_from_db()
    assert row.outcome == ""


def test_the_days_list_prints(seat_of: SeatOf, nurse: User, clinic: Clinic) -> None:
    pump = support.named(clinic, "Kaur", 30)
    support.booked(pump, 5, by=nurse)
    made = Appointment.objects.get()
    day = made.starts_at.astimezone(clinic.zone).date()
    seat = seat_of(nurse)
    page = seat.open(f"/appointments/?tab=today&on={day}")
    expect(page.locator(".visit-list")).to_contain_text("KAUR")
    assert seat.visible_in_print(".visit-list")
    assert not seat.visible_in_print(".visit-acts")
    assert not seat.visible_in_print(".topbar")
