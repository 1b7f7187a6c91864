"""Workers that are killed or that race for a summary: it is made once, and nobody lies about it."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone

from accounts.models import Clinic, User
from documents.services import rendering
from followup.models import WorkItem
from tests.lease_support import claim_without_lock
from tests.summary_support import settings_of, summary_of, visited
from visits.models import AfterVisitSummary
from visits.services.summary_paper import SUMMARY

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

WORKER = """
import django; django.setup()
import os, signal
from django.utils import timezone
from documents.services import rendering
def make(kind, row):
    assert rendering.render(kind, row).html
    os.kill(os.getpid(), signal.SIGKILL)
rendering.render_due(clock=timezone.now, make=make)
"""


@pytest.fixture
def waiting(clinic: Clinic, nurse: User) -> AfterVisitSummary:
    settings_of(clinic)
    return summary_of(visited(clinic, nurse, timezone.now()))


def killed_worker() -> None:
    """A process that is killed after it has made the paper and before it has recorded it."""
    values = connection.settings_dict
    url = "postgres://{}:{}@{}:{}/{}".format(
        values["USER"], quote(str(values["PASSWORD"]), safe=""),
        values["HOST"], values["PORT"], values["NAME"],
    )  # fmt: skip
    env = {**os.environ, "DATABASE_URL": url, "ITB_ENV": "test",
           "DJANGO_SETTINGS_MODULE": "itbclinic.settings"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", WORKER], env=env, cwd=Path(settings.BASE_DIR), check=False,
        capture_output=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def lease_runs_out() -> None:
    past = timezone.now() - timedelta(seconds=1)
    AfterVisitSummary.objects.filter(lease_until__isnull=False).update(lease_until=past)


def due_again() -> None:
    AfterVisitSummary.objects.update(not_before=timezone.now() - timedelta(seconds=1))


def test_a_killed_worker_loses_nothing(waiting: AfterVisitSummary) -> None:
    killed_worker()
    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempts, waiting.html) == ("pending", 1, "")
    assert rendering.render_due(clock=timezone.now) == 0, "the lease still runs"
    lease_runs_out()
    assert rendering.recover(clock=timezone.now) == 1
    due_again()
    assert rendering.render_due(clock=timezone.now) == 1
    waiting.refresh_from_db()
    assert (waiting.state, waiting.lease_by) == ("ready", "")


def test_one_that_keeps_killing_its_worker_ends_at_a_person(waiting: AfterVisitSummary) -> None:
    for _ in range(rendering.MOST_ATTEMPTS):
        due_again()
        assert rendering.claim(SUMMARY, worker="w") is not None
        lease_runs_out()
        rendering.recover(clock=timezone.now)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.error_class) == ("failed", "WorkerLost")
    assert WorkItem.objects.filter(kind="summary_failed", settled_at=None).count() == 1


def claimed_by_four(clinic: Clinic, by: User) -> Counter[int]:
    """How often each of 12 rows was claimed by four workers that claim at once."""
    for _ in range(12):
        visited(clinic, by, timezone.now())
    found: list[int] = []
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        try:
            barrier.wait()
            while (row := rendering.claim(SUMMARY, worker=f"w{number}")) is not None:
                found.append(row.pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(found)


def test_two_workers_never_hold_the_same_row(clinic: Clinic, nurse: User) -> None:
    counts = claimed_by_four(clinic, nurse)
    assert len(counts) == 12
    assert set(counts.values()) == {1}


def test_without_the_lock_they_do(
    clinic: Clinic, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the test above can fail."""
    claim_without_lock(monkeypatch)
    assert max(claimed_by_four(clinic, nurse).values()) > 1


def test_only_the_holder_of_the_lease_records(waiting: AfterVisitSummary) -> None:
    row = rendering.claim(SUMMARY, worker="first")
    assert row is not None
    AfterVisitSummary.objects.update(lease_by="second")
    late = rendering.Made("<p>late</p>", b"late")
    assert not rendering.record(SUMMARY, row=row, worker="first", made=late, now=timezone.now())
    waiting.refresh_from_db()
    assert (waiting.state, waiting.html) == ("pending", "")
    # The negative control: the holder may.
    assert rendering.record(SUMMARY, row=row, worker="second", made=late, now=timezone.now())
    waiting.refresh_from_db()
    assert (waiting.state, waiting.html) == ("ready", "<p>late</p>")


def test_a_version_that_was_replaced_meanwhile_is_not_recorded(waiting: AfterVisitSummary) -> None:
    row = rendering.claim(SUMMARY, worker="first")
    assert row is not None
    AfterVisitSummary.objects.update(replaced_at=timezone.now())
    made = rendering.Made("<p>old</p>", b"old")
    assert not rendering.record(SUMMARY, row=row, worker="first", made=made, now=timezone.now())
