"""Imports in real transactions: two at once, one that is cut off, one in the application's role."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection, connections, transaction

from accounts.models import Clinic, User
from patients.models import Patient
from pumps import services as pumps
from pumps.models import Pump
from refills.models import Fill
from rosters.selectors import open_refused_rows
from rosters.services import facts, importing
from rosters.services.importing import import_roster
from rosters.services.report import ImportReport
from tests.unit.rosters.sheets import cells, csv_of
from visits.services import devices, visit

pytestmark = pytest.mark.django_db(transaction=True)

SHEET = csv_of(*(cells(mrn=f"70{n}", pump_serial=f"S{n}", last_name=f"P{n}") for n in range(3)))


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both imports look for a patient before either makes one, unless one is held back."""
    both = threading.Barrier(2)
    real = facts.patient_of

    def patient_of(*arguments: object) -> Patient | None:
        found = real(*arguments)  # type: ignore[arg-type]
        try:
            both.wait(timeout=0.5)
        except threading.BrokenBarrierError:
            both.reset()
        return found

    monkeypatch.setattr(facts, "patient_of", patient_of)


def load(clinic: Clinic, nurse: User, *, dry_run: bool = False) -> ImportReport:
    return import_roster(
        clinic=clinic,
        content=SHEET,
        filename_suffix=".csv",
        as_of=date(2026, 11, 22),
        by=nurse,
        now=datetime(2026, 11, 22, 15, tzinfo=UTC),
        dry_run=dry_run,
    )


def import_twice(clinic: Clinic, nurse: User) -> list[ImportReport]:
    reports: list[ImportReport] = []

    def one() -> None:
        try:
            reports.append(load(clinic, nurse))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return reports


def test_each_row_is_imported_once_and_found_once(
    clinic: Clinic, nurse: User, meeting: None
) -> None:
    reports = import_twice(clinic, nurse)
    assert sorted((r.imported, r.unchanged) for r in reports).count((0, 0)) == 0
    assert sum(r.imported for r in reports) == sum(r.unchanged for r in reports) == 3
    assert sum(r.refused for r in reports) == 0
    assert Patient.objects.count() == 3


def test_without_the_lock_a_row_would_fail(
    clinic: Clinic, nurse: User, meeting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof that the test above can fail."""

    @contextmanager
    def no_lock(_: object) -> Iterator[None]:
        with transaction.atomic():
            yield

    monkeypatch.setattr(importing._Importer, "_row_transaction", no_lock)
    reports = import_twice(clinic, nurse)
    assert sum(r.refused for r in reports) > 0


def test_the_application_role_can_import_and_rehearse(clinic: Clinic, nurse: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE itb_app")
        try:
            for dry_run in (True, False):
                assert load(clinic, nurse, dry_run=dry_run).imported == 3
        finally:
            cursor.execute("RESET ROLE")


class PowerCut(BaseException):
    """Nothing catches it, like the end of the process."""


def test_what_was_committed_before_a_crash_is_all_there_is(
    clinic: Clinic, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = visit.record_facts

    def record_facts(**arguments: Any) -> Any:
        if Patient.objects.count() == 2:
            raise PowerCut
        return real(**arguments)

    monkeypatch.setattr(visit, "record_facts", record_facts)
    with pytest.raises(PowerCut):
        load(clinic, nurse)
    connection.close()  # whatever was not committed is gone now
    assert list(Patient.objects.values_list("mrn", flat=True)) == ["700"]
    assert Fill.objects.count() == 1
    assert [row.errors[0]["code"] for row in open_refused_rows([clinic.pk])] == ["not_reached"] * 2
    monkeypatch.undo()
    report = load(clinic, nurse)
    assert (report.imported, report.unchanged, report.refused) == (2, 1, 0)
    assert open_refused_rows([clinic.pk]) == []


def test_a_row_for_a_pump_that_is_taken_out_at_this_moment_is_refused(
    clinic: Clinic, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load(clinic, nurse).imported == 3
    pump = Pump.objects.get(serial_number="S1")
    now = datetime(2026, 11, 22, 15, tzinfo=UTC)
    real = pumps.lock_pump

    def taken_out() -> None:
        try:
            devices.take_out(pump_id=pump.pk, at=now, reason="Infected", by=nurse, now=now)
        finally:
            connections.close_all()

    def lock_pump(pump_id: int) -> Pump:
        if pump_id == pump.pk:  # found in place a moment ago
            other = threading.Thread(target=taken_out)
            other.start()
            other.join(timeout=60)
        return real(pump_id)

    monkeypatch.setattr(facts, "lock_pump", lock_pump)
    report = load(clinic, nurse)
    assert (report.unchanged, report.refused) == (2, 1)
    (row,) = open_refused_rows([clinic.pk])
    assert "a pump that was taken out" in row.errors[0]["message"]
