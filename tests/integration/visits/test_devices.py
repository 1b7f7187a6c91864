"""A pump is taken out, or was taken out only on paper: what follows, and what is refused."""

import uuid
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEvent, Clinic, User
from alarms.domain.status import Status
from alarms.models import Projection
from alarms.selectors import worklist
from alarms.selectors.listed import ListedPump
from core.rules import RuleViolation
from followup.models import WorkItem
from followup.services import resync, scans, settling
from itbclinic import watchdog
from pumps.models import Explant, ExplantWithdrawal, Pump
from pumps.selectors import count_active, patients_without_pump, pump_models
from refills.models import Appointment
from refills.services import book
from reminders.models import OutboxMessage
from tests import factories
from tests.summary_support import settings_of, summary_of, visited
from visits.selectors import summaries as paper
from visits.services import booking, devices, summaries, summary_paper, visit
from visits.services.encounter import VisitEntry, complete_visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def overdue(clinic: Clinic, nurse: User, now: datetime) -> Pump:
    """Past its refill date with nothing booked: its nurse is told, and it is a task."""
    nurse.email = "nurse@clinic.example"
    nurse.save()
    pump = factories.due_in(clinic, 3, now)
    scans.due_scan(clock=lambda: now)
    assert WorkItem.objects.filter(pump=pump, kind="unbooked", settled_at=None).count() == 1
    assert about(pump, "pending") == 1
    return pump


def about(pump: Pump, state: str) -> int:
    rows = OutboxMessage.objects.filter(about=str(pump.uuid), state=state, milestone="overdue")
    return rows.count()


def codes(act: Callable[[], object]) -> list[str]:
    with pytest.raises(RuleViolation) as caught:
        act()
    return [problem.code for problem in caught.value.problems]


def out(pump: Pump, by: User, now: datetime, **changes: Any) -> Explant:
    values = {"at": now - timedelta(hours=1), "reason": "Pocket infection", **changes}
    return devices.take_out(pump_id=pump.pk, by=by, now=now, **values)


def back(pump: Pump, by: User, now: datetime, reason: str = "Another patient's") -> None:
    last = pump.explants.latest("id")
    devices.take_explant_back(explant=last, reason=reason, by=by, now=now)


def listed(pump: Pump, now: datetime) -> list[ListedPump]:
    everything = worklist.Filters(everything=True)
    return worklist.page(worklist.listed_pumps([pump.clinic_id], now), everything, size=9)


def in_use(clinic: Clinic) -> list[int]:
    """How many pumps are in use of each model that the clinic has any of."""
    models: Any = pump_models([clinic.pk])
    return [model.active for model in models if model.recorded]


def holds(now: datetime) -> None:
    scans.sweep(clock=lambda: now)
    scans.due_scan(clock=lambda: now)
    assert watchdog.check(now) == []


def test_what_follows_when_a_pump_is_taken_out(overdue: Pump, nurse: User, now: datetime) -> None:
    appointment = book(pump=overdue, starts_at=now + timedelta(days=1), by=nurse, now=now)
    resync([overdue.pk], now=now)
    assert WorkItem.objects.filter(kind="call_family", settled_at=None).count() == 1
    out(overdue, nurse, now, seen_appointments=[appointment.uuid])
    assert listed(overdue, now) == []
    assert about(overdue, "pending") == 0
    assert not WorkItem.objects.filter(pump=overdue, settled_at=None).exists()
    reasons = set(WorkItem.objects.filter(pump=overdue).values_list("settle_reason", flat=True))
    assert reasons == {WorkItem.NO_LONGER}
    appointment.refresh_from_db()
    assert appointment.cancelled_by == nurse
    assert appointment.cancel_reason == "The pump was taken out: Pocket infection"
    events = AuditEvent.objects.filter(subject_id=str(overdue.uuid))
    assert events.get(event="pump.explanted").reason == "Pocket infection"
    assert events.filter(event="appointment.cancelled").count() == 1
    assert count_active(overdue.clinic) == 0
    assert in_use(overdue.clinic) == [0]
    assert list(patients_without_pump([overdue.clinic_id])) == [overdue.patient]
    holds(now)
    assert not WorkItem.objects.filter(pump=overdue, settled_at=None).exists()


def test_taken_back_it_has_its_dates_its_task_and_its_reminder_again(
    overdue: Pump, nurse: User, now: datetime
) -> None:
    before = Projection.objects.get(pump=overdue).refill_due_on
    out(overdue, nurse, now)
    back(overdue, nurse, now)
    [row] = listed(overdue, now)
    assert (row.status, row.dates.refill_due_on) == (Status.OVERDUE, before)
    assert about(overdue, "pending") == 1
    assert WorkItem.objects.filter(pump=overdue, kind="unbooked", settled_at=None).count() == 1
    assert count_active(overdue.clinic) == 1
    assert in_use(overdue.clinic) == [1]
    assert not patients_without_pump([overdue.clinic_id]).exists()
    events = AuditEvent.objects.filter(event="pump.explant_withdrawn")
    assert events.get().reason == "Another patient's"
    holds(now)
    out(overdue, nurse, now, reason="Really this time")
    assert Pump.objects.get(pk=overdue.pk).explant == overdue.explants.last()
    assert listed(overdue, now) == []
    back(overdue, nurse, now)
    out(overdue, nurse, now)
    assert in_use(overdue.clinic) == [0]
    holds(now)


def test_the_watch_knows_a_withdrawal_that_the_list_forgets(
    overdue: Pump, nurse: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the two above: the watch reads it in SQL of its own."""
    out(overdue, nurse, now)
    back(overdue, nurse, now)
    holds(now)
    monkeypatch.setattr(worklist, "taken_out", lambda **at: _ever_taken_out())
    assert "I7" in {one.invariant for one in watchdog.check(now)}


def _ever_taken_out() -> Any:
    from django.db.models import Exists, OuterRef

    return Exists(Explant.objects.filter(pump=OuterRef("pk")))


def test_it_is_taken_back_once_and_for_a_reason(overdue: Pump, nurse: User, now: datetime) -> None:
    out(overdue, nurse, now)
    assert codes(lambda: back(overdue, nurse, now, " ")) == ["missing"]
    back(overdue, nurse, now)
    assert codes(lambda: back(overdue, nurse, now)) == ["already_withdrawn"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"at": timedelta(minutes=1)}, ["date_in_future"]),
        ({"at": timedelta(days=-4000)}, ["before_the_last_visit"]),
        ({"at": timedelta(days=-4000), "confirmed": True}, ["dates_out_of_order"]),
        ({"reason": " "}, ["missing"]),
        ({"at": timedelta(days=-58)}, ["before_the_last_visit"]),
        ({"seen_version": 1}, ["stale"]),
        ({"seen_appointments": [uuid.uuid4()]}, ["appointments_changed"]),
    ],
)
def test_what_is_refused(
    overdue: Pump, nurse: User, now: datetime, changes: dict[str, Any], expected: list[str]
) -> None:
    if "at" in changes:
        changes = {**changes, "at": now + changes["at"]}
    assert codes(lambda: out(overdue, nurse, now, **changes)) == expected
    assert not Explant.objects.exists()


def test_a_time_before_the_last_refill_can_be_said_to_be_right(
    overdue: Pump, nurse: User, now: datetime
) -> None:
    row = out(overdue, nurse, now, at=now - timedelta(days=58), confirmed=True)
    assert row.at == now - timedelta(days=58)


def test_the_second_one_is_told_who_was_first(overdue: Pump, nurse: User, now: datetime) -> None:
    out(overdue, nurse, now)
    with pytest.raises(RuleViolation, match="already_explanted") as caught:
        out(overdue, nurse, now)
    assert nurse.display_name in caught.value.problems[0].message


@pytest.mark.parametrize("role", ["staff", "pharmacist", "auditor", "admin"])
def test_only_who_treats_records_it(
    role: str, clinic: Clinic, overdue: Pump, nurse: User, now: datetime
) -> None:
    other = factories.user(f"{role}-1", clinic, role)
    assert codes(lambda: out(overdue, other, now)) == ["not_allowed"]
    out(overdue, nurse, now)
    assert codes(lambda: back(overdue, other, now)) == ["not_allowed"]


def test_the_database_holds_it_too(overdue: Pump, nurse: User, now: datetime) -> None:
    def explant(**changes: Any) -> Callable[[], object]:
        values = {
            "pump": overdue,
            "at": now,
            "reason": "Pocket infection",
            "recorded_at": now,
            **changes,
        }
        return lambda: Explant.objects.create(recorded_by=nurse, **values)

    def end(of: Explant, reason: str) -> Callable[[], object]:
        return lambda: ExplantWithdrawal.objects.create(explant=of, reason=reason, at=now, by=nurse)

    first = out(overdue, nurse, now)
    refused = {
        "one_explant_of_a_pump_counts": explant(),
        "explant_withdrawal_has_a_reason": end(first, ""),
    }
    for name, act in refused.items():
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            act()
    withdrawal = end(first, "wrong")()
    with pytest.raises(IntegrityError, match="pumps_explantwithdrawal"), transaction.atomic():
        end(first, "again")()
    explant(follows=withdrawal)()
    with pytest.raises(IntegrityError, match="follows"), transaction.atomic():
        explant(follows=withdrawal)()
    other = factories.pump(overdue.clinic)
    for changes in ({"reason": ""}, {"at": now + timedelta(hours=1)}):
        with pytest.raises(IntegrityError, match="explant_"), transaction.atomic():
            explant(pump=other, **changes)()


def test_nothing_is_recorded_for_a_pump_that_is_out(
    overdue: Pump, nurse: User, now: datetime
) -> None:
    out(overdue, nurse, now)
    entry = VisitEntry(key=uuid.uuid4(), at=now, fill=factories.fill(), concern_reason="Looked at")
    day = (now + timedelta(days=3)).astimezone(overdue.clinic.zone).date()
    acts: list[Callable[[], object]] = [
        lambda: complete_visit(pump_id=overdue.pk, entry=entry, by=nurse, now=now),
        lambda: visit.record_facts(
            pump_id=overdue.pk, at=now, by=nurse, now=now, fill=factories.fill()
        ),
        lambda: booking.book(pump_id=overdue.pk, day=day, at=time(10), by=nurse, now=now),
        lambda: settling.exclude(pump=overdue, reason="Away", ends_on=day, by=nurse, now=now),
    ]
    found = [codes(act) for act in acts]
    out_already = ["already_explanted"]
    assert found == [out_already, out_already, ["explanted"], out_already]
    back(overdue, nurse, now)
    late = "Nobody could come earlier"
    assert booking.book(
        pump_id=overdue.pk, day=day, at=time(10), by=nurse, now=now, late_reason=late
    )


def test_appointments_before_it_stay_somebodys_question(
    overdue: Pump, nurse: User, now: datetime
) -> None:
    made = now - timedelta(days=9)
    before, after = (
        Appointment.objects.create(
            pump=overdue, starts_at=now - timedelta(days=days), created_at=made, created_by=nurse
        )
        for days in (6, 2)
    )
    out(overdue, nurse, now, at=now - timedelta(days=4))
    before.refresh_from_db()
    after.refresh_from_db()
    assert (before.cancelled_at, after.cancelled_at) == (None, now)
    booking.mark_arrived(appointment=before, by=nurse, now=now)
    assert codes(lambda: booking.mark_no_show(appointment=after, by=nurse, now=now)) == [
        "cancelled"
    ]


def test_an_outcome_that_is_taken_back_books_nothing_for_a_pump_that_is_out(
    overdue: Pump, nurse: User, now: datetime
) -> None:
    starts_at = now + timedelta(minutes=10)
    row = book(pump=overdue, starts_at=starts_at, by=nurse, now=now)
    Appointment.objects.filter(pk=row.pk).update(
        outcome="arrived", outcome_at=now, outcome_by=nurse
    )
    out(overdue, nurse, now)

    def undo() -> object:
        return booking.take_outcome_back(appointment=row, reason="Wrong", by=nurse, now=now)

    assert codes(undo) == ["already_explanted"]
    back(overdue, nurse, now)
    undo()


def test_its_paper_is_not_given_out_and_no_task_waits_for_it(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    settings_of(clinic)
    seen = visited(clinic, nurse, now)
    pump, row = seen.pump, summary_of(seen)
    type(row).objects.filter(pk=row.pk).update(
        state="failed", error_class="OSError", html="<p>paper</p>", rendered_at=now
    )
    row.refresh_from_db()
    summary_paper.tell_somebody(row, now)
    assert WorkItem.objects.filter(kind="summary_failed", settled_at=None).count() == 1
    assert paper.never_printed([clinic.pk]).count() == 1
    out(pump, nurse, now)
    assert paper.never_printed([clinic.pk]).count() == 0
    assert not WorkItem.objects.filter(kind="summary_failed", settled_at=None).exists()
    row = type(row).objects.get(pk=row.pk)
    assert codes(lambda: summaries.record_print(summary=row, by=nurse, now=now)) == ["taken_out"]
    summary_paper.tell_somebody(row, now)
    assert not WorkItem.objects.filter(kind="summary_failed", settled_at=None).exists()
    back(pump, nurse, now)
    assert WorkItem.objects.filter(kind="summary_failed", settled_at=None).count() == 1
    assert paper.never_printed([clinic.pk]).count() == 1
    row = type(row).objects.get(pk=row.pk)
    assert summaries.record_print(summary=row, by=nurse, now=now)
