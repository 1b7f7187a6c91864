"""A refill that came with a sheet is taken back from the history on the patient's page."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Clinic, User
from refills.models import FillCorrection
from rosters.services.importing import import_roster
from tests.unit.rosters.sheets import cells, csv_of

from . import support
from .conftest import SeatOf

pytestmark = pytest.mark.django_db(transaction=True)


def test_from_the_history_with_a_reason(seat_of: SeatOf, nurse: User, clinic: Clinic) -> None:
    now = timezone.now()
    day = (now - timedelta(days=1)).astimezone(clinic.zone).date()
    import_roster(
        clinic=clinic, content=csv_of(cells(last_refill=day.isoformat(), alarm_date="")),
        filename_suffix=".csv", as_of=now.astimezone(clinic.zone).date(), by=nurse, now=now,
    )  # fmt: skip
    seat = seat_of(nurse)
    page = seat.open(support.address_of(clinic.pumps.get()))
    seat.check()
    page.get_by_role("link", name="Take this refill back").click()
    expect(page).to_have_title("Imported refill · ITB clinic")
    seat.check()
    page.get_by_label("What was wrong with it").fill("Typed a month late")
    page.get_by_role("button", name="Take this refill back").click()
    struck = page.locator(".history tr.corrected", has_text="Refill")
    expect(struck).to_contain_text("“Typed a month late”")
    expect(page.get_by_role("link", name="Take this refill back")).to_have_count(0)
    assert FillCorrection.objects.get().by == nurse
