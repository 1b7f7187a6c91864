"""Two nurses who save one visit at once: one is told, and nothing is overwritten."""

import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import Clinic, User
from core.rules import RuleViolation
from pumps import services as pumps
from pumps.models import Pump
from tests import factories
from tests.integration.visits.test_visit_race import together
from visits.models import Visit
from visits.services.encounter import VisitEntry, complete_visit

pytestmark = pytest.mark.django_db(transaction=True)


def saving(pump: Pump, by: User, now: datetime, volume: str) -> Callable[[], object]:
    entry = VisitEntry(key=uuid.uuid4(), at=now, fill=factories.fill(volume))
    return lambda: complete_visit(
        pump_id=pump.pk, entry=entry, by=by, now=now, seen_version=pump.input_version
    )


def test_of_two_nurses_who_save_at_once_one_is_told(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.filled_pump(clinic, now - timedelta(days=9), now=now)
    other = factories.user("nurse-2", clinic, "nurse")
    found = together(saving(pump, nurse, now, "19"), saving(pump, other, now, "18"))
    refused = [one for one in found if isinstance(one, RuleViolation)]
    assert [violation.problems[0].code for violation in refused] == ["stale"]
    assert Visit.objects.filter(pump=pump).count() == 1


def test_without_the_lock_both_would_be_saved(
    clinic: Clinic, nurse: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the test above can fail."""
    pump = factories.filled_pump(clinic, now - timedelta(days=9), now=now)
    both_have_looked = threading.Barrier(2)

    def look_without_lock(pump_id: int) -> Pump:
        found = Pump.objects.select_related("model", "clinic").get(pk=pump_id)
        both_have_looked.wait(10)
        return found

    monkeypatch.setattr(pumps, "lock_pump", look_without_lock)
    monkeypatch.setattr("visits.services.encounter._follow_up", lambda *_: None)
    found = together(saving(pump, nurse, now, "19"), saving(pump, nurse, now, "18"))
    assert not [one for one in found if isinstance(one, Exception)]
    assert Visit.objects.filter(pump=pump).count() == 2


def test_one_form_sent_twice_at_once_is_one_visit(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.filled_pump(clinic, now - timedelta(days=9), now=now)
    entry = VisitEntry(key=uuid.uuid4(), at=now, fill=factories.fill())

    def work() -> Visit:
        return complete_visit(
            pump_id=pump.pk, entry=entry, by=nurse, now=now, seen_version=pump.input_version
        )

    first, second = together(work, work)
    assert isinstance(first, Visit)
    assert first == second


def test_one_key_at_two_pumps_is_refused_once(clinic: Clinic, nurse: User, now: datetime) -> None:
    made = [factories.filled_pump(clinic, now - timedelta(days=9), now=now) for _ in range(2)]
    entry = VisitEntry(key=uuid.uuid4(), at=now, fill=factories.fill())

    def work(pump: Pump, volume: str) -> Callable[[], object]:
        mine = replace(entry, fill=factories.fill(volume, aspirated_ml=Decimal("18.4")))
        return lambda: complete_visit(
            pump_id=pump.pk,
            entry=replace(mine, concern_reason="Refilled early"),
            by=nurse,
            now=now,
        )

    found = together(work(made[0], "19"), work(made[1], "18"))
    refused = [one for one in found if isinstance(one, RuleViolation)]
    assert [violation.problems[0].code for violation in refused] == ["key_used"]
    assert Visit.objects.count() == 1
