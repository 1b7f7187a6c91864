"""A mail server that refuses, hangs and drops; workers that are killed: nothing is lost, nothing
is called sent that no server accepted, and a duplicate can be recognised."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core import mail
from django.db import connection, connections
from django.utils import timezone

from accounts.models import Clinic, User
from accounts.services import system_user
from followup.models import WorkItem
from followup.services import delivering, scans
from itbclinic import watchdog
from reminders.domain.promises import Obligation, PromiseKey
from reminders.domain.retry import Outcome
from reminders.domain.wording import BOARD, CALL_US
from reminders.models import DeliveryAttempt, OutboxMessage
from reminders.services import delivery, outbox
from tests import factories
from tests.faults.smtp_sink import Sink, running
from tests.lease_support import claim_without_lock

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    made = Sink()
    with running(made) as port:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.EMAIL_TIMEOUT = 1
        yield made


@pytest.fixture
def reachable(nurse: User) -> User:
    nurse.email = "nurse@clinic.example"
    nurse.save()
    return nurse


@pytest.fixture
def owed(clinic: Clinic, reachable: User, now: datetime) -> OutboxMessage:
    """One message to a nurse, of the plan's own."""
    factories.due_in(clinic, 15, now)
    OutboxMessage.objects.filter(milestone="unknown").exclude(state="pending")
    return OutboxMessage.objects.get(milestone="window")


def rows_for(clinic: Clinic, count: int, now: datetime) -> list[outbox.Planned]:
    """Messages that speak of nothing; each to a recipient of its own, so that none carries one."""
    return [
        outbox.Planned(
            clinic_id=clinic.pk, about=str(number),
            promise=PromiseKey(Obligation("test", str(number)), "s", "window", str(uuid.uuid4())),
            date_version="s.v1", kind="test",
            template=CALL_US, language="en", not_before=now, expires_at=now + timedelta(days=1),
        )
        for number in range(count)
    ]  # fmt: skip


def fill_outbox(clinic: Clinic, count: int, now: datetime) -> None:
    plan = rows_for(clinic, count, now)
    outbox.sync(
        abouts=[row.about for row in plan], plan=plan, by=system_user("system-scan"), now=now
    )


def deliver() -> delivering.Delivered:
    return delivering.deliver(clock=timezone.now)


def due_again() -> None:
    """As if the wait before the next attempt were over."""
    OutboxMessage.objects.filter(state="pending").exclude(milestone="unknown").update(
        not_before=timezone.now() - timedelta(seconds=1)
    )


def broken(*names: str) -> list[str]:
    """The broken invariants: all ten of them, after a sweep, or only those named."""
    if not names:
        scans.sweep(clock=timezone.now)
    found = {one.invariant for one in watchdog.check(timezone.now())}
    return sorted(found & set(names) if names else found)


def test_what_a_server_accepts_is_sent_once(owed: OutboxMessage, sink: Sink) -> None:
    assert deliver().sent == 1
    assert deliver().sent == 0
    assert sink.accepted == [("nurse@clinic.example", owed.message_id)]
    assert broken() == []


def test_a_refused_recipient_ends_at_a_person(owed: OutboxMessage, sink: Sink) -> None:
    sink.behave = "rcpt 550"
    deliver()
    owed.refresh_from_db()
    assert (owed.state, owed.reason) == ("dead", "refused")
    [attempt] = DeliveryAttempt.objects.filter(message=owed)
    assert (attempt.outcome, attempt.smtp_code) == ("permanent", 550)
    item = WorkItem.objects.get(kind="delivery_failed")
    assert (item.subject, item.owner_role) == (owed.recipient_ref, "nurse")
    assert broken() == []


@pytest.mark.parametrize("behave", ["rcpt 451", "data 452", "hang", "drop"])
def test_a_passing_fault_is_tried_again_under_the_same_id(
    owed: OutboxMessage, sink: Sink, behave: str
) -> None:
    sink.behave = behave
    assert deliver().sent == 0
    owed.refresh_from_db()
    assert owed.state == "pending"
    assert owed.not_before > timezone.now()
    assert (owed.lease_by, owed.attempts) == ("", 1)
    sink.behave = "accept"
    due_again()
    assert deliver().sent == 1
    assert {message_id for _, message_id in sink.accepted} == {owed.message_id}
    assert len(sink.accepted) == (2 if behave == "drop" else 1)
    assert DeliveryAttempt.objects.filter(message=owed).count() == 2
    assert broken() == []


def test_a_server_that_refuses_us_stops_the_run_and_tells_one_person(
    clinic: Clinic, reachable: User, sink: Sink, now: datetime
) -> None:
    for _ in range(3):
        factories.due_in(clinic, 15, now)
    for behave in ("mail 550", "mail 530"):
        sink.behave = behave
        due_again()
        assert deliver().channel_fails
    waiting = OutboxMessage.objects.filter(milestone="window")
    assert {row.state for row in waiting} == {"pending"}
    assert WorkItem.objects.filter(kind="channel_failing").count() == 1
    sink.behave = "accept"
    due_again()
    assert deliver().sent == 1
    assert WorkItem.objects.get(kind="channel_failing").settled_at is not None
    assert broken() == []


def test_no_server_at_all_leaves_the_rows_waiting(owed: OutboxMessage, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert deliver().channel_fails
    owed.refresh_from_db()
    assert owed.state == "pending"


def test_out_of_time_ends_at_a_person(owed: OutboxMessage, sink: Sink) -> None:
    OutboxMessage.objects.update(
        created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now()
    )
    deliver()
    owed.refresh_from_db()
    assert (owed.state, owed.reason) == ("dead", "no_time_left")
    assert WorkItem.objects.filter(kind="delivery_failed").count() == 1
    assert sink.accepted == []


def test_a_line_break_reaches_no_header(owed: OutboxMessage, sink: Sink) -> None:
    User.objects.update(email="a@b.example\r\nBcc: c@d.example")
    deliver()
    owed.refresh_from_db()
    assert (owed.state, owed.reason) == ("dead", "refused")
    assert DeliveryAttempt.objects.get(message=owed).error_class == "NotOneLineError"
    assert sink.accepted == []


WORKER = """
import django; django.setup()
import os, signal, sys
from django.utils import timezone
from followup.services import delivering
from reminders import transports
def send(letter):
    if sys.argv[1] == "after":
        assert transports.send(letter).outcome == "accepted"
    os.kill(os.getpid(), signal.SIGKILL)
delivering.deliver(clock=timezone.now, send=send)
"""


def killed_worker(when: str) -> None:
    """A process that is killed between its claim and its record, `before` or `after` sending."""
    values = connection.settings_dict
    url = "postgres://{}:{}@{}:{}/{}".format(
        values["USER"], quote(str(values["PASSWORD"]), safe=""),
        values["HOST"], values["PORT"], values["NAME"],
    )  # fmt: skip
    env = {
        **os.environ, "DATABASE_URL": url, "ITB_ENV": "test", "EMAIL_HOST": settings.EMAIL_HOST,
        "EMAIL_PORT": str(settings.EMAIL_PORT), "DJANGO_SETTINGS_MODULE": "itbclinic.settings",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", WORKER, when], env=env, cwd=Path(settings.BASE_DIR), check=False,
        capture_output=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_worker_loses_nothing_and_lies_about_nothing(
    owed: OutboxMessage, sink: Sink, when: str
) -> None:
    killed_worker(when)
    owed.refresh_from_db()
    assert (owed.state, owed.attempts) == ("pending", 1)
    assert deliver().sent == 0, "the lease still runs"
    OutboxMessage.objects.filter(pk=owed.pk).update(
        lease_until=timezone.now() - timedelta(seconds=1)
    )
    assert deliver().sent == 1
    owed.refresh_from_db()
    assert owed.state == "sent"
    assert {message_id for _, message_id in sink.accepted} == {owed.message_id}
    assert len(sink.accepted) == (2 if when == "after" else 1)
    tries = DeliveryAttempt.objects.filter(message=owed).order_by("id")
    assert [one.outcome for one in tries] == ["unknown", "accepted"]
    assert broken() == []


def test_a_row_that_keeps_killing_its_worker_ends_at_a_person(
    owed: OutboxMessage, sink: Sink
) -> None:
    for _ in range(5):
        [row] = delivery.claim(worker=uuid.uuid4().hex, limit=5)
        OutboxMessage.objects.filter(pk=row.pk).update(
            lease_until=timezone.now() - timedelta(seconds=1)
        )
        delivering.recover(clock=timezone.now)
    owed.refresh_from_db()
    assert (owed.state, owed.reason) == ("dead", "worker_lost")
    assert WorkItem.objects.filter(kind="delivery_failed").exists()


def at_once(number: int, work: Callable[[int], object]) -> None:
    """Run it in threads with connections of their own, all starting together."""
    barrier, errors = threading.Barrier(number), list[BaseException]()

    def one(index: int) -> None:
        try:
            barrier.wait()
            work(index)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def claimed_by_two(clinic: Clinic, now: datetime) -> Counter[int]:
    """How often each of 60 rows was claimed by two workers that claim at once."""
    fill_outbox(clinic, 60, now)
    found: list[int] = []

    def work(index: int) -> None:
        worker = f"w{index}"
        while rows := delivery.claim(worker=worker, limit=5):
            found.extend(row.pk for row in rows)

    at_once(2, work)
    return Counter(found)


def test_two_deliverers_never_hold_the_same_row(clinic: Clinic, now: datetime) -> None:
    counts = claimed_by_two(clinic, now)
    assert len(counts) == 60
    assert set(counts.values()) == {1}


def test_without_the_lock_they_do(
    clinic: Clinic, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the test above can fail."""
    claim_without_lock(monkeypatch)
    assert max(claimed_by_two(clinic, now).values()) > 1


def test_only_the_holder_of_the_lease_says_what_came_of_it(
    clinic: Clinic, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_outbox(clinic, 1, now)
    by = system_user("system-scan")
    [row] = delivery.claim(worker="first", limit=1)
    OutboxMessage.objects.update(lease_by="second")
    late = delivery.Attempt(now, now, Outcome.PERMANENT, 550)
    assert not delivery.hold(message=row, worker="first")
    assert delivery.record_outcome(message=row, worker="first", attempt=late, by=by) is None
    assert OutboxMessage.objects.get().state == "pending"
    assert DeliveryAttempt.objects.count() == 1, "what happened is kept all the same"
    # The negative control: without the fence the one who lost the lease decides.
    monkeypatch.setattr(
        delivery, "_fenced", lambda message, worker: OutboxMessage.objects.get(pk=message.pk)
    )
    delivery.record_outcome(message=row, worker="first", attempt=late, by=by)
    assert OutboxMessage.objects.get().state == "dead"


def test_twenty_scans_at_once_owe_each_message_once(
    clinic: Clinic, reachable: User, now: datetime
) -> None:
    for _ in range(5):
        factories.due_in(clinic, 30, now)
    assert not OutboxMessage.objects.exclude(milestone="unknown").exists()
    later = now + timedelta(days=10)
    at_once(20, lambda _: scans.due_scan(clock=lambda: later))
    rows = OutboxMessage.objects.filter(milestone="window")
    assert {row.state for row in rows} == {"pending"}
    assert len(rows) == 5
    assert WorkItem.objects.filter(settled_at__isnull=True).count() == 0


def test_a_key_that_is_there_gets_no_second_row(clinic: Clinic, now: datetime) -> None:
    plan = rows_for(clinic, 3, now)
    by = system_user("system-scan")
    at_once(20, lambda _: outbox.sync(abouts=["0", "1", "2"], plan=plan, by=by, now=now))
    assert OutboxMessage.objects.count() == 3


def test_deliverers_at_once_with_a_moody_server(
    clinic: Clinic, reachable: User, sink: Sink, now: datetime
) -> None:
    """Six nurses, four workers, drops and refusals in between: every message ends, none twice
    but under its own id."""
    for number in range(5):
        user = factories.user(f"nurse-x{number}", clinic, "nurse")
        user.email = f"n{number}@clinic.example"
        user.save()
    factories.due_in(clinic, 15, now)
    for behave in ("drop", "rcpt 451", "accept", "accept"):
        sink.behave = behave
        due_again()
        at_once(4, lambda _: deliver())
        time.sleep(0.05)
    rows = OutboxMessage.objects.filter(milestone="window")
    assert {row.state for row in rows} == {"sent"}
    accepted = Counter(message_id for _, message_id in sink.accepted)
    assert set(accepted) == {row.message_id for row in rows}
    assert broken() == []
    assert mail.outbox == []
    assert BOARD in {row.template for row in rows}
