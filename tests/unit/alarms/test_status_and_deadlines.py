"""A pump's status and its limits where a date is missing, and on the very day."""

from datetime import date, timedelta

import pytest

from alarms.domain.deadlines import Deadlines, Limit, is_past_due, is_too_late
from alarms.domain.status import status_on

DAY = date(2026, 11, 22)
NEXT = DAY + timedelta(days=1)


def on(today: date, empty: date | None, alarm: date | None) -> str:
    return status_on(
        today, empty_date=empty, alarm_date=alarm, refill_due_on=NEXT, window_opens_on=DAY
    )


def test_a_pump_that_never_runs_dry_still_has_a_status() -> None:
    assert on(DAY - timedelta(days=1), None, None) == "not_due"
    assert on(DAY, None, None) == "due"
    assert on(NEXT, None, None) == "due"
    assert on(NEXT + timedelta(days=1), None, None) == "overdue"
    assert on(DAY, None, DAY) == "alarm"
    assert on(DAY, DAY, None) == "empty"


def test_a_day_is_held_only_against_dates_that_are_known() -> None:
    nothing = Deadlines()
    assert not nothing.known
    assert nothing.limit is None
    assert not is_past_due(DAY, nothing)
    assert not is_too_late(DAY, nothing)


def test_the_day_it_is_due_by_is_in_time_and_the_alarm_day_is_too_late() -> None:
    dates = Deadlines(due=DAY, alarm=NEXT)
    assert [is_past_due(day, dates) for day in (DAY, NEXT)] == [False, True]
    assert [is_too_late(day, dates) for day in (DAY, NEXT)] == [False, True]


@pytest.mark.parametrize("kind", ["alarm", "printed_alarm", "empty", "may_be_empty"])
def test_the_earliest_date_is_the_limit_whichever_it_is(kind: str) -> None:
    others = {"alarm": NEXT, "printed_alarm": NEXT, "empty": NEXT, "may_be_empty": NEXT}
    assert Deadlines(**{**others, kind: DAY}).limit == Limit(DAY, kind)
