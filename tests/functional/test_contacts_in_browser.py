"""Contacts, reminders and how the clinic is reached, in a real browser."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Clinic, User
from followup.services import delivering
from tests import factories
from tests.functional.conftest import SeatOf
from tests.functional.support import address_of, named

pytestmark = pytest.mark.django_db(transaction=True)


def test_contacts_and_reminders(
    clinic: Clinic, nurse: User, checked_now: None, seat_of: SeatOf
) -> None:
    nurse.email = "nurse@clinic.example"
    nurse.save()
    pump = named(clinic, "Ito", 15)
    delivering.deliver(clock=timezone.now)
    seat = seat_of(nurse)
    page = seat.open(address_of(pump))
    expect(page.locator("#reminders")).to_contain_text("The refill window opened")
    seat.check()
    page.locator("#contacts details.act > summary").first.click()
    page.locator("#contacts form").first.get_by_label("E-mail").fill("mother@family.example")
    page.locator("#contacts form").first.locator("button").click()
    page.locator("#contacts >> text=Record consent to e-mail").click()
    seat.check()
    page.get_by_label("What was agreed").fill("By phone with the mother")
    page.get_by_role("button", name="Record it").click()
    expect(page.locator("#contacts")).to_contain_text("By phone with the mother")
    page.get_by_role("button", name="Withdraw the consent").click()
    expect(page.locator("#contacts")).to_contain_text("No consent to e-mail")
    page.locator("#contacts summary", has_text="Remove").click()
    page.get_by_label("Why", exact=True).fill("No longer cares for her")
    seat.check()
    page.get_by_role("button", name="Remove this contact").click()
    expect(page.locator("#contacts")).to_contain_text("Nobody is recorded")
    seat.check()


def test_how_the_clinic_is_reached(
    clinic: Clinic, nurse: User, checked_now: None, seat_of: SeatOf
) -> None:
    admin = factories.user("boss", clinic, "admin")
    seat = seat_of(admin)
    page = seat.open("/clinic/wasatch/")
    expect(page.locator("#people")).to_contain_text("Cannot be reminded")
    seat.check()
    page.get_by_label("Phone by day").fill("801-555-0100")
    page.get_by_role("button", name="Save how you are reached").click()
    expect(page.get_by_role("status")).to_be_visible()  # the field had its value before, too
    expect(page.get_by_label("Phone by day")).to_have_value("801-555-0100")
    page.get_by_label(f"E-mail of {nurse.display_name}").fill("nurse@clinic.example")
    page.get_by_role("button", name=f"Save the e-mail of {nurse.display_name}").click()
    expect(page.locator("#people")).not_to_contain_text("Cannot be reminded")
    seat.check()
