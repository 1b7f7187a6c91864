"""One day of the clinic, in the browser and over REST: each group of users does its work, and the
integration sees each change of it."""

import json
import re
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Clinic, User
from documents.services import rendering
from followup.services import scans
from itbclinic import watchdog
from pumps.models import Pump
from tests import factories
from tests.functional.conftest import SeatOf
from tests.summary_support import settings_of
from visits.models import SummaryPrint, Visit

from . import support

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("checked_now")]

Pull = Callable[[], dict[str, Any]]


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    """In its window today: 18 mL to the alarm, which comes in ten days."""
    settings_of(clinic)
    return support.named(clinic, "Kaur", 10, given_name="Amrit")


@pytest.fixture
def pull(clinic: Clinic, live_server: Any) -> Pull:
    """The integration: pulls the whole list over HTTP, and gives the pump's row as it stands."""
    _, token = factories.api_client(clinic)

    def ask() -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{live_server.url}/api/v1/refills-due/?due_before=2099-01-01",
            headers={"Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            page = json.load(response)
        assert page["complete"] is True
        [row] = page["results"]
        found: dict[str, Any] = row
        return found

    return ask


def test_the_nurse_books_and_refills_and_the_integration_sees_each_change(
    seat_of: SeatOf, nurse: User, pump: Pump, pull: Pull
) -> None:
    assert pull()["appointment"] is None
    seat = seat_of(nurse)
    page = seat.open("/")
    page.click(".board .go a:has-text('Book')")
    page.fill("input[name=day]", f"{support.in_days(pump.clinic, 1):%Y-%m-%d}")
    page.press("input[name=day]", "Tab")
    expect(page.locator("#verdict")).to_contain_text("In time")
    page.click("form.panel >> text=/^Book$/")
    expect(page.locator("[role=status]").first).to_contain_text("Booked for")
    booked = pull()
    assert booked["appointment"] is not None
    assert booked["status"] == "due"

    page.click(".board .go a:has-text('Visit')")
    page.fill("#visit_aspirated_ml", "5")
    page.fill("#visit_volume_ml", "20")
    page.fill("#visit_concern_reason", "The family came a day early")
    expect(page.locator(".side-by-side")).to_contain_text("20 mL")
    page.click("text=Save the visit")
    page.wait_for_url(re.compile("/visits/"))
    seat.check()
    refilled = pull()
    assert refilled["status"] == "not_due"
    assert refilled["alarm_date"] > booked["alarm_date"]
    page.goto(f"{seat.base}/?tab=all")
    expect(page.locator(".board tbody tr")).to_have_count(1)
    expect(page.locator(".board tbody tr")).to_contain_text("window opens")
    scans.sweep(clock=timezone.now)
    assert watchdog.check(timezone.now()) == []


def test_the_doctor_changes_a_dose_without_a_refill(
    seat_of: SeatOf, clinic: Clinic, pump: Pump, pull: Pull
) -> None:
    before = pull()
    seat = seat_of(factories.user("doctor-1", clinic, "doctor"))
    page = seat.open(support.address_of(pump))
    page.get_by_role("link", name=re.compile("Record (a )?visit")).first.click()
    page.check("text=New dose, the same all day")
    page.fill("#visit_daily_dose_mcg", "660")
    page.fill("#visit_reason", "More tone in the mornings")
    expect(page.locator(".side-by-side")).to_contain_text("+10 %")
    # In its window the pump may run dry before it beeps: the page wants to know that this was seen.
    expect(page.locator("[data-concern]")).to_have_count(1)
    page.fill("#visit_concern_reason", "The refill is booked")
    page.click("text=Save the visit")
    page.wait_for_url(re.compile("/visits/"))
    expect(page.locator("main")).to_contain_text("More tone in the mornings")
    seat.check()
    visit = Visit.objects.get(pump=pump)
    assert (visit.fill, visit.program is not None) == (None, True)
    after = pull()
    assert (before["daily_dose_mcg"], after["daily_dose_mcg"]) == ("600", "660")
    assert after["alarm_date"] < before["alarm_date"]


def test_the_staff_print_the_summary_of_the_visit(
    seat_of: SeatOf, clinic: Clinic, pump: Pump
) -> None:
    factories.visit_of(pump, timezone.now().replace(second=0, microsecond=0))
    rendering.render_due(clock=timezone.now)
    staff = factories.user("staff-1", clinic, "staff")
    seat = seat_of(staff)
    page = seat.open("/summaries/")
    page.get_by_role("link", name="KAUR, Amrit").click()
    expect(page.locator(".avs")).to_contain_text("Amrit Kaur")
    expect(page.locator(".avs")).to_contain_text("801-555-0142")
    seat.check()
    page.get_by_role("button", name="Print from the browser").click()
    page.wait_for_url("**/document/#print")
    [printed] = SummaryPrint.objects.all()
    assert printed.by == staff
    page.goto(f"{seat.base}/summaries/")
    expect(page.locator("main")).to_contain_text(f"by {staff.display_name}")
