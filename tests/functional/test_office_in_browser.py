"""Catalogue, audit log, clinic and refused rows in a real browser, at both widths, with axe."""

import re
from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Clinic, User
from rosters.services.importing import import_roster
from tests import factories

from .conftest import SeatOf

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("checked_now", "fresh_rate_limits"),
]

SHEET = (
    "MRN,Last Name,First Name,DOB,Guardian,Guardian Phone,Email,Language,Diagnosis,Pump Model,"
    "Pump Serial,Implanted,Last Refill,Volume (mL),Concentration,Daily Dose,Mode,Schedule,"
    "Low Alarm (mL),Alarm Date,Next Appt,Notes\n"
    "719002,Rossi,Ivy,2014-03-09,,,,,,8637-20,NPX1,,2025-11-02,60,2000,350000,Simple,,2,,,\n"
)


def open_all(page: Page) -> None:
    """Unfold everything, so that axe sees it too."""
    page.evaluate("for (const fold of document.querySelectorAll('main details')) fold.open = true")


def refused(clinic: Clinic, by: User, now: datetime) -> None:
    import_roster(
        clinic=clinic,
        content=SHEET.encode(),
        filename_suffix=".csv",
        as_of=now.date(),
        by=by,
        now=now,
    )


def test_a_pharmacist_changes_a_figure(seat_of: SeatOf, clinic: Clinic, now: datetime) -> None:
    factories.due_in(clinic, 10, now)
    seat = seat_of(factories.user("pharm", clinic, "pharmacist"))
    page = seat.open("/catalogue/")
    open_all(page)
    seat.check()
    page.get_by_role("link", name="Change SynchroMed II 20 mL").click()
    expect(page.get_by_role("heading", name="1 pump will be recomputed")).to_be_visible()
    seat.check()
    page.get_by_label("May run faster by, in %", exact=True).fill("20")
    page.get_by_label("Source: may run faster by").fill("Manual M1, page 12")
    page.get_by_role("button", name="Save and recompute 1 pump").click()
    expect(page.get_by_role("status")).to_contain_text("1 pump was recomputed")
    expect(page.locator("main")).to_contain_text("20 %")
    seat.check()


def test_a_refused_figure_is_said_at_its_field(seat_of: SeatOf, clinic: Clinic) -> None:
    seat = seat_of(factories.user("pharm", clinic, "pharmacist"))
    page = seat.open("/catalogue/")
    page.get_by_role("link", name="Change SynchroMed II 20 mL").click()
    field = page.get_by_label("Highest flow, in mL/day", exact=True)
    field.fill("0.01")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".error-summary")).to_be_focused()
    expect(field).to_have_value("0.01")
    expect(field).to_have_accessible_description("The highest flow must be above the lowest flow.")
    page.locator(".error-summary a").click()
    expect(field).to_be_focused()
    seat.said.clear()  # the browser tells of the 422
    seat.check()


def test_a_drugs_page(seat_of: SeatOf, clinic: Clinic) -> None:
    seat = seat_of(factories.user("pharm", clinic, "pharmacist"))
    page = seat.open("/catalogue/")
    page.get_by_role("link", name="Change Baclofen 500 mcg per mL").click()
    expect(page.locator("main")).to_contain_text("No date moves")
    seat.check()


def test_the_audit_log(seat_of: SeatOf, clinic: Clinic, now: datetime) -> None:
    factories.due_in(clinic, 10, now)
    seat = seat_of(factories.user("aud", clinic, "auditor"))
    page = seat.open("/audit/")
    open_all(page)
    seat.check()
    page.get_by_label("What", exact=True).select_option("Recorded a refill")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".log tbody > tr:has(> td)").first).to_contain_text("Recorded a refill")
    expect(page.locator(".chip")).to_contain_text("Recorded a refill")
    seat.check()
    page.get_by_role("link", name="Show without: Recorded a refill").click()
    expect(page.locator(".chip")).to_have_count(0)
    assert not seat.visible_in_print(".filter-bar")


def test_a_patient_is_searched_in_the_audit_log(
    seat_of: SeatOf, clinic: Clinic, now: datetime
) -> None:
    factories.due_in(clinic, 10, now, family_name="Quispe")
    factories.due_in(clinic, 20, now, family_name="Eide")
    seat = seat_of(factories.user("aud", clinic, "auditor"))
    page = seat.open("/audit/")
    page.get_by_label("Patient", exact=True).fill("quispe")
    page.get_by_role("button", name="Find").click()
    expect(page.locator(".chip")).to_contain_text("Patients found by “quispe” (1)")
    expect(page).to_have_url(re.compile(r"/audit/\?patient=(~|%7E)[0-9a-f]{16}$"))
    expect(page.locator(".log")).to_contain_text("QUISPE")
    expect(page.locator(".log")).not_to_contain_text("EIDE")
    seat.check()
    page.get_by_label("What", exact=True).select_option("Recorded a refill")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".chip")).to_have_count(2)
    expect(page.locator(".log tbody > tr:has(> td.about)")).to_have_count(1)
    page.get_by_role("link", name="Show without: Patients found").click()
    expect(page.locator(".log")).to_contain_text("EIDE")
    assert not seat.visible_in_print(".audit-search")


def test_the_address_of_a_form_leads_back_to_its_page(seat_of: SeatOf, clinic: Clinic) -> None:
    seat = seat_of(factories.user("boss", clinic, "admin"))
    page = seat.open(f"/clinic/{clinic.slug}/people/add/")
    expect(page.locator("main")).to_contain_text("This address only takes what a form sends.")
    seat.said.clear()  # the browser itself notes every answer of 405
    seat.check()
    page.get_by_role("link", name="Go to the page that it belongs to").click()
    expect(page).to_have_url(re.compile(rf"/clinic/{clinic.slug}/$"))


def test_an_administrator_adds_a_person_and_a_client(seat_of: SeatOf, clinic: Clinic) -> None:
    factories.api_client(clinic)
    seat = seat_of(factories.user("boss", clinic, "admin"))
    page = seat.open("/clinic/")
    open_all(page)
    seat.check()
    page.get_by_label("Given name").fill("Nia")
    page.get_by_label("Family name").fill("Okafor")
    page.get_by_label("Username").fill("nokafor")
    page.get_by_label("Role", exact=True).select_option("Clinic staff")
    page.get_by_role("button", name="Add this person").click()
    expect(page.get_by_role("heading", name="Nia Okafor can sign in now")).to_be_visible()
    seat.check()
    page.get_by_role("link", name="I have passed it on").click()
    page.get_by_text("Make an API client").click()
    page.get_by_label("Which program it is for").fill("Ward dashboard")
    page.get_by_label("Refill-due lists").check()
    page.get_by_role("button", name="Make it and show the token").click()
    expect(page.locator(".secret code").first).to_contain_text("itb_")
    seat.check()


def test_a_forgotten_password_is_replaced_and_then_changed(
    seat_of: SeatOf, clinic: Clinic, nurse: User
) -> None:
    seat = seat_of(factories.user("boss", clinic, "admin"))
    page = seat.open("/clinic/#people")
    expect(page.locator("#people details[open]")).to_have_count(0)
    row = page.locator("#people tr", has_text=nurse.username)
    row.locator("summary", has_text="New password").click()
    seat.check()
    row.get_by_role("button", name="Give a new password").click()
    expect(page.locator("h1")).to_have_text(f"A new password for {nurse.display_name}")
    seat.check()
    given = page.locator(".secret code").nth(1).inner_text()
    hers = seat_of()
    page = hers.open("/")
    page.fill("[name=login]", nurse.username)
    page.fill("[name=password]", given)
    page.press("[name=password]", "Enter")
    expect(page.locator(".note.warn")).to_contain_text("Choose a password of your own first")
    hers.check()
    page.fill("[name=oldpassword]", given)
    page.fill("[name=password1]", "four plain words here")
    page.fill("[name=password2]", "four plain words here")
    page.get_by_role("button", name="Change password").click()
    expect(page.locator("h1")).to_have_text("Refills")


def test_the_last_administrator_is_told(seat_of: SeatOf, clinic: Clinic) -> None:
    seat = seat_of(factories.user("boss", clinic, "admin"))
    page = seat.open("/clinic/")
    page.locator("summary", has_text="Remove").click()
    page.get_by_role("button", name="Take the role away").click()
    expect(page.get_by_role("alert")).to_contain_text("last administrator")
    seat.check()


def test_a_refused_row_is_dismissed_by_keyboard(
    seat_of: SeatOf, clinic: Clinic, nurse: User, now: datetime
) -> None:
    refused(clinic, nurse, now)
    seat = seat_of(nurse)
    page = seat.open("/imports/rows/")
    expect(page.locator(".row-card")).to_contain_text("Line 2 · Rossi, Ivy")
    open_all(page)
    expect(page.locator(".cell.is-wrong")).to_have_count(2)
    seat.check()
    page.reload()
    page.locator("summary", has_text="Dismiss it with a reason").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Moved to Reno")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Line 2 is dismissed")
    page.get_by_role("link", name="Dismissed").click()
    expect(page.locator(".row-card")).to_contain_text("Moved to Reno")
    seat.check()


def test_the_file_to_mend_is_downloaded(
    seat_of: SeatOf, clinic: Clinic, nurse: User, now: datetime
) -> None:
    refused(clinic, nurse, now)
    page = seat_of(nurse).open("/imports/rows/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Excel with the refused rows").click()
    assert download.value.suggested_filename == "refused-rows-wasatch.xlsx"
