"""The nights when the clocks change, the days that are offered, what is warned of."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from alarms.domain.deadlines import Deadlines
from core.rules import RuleViolation
from visits.domain import booking as rules

DENVER = ZoneInfo("America/Denver")
NOW = datetime(2026, 11, 27, 16, tzinfo=UTC)  # Friday 09:00 in Denver
TODAY = date(2026, 11, 27)
DATES = Deadlines(
    opens=date(2026, 11, 26), due=date(2026, 12, 4), alarm=date(2026, 12, 11),
    empty=date(2026, 12, 20),
)  # fmt: skip


@pytest.mark.parametrize(
    ("day", "reason", "codes"),
    [
        (date(2026, 12, 4), False, set()),
        (date(2026, 12, 5), False, {rules.PAST_DUE, rules.WEEKEND}),
        (date(2026, 12, 10), False, {rules.PAST_DUE}),
        (date(2026, 12, 11), True, set()),
        (date(2026, 12, 13), True, {rules.WEEKEND}),
    ],
)
def test_how_a_day_lies_to_the_dates(day: date, reason: bool, codes: set[str]) -> None:
    verdict = rules.judge(day, TODAY, DATES)
    assert bool(verdict.reason_needed) is reason
    assert set(verdict.codes) == codes


def test_the_earliest_of_alarm_printed_and_empty_counts() -> None:
    for name in ("alarm", "printed_alarm", "empty", "may_be_empty"):
        dates = Deadlines(due=date(2026, 12, 4), **{name: date(2026, 12, 3)})
        assert rules.judge(date(2026, 12, 2), TODAY, dates).reason_needed == ""
        assert "03-Dec-2026" in rules.judge(date(2026, 12, 3), TODAY, dates).reason_needed


def test_the_weekdays_of_the_window_are_offered() -> None:
    found = rules.choices(DATES, time(9, 30), NOW, DENVER)
    assert [local.date().isoformat()[5:] for local in found] == [
        "11-27", "11-30", "12-01", "12-02", "12-03", "12-04",
    ]  # fmt: skip
    assert rules.choices(DATES, time(8), NOW, DENVER)[0].date() == date(2026, 11, 30)


def test_after_the_window_what_is_left_before_the_alarm_and_then_the_next_days() -> None:
    late = Deadlines(opens=date(2026, 11, 1), due=date(2026, 11, 20), alarm=date(2026, 12, 1))
    assert [c.day for c in rules.choices(late, time(10), NOW, DENVER)] == [27, 30]
    past = Deadlines(opens=date(2026, 11, 1), due=date(2026, 11, 20), alarm=date(2026, 11, 25))
    assert len(rules.choices(past, time(10), NOW, DENVER)) == 5
    assert len(rules.choices(Deadlines(), time(10), NOW, DENVER)) == 5


def test_a_day_that_has_passed_is_neither_in_time_nor_too_late() -> None:
    opens_later = Deadlines(opens=date(2026, 12, 1), due=date(2026, 12, 4))
    for dates in (DATES, opens_later, Deadlines()):
        verdict = rules.judge(date(2026, 11, 26), TODAY, dates)
        assert verdict == rules.Verdict(
            passed="Thu 26-Nov-2026 has passed. Choose a day in the future."
        )
    today = rules.judge(TODAY, TODAY, opens_later)
    assert (today.passed, today.fits[:7]) == ("", "In time")


@pytest.mark.parametrize(
    ("limit", "earlier", "said"),
    [
        (date(2026, 11, 25), False, "its alarm date was 25-Nov-2026"),
        (TODAY, False, "its alarm date is 27-Nov-2026"),
        (date(2026, 11, 28), True, "its alarm date is 28-Nov-2026"),
    ],
)
def test_an_earlier_day_is_asked_for_only_where_there_is_one(
    limit: date, earlier: bool, said: str
) -> None:
    dates = Deadlines(opens=date(2026, 11, 1), due=date(2026, 11, 20), alarm=limit)
    verdict = rules.judge(date(2026, 11, 30), TODAY, dates)
    with pytest.raises(RuleViolation) as caught:
        rules.check_late_reason(verdict, "")
    sentence = caught.value.problems[0].message
    assert said in sentence
    assert ("Choose an earlier day" in sentence) is earlier
    assert ("Every day from now on is too late" in sentence) is not earlier


@pytest.mark.parametrize(
    ("empty", "said"),
    [
        (date(2026, 11, 23), "The reservoir is empty since 23-Nov-2026 by our sum."),
        (TODAY, "The reservoir is empty since 27-Nov-2026 by our sum."),
        (date(2026, 11, 28), "Every day from now on is too late for this pump: it may be empty"),
    ],
)
def test_an_empty_reservoir_is_called_empty(empty: date, said: str) -> None:
    dates = Deadlines(
        opens=date(2026, 10, 22), due=date(2026, 11, 5), alarm=date(2026, 11, 12), empty=empty,
        may_be_empty=date(2026, 11, 9),
    )  # fmt: skip
    verdict = rules.judge(date(2026, 11, 30), TODAY, dates)
    assert verdict.reason_needed.startswith(said)
    assert ("Call the family now" in verdict.way_out) == (empty <= TODAY)


def test_the_heading_says_what_the_offered_days_are() -> None:
    def heading(dates: Deadlines) -> str:
        return rules.heading(rules.choices(dates, time(10), NOW, DENVER), dates)

    closed = {"opens": date(2026, 11, 1), "due": date(2026, 11, 20)}
    assert heading(DATES) == "Weekdays in the refill window"
    assert heading(Deadlines(due=date(2026, 12, 4))) == "Weekdays up to the refill date"
    assert heading(Deadlines(**closed, alarm=date(2026, 12, 1))) == "Weekdays left before the alarm"
    empty = Deadlines(**closed, may_be_empty=date(2026, 12, 1))
    assert heading(empty) == "Weekdays left before it may be empty"
    past = Deadlines(**closed, alarm=date(2026, 11, 25))
    assert heading(past) == "The next weekdays: each is too late, the first is the best"
    assert heading(Deadlines(**closed)) == heading(Deadlines()) == "The next weekdays"


@pytest.mark.parametrize(
    ("at", "warned"),
    [(time(5, 59), True), (time(6), False), (time(20), False), (time(20, 1), True)],
)
def test_an_hour_at_which_no_clinic_is_open_is_asked_about(at: time, warned: bool) -> None:
    verdict = rules.judge(date(2026, 12, 4), TODAY, DATES, at=at)
    assert verdict.codes == ({f"{rules.ODD_HOUR}_{at:%H%M}"} if warned else set())


@pytest.mark.parametrize(
    ("at", "said"),
    [(time(0, 5), "00:05 is 12:05 a.m., outside"), (time(21, 45), "21:45 is 9:45 p.m., outside")],
)
def test_an_odd_hour_is_said_both_ways(at: time, said: str) -> None:
    warnings = rules.judge(date(2026, 12, 4), TODAY, DATES, at=at).warnings
    assert [said in warning.text for warning in warnings] == [True]


def test_a_warning_about_one_time_does_not_speak_for_another() -> None:
    day = date(2026, 12, 4)
    nine = rules.judge(day, TODAY, DATES, at=time(9), taken=True)
    assert "Fri 04-Dec-2026 09:00" in nine.warnings[0].text
    rules.check_warnings_seen(nine, nine.codes)
    ten = rules.judge(day, TODAY, DATES, at=time(10), taken=True)
    with pytest.raises(RuleViolation):
        rules.check_warnings_seen(ten, nine.codes)


def test_a_reason_is_asked_for_where_no_offered_day_is_early_enough() -> None:
    past = Deadlines(due=date(2026, 11, 20), alarm=date(2026, 11, 25))
    offered = rules.choices(past, time(10), NOW, DENVER)
    why, way_out = rules.asked_from_the_start(offered, past, TODAY)
    assert why.startswith("Every day from now on is too late")
    assert "25-Nov-2026" in why
    assert way_out.startswith("Take the first time")
    assert rules.asked_from_the_start(offered, DATES, TODAY) == ("", "")
    assert rules.asked_from_the_start([], past, TODAY) == ("", "")
    saturday = Deadlines(due=date(2026, 11, 20), alarm=date(2026, 11, 28))
    why, _ = rules.asked_from_the_start(offered[1:], saturday, TODAY)
    assert why.startswith("Every weekday from now on"), "today would be early enough"
