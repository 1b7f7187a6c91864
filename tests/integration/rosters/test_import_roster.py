"""The import of a clinic's sheet against the record: what changes, what does not, what is kept."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent, Clinic, User
from alarms.models import Projection
from core.rules import RuleViolation
from dosing.models import Program, Step
from patients.models import Caregiver, Patient
from pumps.models import Interrogation, Pump
from refills.models import Fill
from refills.services import FillEntry
from rosters.models import ImportRow, ImportRun
from rosters.selectors import (
    import_runs,
    open_refused_rows,
)
from rosters.services.importing import dismiss_row, import_roster
from rosters.services.report import ImportReport
from tests import factories
from tests.unit.rosters.sheets import (
    DATA,
    SAMPLE,
    as_typed_workbook,
    as_workbook,
    cells,
    csv_of,
)
from visits.services import devices, visit

AS_OF = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)
EXPECTED = json.loads((DATA / "clinic-roster.expected.json").read_text())
FACTS = (Patient, Caregiver, Pump, Fill, Program, Step, Interrogation)

pytestmark = pytest.mark.django_db


@pytest.fixture
def load(clinic: Clinic, nurse: User) -> Any:
    def load(*rows: dict[str, str] | bytes, suffix: str = ".csv", **options: Any) -> ImportReport:
        content = rows[0] if isinstance(rows[0], bytes) else csv_of(*rows)  # type: ignore[arg-type]
        values = {"as_of": AS_OF, "by": nurse, "now": NOW, **options}
        return import_roster(clinic=clinic, content=content, filename_suffix=suffix, **values)

    return load


def facts() -> dict[str, list[Any]]:
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in FACTS}


def everything() -> dict[str, int]:
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}


def outcomes(report: ImportReport) -> list[dict[str, Any]]:
    """The report in the shape of the expected file."""
    result = report.to_json()
    dates = {entry["row"]: entry for entry in result["projections"]}
    rows = []
    for found in report.results:
        errors = [e for e in result["errors"] if e["row"] == found.row]
        if errors:
            first = {name: errors[0][name] for name in ("column", "code")}
            rows.append({"row": found.row, "outcome": "error", **first})
            continue
        rows.append(
            {
                "row": found.row,
                "outcome": "imported",
                "warnings": [w["code"] for w in result["warnings"] if w["row"] == found.row],
                "alarm_date": dates[found.row]["alarm_date"],
                "refill_due_on": dates[found.row]["refill_due_on"],
            }
        )
    return rows


def errors_of(report: ImportReport) -> list[tuple[int, str, str]]:
    return [(row, error.column, error.code) for row, error in report.errors]


def codes(report: ImportReport) -> list[str]:
    return [warning.code for _, warning in report.warnings]


# --- the clinic's own sheet ----------------------------------------------------------------------


def test_the_clinics_sheet_comes_to_what_is_expected_of_each_row(load: Any) -> None:
    report = load(SAMPLE)
    assert outcomes(report) == EXPECTED["rows"]
    assert (report.rows, report.imported, report.refused) == (160, 135, 25)
    assert set(report.to_json()) >= {"rows", "imported", "errors", "warnings", "projections"}
    assert Patient.objects.filter(family_name='=HYPERLINK("http://x.example")').exists()
    assumed = Pump.objects.filter(low_reservoir_alarm_assumed=True)
    assert set(assumed.values_list("low_reservoir_alarm_ml", flat=True)) == {Decimal(2)}


def test_the_same_sheet_again_changes_nothing_and_says_the_same(load: Any, clinic: Clinic) -> None:
    first = load(SAMPLE)
    before, projections = facts(), list(Projection.objects.order_by("pk").values())
    second = load(SAMPLE)
    assert facts() == before
    assert list(Projection.objects.order_by("pk").values()) == projections
    assert (second.imported, second.unchanged, second.refused) == (0, 135, 25)
    assert outcomes(second) == outcomes(first)
    assert len(open_refused_rows([clinic.pk])) == 25
    assert {row.run_id for row in open_refused_rows([clinic.pk])} == {ImportRun.objects.last().pk}  # type: ignore[union-attr]


@pytest.mark.parametrize("write", [as_workbook, as_typed_workbook])
def test_the_sheet_as_a_workbook_comes_to_the_same(
    load: Any, write: Callable[[bytes], bytes]
) -> None:
    report = load(write(SAMPLE), suffix=".xlsx")
    assert outcomes(report) == EXPECTED["rows"]
    assert load(SAMPLE).unchanged == 135  # next month as CSV


def test_a_dry_run_says_the_same_and_writes_nothing_at_all(load: Any) -> None:
    before = everything()
    rehearsed = load(SAMPLE, dry_run=True)
    assert everything() == before
    real = load(SAMPLE).to_json()
    said = rehearsed.to_json()
    assert said.pop("dry_run")
    assert not real.pop("dry_run")
    assert (said.pop("run"), bool(real.pop("run"))) == (None, True)
    assert said == real


def test_a_dry_run_sees_rows_that_build_on_each_other(load: Any) -> None:
    rows = [
        cells(),
        cells(last_refill="2026-10-20", alarm_date=""),
        cells(mrn="8", last_name="Ali", pump_serial="npx0300001h"),
    ]
    rehearsed, real = load(*rows, dry_run=True), load(*rows)
    assert outcomes(rehearsed) == outcomes(real)
    assert errors_of(real) == [(4, "Pump Serial", "duplicate_serial")]
    assert real.imported == 2


# --- what one row records ------------------------------------------------------------------------


def test_a_row_becomes_a_patient_a_pump_a_fill_a_program_and_a_printed_date(
    load: Any, clinic: Clinic, nurse: User
) -> None:
    report = load(cells())
    patient = Patient.objects.get()
    assert (patient.clinic, patient.mrn, patient.family_name) == (clinic, "703001", "O'Neil")
    caregiver = patient.caregivers.get()
    assert (caregiver.relationship, caregiver.phone) == ("Father", "801-555-5226")
    pump = patient.pumps.get()
    assert (pump.low_reservoir_alarm_ml, pump.low_reservoir_alarm_assumed) == (Decimal(4), False)
    fill, program = pump.fills.get(), pump.programs.get()
    refill = datetime(2026, 9, 22, 20, 30, tzinfo=UTC)
    assert (fill.at, program.effective_at) == (refill, refill)
    assert (fill.volume_ml, fill.stability_days) == (Decimal(20), 180)
    assert (program.daily_dose_mcg, program.utc_offset_minutes) == (Decimal("980.1"), -360)
    seen = pump.interrogations.get()
    assert (seen.printed_alarm_date, seen.low_reservoir_alarm_ml) == (date(2026, 10, 25), None)
    assert seen.source == "roster import"
    kept = ImportRow.objects.get()
    assert (kept.outcome, kept.patient, kept.errors) == ("imported", patient, [])
    assert (kept.raw["Notes"], kept.raw["Next Appt"]) == ("=2+2", "after school")
    assert AuditEvent.objects.filter(event="roster.imported", actor_id=nurse.pk).count() == 1
    assert report.results[0].projection is not None


def test_a_fill_keeps_the_shortest_stability_where_the_catalogue_lacks_the_drug(load: Any) -> None:
    report = load(cells(concentration="1500", alarm_date=""))
    assert codes(report) == ["stability_assumed"]
    assert Fill.objects.get().stability_days == 180


def test_a_typed_alarm_date_more_than_a_day_off_is_a_warning_and_an_open_question(
    load: Any,
) -> None:
    near = load(cells(alarm_date="2026-10-26"))
    assert codes(near) == []
    far = load(cells(mrn="8", pump_serial="B", alarm_date="2026-10-27"))
    assert codes(far) == ["alarm_date_mismatch"]
    assert Projection.objects.get(pump__serial_number="B").attention == ["alarm_date_mismatch"]


# --- next month's sheet --------------------------------------------------------------------------


def test_a_later_refill_of_the_same_person_is_a_new_fill_with_its_program(load: Any) -> None:
    load(cells())
    later = cells(
        last_refill="2026-10-20 09:00",
        daily_dose="1000",
        low_alarm="3",
        alarm_date="11/24/2026",
        guardian_phone="801-555-0000",
    )
    report = load(later)
    assert (report.imported, codes(report)) == (1, ["differs_from_record"])
    (warning,) = report.results[0].warnings
    assert warning.message.startswith("Guardian Phone: the sheet says something else")
    assert "Bring one of them up to date: the sheet, or the patient's page under" in warning.message
    pump = Pump.objects.get()
    assert [fill.at.date() for fill in pump.fills.order_by("at")] == [
        date(2026, 9, 22), date(2026, 10, 20),
    ]  # fmt: skip
    assert pump.programs.order_by("effective_at").last().daily_dose_mcg == 1000  # type: ignore[union-attr]
    assert pump.low_reservoir_alarm_ml == 3
    assert Caregiver.objects.get().phone == "801-555-5226"
    assert load(later).unchanged == 1


def test_a_later_refill_without_a_dose_keeps_the_program_and_says_so(load: Any) -> None:
    load(cells())
    report = load(cells(last_refill="2026-10-20", daily_dose="", alarm_date=""))
    assert (report.imported, codes(report)) == (1, ["program_kept"])
    assert report.results[0].projection.alarm_date is not None


def test_a_later_refill_with_another_concentration_and_no_dose_is_shown_as_unknown(
    load: Any,
) -> None:
    load(cells())
    report = load(
        cells(last_refill="2026-10-20", daily_dose="", alarm_date="", concentration="1000")
    )
    assert codes(report) == ["program_kept", "shown_as_unknown"]
    assert report.to_json()["projections"][0]["alarm_date"] is None


def test_what_was_missing_is_added_to_a_refill_on_record(load: Any) -> None:
    bare = cells(daily_dose="", alarm_date="", low_alarm="")
    first = load(bare)
    assert codes(first) == ["no_program"]
    report = load(cells(low_alarm="3", alarm_date="11/2/2026"))
    assert (report.imported, report.refused) == (1, 0)
    pump = Pump.objects.get()
    assert pump.fills.count() == 1
    assert pump.programs.get().effective_at == pump.fills.get().at
    assert (pump.low_reservoir_alarm_ml, pump.low_reservoir_alarm_assumed) == (Decimal(3), False)
    assert pump.interrogations.get().printed_alarm_date == date(2026, 11, 2)
    again = load(bare)  # the older sheet says less, which is no contradiction
    assert (again.unchanged, again.refused) == (1, 0)
    assert codes(again) == ["program_kept"]


def test_a_date_without_a_time_means_any_refill_of_that_day_on_record(load: Any) -> None:
    load(cells())
    report = load(cells(last_refill="9/22/2026"))
    assert (report.unchanged, report.refused) == (1, 0)
    conflicting = load(cells(last_refill="9/22/2026", volume="18"))
    assert errors_of(conflicting) == [(2, "Volume (mL)", "conflicts_with_record")]


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"volume": "18"}, "Volume (mL)"),
        ({"concentration": "1000"}, "Concentration"),
        ({"daily_dose": "900"}, "Daily Dose"),
        ({"mode": "Flex", "daily_dose": "", "schedule": "00:00 980.1"}, "Mode"),
        ({"low_alarm": "2"}, "Low Alarm (mL)"),
        ({"alarm_date": "10/26/2026"}, "Alarm Date"),
        ({"implanted": "2021-06-16"}, "Implanted"),
        ({"implanted": "2021-06-16", "last_refill": "2026-10-20"}, "Implanted"),
        ({"pump_model": "8637-40"}, "Pump Model"),
        ({"pump_model": "8637-40", "last_refill": "2026-10-20"}, "Pump Model"),
        ({"pump_serial": "NPX9"}, "Pump Serial"),
        ({"pump_serial": "NPX9", "last_refill": "2026-10-20"}, "Pump Serial"),
        ({"last_refill": "2026-09-22 14:31"}, "Last Refill"),
        ({"last_refill": "2026-08-01"}, "Last Refill"),
    ],
)
def test_a_value_on_record_is_never_changed_by_a_sheet(
    load: Any, changed: dict[str, str], column: str
) -> None:
    load(cells())
    before = facts()
    report = load(cells(**changed))
    assert errors_of(report)[0] == (2, column, "conflicts_with_record")
    assert facts() == before
    assert column in report.errors[0][1].message
    assert ImportRow.objects.last().patient is not None  # type: ignore[union-attr]


def test_a_flex_schedule_regrouped_is_the_same_program(load: Any) -> None:
    flex = {"daily_dose": "", "mode": "Flex", "alarm_date": ""}
    load(cells(**flex, schedule="Mon-Fri: 00:00 285, 12:00 200 | Sat-Sun: 00:00 228"))
    same = load(cells(**flex, schedule="Sat, Sun: 00:00 228.0 | Mon-Fri: 00:00 285.0, 12:00 200.0"))
    assert same.unchanged == 1
    other = load(cells(**flex, schedule="Mon-Fri: 00:00 285, 12:00 200 | Sat-Sun: 00:00 229"))
    assert errors_of(other) == [(2, "Schedule", "conflicts_with_record")]


def test_a_replaced_pump_is_imported_once_the_old_one_is_recorded_as_taken_out(
    load: Any, nurse: User
) -> None:
    load(cells())
    new = cells(pump_serial="NPX9", implanted="2026-10-19", last_refill="2026-10-20", alarm_date="")
    assert errors_of(load(new)) == [(2, "Pump Serial", "conflicts_with_record")]
    old = Pump.objects.get()
    devices.take_out(
        pump_id=old.pk,
        at=datetime(2026, 10, 19, 15, tzinfo=UTC),
        reason="Battery",
        by=nurse,
        now=NOW,
    )
    assert load(new).imported == 1
    assert Pump.objects.count() == 2
    assert errors_of(load(cells())) == [(2, "Pump Serial", "conflicts_with_record")]


def test_a_visit_recorded_here_after_the_sheet_stays_and_the_old_sheet_is_still_unchanged(
    load: Any, nurse: User
) -> None:
    load(cells())
    visit.record_facts(
        pump_id=Pump.objects.get().pk,
        at=datetime(2026, 11, 2, 17, tzinfo=UTC),
        by=nurse,
        now=NOW,
        fill=FillEntry(Decimal(20), Decimal(2000), 180),
    )
    before = facts()
    assert load(cells()).unchanged == 1
    assert facts() == before


# --- whose number it is --------------------------------------------------------------------------


def test_an_mrn_on_record_with_another_name_or_date_of_birth_is_refused(load: Any) -> None:
    load(cells())
    for other in ({"first_name": "Nora"}, {"last_name": "Ali"}, {"dob": "2019-10-28"}):
        report = load(cells(**other))
        assert errors_of(report)[0] == (2, "MRN", "duplicate_mrn")
    same = load(cells(last_name="o’neil", mrn=" 703001.0 "))
    assert same.unchanged == 1
    assert Patient.objects.count() == 1


def test_an_mrn_counts_as_taken_even_by_an_earlier_row_that_failed(load: Any) -> None:
    report = load(cells(volume="?"), cells(last_name="Tsosie", pump_serial="B"))
    assert errors_of(report) == [
        (2, "Volume (mL)", "not_a_number"), (3, "MRN", "duplicate_mrn"),
    ]  # fmt: skip
    assert not Patient.objects.exists()


def test_a_shared_mrn_is_named_first_beside_other_errors(load: Any) -> None:
    load(cells())
    report = load(cells(last_name="Tsosie", pump_serial="B", daily_dose="350000"))
    assert errors_of(report) == [
        (2, "MRN", "duplicate_mrn"), (2, "Daily Dose", "dose_out_of_range"),
    ]  # fmt: skip


def test_a_pump_on_record_under_another_mrn_is_refused(load: Any) -> None:
    load(cells())
    report = load(cells(mrn="8", last_name="Ali", pump_serial="npx 0300001H"))
    assert errors_of(report) == [(2, "Pump Serial", "duplicate_serial")]


def test_another_clinics_patient_with_the_same_numbers_is_somebody_else(
    load: Any, other_clinic: Clinic, system: User
) -> None:
    load(cells())
    report = import_roster(
        clinic=other_clinic, content=csv_of(cells(last_name="Ali")), filename_suffix=".csv",
        as_of=AS_OF, by=system, now=NOW,
    )  # fmt: skip
    assert report.imported == 1


# --- refused rows do not vanish ------------------------------------------------------------------


def refused_lines(clinic: Clinic) -> list[tuple[int, str]]:
    return [(row.row, row.errors[0]["code"]) for row in open_refused_rows([clinic.pk])]


def test_a_refused_row_stays_until_it_is_imported(load: Any, clinic: Clinic) -> None:
    load(cells(last_refill="9/22/26", mrn="7", pump_serial="B"), cells())
    assert refused_lines(clinic) == [(2, "ambiguous_date")]
    kept = ImportRow.objects.get(row=2)
    assert (kept.raw["Last Refill"], kept.mrn) == ("9/22/26", "7")
    load(cells(pump_serial="C", mrn="9", last_name="Ali"))  # a sheet without it settles nothing
    assert refused_lines(clinic) == [(2, "ambiguous_date")]
    load(cells(last_refill="9/22/2026", mrn="7", pump_serial="B"))
    assert refused_lines(clinic) == []
    kept.refresh_from_db()
    assert kept.settled_by_row is not None
    assert kept.settled_by_row.outcome == "imported"
    assert AuditEvent.objects.filter(event="roster.row_settled", subject_id=str(kept.uuid)).exists()


@pytest.mark.parametrize(
    "fixed", [{"mrn": "703002"}, {"last_name": "O’Neill"}, {"dob": "2019-10-26"}]
)
def test_correcting_the_wrong_number_or_name_settles_the_row_too(
    load: Any, clinic: Clinic, fixed: dict[str, str]
) -> None:
    load(cells(volume="?"))
    load(cells(**fixed))
    assert refused_lines(clinic) == []


def test_somebody_elses_row_settles_nothing(load: Any, clinic: Clinic) -> None:
    """Only the MRN, only the name, or only the pump in common: it may be another patient."""
    load(
        cells(pump_serial="A", mrn="1"),
        cells(pump_serial="B", mrn="1", last_name="Tsosie"),
        cells(pump_serial="C", mrn="2", volume="?"),
        cells(pump_serial="D", mrn="3", last_name="Ali", volume="?"),
    )
    load(cells(pump_serial="A", mrn="1"), cells(pump_serial="D", mrn="4", last_name="Eide"))
    assert refused_lines(clinic) == [
        (3, "duplicate_mrn"), (4, "not_a_number"), (5, "not_a_number"),
    ]  # fmt: skip


def test_refused_again_it_is_one_row_on_the_board_not_two(load: Any, clinic: Clinic) -> None:
    load(cells(mrn="", volume="?"), cells(mrn="7", volume="?"))
    load(cells(mrn="", volume="?"), cells(mrn="7", volume="25"))
    assert refused_lines(clinic) == [(2, "missing"), (3, "fill_exceeds_reservoir")]


def test_an_older_sheet_does_not_settle_what_a_newer_one_said(load: Any, clinic: Clinic) -> None:
    load(cells())
    load(cells(last_refill="2026-10-20", daily_dose="350000"))
    load(cells())
    assert refused_lines(clinic) == [(2, "dose_out_of_range")]
    load(cells(last_refill="10/20/26"))  # its date cannot be read: which refill it is, is open
    load(cells())
    assert refused_lines(clinic) == [(2, "ambiguous_date")]
    load(cells(last_refill="10/20/2026"))
    assert refused_lines(clinic) == []


def test_a_person_dismisses_a_refused_row_with_a_reason(
    load: Any, clinic: Clinic, nurse: User
) -> None:
    load(cells(volume="?"))
    (row,) = open_refused_rows([clinic.pk])
    auditor = factories.user("auditor-1", clinic, "auditor")
    for by, reason, code in ((nurse, " ", "missing"), (auditor, "moved", "not_allowed")):
        with pytest.raises(RuleViolation) as caught:
            dismiss_row(row=row, by=by, at=NOW, reason=reason)
        assert caught.value.problems[0].code == code
    before = Clinic.objects.get(pk=clinic.pk).change_sequence
    dismiss_row(row=row, by=nurse, at=NOW, reason="Moved to Reno; their clinic has the pump")
    assert Clinic.objects.get(pk=clinic.pk).change_sequence > before
    assert refused_lines(clinic) == []
    assert AuditEvent.objects.get(event="roster.row_dismissed").reason.startswith("Moved")
    with pytest.raises(RuleViolation):
        dismiss_row(row=row, by=nurse, at=NOW, reason="again")
    load(cells(volume="?"))  # next month's sheet says it again, and so does the board
    assert refused_lines(clinic) == [(2, "not_a_number")]


def test_a_lists_reader_learns_that_rows_were_refused(load: Any, clinic: Clinic) -> None:
    before = Clinic.objects.get(pk=clinic.pk).change_sequence
    load(cells(volume="?"))
    assert Clinic.objects.get(pk=clinic.pk).change_sequence > before


# --- what goes wrong -----------------------------------------------------------------------------


class Power(BaseException):
    """Nothing catches it, like the end of the process."""


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """The third call of `record_facts` raises what the test put in."""
    raised: list[BaseException] = []
    calls = iter(range(1, 100))
    real = visit.record_facts

    def record_facts(**arguments: Any) -> Projection:
        if next(calls) == 3 and raised:
            raise raised[0]
        return real(**arguments)

    monkeypatch.setattr(visit, "record_facts", record_facts)
    return raised


def five() -> list[dict[str, str]]:
    return [
        cells(mrn=f"70{n}", pump_serial=f"S{n}", last_name=f"Zzyzx{n}", alarm_date="")
        for n in range(5)
    ]


def test_a_crash_in_the_middle_leaves_every_row_in_the_record_or_on_the_board(
    load: Any, clinic: Clinic, failing: list[BaseException]
) -> None:
    failing.append(Power())
    with pytest.raises(Power):
        load(*five())
    assert Fill.objects.count() == Patient.objects.count() == 2
    assert refused_lines(clinic) == [(4, "not_reached"), (5, "not_reached"), (6, "not_reached")]
    assert import_runs([clinic.pk]).get().finished_at is None
    report = load(*five())
    assert (report.imported, report.unchanged, report.refused) == (3, 2, 0)
    assert refused_lines(clinic) == []


def test_an_unexpected_error_refuses_one_row_whole_and_stops_no_other(
    load: Any, clinic: Clinic, failing: list[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    failing.append(ZeroDivisionError("patient Zzyzx2, 801-555-5226"))
    with caplog.at_level(logging.DEBUG):
        report = load(*five())
    assert errors_of(report) == [(4, "(row)", "failed")]
    assert "ZeroDivisionError" in report.errors[0][1].message
    assert (report.imported, report.refused) == (4, 1)
    assert not Patient.objects.filter(mrn="702").exists()  # its patient and pump went with it
    assert not Pump.objects.filter(serial_number="S2").exists()
    assert "ZeroDivisionError" in caplog.text
    assert "Zzyzx" not in caplog.text + str(open_refused_rows([clinic.pk])[0].errors)


def test_what_a_service_refuses_is_told_under_its_heading(
    load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def record_facts(**_: Any) -> None:
        raise RuleViolation.of("volume_ml", "fill_exceeds_reservoir", "It does not fit.")

    monkeypatch.setattr(visit, "record_facts", record_facts)
    assert errors_of(load(cells())) == [(2, "Volume (mL)", "fill_exceeds_reservoir")]


def test_a_file_that_cannot_be_read_writes_nothing(load: Any) -> None:
    before = everything()
    with pytest.raises(RuleViolation) as caught:
        load(b"\xff\xfe\x00")
    assert caught.value.problems[0].code == "unreadable_file"
    assert everything() == before


def test_who_may_not_import_imports_nothing(
    load: Any, clinic: Clinic, other_clinic: Clinic
) -> None:
    stranger = factories.user("nurse-9", other_clinic, "nurse")
    before = everything()
    for by in (stranger, factories.user("auditor-1", clinic, "auditor")):
        with pytest.raises(RuleViolation):
            load(cells(), by=by)
    assert everything()["rosters.ImportRun"] == before["rosters.ImportRun"]


def test_no_name_or_number_reaches_logs_errors_or_warnings(
    load: Any, caplog: pytest.LogCaptureFixture
) -> None:
    bad = cells(
        mrn="QQ#1", last_name="", dob="3/9/14", guardian_phone="Zzyzx", email="Zzyzx", volume="?"
    )
    clash = cells(last_name="Zzyzx", pump_serial="ZZ1")
    with caplog.at_level(logging.DEBUG):
        report = load(cells(guardian_phone="Zzyzx"), clash, bad, cells(mrn="8", last_name="Zzyzx"))
    said = json.dumps([report.to_json()["errors"], report.to_json()["warnings"]]) + caplog.text
    for text in ("Zzyzx", "QQ#1", "3/9/14", "703001", "NPX0300001H", "O'Neil"):
        assert text not in said


def test_each_row_costs_the_same_few_queries(load: Any, clinic: Clinic) -> None:
    def queries(*rows: dict[str, str]) -> int:
        with CaptureQueriesContext(connection) as context:
            load(*rows)
        return len(context)

    new, more = queries(*five()[:1]), queries(*five()[:4])
    assert more - new <= 3 * 60
    again, all_again = queries(*five()[:1]), queries(*five()[:4])
    assert all_again - again <= 3 * 20
    with CaptureQueriesContext(connection) as context:
        open_refused_rows([clinic.pk])
    assert len(context) == 1


def test_the_import_needs_no_present_instant_of_its_own(load: Any) -> None:
    """As of a day that is still to come, as when a test suite is run before the sheet's date."""
    report = load(SAMPLE, now=datetime(2025, 10, 18, 15, tzinfo=UTC))
    assert outcomes(report) == EXPECTED["rows"]
