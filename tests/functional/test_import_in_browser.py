"""The import page in a browser: from the upload to the rows to mend, with the worker's function."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Clinic, User
from rosters.models import RosterUpload
from rosters.services.upload_runs import run_uploads
from tests.functional.conftest import SeatOf
from tests.unit.rosters.sheets import cells, csv_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("checked_now")]
BAD = cells(mrn="719002", pump_serial="NPX0719002H", last_name="Ito", daily_dose="350000")
SHEET = csv_of(
    cells(), BAD,
    cells(mrn="719003", pump_serial="NPX0719003H", last_name="Tsosie", alarm_date="2026-12-25",
          daily_dose="0.35 mg/day"),
)  # fmt: skip


def work() -> None:
    run_uploads(clock=timezone.now)


def upload(page: Page, tmp_path: Path, content: bytes = SHEET, name: str = "Ito, Bea.csv") -> None:
    path = tmp_path / name
    path.write_bytes(content)
    page.get_by_label("The spreadsheet").set_input_files(path)
    page.get_by_role("button", name="Upload and check").click()


def test_from_the_upload_to_the_row_to_mend(
    seat_of: SeatOf, clinic: Clinic, nurse: User, tmp_path: Path
) -> None:
    seat = seat_of(nurse)
    page = seat.open("/imports/")
    seat.check()
    upload(page, tmp_path, b"MRN,Name\n1,2\n")
    expect(page.get_by_role("alert")).to_contain_text("No line with the headings")
    assert seat.said.pop().endswith("422 (Unprocessable Entity)")
    seat.check()
    upload(page, tmp_path)
    expect(page.get_by_role("heading", name="Checking")).to_be_visible()
    assert "Ito" not in page.url + page.title()
    seat.check()
    work()
    expect(page.get_by_role("heading", name="What would come of it")).to_be_visible()
    expect(page.locator("#upload-said")).to_have_text("The check is finished.")
    expect(page.locator(".typed")).to_have_text("350000")
    seat.check()
    page.get_by_role("link", name="Would be imported").click()
    expect(page.locator(".found")).to_contain_text("10/25/2026")
    seat.check()
    board = seat.open("/")
    expect(board.locator(".sheets")).to_contain_text("is checked and not imported yet")
    seat.check()
    board.locator(".sheets").get_by_role("link").click()
    page.get_by_role("button", name="Import these 2 rows").click()
    expect(page.get_by_role("heading", name="Importing")).to_be_visible()
    seat.check()
    work()
    expect(page.get_by_role("heading", name="Imported")).to_be_visible()
    expect(page.get_by_role("heading", name="1 refused row to settle")).to_be_visible()
    seat.check()
    page.get_by_role("link", name="Upload the mended file").click()
    upload(page, tmp_path, csv_of({**BAD, "Daily Dose": "350"}))
    expect(page.get_by_role("heading", name="Checking")).to_be_visible()
    work()
    page.get_by_role("button", name="Import this 1 row").click()
    expect(page.get_by_role("heading", name="Importing")).to_be_visible()
    work()
    expect(page.get_by_role("heading", name="Nothing is left to settle")).to_be_visible()
    seat.open("/imports/")
    seat.check()


def test_stopped_late_and_discarded(
    seat_of: SeatOf, clinic: Clinic, nurse: User, tmp_path: Path
) -> None:
    seat = seat_of(nurse, script=False)
    page = seat.open("/imports/")
    upload(page, tmp_path)
    long_ago = timezone.now() - timedelta(minutes=11)
    RosterUpload.objects.update(moved_at=long_ago)
    page.get_by_role("link", name="Refresh").click()
    expect(page.get_by_role("heading", name="The check has come to a halt")).to_be_visible()
    expect(seat.open("/").locator(".sheets")).to_contain_text("has not come forward since")
    RosterUpload.objects.update(state="failed", refusal="The worker stopped.")
    expect(seat.open("/").locator(".sheets")).to_contain_text("stopped before its end")
    page.locator(".sheets").get_by_role("link").click()
    seen = seat_of(nurse)
    seen.open(page.url.removeprefix(seen.base))
    seen.check()
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("heading", name="Discarded")).to_be_visible()
    seen.open(page.url.removeprefix(seen.base))
    seen.check()
