"""Which refused row a mended row takes the place of: every way in which the two may be matched."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Clinic, User
from itbclinic.pages.imports import refused_file
from rosters.models import ImportRow, RosterUpload
from rosters.selectors import open_refused_rows
from rosters.services.importing import import_roster
from rosters.services.report import ImportReport
from rosters.services.upload_runs import run_uploads
from rosters.services.uploads import refused_of, seen_of, start_import, upload_roster
from tests.unit.rosters.sheets import SAMPLE, cells, csv_of

pytestmark = pytest.mark.django_db

AS_OF = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)  # 08:00 in the clinic
TO_COME = "2027-01-01"


@pytest.fixture
def load(clinic: Clinic, nurse: User) -> Callable[..., ImportReport]:
    def load(*rows: dict[str, str], **options: Any) -> ImportReport:
        values = {"as_of": AS_OF, "by": nurse, "now": NOW, "filename_suffix": ".csv", **options}
        return import_roster(clinic=clinic, content=csv_of(*rows), **values)

    return load


@pytest.fixture
def still_open(clinic: Clinic) -> Callable[[], list[tuple[int, str]]]:
    def still_open() -> list[tuple[int, str]]:
        return [(row.row, row.errors[0]["code"]) for row in open_refused_rows([clinic.pk])]

    return still_open


# --- the clinic's own sheet ----------------------------------------------------------------------


def test_the_clinics_refused_rows_are_settled_by_their_mended_refills(
    clinic: Clinic, nurse: User, still_open: Any
) -> None:
    """Upload, import, take the refused rows as a file, mend Last Refill, upload and import that."""
    upload = through(clinic, nurse, SAMPLE)
    refused = refused_of(upload)
    table = list(csv.reader(io.StringIO(refused_file.as_csv(refused).decode("utf-8-sig"))))
    place = table[0].index("Last Refill")
    wrong = [line for line in table if line[place] == TO_COME]
    assert {line[1] for line in wrong} == {"Kaur", "Hansen", "Flores"}
    for line in wrong:
        line[place] = "10/1/2026"  # as Excel writes it
    out = io.StringIO()
    csv.writer(out).writerows([table[0], *wrong])
    through(clinic, nurse, out.getvalue().encode())
    left = {row.pk for row in open_refused_rows([clinic.pk])}
    settled = [row for row in refused if row.pk not in left]
    assert {row.raw["Last Name"] for row in settled} == {"Kaur", "Hansen", "Flores"}
    assert len(left) == len(refused) - 3
    for row in ImportRow.objects.filter(pk__in=[row.pk for row in settled]):
        assert row.settled_by_row is not None
        assert row.settled_by_row.outcome == "imported"


def through(clinic: Clinic, by: User, content: bytes) -> RosterUpload:
    upload = upload_roster(
        clinic=clinic, content=content, suffix=".csv", as_of=AS_OF, by=by, now=NOW
    )
    run_uploads(clock=lambda: NOW)
    upload.refresh_from_db()
    start_import(upload=upload, by=by, now=NOW, seen=seen_of(upload))
    run_uploads(clock=lambda: NOW)
    upload.refresh_from_db()
    assert upload.state == "imported"
    return upload


# --- a refill that is still to come --------------------------------------------------------------


def test_a_refill_that_was_still_to_come_is_settled_by_the_mended_day(
    load: Any, still_open: Any
) -> None:
    load(cells(last_refill=TO_COME))
    assert still_open() == [(2, "date_in_future")]
    load(cells(last_refill="2026-10-01"))
    assert still_open() == []


def test_a_refill_whose_day_has_come_since_is_not_settled_by_an_earlier_one(
    load: Any, still_open: Any
) -> None:
    """The day was in the future of the sheet alone: such a refill may have been done."""
    load(cells(last_refill="2026-11-20"), as_of=date(2026, 11, 1))
    assert still_open() == [(2, "date_in_future")]
    load(cells(last_refill="2026-10-01"))
    assert still_open() == [(2, "date_in_future")]
    load(cells(last_refill="2026-11-20"))
    assert still_open() == []


def test_a_refill_of_tomorrow_is_a_refill_once_tomorrow_is_over(load: Any, still_open: Any) -> None:
    load(cells(last_refill="2026-11-23"))
    later = NOW + timedelta(days=2)
    load(cells(last_refill="2026-10-01"), now=later, as_of=later.date())
    assert still_open() == [(2, "date_in_future")]


@pytest.mark.parametrize(
    "other", [{"volume": "18"}, {"daily_dose": "900"}, {"notes": "other"}, {"alarm_date": ""}]
)
def test_a_row_that_says_something_else_of_its_refill_is_not_the_mended_one(
    load: Any, still_open: Any, other: dict[str, str]
) -> None:
    load(cells(last_refill=TO_COME))
    load(cells(last_refill="2026-10-01", **other))
    assert still_open() == [(2, "date_in_future")]


def test_last_months_row_on_record_does_not_settle_this_months_wrong_day(
    load: Any, still_open: Any
) -> None:
    load(cells())
    load(cells(last_refill=TO_COME))
    load(cells())  # nothing new: what is on record says nothing of the other refill
    assert still_open() == [(2, "date_in_future")]


# --- whose it is ---------------------------------------------------------------------------------


@pytest.mark.parametrize("day", [TO_COME, "10/1/26", "2026-10-01"])
@pytest.mark.parametrize(
    "mended",
    [
        {"mrn": "703002"},
        {"pump_serial": "NPX0300009H"},
        {"last_name": "O’Neill"},
        {"dob": "2019-10-26"},
        {"mrn": "703002", "guardian_phone": "801-555-5227"},
    ],
)
def test_a_mended_number_or_name_matches_by_the_two_others(
    load: Any, still_open: Any, day: str, mended: dict[str, str]
) -> None:
    load(cells(last_refill=day, volume="200"))
    assert len(still_open()) == 1
    load(cells(last_refill="2026-10-01", **mended))
    assert still_open() == []


@pytest.mark.parametrize("day", [TO_COME, "10/1/26", "2026-10-01"])
@pytest.mark.parametrize(
    "other",
    [
        {"mrn": "9", "pump_serial": "S9"},  # the name alone
        {"mrn": "9", "last_name": "Tsosie"},  # the pump alone
        {"pump_serial": "S9", "last_name": "Tsosie"},  # the MRN alone
    ],
)
def test_one_in_common_is_not_enough(
    load: Any, still_open: Any, day: str, other: dict[str, str]
) -> None:
    load(cells(last_refill=day, volume="200"))
    before = still_open()
    load(cells(last_refill="2026-10-01", **other))
    assert still_open() == before
    assert len(before) == 1


# --- what a spreadsheet does to a cell -----------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "saved"),
    [
        ({"dob": "2019-10-27"}, {"dob": "10/27/2019"}),
        ({"alarm_date": "25-Oct-2026"}, {"alarm_date": "10/25/2026"}),
        ({"notes": "=2+2"}, {"notes": "\u200b=2+2"}),
        ({"notes": "'=2+2"}, {"notes": "=2+2"}),
    ],
)
def test_dates_and_marks_that_a_spreadsheet_rewrites_are_the_same(
    load: Any, still_open: Any, typed: dict[str, str], saved: dict[str, str]
) -> None:
    load(cells(last_refill=TO_COME, **typed))
    load(cells(last_refill="2026-10-01", **saved))
    assert still_open() == []


# --- two refused rows of one patient -------------------------------------------------------------


def test_two_rows_that_differ_in_more_are_each_settled_by_their_own(
    load: Any, still_open: Any
) -> None:
    load(cells(last_refill="2027-01-01"), cells(last_refill="2027-02-01", volume="18"))
    assert len(still_open()) == 2
    load(cells(last_refill="2026-10-20", volume="18"))
    assert still_open() == [(2, "date_in_future")]
    load(cells(last_refill="2026-11-01"))
    assert still_open() == []


def test_two_rows_that_differ_in_their_wrong_day_alone_wait_for_both(
    load: Any, still_open: Any
) -> None:
    load(cells(last_refill="2027-01-01"), cells(last_refill="2027-02-01"))
    load(cells(last_refill="2026-10-01"))  # which of the two it is, nobody can tell
    assert [line for line, _ in still_open()] == [2, 3]
    load(cells(last_refill="2026-10-10"), cells(last_refill="2026-11-01"))
    assert still_open() == []


def test_a_row_that_was_copied_twice_is_one(load: Any, still_open: Any) -> None:
    load(cells(last_refill=TO_COME), cells(last_refill=TO_COME))
    assert len(still_open()) == 2
    load(cells(last_refill="2026-10-01"))
    assert still_open() == []


def test_mended_to_another_wrong_day_one_row_is_left(load: Any, still_open: Any) -> None:
    load(cells(last_refill=TO_COME))
    load(cells(last_refill="2026-13-01"))
    assert len(still_open()) == 1
    load(cells(last_refill="2026-10-01"))
    assert still_open() == []
