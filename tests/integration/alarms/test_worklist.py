"""The list's SQL and the core's rule give the same status on every day, in every zone."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Clinic, User
from alarms.domain.status import status_on
from alarms.models import Projection
from alarms.selectors import worklist
from pumps.models import Pump
from tests import factories
from visits.services import devices

pytestmark = pytest.mark.django_db
ALL = worklist.Filters(everything=True)


@pytest.mark.parametrize("zone", ["America/Denver", "Pacific/Auckland", "Asia/Kolkata"])
def test_the_status_is_the_cores_on_every_day(clinic: Clinic, zone: str) -> None:
    Clinic.objects.filter(pk=clinic.pk).update(timezone=zone)
    filled = datetime(2026, 9, 1, 18, tzinfo=UTC)
    pump = factories.filled_pump(clinic, filled, dose="600", now=filled)
    row = Projection.objects.select_related("pump__clinic").get(pump=pump)
    assert row.refill_due_on is not None
    assert row.window_opens_on is not None
    seen = set()
    for hours in range(0, 24 * 80, 7):
        now = filled + timedelta(hours=hours)
        [listed] = worklist.page(worklist.listed_pumps([clinic.pk], now), ALL, size=2)
        today = now.astimezone(row.pump.clinic.zone).date()
        expected = status_on(
            today,
            empty_date=row.empty_date,
            alarm_date=row.alarm_date,
            refill_due_on=row.refill_due_on,
            window_opens_on=row.window_opens_on,
        )
        assert (listed.today, listed.status) == (today, expected)
        seen.add(expected)
    assert seen == {"not_due", "due", "overdue", "alarm", "empty"}


def test_counts_add_up_to_every_pump_that_was_ever_recorded(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    for days in (-12, -1, 4, 12, 40, 55):
        factories.due_in(clinic, days, now)
    gone = factories.due_in(clinic, 5, now)
    devices.take_out(pump_id=gone.pk, at=now, reason="Infection", by=nurse, now=now)
    counts = worklist.count([clinic.pk], worklist.Filters(), now)
    assert counts.active + counts.excluded + 1 == Pump.objects.filter(clinic=clinic).count()
    assert sum(counts.by_status.values()) == counts.active == 6
    assert counts.listed == counts.to_do == 4


def test_a_pump_without_a_projection_is_still_listed(clinic: Clinic, now: datetime) -> None:
    pump = factories.due_in(clinic, 40, now)
    Projection.objects.filter(pump=pump).delete()
    [row] = worklist.page(worklist.listed_pumps([clinic.pk], now), worklist.Filters(), size=2)
    assert (row.pump.pk, row.reason) == (pump.pk, "recalculating")


def test_the_keyset_goes_through_every_pump_once_whatever_the_page(
    clinic: Clinic, now: datetime
) -> None:
    for days in (12, 12, 12, 4, 40, 40, -1):
        factories.due_in(clinic, days, now)
    for _ in range(2):
        factories.pump(clinic)
    everything = [
        row.pump.pk for row in worklist.page(worklist.listed_pumps([clinic.pk], now), ALL, size=50)
    ]
    assert len(set(everything)) == 9
    for size in (1, 2, 4):
        found: list[int] = []
        after = None
        while rows := worklist.page(
            worklist.listed_pumps([clinic.pk], now), ALL, size=size, after=after
        ):
            found += [row.pump.pk for row in rows]
            after = rows[-1].position
        assert found == everything
