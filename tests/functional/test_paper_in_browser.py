"""The print queue, a summary's page and the paper itself, in a real browser."""

import io
from datetime import timedelta
from typing import Any

import pypdf
import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Clinic, User
from refills.services import book
from tests import factories
from tests.functional.conftest import SeatOf
from tests.summary_support import flex, settings_of, summary_of, visited
from visits.models import AfterVisitSummary, SummaryPrint
from visits.services import booking, rendering, summaries
from visits.services.encounter import withdraw_visit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("checked_now")]


def render() -> None:
    rendering.render_due(clock=timezone.now)


@pytest.fixture
def staff(clinic: Clinic) -> User:
    settings_of(clinic)
    return factories.user("staff-1", clinic, "staff")


@pytest.fixture
def made(clinic: Clinic, staff: User, nurse: User) -> AfterVisitSummary:
    """A booked flex patient's paper: the fullest there is."""
    now = timezone.now()
    pump = factories.filled_pump(
        clinic, now - timedelta(days=60), now=now, given_name="Sofía", family_name="Díaz",
        language="Vietnamese",
    )  # fmt: skip
    book(pump=pump, starts_at=now + timedelta(days=40), by=nurse, now=now)
    at = now - timedelta(hours=1)
    program = flex(
        at,
        (("mon", "tue", "wed", "thu", "fri"), ((0, "120"), (420, "300"), (1170, "180"))),
        (("sat", "sun"), ((0, "480"),)),
    )
    visit = visited(clinic, nurse, now, pump=pump, program=program)
    render()
    return summary_of(visit)


def test_a_plain_visits_paper_prints_on_one_sheet_from_the_browser(
    seat_of: SeatOf, staff: User, clinic: Clinic, nurse: User
) -> None:
    row = summary_of(visited(clinic, nurse, timezone.now()))
    render()
    seat = seat_of(staff)
    for address in (f"/summaries/{row.uuid}/document/", f"/summaries/{row.uuid}/"):
        page = seat.open(address)
        sheets = pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages
        assert "Seen by" in sheets[0].extract_text()
        assert len(sheets) == 1


def test_an_empty_queue_says_how_paper_comes_here(seat_of: SeatOf, staff: User) -> None:
    seat = seat_of(staff)
    page = seat.open("/summaries/")
    expect(page.get_by_text("Nothing to print")).to_be_visible()
    expect(page.locator("main")).to_contain_text("comes here by itself")
    seat.check()


def test_staff_print_what_waits_and_it_is_recorded(
    seat_of: SeatOf, staff: User, made: AfterVisitSummary
) -> None:
    seat = seat_of(staff)
    page = seat.open("/")
    page.get_by_role("link", name="Paper").click()
    expect(page).to_have_title("Paper to print · ITB clinic")
    expect(page.get_by_text("Please use an interpreter: Vietnamese.")).to_be_visible()
    expect(page.get_by_text("1 after-visit summary")).to_be_visible()
    seat.check()
    page.get_by_role("link", name="DÍAZ, Sofía").click()
    seat.check()
    expect(page.get_by_role("heading", name="Call right away, day or night")).to_be_visible()
    assert not seat.visible_in_print(".topbar")
    assert not seat.visible_in_print("aside")
    assert seat.visible_in_print(".avs")
    page.get_by_role("button", name="Print from the browser").click()
    expect(page).to_have_url(f"{seat.base}/summaries/{made.uuid}/document/#print")
    seat.check()
    [printed] = SummaryPrint.objects.all()
    assert (printed.summary, printed.by) == (made, staff)
    page.get_by_role("link", name="Back to the paper to print").click()
    expect(page.get_by_text("Printed in the last 7 days")).to_be_visible()
    expect(page.get_by_text("by Rowan staff-1").first).to_be_visible()
    expect(page.get_by_role("button", name="Print again")).to_be_visible()


def test_what_is_printed_is_the_very_document(
    seat_of: SeatOf, staff: User, made: AfterVisitSummary
) -> None:
    seat = seat_of(staff)
    page = seat.open(f"/summaries/{made.uuid}/document/")
    on_document = page.inner_text(".avs")
    page = seat.open(f"/summaries/{made.uuid}/")
    assert page.inner_text(".avs") == on_document
    assert not seat.page.evaluate("document.querySelector('.avs').closest('aside')")


def test_an_outdated_version_warns_and_offers_the_new_one(
    seat_of: SeatOf, staff: User, nurse: User, made: AfterVisitSummary
) -> None:
    summaries.record_print(summary=made, by=nurse, now=timezone.now())
    [booked] = made.visit.pump.appointments.all()
    booking.cancel(appointment=booked, reason="Family asked", by=staff, now=timezone.now())
    render()
    seat = seat_of(staff)
    page = seat.open("/summaries/")
    expect(page.get_by_role("heading", name="Changed since it was printed")).to_be_visible()
    seat.check()
    page = seat.open(f"/summaries/{made.uuid}/")
    expect(page.get_by_text("This version is out of date.")).to_be_visible()
    seat.check()
    page.get_by_role("link", name="Open version 2").click()
    expect(page.get_by_text("version 2, made")).to_be_visible()


def test_a_withdrawn_visits_paper_says_why_and_prints_nothing(
    seat_of: SeatOf, staff: User, nurse: User, made: AfterVisitSummary
) -> None:
    withdraw_visit(
        visit=made.visit, reason="Entered for the wrong patient", by=nurse, now=timezone.now()
    )
    seat = seat_of(staff)
    page = seat.open(f"/summaries/{made.uuid}/")
    expect(page.get_by_text("Entered for the wrong patient")).to_be_visible()
    expect(page.get_by_role("button", name="Print")).to_have_count(0)
    expect(page.locator(".avs")).to_have_count(0)
    seat.check()
    page = seat.open(f"/summaries/{made.uuid}/document/")
    expect(page.get_by_text("Do not give this paper out.")).to_be_visible()
    page = seat.open("/summaries/")
    expect(page.get_by_text("DÍAZ")).to_have_count(0)


def test_a_printed_paper_of_a_visit_that_is_taken_back_stays_in_sight(
    seat_of: SeatOf, nurse: User, made: AfterVisitSummary
) -> None:
    summaries.record_print(summary=made, by=nurse, now=timezone.now())
    seat = seat_of(nurse)
    page = seat.open(f"/visits/{made.visit.uuid}/")
    expect(page.locator("main")).to_contain_text("by Rowan nurse-1")
    page.get_by_text("Entered in error").click()
    page.get_by_label("What was wrong").fill("Entered for the wrong patient")
    page.get_by_role("button", name="Take this visit back").click()
    expect(page.get_by_text("The call stands under Work")).to_be_visible()
    expect(page.locator(".note.stop")).to_contain_text("that paper must not be used")
    seat.check()
    page = seat.open("/summaries/")
    expect(page.locator("main")).to_contain_text("1 printed paper must not be used")
    expect(page.get_by_role("link", name="Who to call")).to_be_visible()
    seat.check()
    page = seat.open("/work/")
    card = page.locator(".work-item", has_text="a paper with wrong dates")
    expect(card.locator(".phone")).to_have_attribute("href", "tel:8015550101")
    expect(card.get_by_role("link", name="Open the visit")).to_be_visible()
    expect(card).not_to_contain_text("put off")
    seat.check()


def test_a_failed_one_shows_the_way_out(
    seat_of: SeatOf, clinic: Clinic, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> Any:
        raise KeyError

    monkeypatch.setattr(summaries, "content_of", broken)
    visited(clinic, nurse, timezone.now(), given_name="Otto")
    monkeypatch.undo()
    seat = seat_of(nurse)
    page = seat.open("/summaries/")
    expect(page.get_by_text("No phone number in the clinic's settings")).to_be_visible()
    expect(page.get_by_text("Could not be made")).to_be_visible()
    seat.check()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("It is being made again.")).to_be_visible()
    seat.check()
    render()
    page.reload()
    expect(page.get_by_text("No phone number is set.")).to_be_visible()
    seat.check()


def test_without_script_it_prints_as_well(
    seat_of: SeatOf, staff: User, made: AfterVisitSummary
) -> None:
    page = seat_of(staff, script=False).open(f"/summaries/{made.uuid}/")
    page.get_by_role("button", name="Print from the browser").click()
    expect(page.get_by_role("heading", name="After your visit")).to_be_visible()
    assert SummaryPrint.objects.count() == 1
