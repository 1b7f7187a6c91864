"""Kill the worker in the middle of an import: the next one goes on, nothing is lost or doubled."""

import subprocess
from collections.abc import Callable

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Clinic, User
from patients.models import Patient
from refills.models import Fill
from rosters.models import ImportRow, ImportRun, RosterUpload
from rosters.services.upload_runs import run_uploads
from rosters.services.uploads import seen_of, start_import, upload_roster
from tests.unit.rosters.sheets import cells, csv_of

from .test_scans_under_fault import BEAT, WORKER, broker, eventually, kill, start

__all__ = ["broker", "start"]  # fixtures

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ROWS = 150
SHEET = csv_of(
    *(cells(mrn=f"8{n:05}", pump_serial=f"S8{n:05}", last_name=f"P{n}") for n in range(ROWS))
)


def test_an_import_outlives_its_worker(
    start: Callable[[str], subprocess.Popen[bytes]], clinic: Clinic, nurse: User
) -> None:
    now = timezone.now()
    upload = upload_roster(
        clinic=clinic, content=SHEET, suffix=".csv", by=nurse, now=now,
        as_of=now.astimezone(clinic.zone).date(),
    )  # fmt: skip
    while run_uploads(clock=timezone.now):
        pass  # slice by slice
    start_import(
        upload=upload, by=nurse, now=timezone.now(),
        seen=seen_of(RosterUpload.objects.get(pk=upload.pk)),
    )  # fmt: skip
    worker, beat = start(WORKER), start(BEAT)
    eventually(lambda: Patient.objects.count() > 20)
    kill(worker)
    kill(beat)
    done = Patient.objects.count()
    assert 20 < done < ROWS
    cut = RosterUpload.objects.get(pk=upload.pk)
    assert cut.state == "importing"
    assert cut.lease_until is not None
    assert ImportRow.objects.count() == ROWS, "each row is kept, and on the board"
    with connection.cursor() as cursor:  # its 90 seconds pass
        cursor.execute("UPDATE visits_rosterupload SET lease_until = clock_timestamp()")
    start(WORKER)
    start(BEAT)
    eventually(lambda: RosterUpload.objects.get(pk=upload.pk).state == "imported", 180)
    run = ImportRun.objects.get()
    assert (run.imported, run.unchanged, run.refused) == (ROWS, 0, 0)
    assert (Patient.objects.count(), Fill.objects.count()) == (ROWS, ROWS)
