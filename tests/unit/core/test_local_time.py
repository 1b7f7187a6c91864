"""A typed local time is one instant, or it is refused with the field's name."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from core.local_time import instant_of, iso_z
from core.rules import Problem, RuleViolation

DENVER = ZoneInfo("America/Denver")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


def refused(local: datetime, zone: ZoneInfo = DENVER) -> Problem:
    with pytest.raises(RuleViolation) as caught:
        instant_of(local, zone, day_field="day", time_field="time")
    [problem] = caught.value.problems
    return problem


def instant(local: datetime, zone: ZoneInfo = DENVER) -> datetime:
    return instant_of(local, zone, day_field="day", time_field="time")


def test_a_time_that_the_clocks_skip_is_refused() -> None:
    problem = refused(datetime(2027, 3, 14, 2, 30))
    assert (problem.field, problem.code) == ("time", "time_does_not_exist")
    assert "02:30 does not exist on 14-Mar-2027" in problem.message
    assert "by 60 minutes" in problem.message
    assert instant(datetime(2027, 3, 14, 3)) == datetime(2027, 3, 14, 9, tzinfo=UTC)
    assert "by 30 minutes" in refused(datetime(2026, 10, 4, 2, 15), LORD_HOWE).message


def test_a_time_that_comes_twice_is_the_earlier() -> None:
    found = instant(datetime(2026, 11, 1, 1, 30))
    assert found == datetime(2026, 11, 1, 7, 30, tzinfo=UTC)  # MDT, not MST
    assert found == instant(datetime(2026, 11, 1, 1, 30, fold=1))


@pytest.mark.parametrize("year", [1, 1899, 3000, 9999])
def test_a_year_at_the_calendars_edge_is_refused(year: int) -> None:
    problem = refused(datetime(year, 12, 31, 23, 59))
    assert (problem.field, problem.code) == ("day", "bad_instant")


def test_an_instant_for_programs_is_in_utc_whatever_its_zone() -> None:
    at = datetime(2026, 11, 24, 10, 0, 59, 999999, tzinfo=DENVER)
    assert iso_z(at) == iso_z(at.astimezone(UTC)) == "2026-11-24T17:00:59Z"
