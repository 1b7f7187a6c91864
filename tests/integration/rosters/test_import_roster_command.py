"""`manage.py import_roster`: what it prints, writes and ends with."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Clinic
from patients.models import Patient
from rosters.models import ImportRun
from tests.unit.rosters.sheets import DATA, as_workbook, cells, csv_of

pytestmark = pytest.mark.django_db

EXPECTED = json.loads((DATA / "clinic-roster.expected.json").read_text())


def run(*arguments: Any, **options: Any) -> str:
    out = StringIO()
    call_command("import_roster", *map(str, arguments), stdout=out, **options)
    return out.getvalue()


def report_of(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


def test_the_clinics_sheet_by_the_command(clinic: Clinic, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    said = run(
        DATA / "clinic-roster.csv", "--clinic", clinic.slug, "--as-of", "2026-11-22",
        "--report", path,
    )  # fmt: skip
    assert "160 rows: 135 imported, 0 in the record already, 25 refused." in said
    assert "line 12, Daily Dose: " in said
    assert "[dose_out_of_range]" in said
    report = report_of(path)
    assert (report["rows"], report["imported"]) == (160, 135)
    first: dict[int, tuple[str, str]] = {}
    for error in report["errors"]:
        first.setdefault(error["row"], (error["column"], error["code"]))
    dates = {p["row"]: (p["alarm_date"], p["refill_due_on"]) for p in report["projections"]}
    assert report["projections"][0]["mrn"] == "703000"
    for row in EXPECTED["rows"]:
        if row["outcome"] == "error":
            assert first[row["row"]] == (row["column"], row["code"])
        else:
            assert dates[row["row"]] == (row["alarm_date"], row["refill_due_on"])
            warned = [w["code"] for w in report["warnings"] if w["row"] == row["row"]]
            assert warned == row["warnings"]


def test_a_dry_run_says_what_would_be_and_changes_nothing(clinic: Clinic, tmp_path: Path) -> None:
    sheet = tmp_path / "roster.XLSX"
    sheet.write_bytes(as_workbook(csv_of(cells(), cells(mrn="8", volume="?"))))
    said = run(sheet, "--clinic", clinic.slug, "--as-of", "2026-11-22", "--dry-run")
    assert "2 rows: 1 would be imported, 0 in the record already, 1 refused." in said
    assert not Patient.objects.exists()
    assert not ImportRun.objects.exists()


def test_refused_rows_are_a_result_and_no_failure(clinic: Clinic, tmp_path: Path) -> None:
    sheet = tmp_path / "roster.csv"
    sheet.write_bytes(csv_of(cells(volume="?")))
    said = run(sheet, "--clinic", clinic.slug)
    assert "stay on top of the board" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{sheet}", "--clinic", "nowhere"], "no clinic with this slug"),
        (["{sheet}.gone", "--clinic", "wasatch"], "cannot be opened"),
        (["{empty}", "--clinic", "wasatch"], "The file is empty"),
        (["{sheet}", "--clinic", "wasatch", "--as-of", "11/22/26"], "--as-of must be a date"),
        (["{sheet}", "--clinic", "wasatch", "--report", "{sheet}/x.json"], "Nothing was imported"),
    ],
)
def test_what_cannot_be_used_ends_with_one_sentence(
    clinic: Clinic, tmp_path: Path, arguments: list[str], says: str
) -> None:
    sheet, empty = tmp_path / "roster.csv", tmp_path / "empty.csv"
    sheet.write_bytes(csv_of(cells()))
    empty.write_bytes(b"")
    with pytest.raises(CommandError) as caught:
        run(*(text.format(sheet=sheet, empty=empty) for text in arguments))
    assert says in str(caught.value)
    assert caught.value.returncode == 1
    assert not Patient.objects.exists()
