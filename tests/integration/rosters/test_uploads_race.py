"""Uploads in real transactions: two people, two workers, and the worker's own role."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection, connections

from accounts.models import Clinic, User
from core.rules import RuleViolation
from patients.models import Patient
from refills.models import Fill
from rosters.models import ImportRun, RosterUpload
from rosters.services import uploads
from rosters.services.upload_runs import run_uploads
from rosters.services.uploads import seen_of, start_import, upload_roster
from tests.unit.rosters.sheets import cells, csv_of

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 27, 15, tzinfo=UTC)
SHEET = csv_of(*(cells(mrn=f"70{n}", pump_serial=f"S{n}", last_name=f"P{n}") for n in range(20)))


def work() -> None:
    run_uploads(clock=lambda: NOW)


def twice(act: Callable[[], Any]) -> list[Any]:
    """What came of the same act in two connections at once."""
    ready, found = threading.Barrier(2), []

    def one() -> None:
        try:
            ready.wait(timeout=10)
            found.append(act())
        except RuleViolation as violation:
            found.append(violation.problems[0].code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return found


@pytest.fixture
def upload(clinic: Clinic, nurse: User) -> RosterUpload:
    return upload_roster(
        clinic=clinic, content=SHEET, suffix=".csv", as_of=date(2026, 11, 27), by=nurse, now=NOW
    )


def start(upload: RosterUpload, by: User) -> RosterUpload:
    seen = seen_of(RosterUpload.objects.get(pk=upload.pk))
    return start_import(upload=upload, by=by, now=NOW, seen=seen)


def test_two_people_start_one_import(upload: RosterUpload, nurse: User) -> None:
    work()
    found = twice(lambda: start(upload, nurse))
    assert found.count("already_started") == 1
    work()
    assert ImportRun.objects.count() == 1
    assert (Patient.objects.count(), Fill.objects.count()) == (20, 20)


def test_without_the_row_lock_both_would_start(
    upload: RosterUpload, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof that the test above can fail."""
    work()
    both = threading.Barrier(2)

    def unlocked(row: RosterUpload, _: User) -> RosterUpload:
        found = RosterUpload.objects.select_related("clinic").get(pk=row.pk)
        both.wait(timeout=10)
        return found

    monkeypatch.setattr(uploads, "_locked", unlocked)
    assert "already_started" not in twice(lambda: start(upload, nurse))


def test_two_workers_import_each_row_once(upload: RosterUpload, nurse: User) -> None:
    twice(work)
    assert RosterUpload.objects.get().state == "checked"
    start(upload, nurse)
    twice(work)
    run = RosterUpload.objects.get().run
    assert run is not None
    assert (run.imported, run.unchanged, run.refused) == (20, 0, 0)
    assert (ImportRun.objects.count(), Fill.objects.count()) == (1, 20)


def test_the_same_sheet_sent_twice_at_once_is_one_upload(clinic: Clinic, nurse: User) -> None:
    def send() -> int:
        made = upload_roster(
            clinic=clinic, content=SHEET, suffix=".csv", as_of=date(2026, 11, 27), by=nurse, now=NOW
        )
        return made.pk

    first, second = twice(send)
    assert first == second


@pytest.mark.parametrize("role", ["itb_app", "itb_scan"])
def test_the_application_s_roles_suffice(
    role: str, upload: RosterUpload, nurse: User, clinic: Clinic
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {role}")
        try:
            work()
            start(upload, nurse)
            work()
        finally:
            cursor.execute("RESET ROLE")
    assert RosterUpload.objects.get().state == "imported"
    assert Patient.objects.count() == 20
