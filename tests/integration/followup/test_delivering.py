"""Delivery that is dead, slow or blind: it is seen, and it takes nobody else's time."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from celery import current_app
from django.db import connection
from django.utils import timezone

from accounts.models import Clinic, User
from alarms.models import Projection
from devstack.bench import data
from documents.services import versions
from followup.domain import plan
from followup.models import ScanRun, WorkItem
from followup.services import delivering, reminding, resyncing, scans
from itbclinic import watchdog
from patients import services as patients
from pumps.models import Pump
from reminders import transports
from reminders.domain.retry import Outcome
from reminders.models import DeliveryAttempt, OutboxMessage
from reminders.services import delivery
from tests import factories
from tests.effort import rows_visited
from visits.services import booking

pytestmark = pytest.mark.django_db(transaction=True)

OK = transports.Answer(Outcome.ACCEPTED, 250)
NO_SERVER = transports.Answer(Outcome.TEMPORARY, None, "ConnectionRefusedError", channel=True)
BUSY = transports.Answer(Outcome.TEMPORARY, 451, "SMTPRecipientsRefused")
SILENT = transports.Answer(Outcome.UNKNOWN, None, "SMTPServerDisconnected")


def nurse_of(clinic: Clinic, name: str) -> User:
    made = factories.user(name, clinic, "nurse")
    made.email = f"{name}@example.org"
    made.save()
    return made


def family_with_visit(clinic: Clinic, by: User, now: datetime) -> datetime:
    """A family that agreed to e-mail, and when its appointment begins, in two days."""
    hour = clock_time(0)
    Clinic.objects.filter(pk=clinic.pk).update(
        phone_day="801-555-0100", quiet_from=hour, quiet_until=hour
    )
    clinic.refresh_from_db()
    pump = factories.due_in(clinic, 30, now)
    entry = patients.CaregiverEntry(relationship="Mother", email="mother@example.org")
    person = patients.add_caregiver(patient=pump.patient, entry=entry, by=by, now=now)
    reminding.record_consent(caregiver=person, by=by, now=now)
    day = (now + timedelta(days=2)).astimezone(clinic.zone).date()
    return booking.book(pump_id=pump.pk, day=day, at=clock_time(10), by=by, now=now).starts_at


def due_scan(at: datetime) -> None:
    scans.due_scan(clock=lambda: at)


def deliver(answer: transports.Answer) -> delivering.Delivered:
    return delivering.deliver(clock=timezone.now, send=lambda letter: answer)


def open_items() -> set[tuple[str, str]]:
    rows = WorkItem.objects.filter(settled_at__isnull=True)
    return set(rows.values_list("clinic__slug", "kind"))


def broken(at: datetime) -> set[str]:
    return {one.invariant for one in watchdog.check(at)}


# --- nobody delivers ---


def test_a_letter_that_nobody_sent_in_its_time_is_a_task_though_nobody_delivers(
    clinic: Clinic, now: datetime
) -> None:
    starts_at = family_with_visit(clinic, nurse_of(clinic, "n"), now)
    due_scan(starts_at + timedelta(minutes=1))
    letter = OutboxMessage.objects.get(template="call_us")
    assert (letter.state, letter.reason) == ("dead", "no_time_left")
    assert ("wasatch", "delivery_failed") in open_items()


@pytest.mark.parametrize("tried", [False, True])
def test_the_watchdog_sees_a_letter_that_nobody_tries(
    clinic: Clinic, now: datetime, tried: bool
) -> None:
    starts_at = family_with_visit(clinic, nurse_of(clinic, "n"), now)
    if tried:
        deliver(BUSY)
    at = starts_at - timedelta(minutes=10)
    due_scan(at)
    scans.sweep(clock=lambda: at)
    assert OutboxMessage.objects.get(template="call_us").state == "pending"
    assert broken(at) >= {"I2", "I3"}


# --- a server that is slow, silent or refuses ---


@contextmanager
def silent_server() -> Iterator[tuple[str, int]]:
    """It takes every connection, and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        held = []

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept())
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()
    for taken, _ in held:
        taken.close()


def test_a_silent_server_stops_the_run_at_its_first_letter(
    clinic: Clinic, now: datetime, settings: Any
) -> None:
    for number in range(10):
        nurse_of(clinic, f"n{number}")
    factories.due_in(clinic, 15, now)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_TIMEOUT = 1
    with silent_server() as (host, port):
        settings.EMAIL_HOST, settings.EMAIL_PORT = host, port
        done = delivering.deliver(clock=timezone.now)
    assert (done.channel_fails, done.failed) == (True, 1)
    assert ("wasatch", "channel_failing") in open_items()


def test_three_letters_of_unknown_fate_in_a_row_are_the_servers_fault(
    clinic: Clinic, now: datetime
) -> None:
    for number in range(10):
        nurse_of(clinic, f"n{number}")
    factories.due_in(clinic, 15, now)
    answers = iter([SILENT, SILENT, OK, SILENT, SILENT, SILENT, OK])
    done = delivering.deliver(clock=timezone.now, send=lambda letter: next(answers))
    assert (done.channel_fails, done.sent, done.failed) == (True, 1, 5)


def test_a_run_ends_in_time_for_the_scans(clinic: Clinic, now: datetime) -> None:
    for number in range(10):
        nurse_of(clinic, f"n{number}")
    factories.due_in(clinic, 15, now)
    seconds = iter(range(0, 1000, 9))  # each letter takes nine
    done = delivering.deliver(
        clock=timezone.now, send=lambda letter: OK, ticks=lambda: float(next(seconds))
    )
    assert done.sent == 2
    assert deliver(OK).sent == 8


def test_who_waits_behind_a_slow_letter_is_not_called_a_lost_worker(
    clinic: Clinic, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = timedelta(seconds=2)
    for name in ("claim", "hold"):
        monkeypatch.setattr(getattr(delivery, name), "__kwdefaults__", {"lease": lease})
    for number in range(6):
        nurse_of(clinic, f"n{number}")
    factories.due_in(clinic, 15, now)

    def slow(letter: transports.Letter) -> transports.Answer:
        time.sleep(0.5)  # six of these are longer than a lease
        return OK

    assert delivering.deliver(clock=timezone.now, send=slow).sent == 6
    assert not DeliveryAttempt.objects.filter(error_class="WorkerLost").exists()


def test_every_clinic_whose_mail_waits_is_told_and_none_when_it_leaves_again(
    clinic: Clinic, other_clinic: Clinic, now: datetime
) -> None:
    nurse = nurse_of(clinic, "a")
    nurse_of(other_clinic, "b")
    pump = factories.due_in(clinic, 15, now)
    factories.due_in(other_clinic, 15, now)
    assert deliver(NO_SERVER).channel_fails
    told = {("wasatch", "channel_failing"), ("harbor", "channel_failing")}
    assert told <= open_items()
    # Nothing of the first clinic waits any more; the other's letter leaves.
    day = (now + timedelta(days=4)).astimezone(clinic.zone).date()
    booking.book(pump_id=pump.pk, day=day, at=clock_time(10), by=nurse, now=now)
    OutboxMessage.objects.filter(state="pending").update(not_before=now)
    assert deliver(OK).sent == 1
    assert not told & open_items()


# --- a clock that was ahead ---


def test_what_was_planned_while_a_clock_was_ahead_leaves_now(clinic: Clinic, now: datetime) -> None:
    nurse_of(clinic, "n")
    pump = factories.due_in(clinic, 16, now - timedelta(days=1))
    OutboxMessage.objects.all().delete()
    due_scan(now + timedelta(days=4))
    [letter] = OutboxMessage.objects.filter(about=str(pump.uuid))
    assert letter.not_before > now + timedelta(days=3)
    assert "I3" in broken(now)
    assert deliver(OK).sent == 1


def test_the_watchdog_believes_no_sweep_of_the_future(clinic: Clinic, now: datetime) -> None:
    factories.due_in(clinic, 15, now)
    for ahead, seen in ((0, False), (24, True)):
        at = now + timedelta(hours=ahead)
        ScanRun.objects.create(kind="sweep", started_at=at, finished_at=at, looked_at=1)
        assert ("I6" in broken(now + timedelta(minutes=1))) == seen


# --- what one row or pump raises stops no other ---


@pytest.fixture
def poisoned(clinic: Clinic, now: datetime, monkeypatch: pytest.MonkeyPatch) -> list[Pump]:
    """Two pumps in their window; the first cannot be planned."""
    nurse_of(clinic, "n")
    found = [factories.due_in(clinic, 16, now) for _ in range(2)]
    plan_for = reminding.plan_for

    def fails(pump_ids: list[int], *, now: datetime) -> None:
        if found[0].pk in list(pump_ids):
            raise ValueError
        plan_for(pump_ids, now=now)

    monkeypatch.setattr(resyncing, "plan_for", fails)
    monkeypatch.setattr(reminding, "plan_for", fails)
    return found


def test_a_pump_that_cannot_be_planned_stops_no_due_scan(
    poisoned: list[Pump], now: datetime
) -> None:
    OutboxMessage.objects.all().delete()
    Projection.objects.filter(pump=poisoned[0]).update(recheck_at=now, input_version=-1)
    run = scans.due_scan(clock=lambda: now + timedelta(minutes=1))
    assert run.finished_at is not None
    assert run.failed
    assert OutboxMessage.objects.filter(about=str(poisoned[1].uuid)).exists()


def test_a_pump_that_cannot_be_planned_stops_no_sweep(poisoned: list[Pump], now: datetime) -> None:
    Projection.objects.update(refill_due_on="2030-01-01")
    run = scans.sweep(clock=lambda: now)
    assert run.finished_at is not None
    assert str(Projection.objects.get(pump=poisoned[1]).refill_due_on) != "2030-01-01"


def test_a_dead_letter_that_nobody_can_be_told_of_stops_no_other_clinics_mail(
    clinic: Clinic,
    other_clinic: Clinic,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    nurse_of(clinic, "a")
    nurse_of(other_clinic, "b")
    factories.due_in(clinic, 15, now)
    for _ in range(5):
        delivering.recover(clock=timezone.now)
        delivery.claim(worker="x", limit=5)
        OutboxMessage.objects.filter(lease_until__isnull=False).update(
            lease_until=timezone.now() - timedelta(seconds=1)
        )
    factories.due_in(other_clinic, 15, now)
    tell = delivering._tell_somebody

    def fails(row: OutboxMessage, at: datetime) -> None:
        if row.clinic_id == clinic.pk:
            raise ValueError("ITO, Bea")
        tell(row, at)

    monkeypatch.setattr(delivering, "_tell_somebody", fails)
    with caplog.at_level(logging.ERROR):
        assert deliver(OK).sent == 1
    assert "ValueError" in caplog.text
    assert "ITO" not in caplog.text
    monkeypatch.undo()
    delivering.recover(clock=timezone.now)
    assert ("wasatch", "delivery_failed") in open_items(), "nothing of it is lost"


def test_a_query_that_fails_keeps_no_other_invariant_from_being_checked(
    clinic: Clinic, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(watchdog.QUERIES, "I8", ("says", "SELECT 1 / 0"))
    found = {one.invariant: one.found for one in watchdog.check(now)}
    assert found["I8"] == ("could not be checked: DataError",)
    assert "I6" in found


@pytest.mark.slow
def test_the_count_of_all_pumps_is_quick_for_many(now: datetime) -> None:
    data.make(8000, now - timedelta(hours=2))
    sql = watchdog.QUERIES["I10"][1]
    assert watchdog._broken_rows(sql, now) == []
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", {"now": now})
        plan = cursor.fetchone()[0][0]["Plan"]
    assert rows_visited(plan) < 8000 * 50, "it grew with the square of the pumps"


# --- small clocks ---


def test_quiet_hours_that_end_in_the_hour_that_comes_twice_are_not_over_before() -> None:
    second_quarter_past_one = datetime(2026, 11, 1, 8, 15, tzinfo=UTC)
    local = second_quarter_past_one.astimezone(ZoneInfo("America/Denver"))
    end = plan.end_of_quiet(local, clock_time(22), clock_time(1, 30))
    assert end is not None
    assert end.astimezone(UTC) == datetime(2026, 11, 1, 8, 30, tzinfo=UTC)


def test_the_doorbell_waits_for_no_silent_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_server() as (host, port):
        open_to = current_app.connection_for_write
        address = f"redis://{host}:{port}/0"
        monkeypatch.setattr(
            current_app, "connection_for_write", lambda **options: open_to(url=address, **options)
        )
        ringing = threading.Thread(target=versions.ring)
        ringing.start()
        ringing.join(timeout=120)  # it gives up after seconds; without limits it waits for ever
        assert not ringing.is_alive()
