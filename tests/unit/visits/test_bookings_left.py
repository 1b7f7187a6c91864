"""What stays booked after a visit, by the clinic's own calendar, to the very day."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alarms.domain.deadlines import Deadlines
from visits.domain.bookings_left import bookings_left
from visits.domain.proposal import Concern, Proposed

from .test_visit_checks import AT, DATES, after, before, filled, on, simple

DOSE = Proposed(at=AT, program=simple("400"))
REFILL = filled("20")
OPENS = replace(after("20"), window_opens_on=on(69))


def asked(
    proposed: Proposed, coming: list[datetime], dates: Deadlines = DATES, zone: str = ""
) -> list[Concern]:
    situation = before(coming=tuple(coming))
    if zone:
        situation = replace(situation, zone=ZoneInfo(zone))
    return list(bookings_left(situation, proposed, OPENS, dates))


def in_days(days: int, hour: int = 18) -> datetime:
    return AT.replace(hour=hour) + timedelta(days=days)


def test_what_is_booked_on_the_day_that_the_window_opens_is_the_next_visit() -> None:
    assert [one.code for one in asked(REFILL, [in_days(68)])] == ["booked_before_window"]
    assert asked(REFILL, [in_days(69)]) == []
    # 05:00 UTC is 22:00 of the day before in Denver.
    [found] = asked(REFILL, [in_days(69, 5)])
    assert found.title == "Still booked for 27-Jan-2027 22:00"
    assert not found.urgent


def test_without_a_refill_nothing_was_booked_for_it() -> None:
    assert asked(DOSE, [in_days(3)]) == []


def test_the_first_day_of_the_window_can_be_late_already() -> None:
    soon = replace(DATES, opens=on(84), due=on(83))
    assert [one.code for one in asked(REFILL, [in_days(84)], soon)] == ["booked_late"]
    assert [one.code for one in asked(REFILL, [in_days(84)], replace(soon, opens=None))] == [
        "booked_late"
    ]


def test_a_day_booked_is_late_by_the_clinics_calendar() -> None:
    """05:00 UTC is still the refill date in Denver, and the day after it in Tokyo."""
    assert asked(REFILL, [in_days(84, 5)]) == []
    [found] = asked(REFILL, [in_days(84, 5)], zone="Asia/Tokyo")
    assert found.code == "booked_late"


def test_an_appointment_of_the_visits_own_day_is_left_alone_by_the_clinics_calendar() -> None:
    """The visit is at 22:00 in Denver; the next morning there is another day, and late."""
    late = Deadlines(opens=on(-9), due=on(-3))
    at_night = replace(DOSE, at=AT.replace(hour=5))
    assert asked(at_night, [AT.replace(hour=6)], late) == []
    [found] = asked(at_night, [AT], late)
    assert found.code == "booked_late"


def test_only_what_the_day_reaches_is_said_and_each_in_its_words() -> None:
    [found] = asked(REFILL, [in_days(100)], replace(DATES, printed_alarm=on(95)))
    assert found.urgent
    assert found.text.startswith(
        "Its alarm comes on 18-Feb-2027. The printed alarm date is 23-Feb-2027. "
        "The pump may be empty from 15-Feb-2027. The pump is empty on 28-Feb-2027. Nobody moves"
    )
    [found] = asked(REFILL, [in_days(89)])
    assert found.text.startswith("The pump may be empty from 15-Feb-2027. Nobody moves")
    [found] = asked(REFILL, [in_days(84)])
    assert found.text.startswith("Nobody moves it by itself.")


def test_a_day_that_is_too_late_but_not_past_due_names_the_limit() -> None:
    for name, said in (
        ("alarm", "its alarm comes on"),
        ("printed_alarm", "the printed alarm date is"),
        ("may_be_empty", "the pump may be empty from"),
        ("empty", "the pump is empty on"),
    ):
        [found] = asked(
            REFILL, [in_days(80)], Deadlines(opens=on(69), due=on(83), **{name: on(80)})
        )
        assert found.title == f"Booked 08-Feb-2027, but {said} 08-Feb-2027: move it after saving"
