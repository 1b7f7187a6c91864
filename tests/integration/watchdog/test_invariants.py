"""Each invariant is broken by raw SQL and found; a healthy system is clean."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import Clinic, User
from alarms.selectors import worklist
from alarms.selectors.listed import ListedPump
from followup.services import scans, settling
from itbclinic import watchdog
from pumps.models import Pump
from reminders.models import OutboxMessage
from tests import factories
from tests.functional.support import refused_row

pytestmark = pytest.mark.django_db


def broken(now: datetime) -> set[str]:
    return {one.invariant for one in watchdog.check(now)}


def sql(text: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text, values)


@pytest.fixture
def late(clinic: Clinic, nurse: User, now: datetime) -> Pump:
    """A pump past its alarm whose three milestones are on record, with a healthy rest."""
    nurse.email = "nurse@clinic.example"
    nurse.save()
    away = factories.due_in(clinic, 20, now)
    until = now.date() + timedelta(days=9)
    settling.exclude(pump=away, reason="In hospital", ends_on=until, by=nurse, now=now)
    refused_row(clinic, by=nurse)
    pump = factories.due_in(clinic, -1, now)
    sql("UPDATE alarms_projection SET computed_at = computed_at - interval '2 hours'")
    sql("UPDATE reminders_outboxmessage SET created_at = %s", now)
    scans.sweep(clock=lambda: now)
    assert set(OutboxMessage.objects.filter(about=str(pump.uuid)).values_list(
        "milestone", "state")) >= {("window", "superseded"), ("overdue", "superseded"),
                                   ("alarm", "pending")}  # fmt: skip
    return pump


def test_a_healthy_system_is_clean(late: Pump, now: datetime) -> None:
    assert broken(now) == set()


@pytest.mark.parametrize("milestone", ["window", "overdue", "alarm"])
def test_each_milestone_that_was_reached_needs_its_row(
    late: Pump, now: datetime, milestone: str
) -> None:
    """Looked at on the next noon: in a day's first half hour nothing is missed yet."""
    noon = (now.astimezone(late.clinic.zone) + timedelta(days=1)).replace(hour=12)
    sql("DELETE FROM alarms_workitem")
    sql(
        "UPDATE reminders_outboxmessage SET created_at = %s, not_before = %s, expires_at = %s",
        noon, noon, noon + timedelta(days=1),
    )  # fmt: skip
    assert "I2" not in broken(noon)
    sql("DELETE FROM reminders_outboxmessage WHERE milestone = %s AND about = %s",
        milestone, str(late.uuid))  # fmt: skip
    assert "I2" in broken(noon)


Page = Callable[..., list[ListedPump]]


def test_a_pump_that_the_list_does_not_return(
    late: Pump, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Page = worklist.page

    def forgetful(*args: Any, **more: Any) -> list[ListedPump]:
        return [row for row in real(*args, **more) if row.pump.pk != late.pk]

    monkeypatch.setattr(worklist, "page", forgetful)
    [found] = [one for one in watchdog.check(now) if one.invariant == "I7"]
    assert found.found == (f"pump {late.pk} of clinic {late.clinic_id} is not shown",)


def test_a_refused_row_that_nobody_decided_about(
    late: Pump, now: datetime, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "I9" not in broken(now)
    monkeypatch.setattr(watchdog, "open_refused_rows", lambda clinics: [])
    assert "I9" in broken(now)
    monkeypatch.undo()
    sql("UPDATE visits_importrow SET settled_by_row_id = id WHERE outcome = 'refused'")
    assert "I9" in broken(now), "settled by itself, on no board"


def test_a_pump_whose_patient_is_another_clinics(
    late: Pump, other_clinic: Clinic, now: datetime
) -> None:
    stranger = factories.patient(other_clinic)
    assert "I10" not in broken(now)
    sql("UPDATE pumps_pump SET patient_id = %s WHERE id = %s", stranger.pk, late.pk)
    [found] = [one for one in watchdog.check(now) if one.invariant == "I10"]
    assert found.found == (f"pump {late.pk}",)


def test_i1_i3_i4_i5_i6_i8(late: Pump, now: datetime) -> None:
    hour_ago = now - timedelta(hours=1)
    for name, text in {
        "I1": "UPDATE pumps_pump SET input_version = 99",
        "I3": "UPDATE reminders_outboxmessage SET created_at = %s, not_before = %s",
        "I4": "UPDATE reminders_outboxmessage SET lease_until = %s, lease_by = %s"
        " WHERE state = 'pending'",
        "I5": "UPDATE alarms_workitem SET opened_at = %s, due_at = %s",
        "I6": "UPDATE alarms_scanrun SET started_at = %s, finished_at = %s",
        "I8": "UPDATE reminders_outboxmessage SET state = 'sent', attempts = 1, reason = '',"
        " lease_until = NULL, lease_by = '', settled_at = %s WHERE state = 'pending'",
    }.items():
        assert name not in broken(now), name
        sql(text, *[hour_ago] * text.count("%s"))
        assert name in broken(now), name
