"""Booking, day by day: the last day that is in time, what is said of it, what is offered."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from alarms.domain.deadlines import Deadlines
from core.rules import RuleViolation
from visits.domain import booking as rules

from .test_booking_rules import DATES, DENVER, NOW, TODAY

MONDAY = date(2026, 11, 30)
DAY = timedelta(days=1)


def days_of(found: list[datetime]) -> list[str]:
    return [f"{one:%m-%d}" for one in found]


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 11, 30), "In time: 11 days before the alarm."),
        (date(2026, 12, 4), "In time: 7 days before the alarm."),
    ],
)
def test_a_day_that_fits_is_said_to_be_in_time(day: date, said: str) -> None:
    verdict = rules.judge(day, TODAY, DATES)
    assert (verdict.fits, verdict.reason_needed, verdict.way_out) == (said, "", "")
    assert verdict.warnings == ()


def test_a_day_before_the_window_and_one_without_a_limit_are_in_time_too() -> None:
    dates = Deadlines(opens=MONDAY + DAY, due=date(2026, 12, 4))
    early = rules.judge(MONDAY, TODAY, dates)
    assert early.fits == "In time, and 1 day before the refill window opens."
    assert rules.judge(MONDAY + DAY, TODAY, dates).fits == "In time."
    assert rules.judge(MONDAY, TODAY, replace(dates, opens=None)).fits == "In time."
    empty = replace(dates, opens=None, may_be_empty=date(2026, 12, 9))
    assert rules.judge(MONDAY, TODAY, empty).fits == "In time: 9 days before it may be empty."


def test_past_due_is_said_with_what_is_left_before_the_alarm() -> None:
    def said(dates: Deadlines) -> str:
        [warning] = rules.judge(date(2026, 12, 7), TODAY, dates).warnings
        assert warning.code == rules.PAST_DUE
        return warning.text

    late = "This is 3 days after the day it is due by, 04-Dec-2026"
    assert said(DATES).startswith(f"{late}, and 4 days before the alarm.")
    assert said(Deadlines(due=date(2026, 12, 4))) == f"{late}."
    empty = Deadlines(due=date(2026, 12, 4), may_be_empty=date(2026, 12, 8))
    assert said(empty).startswith(f"{late}, and 1 day before it may be empty.")


def test_a_pump_without_dates_is_warned_of_and_never_called_in_time() -> None:
    for dates in (Deadlines(), Deadlines(opens=TODAY, alarm=date(2026, 12, 20))):
        verdict = rules.judge(MONDAY, TODAY, dates, doubtful=True)
        assert verdict.codes == {rules.UNKNOWN}
        assert verdict.fits == ""


def test_dates_in_doubt_are_warned_of_beside_what_is_said_of_the_day() -> None:
    verdict = rules.judge(MONDAY, TODAY, DATES, doubtful=True)
    assert verdict.codes == {rules.DOUBTFUL}
    assert verdict.fits.startswith("In time")
    assert rules.judge(MONDAY, TODAY, DATES).codes == set()
    late = rules.judge(date(2026, 12, 11), TODAY, DATES, doubtful=True)
    assert late.codes == {rules.DOUBTFUL}
    assert late.reason_needed


@pytest.mark.parametrize(
    ("day", "name"),
    [(27, ""), (28, "Saturday"), (29, "Sunday"), (30, "")],
)
def test_a_weekend_is_called_by_its_name(day: int, name: str) -> None:
    warnings = rules.judge(date(2026, 11, day), TODAY, DATES).warnings
    assert [one.code for one in warnings] == [rules.WEEKEND] * bool(name)
    assert all(f"is a {name}." in one.text for one in warnings)


def test_each_warning_has_the_code_that_the_form_carries_along() -> None:
    assert (rules.AFTER_ALARM, rules.PAST_DUE, rules.UNKNOWN, rules.DOUBTFUL, rules.WEEKEND) == (
        "after_alarm", "past_due", "dates_unknown", "dates_doubtful", "weekend",
    )  # fmt: skip
    verdict = rules.judge(MONDAY, TODAY, DATES, at=time(5, 30), taken=True)
    assert [one.code for one in verdict.warnings] == ["taken_0530", "odd_hour_0530"]
    # A time is not asked about where none is typed, nor a slot that is free.
    assert rules.judge(MONDAY, TODAY, DATES, taken=True).warnings == ()
    assert rules.judge(MONDAY, TODAY, DATES, at=time(12)).warnings == ()


@pytest.mark.parametrize(
    ("at", "spoken"),
    [
        (time(0, 0), "12:00 a.m."), (time(1, 5), "1:05 a.m."), (time(20, 30), "8:30 p.m."),
        (time(23, 59), "11:59 p.m."),
    ],
)  # fmt: skip
def test_an_odd_hour_is_said_as_a_clock_says_it(at: time, spoken: str) -> None:
    [warning] = rules.judge(MONDAY, TODAY, DATES, at=at).warnings
    assert f"{at:%H:%M} is {spoken}, outside 06:00 to 20:00." in warning.text


def test_a_time_that_has_passed_is_said_with_its_day() -> None:
    assert rules.passed(TODAY, time(8, 5)).passed.startswith("Fri 27-Nov-2026 08:05 has passed.")
    assert "Choose a time" in rules.passed(TODAY, time(8, 5)).passed
    assert "Choose a day" in rules.passed(TODAY).passed
    assert rules.passed(TODAY).warnings == ()


def test_three_words_are_a_reason_and_two_are_none() -> None:
    late = rules.judge(date(2026, 12, 11), TODAY, DATES)
    rules.check_late_reason(late, "the family travels")
    with pytest.raises(RuleViolation) as caught:
        rules.check_late_reason(late, " family  travels ")
    [problem] = caught.value.problems
    assert (problem.field, problem.code) == ("late_reason", "after_alarm")
    rules.check_late_reason(rules.judge(MONDAY, TODAY, DATES), "")


def test_only_what_was_not_shown_yet_is_refused() -> None:
    verdict = rules.judge(date(2026, 11, 28), TODAY, DATES, doubtful=True)
    rules.check_warnings_seen(verdict, {rules.WEEKEND, rules.DOUBTFUL, "other"})
    with pytest.raises(RuleViolation) as caught:
        rules.check_warnings_seen(verdict, {rules.WEEKEND})
    [problem] = caught.value.problems
    assert (problem.field, problem.code) == ("accepted", "look_first")
    assert problem.message.startswith("This pump's dates are in doubt")


def test_a_local_time_that_does_not_exist_is_refused_by_its_field() -> None:
    assert rules.instant_of(MONDAY, time(9), DENVER) == datetime(2026, 11, 30, 16, tzinfo=UTC)
    with pytest.raises(RuleViolation) as caught:
        rules.instant_of(date(2027, 3, 14), time(2, 30), DENVER)
    assert [one.field for one in caught.value.problems] == ["time"]
    with pytest.raises(RuleViolation) as caught:
        rules.instant_of(date(3000, 1, 1), time(9), DENVER)
    assert [one.field for one in caught.value.problems] == ["day"]


def test_no_offered_day_is_before_the_window_after_the_due_date_or_on_the_limit() -> None:
    opens = replace(DATES, opens=date(2026, 12, 2))
    assert days_of(rules.choices(opens, time(9, 30), NOW, DENVER)) == ["12-02", "12-03", "12-04"]
    soon = replace(DATES, may_be_empty=date(2026, 12, 3))
    found = rules.choices(soon, time(9, 30), NOW, DENVER)
    assert days_of(found) == ["11-27", "11-30", "12-01", "12-02"]
    only_limit = Deadlines(alarm=date(2026, 12, 2))
    assert days_of(rules.choices(only_limit, time(10), NOW, DENVER)) == ["11-27", "11-30", "12-01"]


def test_a_time_of_today_is_offered_only_while_it_is_to_come() -> None:
    """It is 09:00 in Denver."""
    assert days_of(rules.choices(DATES, time(9), NOW, DENVER))[0] == "11-30"
    assert days_of(rules.choices(DATES, time(9, 1), NOW, DENVER))[0] == "11-27"


def test_at_most_twelve_days_are_offered_and_five_where_nothing_is_known() -> None:
    wide = Deadlines(opens=TODAY, due=TODAY + timedelta(days=60))
    found = rules.choices(wide, time(10), NOW, DENVER)
    assert len(found) == 12
    assert days_of(found)[-1] == "12-14"
    assert len(rules.choices(wide, time(10), NOW, DENVER, 3)) == 3
    assert days_of(rules.choices(Deadlines(), time(10), NOW, DENVER)) == [
        "11-27", "11-30", "12-01", "12-02", "12-03",
    ]  # fmt: skip


def test_today_is_the_clinics_day_and_not_the_servers() -> None:
    """04:00 UTC on the 28th is the evening of Friday in Denver: tonight is still to come."""
    night = datetime(2026, 11, 28, 4, tzinfo=UTC)
    dates = Deadlines(opens=TODAY, due=TODAY)
    assert days_of(rules.choices(dates, time(22), night, DENVER)) == ["11-27"]
    there = ZoneInfo("Asia/Tokyo")
    assert days_of(rules.choices(Deadlines(), time(18), night, there))[0] == "11-30"


def test_a_day_that_a_zone_skips_is_left_out_of_the_offer() -> None:
    """Samoa crossed the date line on Friday, 30 December 2011."""
    now = datetime(2011, 12, 28, 20, tzinfo=UTC)
    found = rules.choices(Deadlines(), time(9), now, ZoneInfo("Pacific/Apia"))
    assert days_of(found)[:2] == ["12-29", "01-02"]


def test_what_is_said_of_an_offer_that_is_all_too_late_and_of_one_that_is_not() -> None:
    limit = Deadlines(due=date(2026, 11, 25), alarm=MONDAY)
    zone_time = datetime(2026, 11, 30, 10, tzinfo=DENVER)
    why, way_out = rules.asked_from_the_start([zone_time], limit, TODAY)
    assert why.startswith("Every weekday from now on")
    assert way_out
    assert rules.asked_from_the_start([zone_time - DAY, zone_time], limit, TODAY) == ("", "")
    on_the_day = rules.asked_from_the_start([zone_time], limit, MONDAY)[0]
    assert on_the_day.startswith("Every day from now on")
    assert rules.asked_from_the_start([zone_time], Deadlines(due=MONDAY), TODAY) == ("", "")


@pytest.mark.parametrize(
    ("dates", "heading"),
    [
        (Deadlines(due=MONDAY, alarm=MONDAY), "The next weekdays: each is too late"),
        (Deadlines(opens=MONDAY, due=MONDAY, alarm=MONDAY + DAY), "Weekdays in the refill window"),
        (Deadlines(opens=MONDAY + DAY, due=MONDAY + DAY), "Weekdays up to the refill date"),
        (Deadlines(due=MONDAY - DAY, alarm=MONDAY + DAY), "Weekdays left before the alarm"),
        (Deadlines(due=MONDAY - DAY, printed_alarm=MONDAY + DAY), "Weekdays left before the alarm"),
        (Deadlines(due=MONDAY - DAY, empty=MONDAY + DAY), "Weekdays left before it may be empty"),
        (Deadlines(alarm=MONDAY + DAY), "The next weekdays"),
    ],
)
def test_the_heading_of_one_day_at_every_edge(dates: Deadlines, heading: str) -> None:
    found = rules.heading([datetime(2026, 11, 30, 10, tzinfo=DENVER)], dates)
    assert found.startswith(heading)
    assert rules.heading([], dates) == "The next weekdays"


def test_an_offer_that_reaches_the_limit_is_not_called_before_it() -> None:
    offered = [datetime(2026, 11, day, 10, tzinfo=DENVER) for day in (27, 30)]
    assert rules.heading(offered, Deadlines(due=TODAY, alarm=MONDAY)) == "The next weekdays"


@pytest.mark.parametrize(
    ("kind", "is_late", "was_late"),
    [
        ("alarm", "its alarm date is 30-Nov-2026", "its alarm date was 30-Nov-2026"),
        ("printed_alarm", "printed its alarm date as 30-Nov-2026",
         "printed its alarm date as 30-Nov-2026"),
        ("empty", "it is empty on 30-Nov-2026", ""),
        ("may_be_empty", "it may be empty from 30-Nov-2026", "it may be empty since 30-Nov-2026"),
    ],
)  # fmt: skip
def test_the_reason_names_the_date_that_makes_it_late(
    kind: str, is_late: str, was_late: str
) -> None:
    dates = Deadlines(due=TODAY, **{kind: MONDAY})
    before = rules.judge(MONDAY, TODAY, dates)
    assert is_late in before.reason_needed
    assert before.reason_needed.startswith("This is not before the pump needs it")
    assert before.way_out.startswith("Choose an earlier day")
    over = rules.judge(MONDAY + 3 * DAY, MONDAY + DAY, dates)
    assert (was_late or "The reservoir is empty since 30-Nov-2026") in over.reason_needed


def test_an_offer_that_begins_before_the_window_is_not_called_the_window() -> None:
    offered = [datetime(2026, 11, day, 10, tzinfo=DENVER) for day in (27, 30)]
    assert rules.heading(offered, Deadlines(opens=MONDAY, due=MONDAY)) == (
        "Weekdays up to the refill date"
    )
