"""Imports at their edges: beside people who work at the same time, and at this very hour."""

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from accounts.models import AuditEvent, Clinic, User
from alarms.models import Projection
from core.rules import RuleViolation
from followup.services import scans
from pumps.models import Pump
from rosters.domain.sheet import RawRow
from rosters.models import ImportRow, ImportRun, RosterUpload
from rosters.selectors import open_refused_rows
from rosters.services import upload_runs
from rosters.services.importing import dismiss_row, import_roster
from rosters.services.progress import Progress
from rosters.services.report import ImportReport, RowReport
from rosters.services.uploads import seen_of, start_import, upload_roster
from tests import factories
from tests.unit.rosters.sheets import cells, csv_of
from visits.services.encounter import VisitEntry, complete_visit
from visits.services.withdrawing import withdraw_visit

pytestmark = pytest.mark.django_db

AS_OF = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)  # 08:00 in the clinic
TWO = (
    cells(mrn="1", pump_serial="S1", last_name="One"),
    cells(mrn="2", pump_serial="S2", last_name="Two", volume="200"),
)


@pytest.fixture
def load(clinic: Clinic, nurse: User) -> Callable[..., ImportReport]:
    def load(*rows: dict[str, str], **options: Any) -> ImportReport:
        values = {"as_of": AS_OF, "by": nurse, "now": NOW, "filename_suffix": ".csv", **options}
        return import_roster(clinic=clinic, content=csv_of(*rows), **values)

    return load


# --- a row that somebody dismisses before it is read ---------------------------------------------


class Between(Progress):
    """Does something once, after the first row of an import."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.works = [work]

    def after_row(self, raw: RawRow, result: RowReport | None) -> bool:
        if self.works:
            self.works.pop()()
        return True


@pytest.mark.parametrize("volume", ["200", "18"])
def test_a_row_that_was_dismissed_before_it_was_read_says_what_came_of_it(
    load: Any, clinic: Clinic, nurse: User, volume: str
) -> None:
    def dismiss() -> None:
        row = ImportRow.objects.get(row=3)
        assert row.errors[0]["code"] == "not_reached"
        dismiss_row(row=row, by=nurse, at=NOW, reason="It hangs")
        assert open_refused_rows([clinic.pk]) == []

    load(TWO[0], {**TWO[1], "Volume (mL)": volume}, follower=Between(dismiss))
    row = ImportRow.objects.get(row=3)
    refused = volume == "200"
    assert row.outcome == ("refused" if refused else "imported")
    assert (row.dismissed_at, row.dismissed_by, row.dismiss_reason) == (None, None, "")
    assert open_refused_rows([clinic.pk]) == ([row] if refused else [])
    events = AuditEvent.objects.filter(subject_id=str(row.uuid)).order_by("id")
    assert list(events.values_list("event", flat=True)) == [
        "roster.row_dismissed", "roster.row_opened_again", f"roster.row_{row.outcome}",
    ]  # fmt: skip


def test_a_row_that_the_worker_is_on_its_way_to_is_not_dismissed(
    clinic: Clinic, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = upload_roster(
        clinic=clinic, content=csv_of(*TWO), suffix=".csv", as_of=AS_OF, by=nurse, now=NOW
    )
    upload_runs.run_uploads(clock=lambda: NOW)
    upload.refresh_from_db()
    start_import(upload=upload, by=nurse, now=NOW, seen=seen_of(upload))
    said: list[RuleViolation] = []
    shown: list[ImportRow] = []
    real = upload_runs._Step.after_row

    def after_row(self: Any, *row: Any) -> bool:
        if not shown:
            shown.append(ImportRow.objects.get(row=3))
            said.append(refusal(shown[0], nurse))
        return real(self, *row)

    monkeypatch.setattr(upload_runs._Step, "after_row", after_row)
    upload_runs.run_uploads(clock=lambda: NOW)
    assert RosterUpload.objects.get().state == "imported"
    said.append(refusal(shown[0], nurse))  # as it was shown, before the import came to it
    assert [violation.problems[0].code for violation in said] == ["not_reached"] * 2
    (row,) = open_refused_rows([clinic.pk])
    dismiss_row(row=row, by=nurse, at=NOW, reason="Moved to Reno")
    assert open_refused_rows([clinic.pk]) == []


def refusal(row: ImportRow, nurse: User) -> RuleViolation:
    with pytest.raises(RuleViolation) as caught:
        dismiss_row(row=row, by=nurse, at=NOW, reason="It hangs")
    return caught.value


def test_a_row_of_an_import_that_was_cut_off_can_be_dismissed(
    load: Any, clinic: Clinic, nurse: User
) -> None:
    def cut() -> None:
        raise PowerCut

    with pytest.raises(PowerCut):
        load(*TWO, follower=Between(cut))
    assert ImportRun.objects.get().finished_at is None
    (row,) = open_refused_rows([clinic.pk])
    dismiss_row(row=row, by=nurse, at=NOW, reason="Recorded by hand")
    assert open_refused_rows([clinic.pk]) == []


class PowerCut(BaseException):
    """Nothing catches it, like the end of the process."""


# --- what is on record of the same refill --------------------------------------------------------


def test_a_withdrawn_printout_does_not_stand_for_the_sheets(load: Any, nurse: User) -> None:
    load(cells(alarm_date="", last_refill="2026-07-01 14:30"))
    pump, at = Pump.objects.get(), datetime(2026, 9, 22, 20, 30, tzinfo=UTC)

    def visit(minutes: int, printed: date | None) -> Any:
        entry = VisitEntry(
            key=uuid.uuid4(), at=at, fill=factories.fill(), printed_alarm_date=printed,
            concern_reason="Read twice",
        )  # fmt: skip
        now = NOW + timedelta(minutes=minutes)
        return complete_visit(pump_id=pump.pk, by=nurse, now=now, entry=entry)

    wrong = visit(0, date(2026, 9, 30))
    withdraw_visit(visit=wrong, reason="Mistyped", by=nurse, now=NOW + timedelta(minutes=1))
    visit(2, None)
    assert Projection.objects.get().printed_alarm_date is None
    report = load(
        cells(last_refill="2026-09-22 14:30", alarm_date="09/30/2026", low_alarm=""),
        now=NOW + timedelta(hours=1),
    )
    assert [result.outcome for result in report.results] == ["imported"]
    assert Projection.objects.get().printed_alarm_date == date(2026, 9, 30)
    assert Projection.objects.get().attention == ["alarm_date_mismatch"]


# --- a refill at this very hour ------------------------------------------------------------------


def test_a_refill_that_is_still_to_come_today_is_refused_and_no_date_hangs_on_it(
    load: Any, clinic: Clinic
) -> None:
    sheet = cells(last_refill="11/22/2026 10:00", alarm_date="")
    for options in ({"dry_run": True}, {}):
        (error,) = load(sheet, **options).errors
        assert (error[1].column, error[1].code) == ("Last Refill", "date_in_future")
        assert "10:00 today, and it is 08:00 in the clinic" in error[1].message
    assert not Pump.objects.exists()
    assert len(open_refused_rows([clinic.pk])) == 1
    assert load(sheet, now=NOW + timedelta(hours=2)).imported == 1
    assert open_refused_rows([clinic.pk]) == []


@pytest.mark.parametrize("last_refill", ["11/22/2026 08:00", "11/22/2026", "11/21/2026 23:00"])
def test_a_refill_that_was_done_keeps_its_date_at_the_next_sweep(
    load: Any, last_refill: str
) -> None:
    assert load(cells(last_refill=last_refill, alarm_date="")).imported == 1
    assert Projection.objects.get().unknown_reason == ""
    run = scans.sweep(clock=lambda: NOW + timedelta(minutes=10))
    assert (run.unchanged, run.healed) == (1, 0)
