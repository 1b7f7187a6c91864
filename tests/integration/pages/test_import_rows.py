"""Refused rows: what is wrong, dismissed with a reason, and a file that imports word for word."""

import csv
import io
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook

from accounts.models import AuditEvent, Clinic, User
from itbclinic.csv_cells import FORMULA_SIGNS
from patients.models import Patient
from rosters.domain.cells import tidy_words
from rosters.domain.errors import RosterFileError
from rosters.domain.sheet import HEADINGS, read_roster
from rosters.models import ImportRow
from rosters.services.importing import import_roster
from tests import factories

from .conftest import SignedIn, queries, text

pytestmark = pytest.mark.django_db
URL = "/imports/rows/"
GOOD = {
    "MRN": "00719001", "Last Name": "Tsosie", "First Name": "-", "DOB": "2014-03-09",
    "Guardian": "Mother", "Guardian Phone": "+1 801 555 0199", "Pump Model": "8637-20",
    "Pump Serial": "NPX0719001H", "Last Refill": "11/2/2025", "Volume (mL)": "20",
    "Concentration": "2,000 mcg/ml", "Daily Dose": "310 mcg/day", "Mode": "Continuous",
    "Low Alarm (mL)": "2", "Notes": '=HYPERLINK("http://example.org","ask")\nsecond line',
}  # fmt: skip


def sheet(*rows: dict[str, str]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADINGS)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def imported(of: Clinic, by: User, now: datetime, content: bytes, suffix: str = ".csv") -> Any:
    return import_roster(
        clinic=of, content=content, filename_suffix=suffix,
        as_of=now.astimezone(of.zone).date(), by=by, now=now,
    )  # fmt: skip


def refused(of: Clinic, by: User, now: datetime, **cells: str) -> ImportRow:
    imported(of, by, now, sheet(GOOD | {"Daily Dose": "350000", **cells}))
    return ImportRow.objects.filter(clinic=of).latest("id")


def dismiss(client: Client, row: ImportRow, reason: str = "Moved to Reno in May") -> Any:
    return client.post(f"{URL}{row.uuid}/dismiss/", {"reason": reason})


def test_a_row_with_its_line_its_cells_and_the_sentence(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn
) -> None:
    refused(clinic, nurse, now)
    response = as_role("staff").get(URL)
    page = text(response)
    assert "Line 2 · Tsosie, -" in page
    assert '<q class="typed">350000</q>' in page
    assert "between 10 and 3,000 mcg/day" in page
    assert f"by {nurse.display_name}" in page
    assert 'href="/imports/#upload">Upload the mended file' in page
    (card,) = response.context["cards"]
    assert [cell.column for cell in card.cells if cell.wrong] == ["Daily Dose"]
    assert [cell.column for cell in card.cells] == list(HEADINGS)
    assert "&lt;" not in card.row.raw["Notes"]


def test_past_imports_with_their_counts(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn
) -> None:
    content = sheet(GOOD, GOOD | {"MRN": "2", "Pump Serial": "X2", "Last Name": "Ito",
                                  "Volume (mL)": "60"})  # fmt: skip
    imported(clinic, nurse, now, content)
    (line,) = as_role("nurse").get(URL).context["runs"]
    assert (line.run.rows, line.run.imported, line.run.refused) == (2, 1, 1)


def test_dismissing_needs_a_reason_and_keeps_name_and_day(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn
) -> None:
    row = refused(clinic, nurse, now)
    client = as_role("nurse")
    without = dismiss(client, row, "  ")
    assert without.status_code == 422
    assert "Write a reason" in text(without)
    assert dismiss(client, row).status_code == 302
    row.refresh_from_db()
    assert row.dismiss_reason == "Moved to Reno in May"
    assert client.get(URL).context["cards"] == []
    page = text(client.get(f"{URL}?state=dismissed"))
    assert "Moved to Reno in May" in page
    event = AuditEvent.objects.get(event="roster.row_dismissed")
    assert event.reason == "Moved to Reno in May"


def test_a_row_that_is_settled_already_says_so(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn
) -> None:
    row = refused(clinic, nurse, now)
    client = as_role("nurse")
    dismiss(client, row)
    again = dismiss(client, row, "Another reason")
    assert again.status_code == 422
    assert "was settled already" in text(again)


def test_a_row_that_a_later_sheet_settled_can_be_seen(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn
) -> None:
    refused(clinic, nurse, now)
    imported(clinic, nurse, now, sheet(GOOD))
    client = as_role("nurse")
    assert client.get(URL).context["cards"] == []
    page = text(client.get(f"{URL}?state=settled"))
    assert "Settled by line 2 of the sheet" in page
    assert "refused as well" not in page


def test_a_row_that_was_refused_again_is_called_replaced_not_settled(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn
) -> None:
    refused(clinic, nurse, now)
    later = refused(clinic, nurse, now, **{"Volume (mL)": "200"})
    client = as_role("nurse")
    page = text(client.get(f"{URL}?state=settled"))
    assert "Replaced by line 2 of the sheet" in page
    assert "which was refused as well and is still to settle." in page
    assert "Settled by line" not in page
    dismiss(client, later)
    assert "refused as well and was dismissed." in text(client.get(f"{URL}?state=settled"))


def test_other_clinics_rows_are_not_found(
    clinic: Clinic, other_clinic: Clinic, now: datetime, as_role: SignedIn
) -> None:
    theirs = factories.user("harbor-nurse", other_clinic, "nurse")
    row = refused(other_clinic, theirs, now)
    client = as_role("nurse")
    assert "Tsosie" not in text(client.get(URL))
    assert dismiss(client, row).status_code == 404
    for url in (
        f"{URL}?clinic=harbor",
        "/imports/harbor/refused.csv",
        "/imports/harbor/refused.xlsx",
    ):
        assert client.get(url).status_code == 404
    row.refresh_from_db()
    assert row.dismissed_at is None


@pytest.mark.parametrize("role", ["pharmacist", "auditor", "admin"])
def test_who_may_not_import_gets_a_sentence(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn, role: str
) -> None:
    row = refused(clinic, nurse, now)
    client = as_role(role)
    for answer in (
        client.get(URL),
        client.get("/imports/wasatch/refused.csv"),
        dismiss(client, row),
    ):
        assert answer.status_code == 403
        assert "import the roster" in text(answer)


def test_the_workbook_has_every_cell_word_for_word_as_text(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn
) -> None:
    row = refused(clinic, nurse, now, Guardian="+SUM(1)", Email="@x _x000D_", Language="1/2")
    content = as_role("nurse").get("/imports/wasatch/refused.xlsx").content
    book = load_workbook(io.BytesIO(content))
    cells = [c for line in book["Refused rows"].iter_rows() for c in line if c.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr"}  # no formula, no number
    assert {cell.number_format for cell in cells} == {"@"}
    (back,) = read_roster(content, ".xlsx").rows
    assert {name: back.cells.get(name, "") for name in HEADINGS} == {
        name: row.raw.get(name, "") for name in HEADINGS
    }


def test_in_the_csv_no_cell_starts_a_formula_and_the_importer_reads_them_as_typed(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn
) -> None:
    row = refused(clinic, nurse, now)
    content = as_role("nurse").get("/imports/wasatch/refused.csv").content
    (line,) = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in line.values())
    (back,) = read_roster(content, ".csv").rows
    for name in HEADINGS:
        assert tidy_words(back.cells.get(name, "")) == tidy_words(row.raw.get(name, ""))


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_no_heading_starts_a_formula_and_the_importer_reads_it_as_typed(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn, kind: str
) -> None:
    heading = '=HYPERLINK("http://x.example","x")'
    lines = list(csv.reader(io.StringIO(sheet(GOOD | {"Daily Dose": "350000"}).decode())))
    out = io.StringIO()
    csv.writer(out).writerows([[*lines[0], heading], [*lines[1], "something"]])
    assert imported(clinic, nurse, now, out.getvalue().encode()).refused == 1
    content = as_role("nurse").get(f"/imports/wasatch/refused.{kind}").content
    if kind == "csv":
        headings = next(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        assert [name for name in headings if "HYPERLINK" in name]
        assert not [name for name in headings if name.startswith(FORMULA_SIGNS)]
    else:
        first = next(load_workbook(io.BytesIO(content))["Refused rows"].iter_rows())
        assert {cell.data_type for cell in first} <= {"s", "inlineStr"}
    (back,) = read_roster(content, f".{kind}").rows
    assert back.cells[heading] == "something"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_mended_file_is_imported_and_settles_the_row(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn, kind: str
) -> None:
    row = refused(clinic, nurse, now)
    content = as_role("nurse").get(f"/imports/wasatch/refused.{kind}").content
    if kind == "csv":
        content = content.replace(b"350000", b"310 mcg/day")
    else:
        book = load_workbook(io.BytesIO(content))
        place = HEADINGS.index("Daily Dose") + 1
        book["Refused rows"].cell(row=2, column=place).value = "310 mcg/day"
        out = io.BytesIO()
        book.save(out)
        content = out.getvalue()
    report = imported(clinic, nurse, now, content, f".{kind}")
    assert (report.imported, report.refused) == (1, 0)
    row.refresh_from_db()
    assert row.settled_by_row is not None
    patient = Patient.objects.get()
    assert (patient.mrn, patient.given_name) == ("00719001", "")
    assert patient.caregivers.get().phone == "+1 801 555 0199"


def table_of(content: bytes, kind: str) -> list[list[str]]:
    if kind == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    sheet = load_workbook(io.BytesIO(content))["Refused rows"]
    return [[str(value or "") for value in line] for line in sheet.iter_rows(values_only=True)]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_last_column_says_what_to_correct(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn, kind: str
) -> None:
    row = refused(clinic, nurse, now, **{"Last Refill": "11/2/25"})
    content = as_role("nurse").get(f"/imports/wasatch/refused.{kind}").content
    headings, line = table_of(content, kind)
    assert headings == [*HEADINGS, "What to correct"]
    assert [error["column"] for error in row.errors] == ["Last Refill", "Daily Dose"]
    assert line[-1] == " ".join(error["message"] for error in row.errors)
    (back,) = read_roster(content, f".{kind}").rows  # the importer leaves it out
    assert set(back.cells) == set(HEADINGS)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_refused_a_second_time_the_advice_is_the_new_one_alone(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn, kind: str
) -> None:
    refused(clinic, nurse, now)
    client = as_role("nurse")
    content = client.get(f"/imports/wasatch/refused.{kind}").content
    imported(clinic, nurse, now, content, f".{kind}")
    headings, line = table_of(client.get(f"/imports/wasatch/refused.{kind}").content, kind)
    assert headings == [*HEADINGS, "What to correct"]
    assert line[-1].count("between 10 and 3,000 mcg/day") == 1


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_no_advice_runs_as_a_formula(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn, kind: str
) -> None:
    row = refused(clinic, nurse, now)
    row.errors = [{"column": "Notes", "code": "x", "message": "=HYPERLINK(1)"}]
    row.save(update_fields=["errors"])
    content = as_role("nurse").get(f"/imports/wasatch/refused.{kind}").content
    if kind == "csv":
        assert table_of(content, kind)[1][-1] == "\u200b=HYPERLINK(1)"
        return
    cell = load_workbook(io.BytesIO(content))["Refused rows"].cell(2, len(HEADINGS) + 1)
    assert (cell.value, cell.data_type, cell.number_format) == ("=HYPERLINK(1)", "s", "@")


def test_a_line_with_nothing_but_advice_is_no_row() -> None:
    content = csv_with_advice(GOOD, {"What to correct": "Daily Dose is too high."})
    (row,) = read_roster(content, ".csv").rows
    assert (row.row, "What to correct" in row.cells) == (2, False)


def test_the_advice_does_not_excuse_a_heading_that_is_missing() -> None:
    content = csv_with_advice(GOOD).replace(b",Notes", b",Remarks")
    with pytest.raises(RosterFileError, match="Remarks"):
        read_roster(content, ".csv")
    without = csv_with_advice(GOOD).replace(b"Next Appt,Notes,", b"Next Appt,,")
    assert len(read_roster(without, ".csv").rows) == 1


def csv_with_advice(*rows: dict[str, str]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, [*HEADINGS, "What to correct"])
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def test_a_row_whose_cells_may_stand_under_wrong_headings_is_in_no_file(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn
) -> None:
    content = (
        sheet(GOOD).replace(b"\r\n", b",one too many\r\n").replace(b"Notes,one too many", b"Notes")
    )
    imported(clinic, nurse, now, content)
    client = as_role("nurse")
    assert client.get(URL).context["counts"]["open"] == 1
    for kind in ("csv", "xlsx"):
        assert b"Tsosie" not in client.get(f"/imports/wasatch/refused.{kind}").content


def test_reading_and_exporting_is_written_down(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn
) -> None:
    refused(clinic, nurse, now)
    client = as_role("nurse")
    client.get(URL)
    client.get("/imports/wasatch/refused.csv")
    found = AuditEvent.objects.filter(event__startswith="imports.").order_by("id")
    assert [row.event for row in found] == ["imports.read", "imports.exported"]


def test_fifty_rows_a_page(clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn) -> None:
    bad = {"Daily Dose": "350000"}
    rows = [GOOD | bad | {"MRN": str(n), "Pump Serial": f"S{n}", "Last Name": f"P{n}"}
            for n in range(60)]  # fmt: skip
    imported(clinic, nurse, now, sheet(*rows))
    client = as_role("nurse")
    first = client.get(URL)
    second = client.get(URL + first.context["next"])
    lines = [card.row.row for page in (first, second) for card in page.context["cards"]]
    assert lines == list(range(2, 62))
    assert second.context["next"] == ""


def test_the_page_takes_as_many_queries_for_one_as_for_three(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn
) -> None:
    client = as_role("nurse")
    refused(clinic, nurse, now)
    one = queries(client, URL)
    for number in range(2):
        refused(clinic, nurse, now, MRN=f"9{number}", **{"Last Name": f"N{number}",
                "Pump Serial": f"Q{number}"})  # fmt: skip
    assert len(client.get(URL).context["cards"]) == 3
    assert queries(client, URL) == one
