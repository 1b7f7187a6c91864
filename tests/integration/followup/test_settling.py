"""Who is left off the list, and until when at the latest: nobody runs dry unseen."""

from datetime import date, datetime, timedelta

import pytest

from accounts.models import Clinic, User
from alarms.models import Exclusion, Projection
from core.rules import RuleViolation
from followup.services import settling
from pumps.models import Pump
from tests import factories

pytestmark = pytest.mark.django_db


def leave_off(pump: Pump, days: int, by: User, now: datetime) -> str:
    """Exclude for so many days; the code of what was refused."""
    ends_on = today(pump, now) + timedelta(days=days)
    try:
        settling.exclude(pump=pump, reason="In hospital", ends_on=ends_on, by=by, now=now)
    except RuleViolation as violation:
        [problem] = violation.problems
        assert problem.field == "ends_on"
        return problem.code
    return ""


def today(pump: Pump, now: datetime) -> date:
    return now.astimezone(pump.clinic.zone).date()


@pytest.mark.parametrize("days_to_alarm", [-4, 0, 5, 12])
def test_a_pump_that_is_due_is_back_within_a_week(
    clinic: Clinic, nurse: User, now: datetime, days_to_alarm: int
) -> None:
    pump = factories.due_in(clinic, days_to_alarm, now)
    assert leave_off(pump, 8, nurse, now) == "back_too_late"
    assert not Exclusion.objects.exists()
    assert leave_off(pump, 7, nurse, now) == ""


def test_a_pump_that_is_not_due_is_back_the_day_before(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 60, now)
    dates = Projection.objects.get(pump=pump)
    assert dates.refill_due_on is not None
    assert dates.earliest_empty_date is not None
    first = min(dates.refill_due_on, dates.earliest_empty_date)
    days = (first - today(pump, now)).days
    assert days > 8
    assert leave_off(pump, days, nurse, now) == "back_too_late"
    assert leave_off(pump, days - 1, nurse, now) == ""


def test_a_pump_whose_date_nobody_knows_is_back_within_a_week(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.pump(clinic)
    assert leave_off(pump, 8, nurse, now) == "back_too_late"
    assert leave_off(pump, 7, nurse, now) == ""


def test_nothing_is_left_off_for_longer_than_ninety_days(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.filled_pump(clinic, now - timedelta(days=1), dose="150", now=now)
    assert leave_off(pump, 91, nurse, now) == "too_late"
