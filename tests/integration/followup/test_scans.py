"""The scans: one bad pump stops no other, what differs is healed and reported."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Clinic, User
from alarms.models import Projection
from alarms.selectors import worklist
from alarms.services import projection
from followup.models import ScanRun, WorkItem
from followup.selectors import scans as scan_selectors
from followup.services import reminding, scans
from pumps.models import Pump
from reminders.models import OutboxMessage
from tests import factories
from visits.services import devices, visit

pytestmark = pytest.mark.django_db


def sweep(now: datetime, **options: Any) -> ScanRun:
    return scans.sweep(clock=lambda: now, **options)


def test_a_sweep_over_nothing_comes_to_its_end(clinic: Clinic, now: datetime) -> None:
    run = sweep(now)
    assert (run.looked_at, run.finished_at) == (0, now)


def test_a_sweep_finds_nothing_to_change_after_a_visit(clinic: Clinic, now: datetime) -> None:
    for days in (4, 20, 50):
        factories.due_in(clinic, days, now)
    factories.pump(clinic)
    run = sweep(now, chunk=2)
    assert (run.looked_at, run.unchanged, run.healed, run.failed) == (4, 4, 0, 0)


def test_a_sweep_heals_and_reports_what_somebody_changed_behind_the_services(
    clinic: Clinic, now: datetime
) -> None:
    wrong, stale, gone, fine = (factories.due_in(clinic, days, now) for days in (20, 21, 22, 23))
    alarm_date = Projection.objects.get(pump=wrong).alarm_date
    assert alarm_date is not None
    Projection.objects.filter(pump=wrong).update(alarm_date=alarm_date + timedelta(days=30))
    Pump.objects.filter(pk=stale.pk).update(input_version=7)
    Projection.objects.filter(pump=gone).delete()
    run = sweep(now)
    assert (run.unchanged, run.healed) == (1, 3)
    assert {f["pump"]: f["fields"] for f in run.findings} == {
        wrong.pk: ["alarm_date"], stale.pk: ["input_version"], gone.pk: ["missing"],
    }  # fmt: skip
    assert Projection.objects.get(pump=wrong).alarm_date == alarm_date
    assert sweep(now).unchanged == 4
    assert fine.pk not in {finding["pump"] for finding in run.findings}


def test_one_bad_pump_stops_no_other_and_is_listed_as_unknown(
    clinic: Clinic, now: datetime, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    bad, good = factories.due_in(clinic, 20, now), factories.due_in(clinic, 21, now)
    Projection.objects.filter(pump=good).delete()
    real, message = projection._compute, "dose of Sofía Tester"

    def broken(facts: Any, at: datetime) -> Any:
        if facts.pump.pk == bad.pk:
            raise ZeroDivisionError(message)
        return real(facts, at)

    monkeypatch.setattr(projection, "_compute", broken)
    for _ in range(2):
        run = sweep(now)
        assert run.failed == 1
        assert run.finished_at is not None
    row = Projection.objects.get(pump=bad)
    assert (row.unknown_reason, row.failure, row.alarm_date) == (
        "failed",
        "ZeroDivisionError",
        None,
    )
    assert Projection.objects.get(pump=good).alarm_date is not None
    assert "Sofía" not in caplog.text
    listed = worklist.page(
        worklist.listed_pumps([clinic.pk], now), worklist.Filters(everything=True), size=9
    )
    assert [row.pump.pk for row in listed] == [bad.pk, good.pk]
    assert listed[0].reason == "failed"


def test_the_due_scan_looks_only_at_what_time_has_changed(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    factories.due_in(clinic, 20, now)
    pump = factories.due_in(clinic, 30, now)
    tomorrow = now + timedelta(days=1)
    visit.record_facts(
        pump_id=pump.pk, at=now, by=nurse, now=now, program=factories.simple(tomorrow, "700")
    )
    assert Projection.objects.get(pump=pump).daily_dose_mcg == 600
    assert scans.due_scan(clock=lambda: now).looked_at == 0
    run = scans.due_scan(clock=lambda: tomorrow)
    assert (run.looked_at, run.refreshed, run.healed) == (1, 1, 0)
    row = Projection.objects.get(pump=pump)
    assert row.daily_dose_mcg == 700
    assert row.recheck_at is None


def test_an_unfinished_run_does_not_count_as_a_check(clinic: Clinic, now: datetime) -> None:
    ScanRun.objects.create(kind="sweep", started_at=now)
    assert scan_selectors.last_complete_sweep() is None
    assert scan_selectors.is_stale(None, now)
    run = sweep(now)
    assert scan_selectors.last_complete_sweep() == run
    assert not scan_selectors.is_stale(run, now + timedelta(minutes=15))
    assert scan_selectors.is_stale(run, now + timedelta(minutes=15, seconds=1))


def test_a_due_scan_is_stale_after_ten_minutes_whatever_the_sweep_does(
    clinic: Clinic, now: datetime
) -> None:
    sweep(now)
    assert scan_selectors.is_due_scan_stale(scan_selectors.last_complete_due_scan(), now)
    run = scans.due_scan(clock=lambda: now)
    assert scan_selectors.last_complete_due_scan() == run
    assert not scan_selectors.is_due_scan_stale(run, now + timedelta(minutes=10))
    assert scan_selectors.is_due_scan_stale(run, now + timedelta(minutes=10, seconds=1))


@pytest.fixture
def bad(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The pumps that cannot be planned."""
    pump_ids: list[int] = []
    real = reminding._items

    def items(pump: Pump, facts: Any, late: bool, now: datetime) -> Any:
        if pump.pk in pump_ids:
            raise ValueError("call Sofía Tester")
        return real(pump, facts, late, now)

    monkeypatch.setattr(reminding, "_items", items)
    return pump_ids


def told() -> set[str]:
    return set(OutboxMessage.objects.values_list("about", flat=True))


def test_one_pump_that_cannot_be_planned_stops_no_other(
    clinic: Clinic, nurse: User, now: datetime, bad: list[int], caplog: Any
) -> None:
    User.objects.filter(pk=nurse.pk).update(email="nurse@clinic.example")
    first, broken, last = (factories.due_in(clinic, 30, now) for _ in range(3))
    bad.append(broken.pk)
    later = now + timedelta(days=20)
    for _ in range(2):
        run = scans.due_scan(clock=lambda: later, chunk=2)
        assert (run.finished_at, run.failed) == (later, 1)
        assert run.findings == [
            {"pump": broken.pk, "fields": ["not planned"], "failure": "ValueError"}
        ]
        assert told() == {str(first.uuid), str(last.uuid)}
    assert "not planned: pump_id=" in caplog.text
    assert "Sofía" not in caplog.text
    bad.clear()
    assert scans.due_scan(clock=lambda: later).failed == 0
    assert str(broken.uuid) in told()


def test_what_nobody_did_is_passed_on_even_when_the_planning_fails(
    clinic: Clinic, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.pump(clinic)
    opened = now + timedelta(days=1)
    scans.due_scan(clock=lambda: opened)
    item = WorkItem.objects.get(kind="date_unknown")
    late = item.due_at + timedelta(minutes=1)

    def fails(*, now: datetime) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(reminding, "plan_due", fails)
    with pytest.raises(ZeroDivisionError):
        scans.due_scan(clock=lambda: late)
    item.refresh_from_db()
    assert item.escalated_at == late
    last = scan_selectors.last_complete_due_scan()
    assert last is not None
    assert last.finished_at == opened


def test_explanted_pumps_are_not_swept(clinic: Clinic, nurse: User, now: datetime) -> None:
    pump = factories.due_in(clinic, 20, now)
    devices.take_out(pump_id=pump.pk, at=now, reason="Infection", by=nurse, now=now)
    assert sweep(now).looked_at == 0


def test_the_command_does_the_same_and_says_what_it_found(
    clinic: Clinic, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    pump = factories.due_in(clinic, 20, now)
    Projection.objects.filter(pump=pump).update(empty_date=None)
    call_command("sweep")
    said = capsys.readouterr().out
    assert "1 pumps" in said
    assert "1 healed" in said
    assert f"pump {pump.pk}: empty_date" in said


def test_queries_of_a_sweep_follow_the_chunks_not_the_pumps(clinic: Clinic, now: datetime) -> None:
    factories.due_in(clinic, 20, now)
    with CaptureQueriesContext(connection) as one:
        sweep(now)
    for days in (21, 22):
        factories.due_in(clinic, days, now)
    with CaptureQueriesContext(connection) as three:
        sweep(now)
    assert len(one) == len(three)
