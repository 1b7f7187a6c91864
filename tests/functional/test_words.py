"""The words that pages write: dates, counts, what is left, the bar, the steps of a program."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from alarms.domain.status import Status
from alarms.models import Projection, Reason
from core import words
from dosing.models import Mode, Program, Step
from itbclinic.pages.shared import (
    board_query,
    dates_view,
    messages,
    program_view,
    rows,
    states,
    window,
)
from itbclinic.pages.visit import changes as visit_view
from itbclinic.templatetags import itb

TODAY = date(2026, 11, 22)
DENVER = ZoneInfo("America/Denver")


def dates(**known: object) -> Projection:
    return Projection(
        **{
            "window_opens_on": date(2026, 11, 12),
            "refill_due_on": date(2026, 11, 26),
            "alarm_date": date(2026, 12, 3),
            "empty_date": date(2026, 12, 9),
            "binding_clock": "low_reservoir",
            **known,
        }
    )


def test_dates_and_times() -> None:
    at = datetime(2027, 3, 9, 14, 5, tzinfo=UTC)
    assert words.day(date(2027, 3, 9)) == "09-Mar-2027"
    assert words.day(None) == "Not recorded"
    assert words.weekday(date(2027, 3, 9)) == "Tue 09-Mar-2027"
    assert words.instant(at, DENVER) == "09-Mar-2027 07:05 MST"
    assert words.instant(at, ZoneInfo("Asia/Dubai")) == "09-Mar-2027 18:05 UTC+04"
    assert words.ahead(TODAY, TODAY) == "today"
    assert words.ahead(date(2026, 11, 21), TODAY) == "1 day ago"


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 days"), (1, "1 day"), (-1, "−1 day"), (1204, "1,204 days")]
)
def test_counts(number: int, said: str) -> None:
    assert words.count(number, "day") == said


@pytest.mark.parametrize(
    ("born", "said"),
    [
        (date(2014, 11, 22), "12 y"),
        (date(2014, 11, 23), "11 y"),
        (date(2024, 12, 22), "23 months"),
        (date(2024, 11, 22), "2 y"),
    ],
)
def test_ages(born: date, said: str) -> None:
    assert words.age(born, TODAY) == said


LIMITED = {"binding_clock": "drug_stability", "refill_due_on": date(2026, 12, 4)}


@pytest.mark.parametrize(
    ("status", "known", "big", "small"),
    [
        ("unknown", {"refill_due_on": None}, "?", "treat as due"),
        ("unknown", {}, "?", "treat as due"),
        ("empty", {"alarm_date": date(2026, 11, 10), "empty_date": date(2026, 11, 17)},
         "−12 days", "empty since 17-Nov-2026"),
        ("empty", {"alarm_date": date(2026, 11, 10), "empty_date": TODAY},
         "−12 days", "empty today"),
        ("alarm", {"alarm_date": date(2026, 11, 21), "empty_date": date(2026, 12, 2)},
         "−1 day", "empty in 10 days"),
        ("alarm", {"alarm_date": TODAY, "empty_date": None}, "Today", "alarm"),
        ("overdue", {"refill_due_on": date(2026, 11, 19), "alarm_date": date(2026, 11, 26)},
         "4 days", "refill 3 days late"),
        ("due", {}, "11 days", "window open"),
        ("due", LIMITED, "12 days", "to the drug limit"),
        ("overdue", {**LIMITED, "refill_due_on": date(2026, 11, 19)},
         "−3 days", "past the drug limit"),
        ("due", {**LIMITED, "alarm_date": None, "binding_clock": "max_interval"},
         "12 days", "to the clinic's limit"),
        ("not_due", {"window_opens_on": date(2026, 12, 12)}, "11 days",
         "window opens 12-Dec-2026"),
    ],
)  # fmt: skip
def test_what_is_left(status: str, known: dict[str, object], big: str, small: str) -> None:
    left = rows.time_left(Status(status), dates(**known), TODAY)
    assert (left.big, left.small) == (big, small)


@pytest.mark.parametrize(
    ("earliest", "tone", "quiet"),
    [(date(2026, 11, 20), "alarm", False), (date(2026, 11, 29), "alarm", False),
     (date(2026, 11, 30), "calm", True)],
)  # fmt: skip
def test_a_pump_that_may_run_dry_is_loud_when_it_is_near(
    earliest: date, tone: str, *, quiet: bool
) -> None:
    found = dates(earliest_empty_date=earliest, flags=["may_be_empty_before_alarm"])
    (flag,) = rows.may_be_empty(Status.DUE, found, TODAY)
    assert (flag.tone, flag.quiet) == (tone, quiet)
    assert not list(rows.may_be_empty(Status.EMPTY, found, TODAY))
    assert not list(rows.may_be_empty(Status.DUE, dates(earliest_empty_date=earliest), TODAY))


@pytest.mark.parametrize(
    ("status", "earliest", "said"),
    [("due", date(2026, 11, 20), "may be empty since 20-Nov-2026"),
     ("overdue", TODAY, "may be empty today"),
     ("not_due", date(2026, 11, 23), "may be empty tomorrow"),
     ("unknown", date(2026, 11, 24), "may be empty in 2 days"),
     ("alarm", date(2026, 11, 29), "may be empty in 7 days"),
     ("due", date(2026, 11, 30), ""), ("due", None, ""), ("empty", date(2026, 11, 20), "")],
)  # fmt: skip
def test_beside_the_figure_stands_when_it_may_be_empty(
    status: str, earliest: date | None, said: str
) -> None:
    left = rows.time_left(Status(status), dates(earliest_empty_date=earliest), TODAY)
    assert left.near == said


def bar(**changes: object) -> window.Bar:
    known = {
        "today": TODAY,
        "opens": date(2026, 11, 12),
        "due": date(2026, 11, 26),
        "alarm": date(2026, 12, 3),
        "empty": date(2026, 12, 9),
        "limited": False,
        "booked": date(2026, 11, 24),
    }
    return window.draw(window.Dates(**{**known, **changes}))  # type: ignore[arg-type]


def test_the_bar_shows_what_the_words_say() -> None:
    drawn = bar()
    assert [(s.kind, s.x, s.width) for s in drawn.segments] == [
        ("window", 0, 28),
        ("late", 28, 49),
        ("alarm", 77, 42),
        ("empty", 119, 126),
    ]
    assert drawn.booked_x == 14
    assert drawn.track == 119
    assert drawn.description == (
        "Refill window 12-Nov-2026 to 26-Nov-2026, alarm 03-Dec-2026, empty 09-Dec-2026, "
        "booked 24-Nov-2026."
    )


def test_the_bar_of_a_pump_that_is_far_off() -> None:
    far = date(2027, 3, 1)
    drawn = bar(opens=far, due=far, alarm=None, empty=None, booked=None, limited=True)
    assert drawn.segments == []
    assert drawn.later == "window opens 01-Mar-2027"
    assert "no alarm" in drawn.description


def test_what_stays_together_in_a_sentence() -> None:
    said = itb.whole("Alarm 09-Mar-2027 07:05 MST, 2,000 mcg per mL <b>")
    assert said == (
        'Alarm <span class="nowrap">09-Mar-2027</span> <span class="nowrap">07:05 MST</span>, '
        '<span class="nowrap">2,000 mcg per mL</span> &lt;b&gt;'
    )


def program(mode: str, **figures: object) -> Program:
    return Program(
        mode=mode,
        effective_at=datetime(2026, 11, 1, tzinfo=UTC),
        concentration_mcg_per_ml=Decimal(1000),
        utc_offset_minutes=-420,
        **figures,
    )


def step(days: list[str], hour: int, dose: str) -> Step:
    return Step(days=days, start=datetime(2026, 1, 1, hour).time(), dose_mcg=Decimal(dose))


def test_days_that_run_alike_are_one_plan() -> None:
    week, rest = ["mon", "tue", "wed", "thu", "fri"], ["sat", "sun"]
    steps = [step(week, 0, "120"), step(week, 12, "240"), step(rest, 0, "300")]
    view = program_view.present(program(Mode.FLEX), steps, Decimal("0.048"), "then")
    assert [(plan.days, plan.total) for plan in view.plans] == [
        ("Mon to Fri", "360 mcg/day"),
        ("Sat, Sun", "300 mcg/day"),
    ]
    lines = [(s.start, s.end, s.dose, s.rate, s.flow) for s in view.plans[0].steps]
    assert lines == [
        ("00:00", "12:00", "120 mcg", "10 mcg/h", "0.24 mL/day"),
        ("12:00", "00:00", "240 mcg", "20 mcg/h", "0.48 mL/day"),
    ]
    assert view.clock == "UTC−07:00"


def test_an_even_rate_needs_no_drawing_and_a_stopped_pump_no_plan() -> None:
    even = program(Mode.SIMPLE_CONTINUOUS, daily_dose_mcg=Decimal(240))
    (plan,) = program_view.present(even, [], Decimal("0.048"), "then").plans
    assert (plan.drawing, plan.rate) == (None, "10 mcg/h")
    assert program_view.present(program(Mode.STOPPED), [], Decimal(0), "then").plans == []


def test_periodic_boluses_are_drawn() -> None:
    boluses = program(
        Mode.PERIODIC_BOLUS,
        basal_mcg_per_hour=Decimal(5),
        bolus_mcg=Decimal(20),
        bolus_minutes=10,
        interval_minutes=360,
        first_at=datetime(2026, 1, 1, 2).time(),
    )
    view = program_view.present(boluses, [], Decimal("0.048"), "then")
    (plan,) = view.plans
    assert plan.total == "200 mcg/day"
    assert plan.drawing is not None
    assert "9 steps" in plan.drawing.description
    assert view.notes[0] == "20 mcg over 10 min every 360 min, the first at 02:00."


def test_a_doubtful_date_has_one_word_and_a_reminder_of_it_claims_no_more() -> None:
    assert states.STATUS["unknown"] == "No sure date"
    assert board_query.BY_KEY["unknown"].label == states.STATUS["unknown"]
    assert (
        messages.MILESTONES["unknown"] == "The refill date is not known or in doubt: treat as due"
    )
    for reason in (Reason.PUMP_STOPPED, Reason.ALARM_DATE_MISMATCH):
        assert "settle it with a reason" in states.UNKNOWN[reason][1]


def test_a_pump_that_does_not_run_has_no_alarm_in_words() -> None:
    known = dates(alarm_date=None, empty_date=None)
    line = dates_view._alarm(known, TODAY, DENVER, None)
    assert (line.day, line.note) == ("Does not sound", "at this program")
    assert visit_view._day(known, "alarm_date") == "None at this program"
    assert visit_view._day(known, "refill_due_on") == "26-Nov-2026"
