"""The family's paper: each date by the clinic's own day, each dose in words, nothing missing."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from core.words import NOT_RECORDED
from dosing.domain import programs
from visits.domain import summary
from visits.domain import summary_words as words
from visits.domain.summary_dose import Dose, changed, lines_of, schedule_of

from .test_summary_words import AT, dose, header, simple, told

TODAY = date(2026, 11, 22)
DAY = timedelta(days=1)


def paper(today: date = TODAY, **changes: Any) -> summary.Summary:
    return summary.summarise(told(**changes), today=today)


def flex(*groups: tuple[tuple[str, ...], tuple[tuple[int, str], ...]]) -> programs.Flex:
    return programs.Flex(
        **header(),
        groups=tuple(
            programs.DayGroup(
                days=days,
                steps=tuple(
                    programs.Step(start_minute=minute, dose_mcg=Decimal(mcg))
                    for minute, mcg in steps
                ),
            )
            for days, steps in groups
        ),
    )


def test_the_paper_says_whose_it_is_and_when_the_visit_was() -> None:
    made = paper(ordered_by="Dr. Birch")
    assert (made.name, made.born) == ("Sofía Díaz", "February 21, 2009")
    assert made.visit_on == "Sunday, November 22, 2026"
    assert (made.clinic, made.seen_by, made.ordered_by) == ("Clinic", "R. Alder", "Dr. Birch")
    assert paper(given_name="", family_name="Díaz").name == "Díaz"
    # 05:00 UTC is the evening before in Denver.
    assert paper(visit_at=AT.replace(hour=5)).visit_on == "Saturday, November 21, 2026"


def test_a_paper_without_a_telephone_number_asks_for_one() -> None:
    clinic = told().clinic
    for day, night, missing in (("1", "", False), ("", "2", False), ("", "", True)):
        made = paper(clinic=replace(clinic, phone_day=day, phone_night=night))
        assert (made.phone_day, made.phone_night) == (day, night)
        assert made.no_phone == (words.NO_PHONE if missing else "")


def test_what_is_not_recorded_is_called_so() -> None:
    made = paper()
    assert made.before == made.now == (NOT_RECORDED,)
    assert (made.medicine, made.filled) == (NOT_RECORDED, "No refill")
    assert (made.schedule, made.state, made.change, made.clock_note) == ((), "", "", "")
    assert made.bridge == ""


def test_the_drug_and_the_volume_are_written_with_their_units() -> None:
    made = paper(concentration_mcg_per_ml=Decimal(2000), filled_ml=Decimal("19.5"))
    assert (made.medicine, made.filled) == ("baclofen, 2,000 mcg per mL", "19.5 mL")
    named = paper(concentration_mcg_per_ml=Decimal(500), medicine="Gablofen")
    assert named.medicine == "Gablofen, 500 mcg per mL"
    assert paper(filled_ml=Decimal(0)).filled == "0 mL"


def test_a_bridge_bolus_ends_by_the_clinics_clock() -> None:
    made = paper(bridge_until=datetime(2026, 11, 24, 5, 30, tzinfo=UTC))
    assert made.bridge == f"{words.BRIDGE} Monday, November 23, 2026, 10:30 p.m."


def test_the_next_visit_is_booked_or_to_be_called_for() -> None:
    made = paper(next_visit_at=datetime(2027, 1, 12, 5, tzinfo=UTC))
    assert made.boxes[0] == summary.Box(
        "Your next refill visit", "Monday, January\u00a011,\u00a02027", "10:00 p.m., Floor 1"
    )
    made = paper()
    assert made.boxes[0] == summary.Box(
        "Your next refill visit", "Not booked yet", "Call us by Sunday, November 29, 2026 to book."
    )
    assert made.boxes[1] == summary.Box(
        "The pump alarm would sound", "Sunday, January\u00a024,\u00a02027", words.BEFORE_ALARM
    )
    placeless = replace(told().clinic, place="")
    made = paper(next_visit_at=datetime(2027, 1, 12, 5, tzinfo=UTC), clinic=placeless)
    assert made.boxes[0].note == "10:00 p.m."


@pytest.mark.parametrize(
    ("refill_by", "said"),
    [
        (TODAY + 8 * DAY, "Call us by Sunday, November 29, 2026 to book."),
        (TODAY + DAY, "Call us by Monday, November 23, 2026 to book."),
        (TODAY, "Call us today to book."),
        (TODAY - DAY, "Call us today to book."),
        (None, "Call us today to book."),
    ],
)
def test_the_family_calls_within_a_week_and_before_the_refill_date(
    refill_by: date | None, said: str
) -> None:
    dates = summary.Dates(known=True, alarm=date(2027, 1, 24), refill_by=refill_by)
    assert paper(dates=dates).boxes[0].note == said


def test_unknown_dates_leave_only_what_was_agreed_upon() -> None:
    dates = summary.Dates(known=False, alarm=TODAY, refill_by=TODAY, printed_differs=True)
    made = paper(dates=dates)
    assert (made.boxes, made.refill_by, made.date_note) == ((), "", "")
    booked = datetime(2027, 1, 12, 17, tzinfo=UTC)
    made = paper(dates=dates, next_visit_at=booked)
    assert [box.label for box in made.boxes] == ["Your next refill visit"]
    assert made.date_note == ""
    known = paper()
    assert known.unknown == ()
    assert known.refill_by == "Sunday, January 17, 2027"
    assert paper(dates=summary.Dates(known=True)).refill_by == ""


def test_the_alarm_of_today_and_one_that_has_passed_are_not_waited_for() -> None:
    def note(today: date) -> str:
        return paper(today).boxes[1].note

    alarm = date(2027, 1, 24)
    assert [note(alarm + days * DAY) for days in (-1, 0, 1)] == [
        words.BEFORE_ALARM, words.TODAY, words.PAST,
    ]  # fmt: skip


def test_the_earlier_of_two_dates_is_explained_unless_the_visit_is_too_late() -> None:
    differs = summary.Dates(
        known=True, alarm=date(2027, 1, 24), refill_by=date(2027, 1, 17), printed_differs=True
    )
    assert paper(dates=differs).date_note == words.EARLIER_OF_TWO
    assert paper().date_note == ""
    late = datetime(2027, 1, 24, 17, tzinfo=UTC)
    assert paper(dates=differs, next_visit_at=late).date_note == words.VISIT_TOO_LATE
    # 05:00 UTC is the evening before in Denver.
    in_time = late.replace(hour=5)
    assert paper(dates=differs, next_visit_at=in_time).date_note == words.EARLIER_OF_TWO
    only_due = summary.Dates(known=True, refill_by=date(2027, 1, 24))
    assert paper(dates=only_due, next_visit_at=late).date_note == words.VISIT_TOO_LATE
    assert paper(dates=only_due, next_visit_at=in_time).date_note == ""
    assert paper(dates=summary.Dates(known=True), next_visit_at=late).date_note == ""


def test_the_dose_before_and_now_the_change_and_the_times() -> None:
    steps = ((0, "100"), (450, "300.5"))
    now = dose(flex((programs.WEEK[:5], steps), (programs.WEEK[5:], ((0, "200"),))))
    made = paper(before=dose(simple("400")), now=now)
    assert made.before == ("400 micrograms (mcg) a day",)
    assert made.now == (
        "Most in a day: 400.5 micrograms (mcg)", "Least in a day: 200 micrograms (mcg)",
    )  # fmt: skip
    assert made.change == ""  # more on some days and less on others
    assert made.clock_note == words.PUMP_CLOCK
    assert made.schedule == (
        {
            "days": "Monday to Friday",
            "steps": (
                ("Midnight to 7:30 a.m.", "100 micrograms (mcg)"),
                ("7:30 a.m. to midnight", "300.5 micrograms (mcg)"),
            ),
            "total": "400.5 micrograms (mcg) a day",
        },
        {
            "days": "Saturday and Sunday",
            "steps": (("All day", "200 micrograms (mcg)"),),
            "total": "200 micrograms (mcg) a day",
        },
    )
    stopped = paper(before=dose(simple("400")), now=dose(programs.Stopped(**header())))
    assert (stopped.state, stopped.now) == (words.STOPPED, ("None: the pump is stopped",))
    assert (stopped.schedule, stopped.clock_note) == ((), "")


def of(largest: int, smallest: int) -> Dose:
    return Dose(simple("400"), Fraction(largest), Fraction(smallest))


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ((400, 300), words.NO_CHANGE),
        ((401, 300), words.HIGHER),
        ((400, 301), words.HIGHER),
        ((399, 300), words.LOWER),
        ((400, 299), words.LOWER),
        ((401, 299), ""),
        ((399, 301), ""),
    ],
)
def test_a_change_is_called_up_or_down_only_where_no_day_goes_the_other_way(
    now: tuple[int, int], said: str
) -> None:
    assert changed(of(400, 300), of(*now)) == said


def test_the_same_dose_at_other_times_is_neither_up_nor_unchanged() -> None:
    early = dose(flex((programs.WEEK, ((0, "100"), (450, "300")))))
    late = dose(flex((programs.WEEK, ((0, "100"), (480, "300")))))
    assert changed(early, late) == ""
    assert changed(early, early) == words.NO_CHANGE
    assert changed(early, None) == changed(None, None) == ""


def test_a_pump_that_gives_nothing_says_so_whatever_its_mode() -> None:
    assert dose(simple("0")).state == words.STOPPED
    assert dose(simple("1")).state == ""
    assert lines_of(dose(simple("0"))) == ("0 micrograms (mcg) a day",)


def periodic(**changes: Any) -> Any:
    values: dict[str, Any] = {
        "basal_mcg_per_hour": Decimal(10), "bolus_mcg": Decimal(50), "bolus_minutes": 60,
        "interval_minutes": 60, "first_minute": 0, "basal_suspended": True,
    }  # fmt: skip
    [group] = schedule_of(dose(programs.PeriodicBolus(**header(), **{**values, **changes})))
    return group


def test_the_first_bolus_of_the_day_is_said_where_every_day_has_the_same() -> None:
    assert periodic()["steps"] == (
        ("Every 1 hour, first at midnight", "50 micrograms (mcg) in 1 hour"),
        ("In between", "10 micrograms (mcg) an hour"),
    )
    assert periodic()["days"] == "Every day"
    late = periodic(interval_minutes=90, first_minute=100)["steps"]
    assert late[0][0] == "Every 90 minutes, first at 12:10 a.m."
    odd = periodic(interval_minutes=100, first_minute=30)
    assert odd["steps"][0][0] == "Every 100 minutes"


@pytest.mark.parametrize(
    ("spoken", "asked"),
    [("en", ""), ("ENG", ""), ("English (UK)", ""), ("en-GB", ""), ("en_US", ""),
     ("Englisch", "Englisch"), (" Haitian   Creole ", "Haitian Creole")],
)  # fmt: skip
def test_an_interpreter_is_asked_for_any_language_but_english(spoken: str, asked: str) -> None:
    line = f"Please use an interpreter: {asked}." if asked else ""
    assert summary.interpreter_for(spoken) == line
    assert paper(spoken=spoken).interpreter == line


def test_a_stored_paper_that_lacks_a_part_is_told_by_its_name() -> None:
    whole = summary.as_json(paper(now=dose(simple("400")), before=dose(simple("400"))))
    assert summary.lacks(whole) == []
    assert summary.lacks({}) == [
        "name", "born", "visit_on", "clinic", "seen_by", "before", "now", "filled",
        "boxes or unknown", "cream", "warnings", "emergency", "questions",
        "phone_day or phone_night or no_phone",
    ]  # fmt: skip
    assert summary.lacks({**whole, "born": ""}) == ["born"]
    assert summary.lacks({**whole, "boxes": []}) == ["boxes or unknown"]
    assert summary.lacks({**whole, "boxes": [], "unknown": ["We will call."]}) == []


def test_the_content_is_stored_as_plain_values() -> None:
    stored = summary.as_json(paper(now=dose(flex((programs.WEEK, ((0, "400"),))))))
    assert stored["schedule"] == [
        {
            "days": "Every day",
            "steps": [["All day", "400 micrograms (mcg)"]],
            "total": "400 micrograms (mcg) a day",
        }
    ]
    assert stored["boxes"][0]["date"] == "Not booked yet"
    assert isinstance(stored["cream"], list)


@pytest.mark.parametrize(
    ("minute", "said"),
    [(1, "12:01 a.m."), (60, "1:00 a.m."), (719, "11:59 a.m."), (721, "12:01 p.m."),
     (779, "12:59 p.m."), (780, "1:00 p.m.")],
)  # fmt: skip
def test_a_clock_says_twelve_and_never_zero(minute: int, said: str) -> None:
    assert words.clock(minute) == said


def test_durations_days_and_months_are_written_out() -> None:
    assert [words.duration(one) for one in (1, 59, 60, 90, 120, 3540)] == [
        "1 minute", "59 minutes", "1 hour", "90 minutes", "2 hours", "59 hours",
    ]  # fmt: skip
    assert words.days_of(("tue", "mon")) == "Monday and Tuesday"
    assert words.days_of(("thu", "wed", "tue")) == "Tuesday to Thursday"
    assert words.days_of(("mon", "tue", "thu")) == "Monday, Tuesday and Thursday"
    assert [words.day(date(2027, month, 9)).split()[0] for month in range(1, 13)] == [
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ]  # fmt: skip
    assert words.time_of(datetime(2026, 11, 22, 9, 5)) == "9:05 a.m."
    assert words.micrograms(Fraction(1, 3)) == "0.33 micrograms (mcg)"
