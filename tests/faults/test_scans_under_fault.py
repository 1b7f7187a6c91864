"""Kill the worker, kill the broker: the list stays right, and the next scan does all the work.

A real worker, a real beat and a real broker of this test's own; no eager mode.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import Clinic, User
from alarms.models import Projection
from alarms.selectors import worklist
from alarms.selectors.listed import ListedPump
from devstack.bench import data
from devstack.paths import Layout
from devstack.stack import Stack
from followup.models import ScanRun
from pumps.models import Pump
from tests import factories
from visits.services import visit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PUMPS = 2500
EVERYTHING = worklist.Filters(everything=True)


def eventually(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Stack]:
    """A broker of this test's own, to be killed."""
    stack = Stack(Layout(tmp_path / "var"), durable=False)
    stack.ensure_valkey()
    yield stack
    stack.reset()


@pytest.fixture
def start(broker: Stack, tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts a Celery program on the test database, each in a process group of its own."""
    values = connection.settings_dict
    url = "postgres://{}:{}@{}:{}/{}".format(
        values["USER"], quote(str(values["PASSWORD"]), safe=""),
        values["HOST"], values["PORT"], values["NAME"],
    )  # fmt: skip
    env = {**os.environ, "DATABASE_URL": url, "REDIS_URL": broker.redis_url() or "",
           "ITB_ENV": "test"}  # fmt: skip
    log = (tmp_path / "celery.log").open("wb")
    started: list[subprocess.Popen[bytes]] = []

    def run(program: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "-A", "itbclinic", *program.split()]
        started.append(
            subprocess.Popen(
                command, env=env, cwd=settings.BASE_DIR, start_new_session=True,
                stdout=log, stderr=log,
            )
        )  # fmt: skip
        return started[-1]

    yield run
    for process in started:
        kill(process)
    log.close()


def kill(process: subprocess.Popen[bytes]) -> None:
    """`kill -9` of the process and its children."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


WORKER = "worker --loglevel info --concurrency 1"
BEAT = "beat --scheduler celery.beat.Scheduler"


def sweeps(**which: object) -> int:
    return ScanRun.objects.filter(kind="sweep", **which).count()


def listed(now: datetime) -> list[ListedPump]:
    clinics = list(Clinic.objects.values_list("pk", flat=True))
    pumps = worklist.listed_pumps(clinics, now)
    return worklist.page(pumps, EVERYTHING, size=PUMPS + 50)


def test_a_worker_killed_in_a_sweep_loses_nothing(
    start: Callable[[str], subprocess.Popen[bytes]],
) -> None:
    now = timezone.now().replace(microsecond=0)
    data.make(PUMPS, now)
    worker = start(WORKER)
    beat = start(BEAT)  # rings for every scan when it starts
    eventually(lambda: Projection.objects.exists())
    kill(worker)
    kill(beat)
    done = Projection.objects.count()
    assert 0 < done < PUMPS
    assert (sweeps(), sweeps(finished_at__isnull=False)) == (1, 0)
    rows = listed(now)
    assert len(rows) == PUMPS, "a pump without a date is listed, on top"
    assert [row.reason for row in rows].count("recalculating") == PUMPS - done
    start(WORKER)
    start(BEAT)
    eventually(lambda: sweeps(finished_at__isnull=False) == 1)
    run = ScanRun.objects.get(kind="sweep", finished_at__isnull=False)
    assert run.looked_at == PUMPS
    assert run.failed == 0
    assert Projection.objects.filter(unknown_reason="").count() == PUMPS


def test_a_broker_killed_in_a_sweep_stops_no_visit_and_no_list(
    start: Callable[[str], subprocess.Popen[bytes]], broker: Stack
) -> None:
    now = timezone.now().replace(microsecond=0)
    by: User = data.make(PUMPS, now)
    start(WORKER)
    beat = start(BEAT)
    eventually(lambda: Projection.objects.exists())
    os.kill(pid_of(broker), signal.SIGKILL)
    pump = Pump.objects.order_by("-pk")[0]
    row = visit.record_facts(pump_id=pump.pk, at=now, by=by, now=now, fill=factories.fill("39"))
    assert row.refill_due_on is not None
    assert len(listed(now)) == PUMPS
    broker.ensure_valkey()
    kill(beat)
    start(BEAT)
    eventually(lambda: sweeps(finished_at__isnull=False) >= 1)
    assert Projection.objects.filter(unknown_reason="").count() == PUMPS
    assert not [row for row in listed(timezone.now()) if row.reason]


def pid_of(broker: Stack) -> int:
    address = broker.valkey.running(broker.secrets()["valkey"])
    assert address is not None
    return address.pid
