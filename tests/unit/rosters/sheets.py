"""Makes roster sheets for tests: one good row with other cells, as CSV or as a workbook."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import openpyxl

from rosters.domain.sheet import HEADINGS, RawRow

DATA = Path(__file__).parents[2] / "data"
SAMPLE = (DATA / "clinic-roster.csv").read_bytes()
GOOD = {
    "MRN": "703001",
    "Last Name": "O'Neil",
    "First Name": "Noor",
    "DOB": "10/27/2019",
    "Guardian": "Father",
    "Guardian Phone": "801-555-5226",
    "Email": "family@example.org",
    "Language": "Vietnamese",
    "Diagnosis": "Hereditary spastic paraplegia",
    "Pump Model": "SynchroMed II 20 mL",
    "Pump Serial": "NPX0300001H",
    "Implanted": "15-Jun-2021",
    "Last Refill": "2026-09-22 14:30",
    "Volume (mL)": "20",
    "Concentration": "2000",
    "Daily Dose": "980.1 mcg/day",
    "Mode": "Continuous",
    "Schedule": "",
    "Low Alarm (mL)": "4",
    "Alarm Date": "10/25/2026",
    "Next Appt": "after school",
    "Notes": "=2+2",
}
_BY_NAME = {h.lower().replace(" (ml)", "").replace(" ", "_"): h for h in HEADINGS}


def cells(**other: str) -> dict[str, str]:
    """The good row with other cells, named `last_refill`, `volume` and so on."""
    return {**GOOD, **{_BY_NAME[name]: text for name, text in other.items()}}


def typed(**other: str) -> RawRow:
    return RawRow(2, cells(**other))


def csv_of(*rows: dict[str, str]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, HEADINGS)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def workbook(*sheets: tuple[str, Sequence[Sequence[object]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, lines in sheets:
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_typed_workbook(content: bytes) -> bytes:
    """The same sheet as Excel keeps it once typed there: numbers and dates are no text."""
    text = content.decode("utf-8-sig")
    lines = csv.reader(io.StringIO(text, newline=""))
    return workbook(("Roster", [[_as_excel(cell) for cell in line] for line in lines]))


def _as_excel(cell: str) -> object:
    for reader in (
        int,
        float,
        datetime.fromisoformat,
        lambda text: datetime.strptime(text, "%m/%d/%Y"),
        lambda text: datetime.strptime(text, "%d-%b-%Y"),
    ):
        try:
            return reader(cell)
        except ValueError:
            continue
    return cell or None


def as_workbook(content: bytes) -> bytes:
    """The same sheet, every cell as text, as another program would write it."""
    text = content.decode("utf-8-sig")
    return workbook(("Roster", list(csv.reader(io.StringIO(text, newline="")))))
