"""The work page and the board's panel in a real browser."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Clinic, User
from tests import factories
from tests.functional.conftest import SeatOf
from tests.integration.pages.test_work import item

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def full(clinic: Clinic, nurse: User, checked_now: None) -> Any:
    now = timezone.now()
    pump = factories.due_in(clinic, 15, now, family_name="Ito")
    item(clinic, "channel_failing", now)
    item(clinic, "no_show", now, pump, escalated_at=now, due_at=now + timedelta(days=1))
    item(clinic, "call_family", now, pump, owner_role="staff")
    return pump


def test_the_work_page(full: Any, nurse: User, seat_of: SeatOf) -> None:
    seat = seat_of(nurse)
    page = seat.open("/work/?tab=all")
    seat.check()
    page.locator("details.act > summary").first.click()
    seat.check()
    form = page.locator("form[action^='/work/']").first
    form.locator("textarea").fill("Called the mother; she comes on Friday")
    form.locator("button").click()
    page.wait_for_url("**/work/?tab=all")
    expect(page.locator("main")).to_contain_text("Settled.")
    page.goto(seat.base + "/work/?tab=settled")
    expect(page.locator("main")).to_contain_text("she comes on Friday")
    seat.check()


def test_the_boards_panel(full: Any, nurse: User, seat_of: SeatOf) -> None:
    seat = seat_of(nurse)
    page = seat.open("/?tab=excluded")
    expect(page.locator("#loud-work")).to_contain_text("The mail server refuses our messages")
    seat.check()
    seat.open("/")
    seat.check()
    assert seat.visible_in_print("#loud-work")
    page.click("#loud-work a")
    page.wait_for_url("**/work/?tab=all")


def test_an_empty_work_page(
    clinic: Clinic, nurse: User, checked_now: None, seat_of: SeatOf
) -> None:
    seat = seat_of(nurse)
    seat.open("/work/")
    seat.check()
