"""Signing in and out, the account's own pages, and pages that cannot be shown."""

import re

import pytest
from playwright.sync_api import expect

from accounts.models import Clinic, User
from tests import factories

from .conftest import SeatOf

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fresh_rate_limits"),
]


def test_sign_in_and_out(seat_of: SeatOf, nurse: User) -> None:
    seat = seat_of()
    page = seat.open("/")
    expect(page).to_have_url(re.compile("/accounts/login/"))
    expect(page.locator("main")).to_contain_text("Ask your clinic's administrator")
    for absent in ("sign up", "Forgot your password", "email", "Remember"):
        expect(page.locator("body")).not_to_contain_text(absent, ignore_case=True)
    seat.check()
    page.fill("[name=login]", nurse.username)
    page.fill("[name=password]", "not the password")
    page.press("[name=password]", "Enter")
    expect(page.locator("[role=alert]")).to_contain_text("not correct")
    seat.check()
    page.fill("[name=password]", factories.PASSWORD)
    page.press("[name=password]", "Enter")
    expect(page.locator("h1")).to_have_text("Refills")
    page.click(".menus details:last-child summary")
    seat.check()
    page.click("button:has-text('Sign out')")
    expect(page.locator("h1")).to_have_text("Sign in")


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/accounts/password/change/", "Change password"),
        ("/accounts/2fa/", "Two-factor sign-in"),
        ("/accounts/logout/", "Sign out?"),
        ("/accounts/password/reset/", "Forgotten password"),
        ("/accounts/reauthenticate/?next=/", "Confirm that it is you"),
        ("/accounts/2fa/totp/activate/", "Confirm that it is you"),
    ],
)
def test_pages_of_the_account(seat_of: SeatOf, nurse: User, path: str, heading: str) -> None:
    seat = seat_of(nurse)
    page = seat.open(path)
    expect(page.locator("h1")).to_have_text(heading)
    seat.check()


def test_two_factor_sign_in_is_set_up(seat_of: SeatOf, nurse: User) -> None:
    seat = seat_of(nurse)
    page = seat.open("/accounts/2fa/totp/activate/")
    page.fill("[name=password]", factories.PASSWORD)
    page.press("[name=password]", "Enter")
    expect(page.locator("h1")).to_have_text("Set up the authenticator app")
    expect(page.locator("img.qr")).to_be_visible()
    seat.check()


def test_pages_that_cannot_be_shown_lead_on(seat_of: SeatOf, clinic: Clinic, nurse: User) -> None:
    seat = seat_of(nurse)
    page = seat.open("/no-such-page/")
    expect(page.locator("h1")).to_have_text("There is no such page")
    seat.said.clear()  # the browser reports the 404
    seat.check()
    page.click("text=Go to your first page")
    expect(page.locator("h1")).to_have_text("Refills")
    page.context.clear_cookies(name="csrftoken")
    page.evaluate("document.querySelector('[name=csrfmiddlewaretoken]').value = 'x'.repeat(64)")
    page.evaluate("document.querySelector('.menu-list form').submit()")
    expect(page.locator("h1")).to_have_text("That was not saved")


def test_a_user_without_a_role_is_told_so(seat_of: SeatOf, clinic: Clinic) -> None:
    seat = seat_of(factories.user("newcomer"))
    page = seat.open("/")
    expect(page.locator("h1")).to_have_text("You have no role in any clinic yet")
    seat.check()
    page.click("main button:has-text('Sign out')")
    expect(page.locator("h1")).to_have_text("Sign in")
