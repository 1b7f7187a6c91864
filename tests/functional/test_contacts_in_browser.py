"""Contacts, reminders and how the clinic is reached, in a real browser."""

import pytest
from django.utils import timezone

from accounts.models import Clinic, User
from alarms.services import delivering
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
    assert "The refill window opened" in page.inner_text("#reminders")
    seat.check()
    page.locator("#contacts details.act > summary").first.click()
    page.locator("#contacts form").first.get_by_label("E-mail").fill("mother@family.example")
    page.locator("#contacts form").first.locator("button").click()
    page.locator("#contacts >> text=Record consent to e-mail").click()
    seat.check()
    page.get_by_label("What was agreed").fill("By phone with the mother")
    page.get_by_role("button", name="Record it").click()
    assert "By phone with the mother" in page.inner_text("#contacts")
    page.get_by_role("button", name="Withdraw the consent").click()
    assert "No consent to e-mail" in page.inner_text("#contacts")
    seat.check()


def test_how_the_clinic_is_reached(
    clinic: Clinic, nurse: User, checked_now: None, seat_of: SeatOf
) -> None:
    admin = factories.user("boss", clinic, "admin")
    seat = seat_of(admin)
    page = seat.open("/clinic/wasatch/")
    assert "Cannot be reminded" in page.inner_text("#people")
    seat.check()
    page.get_by_label("Phone by day").fill("801-555-0100")
    page.get_by_role("button", name="Save how you are reached").click()
    assert page.get_by_label("Phone by day").input_value() == "801-555-0100"
    page.get_by_label(f"E-mail of {nurse.display_name}").fill("nurse@clinic.example")
    page.get_by_role("button", name=f"Save the e-mail of {nurse.display_name}").click()
    assert "Cannot be reminded" not in page.inner_text("#people")
    seat.check()
