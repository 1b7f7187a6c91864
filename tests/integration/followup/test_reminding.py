"""What is owed becomes rows and tasks, once; what is not wanted any more is taken back."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command

from accounts.models import AuditEvent, Clinic, User
from accounts.services import change_clinic
from core.rules import RuleViolation
from followup.models import WorkItem
from followup.services import delivering, reminding, scans, settling, work_items
from pumps.models import Pump
from refills import services as refills
from reminders.models import DeliveryAttempt, OutboxMessage
from tests import factories
from visits.services import visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def reachable(nurse: User) -> User:
    nurse.email = "nurse@clinic.example"
    nurse.save()
    return nurse


@pytest.fixture
def phone(clinic: Clinic, nurse: User, now: datetime) -> Clinic:
    return change_clinic(
        clinic=clinic, by=nurse, at=now, phone_day="801-555-0100",
        quiet_from=datetime(2026, 1, 1).time(), quiet_until=datetime(2026, 1, 1).time(),
    )  # fmt: skip


def states() -> list[tuple[str, str, str]]:
    rows = OutboxMessage.objects.order_by("id")
    return list(rows.values_list("milestone", "state", "reason"))


def open_kinds() -> list[str]:
    rows = WorkItem.objects.filter(settled_at__isnull=True).order_by("kind")
    return list(rows.values_list("kind", flat=True))


def due_scan(now: datetime) -> None:
    scans.due_scan(clock=lambda: now)


def deliver(now: datetime, **more: Any) -> delivering.Delivered:
    return delivering.deliver(clock=lambda: now, **more)


def book(pump: Pump, nurse: User, now: datetime, days: int) -> Any:
    made = refills.book(pump=pump, starts_at=now + timedelta(days=days), by=nurse, now=now)
    reminding.plan_for([pump.pk], now=now)
    return made


def test_a_pump_in_its_window_reminds_each_nurse_once(
    clinic: Clinic, reachable: User, now: datetime
) -> None:
    factories.due_in(clinic, 15, now)
    for _ in range(3):
        due_scan(now)
        scans.sweep(clock=lambda: now)
    assert states() == [("window", "pending", "")]
    assert deliver(now).sent == 1
    [message] = mail.outbox
    assert message.to == ["nurse@clinic.example"]
    row = OutboxMessage.objects.get(milestone="window")
    assert message.extra_headers["Message-ID"] == row.message_id
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    assert "Tester" not in message.message().as_string()
    assert (row.state, DeliveryAttempt.objects.get().outcome) == ("sent", "accepted")
    due_scan(now + timedelta(minutes=1))
    assert deliver(now).sent == 0
    call_command("check_reminders")


def test_a_pump_without_a_date_is_told_of_when_its_implant_is_not_news_any_more(
    clinic: Clinic, reachable: User, now: datetime
) -> None:
    factories.pump(clinic)
    due_scan(now)
    assert (states(), open_kinds()) == ([], [])
    due_scan(now + timedelta(minutes=25))
    assert states() == [("unknown", "pending", "")]
    assert open_kinds() == ["date_unknown"]


def test_the_window_opens_by_itself(clinic: Clinic, reachable: User, now: datetime) -> None:
    factories.due_in(clinic, 30, now)
    due_scan(now)
    assert states() == []
    due_scan(now + timedelta(days=10))
    assert states() == [("window", "pending", "")]
    due_scan(now + timedelta(days=40))  # everything was down for a month
    assert states() == [
        ("window", "superseded", "later_milestone"), ("overdue", "superseded", "later_milestone"),
        ("alarm", "pending", ""),
    ]  # fmt: skip
    assert open_kinds() == ["unbooked"]
    due_scan(now + timedelta(days=40))
    assert len(states()) == 3


def test_a_refill_a_booking_and_an_exclusion_take_it_back_at_once(
    clinic: Clinic, reachable: User, now: datetime
) -> None:
    refilled, excluded = (factories.due_in(clinic, 15, now) for _ in range(2))
    visit.record_facts(pump_id=refilled.pk, at=now, by=reachable, now=now, fill=factories.fill())
    settling.exclude(
        pump=excluded, reason="In hospital", ends_on=now.date() + timedelta(days=5),
        by=reachable, now=now,
    )  # fmt: skip
    assert states() == [("window", "superseded", "not_wanted")] * 2
    later = now + timedelta(days=7)  # the exclusion has ended, and the reminder is owed again
    due_scan(later)
    assert OutboxMessage.objects.filter(state="pending").get().about == str(excluded.uuid)


def test_booked_and_cancelled_is_owed_again(clinic: Clinic, reachable: User, now: datetime) -> None:
    pump = factories.due_in(clinic, 15, now)
    made = book(pump, reachable, now, 4)
    assert states() == [("window", "superseded", "not_wanted")]
    type(made).objects.filter(pk=made.pk).update(
        cancelled_at=now, cancelled_by=reachable, cancel_reason="Snow"
    )
    due_scan(now)
    assert [state for _, state, _ in states()] == ["superseded", "pending"]


def test_the_deliverer_looks_again_before_it_sends(
    clinic: Clinic, reachable: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 15, now)
    refills.book(pump=pump, starts_at=now + timedelta(days=4), by=reachable, now=now)
    assert states() == [("window", "pending", "")], "nobody has told the plan"
    assert deliver(now).sent == 0
    assert states() == [("window", "suppressed", "booked")]
    assert mail.outbox == []


def test_one_mail_tells_a_nurse_of_many(clinic: Clinic, reachable: User, now: datetime) -> None:
    for _ in range(4):
        factories.due_in(clinic, 15, now)
    assert deliver(now).sent == 1
    assert len(mail.outbox) == 1
    assert [state for _, state, _ in states()] == ["sent"] * 4
    assert DeliveryAttempt.objects.filter(outcome="accepted").count() == 4


def test_without_a_reachable_nurse_a_person_is_told(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    factories.due_in(clinic, 15, now)
    factories.due_in(clinic, 15, now)
    assert open_kinds() == ["nobody_to_tell"]
    nurse.email = "nurse@clinic.example"
    nurse.save()
    due_scan(now)
    assert open_kinds() == []
    assert [state for _, state, _ in states()] == ["pending"] * 2


def test_the_family_is_written_to_with_consent_and_called_without(
    clinic: Clinic, phone: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 30, now, language="Spanish")
    book(pump, nurse, now, 2)
    assert open_kinds() == ["call_family"]
    person = pump.patient.caregivers.get()
    with pytest.raises(RuleViolation):
        reminding.record_consent(caregiver=person, by=nurse, now=now)
    person.email = "mother@family.example"
    person.save()
    consent = reminding.record_consent(caregiver=person, by=nurse, now=now)
    assert open_kinds() == []
    assert deliver(now).sent == 1
    [message] = mail.outbox
    assert message.body == (
        "Usted tiene un mensaje de Wasatch Clinic. Por favor llame al 801-555-0100.\n"
    )
    reminding.withdraw_consent(consent=consent, by=nurse, now=now)
    assert open_kinds() == ["call_family"]


def test_a_withdrawal_stops_what_waits(
    clinic: Clinic, phone: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 30, now)
    person = pump.patient.caregivers.get()
    person.email = "mother@family.example"
    person.save()
    consent = reminding.record_consent(caregiver=person, by=nurse, now=now)
    book(pump, nurse, now, 2)
    assert states() == [("appointment_soon", "pending", "")]
    reminding.withdraw_consent(consent=consent, by=nurse, now=now)
    assert states() == [("appointment_soon", "superseded", "not_wanted")]
    assert deliver(now).sent == 0


def test_nobody_wrote_down_whether_the_patient_came(
    clinic: Clinic, reachable: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 30, now)
    book(pump, reachable, now, 1)
    later = now + timedelta(days=1, hours=5)
    due_scan(later)
    assert "appointment_without_outcome" in open_kinds()
    visit.record_facts(pump_id=pump.pk, at=later, by=reachable, now=later, fill=factories.fill())
    assert "appointment_without_outcome" not in open_kinds()


def test_a_work_item_is_settled_with_a_reason_and_an_end_or_passed_on(
    clinic: Clinic, reachable: User, now: datetime
) -> None:
    factories.user("doctor-1", clinic, "doctor")
    factories.due_in(clinic, 6, now)
    item = WorkItem.objects.get(kind="unbooked")
    with pytest.raises(RuleViolation):
        work_items.settle_work_item(item=item, reason=" ", by=reachable, now=now)
    with pytest.raises(RuleViolation):
        work_items.settle_work_item(item=item, reason="Later", by=reachable, now=now)
    late = now + timedelta(hours=25)
    due_scan(late)
    item.refresh_from_db()
    assert (item.owner_role, item.escalated_at) == ("doctor", late)
    assert item.due_at > late
    work_items.settle_work_item(
        item=item, reason="Travelling", by=reachable, now=late,
        ends_on=late.astimezone(clinic.zone).date() + timedelta(days=1),
    )  # fmt: skip
    due_scan(late + timedelta(days=1))
    assert "unbooked" not in open_kinds()
    due_scan(late + timedelta(days=5))
    assert "unbooked" in open_kinds()


def test_check_reminders_says_what_is_broken(
    clinic: Clinic, reachable: User, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    pump = factories.due_in(clinic, 15, now)
    scans.sweep(clock=lambda: now)
    hour_ago = now - timedelta(hours=1)
    OutboxMessage.objects.update(created_at=hour_ago, not_before=hour_ago)
    WorkItem.objects.create(
        clinic=clinic, kind="no_show", subject="x", owner_role="nurse", opened_at=hour_ago,
        due_at=hour_ago,
    )  # fmt: skip
    Pump.objects.filter(pk=pump.pk).update(input_version=99)
    with pytest.raises(SystemExit) as ended:
        call_command("check_reminders")
    assert ended.value.code == 1
    said = capsys.readouterr().out
    for name in ("I1", "I3", "I5"):
        assert f"{name} is broken" in said
    assert "Tester" not in said
    OutboxMessage.objects.update(state="sent", attempts=1, settled_at=now, reason="")
    with pytest.raises(SystemExit):
        call_command("check_reminders")
    assert "I8 is broken" in capsys.readouterr().out


def test_audit_and_rows_hold_nothing_of_a_patient(
    clinic: Clinic, reachable: User, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    pump = factories.due_in(clinic, 15, now)
    deliver(now)
    told = [str(row) for row in AuditEvent.objects.filter(event__startswith="reminder.").values()]
    told += [str(row) for row in OutboxMessage.objects.values()]
    told += [str(row) for row in DeliveryAttempt.objects.values()]
    assert told
    for text in (*told, caplog.text):
        assert pump.patient.mrn not in text
        assert pump.patient.family_name not in text
        assert "nurse@clinic.example" not in text
