"""The database itself refuses what an outbox row may not be, and keeps what was tried."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from accounts.models import AuditEvent, Clinic, User
from accounts.services import change_clinic, system_user
from core.rules import RuleViolation
from patients import services as patients
from patients.models import Caregiver, ConsentWithdrawal, ContactConsent
from patients.selectors import Contact, contacts_for_reminders
from reminders.domain.promises import Obligation, PromiseKey
from reminders.models import DeliveryAttempt, OutboxMessage
from reminders.services import outbox
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(clinic: Clinic, now: datetime) -> OutboxMessage:
    planned = outbox.Planned(
        clinic_id=clinic.pk, about="a", date_version="s.v1",
        promise=PromiseKey(Obligation("refill", "a"), "s", "window", "r"), kind="refill",
        template="board", language="en",
        not_before=now, expires_at=now + timedelta(days=1),
    )  # fmt: skip
    by = system_user("system-scan")
    for _ in range(2):
        outbox.sync(abouts=["a"], plan=[planned], by=by, now=now)
    return OutboxMessage.objects.get()


@pytest.mark.parametrize(
    "change",
    [
        {"state": "sent"},
        {"state": "dead", "reason": "refused"},
        {"reason": "refused"},
        {"state": "lost"},
        {"lease_by": "x"},
        {"template": "poem"},
        {"state": "sent", "attempts": 0, "settled_at": "now"},
        {"state": "dead", "reason": "", "settled_at": "now"},
        {
            "state": "sent",
            "attempts": 1,
            "settled_at": "now",
            "lease_by": "x",
            "lease_until": "now",
        },
    ],
)
def test_a_row_that_contradicts_itself_is_refused(
    row: OutboxMessage, now: datetime, change: dict[str, Any]
) -> None:
    values = {name: now if value == "now" else value for name, value in change.items()}
    with pytest.raises(IntegrityError), transaction.atomic():
        OutboxMessage.objects.filter(pk=row.pk).update(**values)


def test_a_plan_that_wants_it_no_more_supersedes_and_never_deletes(
    row: OutboxMessage, now: datetime
) -> None:
    outbox.sync(abouts=["a"], plan=[], by=system_user("system-scan"), now=now)
    row.refresh_from_db()
    assert (row.state, row.reason) == ("superseded", "not_wanted")
    assert AuditEvent.objects.filter(event="reminder.superseded").count() == 1


def test_what_was_tried_is_never_changed(row: OutboxMessage, now: datetime) -> None:
    DeliveryAttempt.objects.create(
        message=row, started_at=now, ended_at=now, outcome="temporary", lease_by="w"
    )
    with pytest.raises(DatabaseError), transaction.atomic():
        DeliveryAttempt.objects.update(outcome="accepted")
    for role in ("itb_app", "itb_scan"):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {role}")
            with pytest.raises(DatabaseError), transaction.atomic():
                cursor.execute("DELETE FROM reminders_deliveryattempt")
            cursor.execute("RESET ROLE")


def test_consent_counts_from_its_beginning_until_its_end(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    patient = factories.patient(clinic, language="Spanish")
    Caregiver.objects.update(email="mother@family.example")
    person = patient.caregivers.get()
    consent = patients.record_consent(
        caregiver=person, channel=ContactConsent.Channel.EMAIL, by=nurse, now=now,
        valid_until=now + timedelta(days=2),
    )  # fmt: skip

    def contacts(at: datetime) -> list[Contact]:
        return contacts_for_reminders([patient.pk], at).get(patient.pk, [])

    [contact] = contacts(now)
    assert (contact.ref, contact.language) == (str(person.uuid), "Spanish")
    assert contacts(now - timedelta(seconds=1)) == []
    assert contacts(now + timedelta(days=2)) == []
    patients.withdraw_consent(consent=consent, by=nurse, now=now)
    assert contacts(now) == []
    with pytest.raises(RuleViolation):
        patients.withdraw_consent(consent=consent, by=nurse, now=now)
    with pytest.raises(DatabaseError), transaction.atomic():
        ConsentWithdrawal.objects.update(at=now)


def test_rows_from_before_get_a_reference_each(clinic: Clinic) -> None:
    patient = factories.patient(clinic)
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(
                "INSERT INTO patients_caregiver (patient_id, relationship, name, phone, email)"
                " VALUES (%s, 'Father', '', '', '')",
                [patient.pk],
            )
    assert len({person.uuid for person in patient.caregivers.all()}) == 3


def test_the_clinics_phone_and_quiet_hours_are_settings(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    assert (clinic.quiet_from.hour, clinic.quiet_until.hour) == (20, 8)
    changed = change_clinic(clinic=clinic, by=nurse, at=now, phone_day="801-555-0100")
    assert changed.phone_day == "801-555-0100"
    event = AuditEvent.objects.get(event="clinic.changed")
    assert event.before is not None
    assert event.before["phone_day"] == ""
    with pytest.raises(RuleViolation):
        change_clinic(clinic=clinic, by=nurse, at=now, phone_day="1\r\nBcc: x")
