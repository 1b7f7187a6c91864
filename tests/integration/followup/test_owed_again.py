"""What is owed is owed again: put-offs and answers end with their cause, and each failure of the
mail is told of in its own clinic."""

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import services as accounts
from accounts.models import AuditEvent, Clinic, Role, User
from accounts.services import change_clinic, system_user
from alarms.models import Projection
from core.rules import RuleViolation
from core.words import format_date
from followup.models import WorkItem
from followup.services import delivering, refresh, reminding, scans, settling, work_items
from itbclinic import watchdog
from pumps.models import Pump
from pumps.services import InterrogationEntry
from refills import services as refills
from refills.models import Appointment
from reminders import transports
from reminders.domain.retry import Outcome
from reminders.models import OutboxMessage
from tests import factories
from visits.services import visit

pytestmark = pytest.mark.django_db
REFUSED = transports.Answer(Outcome.PERMANENT, 550, "SMTPRecipientsRefused")
NO_SERVER = transports.Answer(Outcome.TEMPORARY, None, "ConnectionRefusedError", channel=True)
ACCEPTED = transports.Answer(Outcome.ACCEPTED, 250)


@pytest.fixture
def reachable(nurse: User) -> User:
    nurse.email = "nurse@clinic.example"
    nurse.save()
    return nurse


def open_kinds() -> list[str]:
    return sorted(WorkItem.objects.filter(settled_at__isnull=True).values_list("kind", flat=True))


def due_scan(now: datetime) -> None:
    scans.due_scan(clock=lambda: now)


def answering(*answers: transports.Answer) -> Callable[[transports.Letter], transports.Answer]:
    """One answer for each letter; the last one for all that follow."""
    left = list(answers)
    return lambda letter: left.pop(0) if len(left) > 1 else left[0]


def put_off(kind: str, by: User, now: datetime, days: int) -> None:
    item = WorkItem.objects.get(kind=kind, settled_at__isnull=True)
    day = now.astimezone(item.clinic.zone).date() + timedelta(days=days)
    work_items.settle_work_item(item=item, reason="Asked", by=by, now=now, ends_on=day)


def waiting_no_more() -> None:
    OutboxMessage.objects.update(not_before=timezone.now())


@pytest.fixture
def no_mail_server(settings: Any) -> Iterator[None]:
    """Something answers on the port, and it is no mail server."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            peer.close()

    threading.Thread(target=talk, daemon=True).start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", listener.getsockname()[1]
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    yield
    listener.close()


@pytest.mark.usefixtures("no_mail_server", "reachable")
def test_a_port_that_speaks_no_smtp_is_a_failing_channel(clinic: Clinic, now: datetime) -> None:
    factories.due_in(clinic, 15, now)
    found = delivering.deliver(clock=timezone.now)
    assert found.channel_fails
    assert "channel_failing" in open_kinds()


def test_a_nurse_of_two_clinics_fails_in_both(
    clinic: Clinic, other_clinic: Clinic, reachable: User, now: datetime
) -> None:
    by = system_user("system-import")
    accounts.grant_role(user=reachable, clinic=other_clinic, role=Role.NURSE, by=by, at=now)
    for one in (clinic, other_clinic):
        factories.due_in(one, 15, now)
    due_scan(now)
    delivering.deliver(clock=timezone.now, send=answering(REFUSED))
    assert OutboxMessage.objects.filter(state="dead").count() == 2
    items = WorkItem.objects.filter(kind="delivery_failed")
    assert {item.clinic_id for item in items} == {clinic.pk, other_clinic.pk}


def test_the_watchdog_wants_the_item_in_the_clinic_of_the_message(
    clinic: Clinic, other_clinic: Clinic, reachable: User, now: datetime
) -> None:
    factories.due_in(clinic, 15, now)
    delivering.deliver(clock=timezone.now, send=answering(REFUSED))
    assert not [one for one in watchdog.check(timezone.now()) if one.invariant == "I2"]
    WorkItem.objects.filter(kind="delivery_failed").update(clinic=other_clinic, pump=None)
    assert [one for one in watchdog.check(timezone.now()) if one.invariant == "I2"]


@pytest.mark.usefixtures("reachable")
def test_the_ladder_counts_to_the_earliest_empty_date(clinic: Clinic, now: datetime) -> None:
    pump = factories.due_in(clinic, 30, now)
    row = Projection.objects.get(pump=pump)
    early, alarm = row.earliest_empty_date, row.alarm_date
    assert row.refill_due_on
    assert early
    assert alarm
    assert row.refill_due_on < early < alarm
    due_scan(datetime.combine(early - timedelta(days=1), time(12), tzinfo=clinic.zone))
    live = OutboxMessage.objects.filter(state="pending").values_list("milestone", flat=True)
    assert list(live) == ["overdue"]
    day = datetime.combine(early, time(12), tzinfo=clinic.zone)
    due_scan(day)
    assert list(live.all()) == ["alarm"]
    OutboxMessage.objects.filter(milestone="alarm").delete()
    WorkItem.objects.filter(kind="unbooked").update(subject="another")
    broken = {one.invariant for one in watchdog.check(day + timedelta(hours=2))}
    assert "I2" in broken, "the watchdog counts to it by SQL of its own"


@pytest.mark.usefixtures("reachable")
def test_a_pump_that_may_be_empty_within_the_week_is_somebodys_task(
    clinic: Clinic, now: datetime
) -> None:
    """Of a long interval the earliest empty date lies nearer to the refill date than a week."""
    pump = factories.filled_pump(clinic, now - timedelta(days=1), dose="220", now=now)
    row = Projection.objects.get(pump=pump)
    early, due = row.earliest_empty_date, row.refill_due_on
    assert early
    assert due
    due_scan(datetime.combine(early - timedelta(days=8), time(12), tzinfo=clinic.zone))
    assert "unbooked" not in open_kinds()
    week = datetime.combine(early - timedelta(days=7), time(12), tzinfo=clinic.zone)
    assert week.date() < due, "else the refill date opens the item, and nothing is shown here"
    due_scan(week)
    item = WorkItem.objects.get(kind="unbooked", settled_at=None)
    assert item.due_at == item.opened_at + timedelta(hours=24)
    due_scan(week)
    assert WorkItem.objects.filter(kind="unbooked").count() == 1


@pytest.mark.parametrize(("days", "hours"), [(-9, 2), (-1, 4), (1, 4), (6, 24)])
def test_what_is_nearer_to_empty_has_less_time(
    clinic: Clinic, reachable: User, now: datetime, days: int, hours: int
) -> None:
    factories.due_in(clinic, days, now)
    item = WorkItem.objects.get(kind="unbooked")
    assert item.due_at - item.opened_at == timedelta(hours=hours)


@pytest.mark.usefixtures("reachable")
def test_an_open_item_loses_time_when_its_pump_comes_into_danger(
    clinic: Clinic, now: datetime
) -> None:
    pump = factories.due_in(clinic, 6, now)
    item = WorkItem.objects.get(kind="unbooked")
    row = Projection.objects.get(pump=pump)
    assert row.alarm_date
    alarm = datetime.combine(row.alarm_date, time(12), tzinfo=clinic.zone)
    WorkItem.objects.update(due_at=alarm + timedelta(hours=20))
    due_scan(alarm)
    item.refresh_from_db()
    assert item.due_at == alarm + timedelta(hours=4)
    assert AuditEvent.objects.filter(event="work_item.brought_forward").count() == 1
    due_scan(alarm + timedelta(hours=1))
    reminding.plan_for([pump.pk], now=alarm + timedelta(hours=2))
    item.refresh_from_db()
    assert item.due_at == alarm + timedelta(hours=4), "it does not move again"


def test_a_familys_message_that_meets_the_night_becomes_a_call(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    local = now.astimezone(clinic.zone) + timedelta(days=1)
    evening = local.replace(hour=19, minute=59, second=0, microsecond=0)
    change_clinic(clinic=clinic, by=nurse, at=now, phone_day="801-555-0100")
    pump = factories.due_in(clinic, 30, now)
    person = pump.patient.caregivers.get()
    person.email = "mother@family.example"
    person.save()
    reminding.record_consent(caregiver=person, by=nurse, now=now)
    starts = (evening + timedelta(days=1)).replace(hour=7, minute=30)
    refills.book(pump=pump, starts_at=starts, by=nurse, now=evening)
    reminding.plan_for([pump.pk], now=evening)
    waiting_no_more()
    # The worker comes to it two minutes later, when it is night; the morning is too late.
    delivering.deliver(clock=lambda: evening + timedelta(minutes=2))
    message = OutboxMessage.objects.get(kind="appointment_soon")
    assert (message.state, message.reason) == ("dead", "no_time_left")
    item = WorkItem.objects.get(kind="delivery_failed")
    assert item.due_at <= starts


def test_a_call_is_owed_again_when_an_exclusion_runs_out(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 30, now)
    refills.book(pump=pump, starts_at=now + timedelta(days=2), by=nurse, now=now)
    reminding.plan_for([pump.pk], now=now)
    assert open_kinds() == ["call_family"]
    today = now.astimezone(clinic.zone).date()
    settling.exclude(pump=pump, reason="In hospital", ends_on=today, by=nurse, now=now)
    assert open_kinds() == []
    due_scan(now + timedelta(days=1, hours=2))
    assert open_kinds() == ["call_family"]


def test_a_no_show_is_owed_again_when_an_exclusion_runs_out(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 40, now)
    row = refills.book(pump=pump, starts_at=now + timedelta(hours=1), by=nurse, now=now)
    later = now + timedelta(hours=2)
    refills.record_outcome(
        appointment=row, outcome=Appointment.Outcome.NO_SHOW, by=nurse, now=later
    )
    reminding.plan_for([pump.pk], now=later)
    assert open_kinds() == ["no_show"]
    today = later.astimezone(clinic.zone).date()
    settling.exclude(pump=pump, reason="In hospital", ends_on=today, by=nurse, now=later)
    assert open_kinds() == []
    due_scan(later + timedelta(days=2))
    assert open_kinds() == ["no_show"]


def test_what_a_person_answered_is_not_asked_again(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 30, now)
    refills.book(pump=pump, starts_at=now + timedelta(days=2), by=nurse, now=now)
    reminding.plan_for([pump.pk], now=now)
    item = WorkItem.objects.get(kind="call_family")
    work_items.settle_work_item(item=item, reason="Called", by=nurse, now=now)
    due_scan(now + timedelta(hours=3))
    assert open_kinds() == []


@pytest.mark.usefixtures("reachable")
def test_a_channel_that_fails_in_the_middle_of_a_run_is_told_of(
    clinic: Clinic, other_clinic: Clinic, now: datetime
) -> None:
    for number in range(2):
        user = factories.user(f"nurse-{number + 5}", clinic, "nurse")
        user.email = f"nurse{number}@clinic.example"
        user.save()
    factories.due_in(clinic, 15, now)
    found = delivering.deliver(clock=timezone.now, send=answering(ACCEPTED, NO_SERVER))
    assert (found.sent, found.channel_fails) == (1, True)
    assert "channel_failing" in open_kinds()


def differing_printout(pump: Pump, by: User, at: datetime) -> None:
    printed = (at + timedelta(days=20)).date()
    visit.record_facts(
        pump_id=pump.pk, at=at, by=by, now=at, fill=factories.fill(),
        program=factories.simple(at, "600"),
        interrogation=InterrogationEntry(source="x", printed_alarm_date=printed),
    )  # fmt: skip


def refill(pump: Pump, by: User, at: datetime) -> None:
    visit.record_facts(
        pump_id=pump.pk, at=at, by=by, now=at, fill=factories.fill(),
        program=factories.simple(at, "600"),
    )  # fmt: skip


def test_a_new_doubt_is_told_of_though_an_older_one_was_put_off(
    clinic: Clinic, reachable: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 30, now)
    differing_printout(pump, reachable, now)
    due_scan(now + timedelta(minutes=30))
    assert open_kinds() == ["date_unknown"]
    put_off("date_unknown", reachable, now, 7)
    refill(pump, reachable, now + timedelta(days=2))  # without any doubt
    assert WorkItem.objects.get(kind="date_unknown").settled_until is None
    third = now + timedelta(days=4)
    differing_printout(pump, reachable, third)
    due_scan(third + timedelta(hours=1))
    assert open_kinds() == ["date_unknown"]


def test_what_was_put_off_stays_put_off_while_its_cause_stands(
    clinic: Clinic, reachable: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 30, now)
    differing_printout(pump, reachable, now)
    now += timedelta(minutes=30)
    due_scan(now)
    put_off("date_unknown", reachable, now, 6)
    reminding.plan_for([pump.pk], now=now + timedelta(days=1))
    due_scan(now + timedelta(days=5))
    assert "date_unknown" not in open_kinds()
    due_scan(now + timedelta(days=8, hours=1))
    assert "date_unknown" in open_kinds()


def test_the_next_cycle_is_unbooked_though_the_last_was_put_off(
    clinic: Clinic, reachable: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 6, now)
    assert open_kinds() == ["unbooked"]
    put_off("unbooked", reachable, now, 3)
    refill(pump, reachable, now)
    assert WorkItem.objects.get(kind="unbooked").settled_until is None
    due_scan(now + timedelta(days=61))  # the alarm date has come
    assert "unbooked" in open_kinds()


def test_a_new_failure_of_mail_is_told_of_though_an_older_one_was_put_off(
    clinic: Clinic, reachable: User, now: datetime
) -> None:
    factories.due_in(clinic, 15, now)
    delivering.deliver(clock=timezone.now, send=answering(NO_SERVER))
    put_off("channel_failing", reachable, now, 60)
    waiting_no_more()
    assert delivering.deliver(clock=timezone.now, send=answering(ACCEPTED)).sent == 1
    factories.due_in(clinic, 15, now)
    due_scan(timezone.now())
    assert delivering.deliver(clock=timezone.now, send=answering(NO_SERVER)).channel_fails
    assert "channel_failing" in open_kinds()


@pytest.mark.parametrize("alarm_in", [7, 6, 1, 0, -3])
def test_what_may_run_dry_is_asked_again_before_the_alarm(
    clinic: Clinic, nurse: User, now: datetime, alarm_in: int
) -> None:
    pump = factories.due_in(clinic, alarm_in, now)
    may_be_empty = Projection.objects.get(pump=pump).earliest_empty_date
    assert may_be_empty is not None
    last = max(1, (may_be_empty - now.astimezone(clinic.zone).date()).days - 1)
    assert (last > 1) == (alarm_in >= 6)
    with pytest.raises(RuleViolation) as found:
        put_off("unbooked", nurse, now, last + 1)
    [problem] = found.value.problems
    assert (problem.field, problem.code) == ("ends_on", "back_too_late")
    until = now.astimezone(clinic.zone).date() + timedelta(days=last)
    assert f"until {format_date(until)} at the latest" in problem.message
    assert "unbooked" in open_kinds()
    put_off("unbooked", nurse, now, last)
    assert "unbooked" not in open_kinds()
    due_scan(now + timedelta(days=last + 1))
    assert "unbooked" in open_kinds()


def test_what_may_run_dry_is_put_off_for_a_week_at_most(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    factories.due_in(clinic, 30, now)
    Clinic.objects.filter(pk=clinic.pk).update(refill_lead_days=35)
    refresh(list(Pump.objects.values_list("pk", flat=True)), now=now)
    with pytest.raises(RuleViolation) as found:
        put_off("unbooked", nurse, now, 8)
    [problem] = found.value.problems
    assert (problem.field, problem.code) == ("ends_on", "too_late")
    assert "within 7 days" in problem.message
    put_off("unbooked", nurse, now, 7)
    assert "unbooked" not in open_kinds()


@pytest.mark.parametrize(("dose", "asked"), [("3000", True), ("300", False)])
def test_an_earlier_alarm_is_asked_anew_though_the_later_one_was_put_off(
    clinic: Clinic, reachable: User, now: datetime, dose: str, asked: bool
) -> None:
    pump = factories.due_in(clinic, 6, now)
    put_off("unbooked", reachable, now, 2)
    first = WorkItem.objects.get(kind="unbooked", put_off_before__isnull=False)
    assert first.put_off_before == Projection.objects.get(pump=pump).earliest_empty_date
    program = factories.simple(now, dose)
    visit.record_facts(
        pump_id=pump.pk, at=now, by=reachable, now=now, program=program, reason="Tone"
    )
    moved = Projection.objects.get(pump=pump).earliest_empty_date
    assert moved is not None
    assert first.put_off_before is not None
    assert (moved < first.put_off_before) == asked
    assert ("unbooked" in open_kinds()) == asked, "with the facts, not with the next scan"


def test_another_doubt_is_another_question(clinic: Clinic, reachable: User, now: datetime) -> None:
    pump = factories.due_in(clinic, 30, now)
    differing_printout(pump, reachable, now)
    now += timedelta(minutes=30)
    due_scan(now)
    put_off("date_unknown", reachable, now, 6)
    assert WorkItem.objects.get(kind="date_unknown").put_off_for == "alarm_date_mismatch"
    later = now + timedelta(days=1)
    weaker = factories.fill(concentration="500")
    visit.record_facts(pump_id=pump.pk, at=later, by=reachable, now=later, fill=weaker)
    assert Projection.objects.get(pump=pump).unknown_reason == "concentration_mismatch"
    assert open_kinds() == ["date_unknown"]


def test_a_doubt_that_joins_another_is_asked_about_though_the_list_names_the_first(
    clinic: Clinic, reachable: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 30, now)
    stopped = Projection.objects.filter(pump=pump)
    differing_printout(pump, reachable, now)
    stopped.update(attention=["pump_stopped"])
    now += timedelta(minutes=30)
    due_scan(now)
    put_off("date_unknown", reachable, now, 6)
    stopped.update(attention=["pump_stopped", "alarm_date_mismatch"])
    reminding.plan_for([pump.pk], now=now + timedelta(hours=1))
    assert open_kinds() == ["date_unknown"]


def test_an_open_item_is_put_off_for_nothing(clinic: Clinic, nurse: User, now: datetime) -> None:
    """The database keeps what was put off with the answer, never with an open item."""
    factories.due_in(clinic, 6, now)
    with pytest.raises(IntegrityError), transaction.atomic():
        WorkItem.objects.filter(kind="unbooked").update(put_off_before=now.date())
