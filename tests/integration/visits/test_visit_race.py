"""Two people at one pump: the second is refused or waits, and nothing is overwritten."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction

from accounts.models import Clinic, User
from alarms.models import Projection
from core.rules import RuleViolation
from followup.services import scans
from followup.services.settings import change_clinic_settings
from pumps import services as pumps
from pumps.models import Pump
from tests import factories
from visits.services import visit

pytestmark = pytest.mark.django_db(transaction=True)


def together(*works: Callable[[], object]) -> list[object]:
    """Run the works at the same moment, each with a connection of its own."""
    barrier = threading.Barrier(len(works))
    found: list[object] = [None] * len(works)

    def run(number: int) -> None:
        try:
            barrier.wait(10)
            found[number] = works[number]()
        except Exception as error:
            found[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


def save(pump: Pump, by: User, now: datetime, volume: str) -> Callable[[], object]:
    return lambda: visit.record_facts(
        pump_id=pump.pk, at=now, by=by, now=now, fill=factories.fill(volume),
        seen_version=pump.input_version,
    )  # fmt: skip


def test_of_two_who_save_from_the_same_page_one_is_told(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 12, now)
    found = together(save(pump, nurse, now, "19"), save(pump, nurse, now, "18"))
    refused = [one for one in found if isinstance(one, RuleViolation)]
    assert [violation.problems[0].code for violation in refused] == ["stale"]
    assert pump.fills.count() == 2
    row = Projection.objects.get(pump=pump)
    pump.refresh_from_db()
    assert row.input_version == pump.input_version


def test_without_the_lock_both_would_have_been_saved(
    clinic: Clinic, nurse: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the test above can fail."""
    pump = factories.due_in(clinic, 12, now)
    both_have_looked = threading.Barrier(2)

    def look_without_lock(pump_id: int) -> Pump:
        found = Pump.objects.select_related("model", "clinic").get(pk=pump_id)
        both_have_looked.wait(10)
        return found

    monkeypatch.setattr(pumps, "lock_pump", look_without_lock)
    found = together(save(pump, nurse, now, "19"), save(pump, nurse, now, "18"))
    assert not [one for one in found if isinstance(one, Exception)]
    assert pump.fills.count() == 3


def test_a_visit_does_not_wait_for_another_of_the_same_clinic(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    held, other = factories.due_in(clinic, 12, now), factories.due_in(clinic, 13, now)
    with transaction.atomic():
        pumps.lock_pump(held.pk)
        [found] = together(
            lambda: visit.record_facts(
                pump_id=other.pk, at=now, by=nurse, now=now, fill=factories.fill("19")
            )
        )
    assert isinstance(found, Projection)


def test_a_sweep_the_settings_and_visits_at_once_end_with_true_dates(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    admin = factories.user("admin-1", clinic, "admin")
    made = [factories.due_in(clinic, days, now) for days in (10, 11, 12, 13)]
    Projection.objects.filter(pump__in=made).update(empty_date=None)

    def visits() -> None:
        for pump in made:
            visit.record_facts(
                pump_id=pump.pk, at=now, by=nurse, now=now, fill=factories.fill("19")
            )

    def settings() -> None:
        for days in (5, 9, 6):
            change_clinic_settings(clinic=clinic, by=admin, now=now, refill_lead_days=days)

    def sweeps() -> None:
        for _ in range(4):
            scans.sweep(clock=lambda: now)

    found = together(visits, settings, sweeps, sweeps)
    assert found == [None] * 4
    last = scans.sweep(clock=lambda: now)
    assert (last.unchanged, last.healed, last.failed) == (4, 0, 0)
    for row in Projection.objects.filter(pump__in=made):
        assert row.alarm_date is not None
        assert row.refill_due_on == row.alarm_date - timedelta(days=6)
