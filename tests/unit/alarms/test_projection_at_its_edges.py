"""A projection's dates where one thing is missing, equal, or at the end of the calendar."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alarms.domain.projection import (
    ClockWarning,
    Known,
    ProjectionInputs,
    Settings,
    Unknown,
    days_after,
    programs_from,
    project,
)
from dosing.domain.programs import (
    WEEK,
    Bolus,
    DayGroup,
    Flex,
    MinimumRate,
    Program,
    SimpleContinuous,
    Step,
    Stopped,
)
from pumps.domain.limits import PumpLimits
from refills.domain.reservoir import Fill

AT = datetime(2026, 11, 20, 18, tzinfo=UTC)  # 11:00 in Denver
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
DENVER = ZoneInfo("America/Denver")
PUMP = PumpLimits(
    reservoir_ml=Decimal(20), low_reservoir_alarm_ml=Decimal(2), min_ml_per_day=Decimal("0.05"),
    max_ml_per_day=Decimal(24), flow_accuracy_percent=Decimal(25),
)  # fmt: skip
FILL = Fill(AT, Decimal(20), Decimal(2000), 180)


def program(dose: str = "400", at: datetime = AT, **more: Any) -> SimpleContinuous:
    values = {"effective_at": at, "utc_offset_minutes": -420, **more}
    return SimpleContinuous(daily_dose_mcg=Decimal(dose), **values)


def inputs(*programs: Program, **more: Any) -> ProjectionInputs:
    values: dict[str, Any] = {
        "settings": Settings(DENVER), "pump": PUMP, "fill": FILL, "programs": programs,
    }  # fmt: skip
    return ProjectionInputs(**{**values, **more})


def known(*programs: Program, **more: Any) -> Known:
    found = project(inputs(*programs, **more))
    assert isinstance(found, Known)
    return found


def unknown(*programs: Program, **more: Any) -> str:
    found = project(inputs(*programs, **more))
    assert isinstance(found, Unknown)
    return found.reason


def test_without_one_of_its_inputs_a_pump_has_no_date_and_says_which() -> None:
    assert unknown(program(), fill=None) == "no_fill"
    assert unknown() == unknown(program(at=AT + SECOND)) == "no_program"
    assert unknown(program(), as_of=AT - SECOND) == "fill_in_future"
    assert known(program(), as_of=AT).as_of == AT
    assert known(program(), as_of=AT + DAY).as_of == AT + DAY
    assert known(program()).as_of == AT
    never = {"fill": replace(FILL, stability_days=None)}
    assert unknown(Stopped(effective_at=AT, utc_offset_minutes=0), **never) == "no_deadline"


def test_only_programs_that_run_on_this_fill_must_be_for_its_drug() -> None:
    other: dict[str, Any] = {"concentration_mcg_per_ml": Decimal(500)}
    assert unknown(program(**other)) == "concentration_mismatch"
    assert unknown(program(), program(at=AT + DAY, **other)) == "concentration_mismatch"
    known(program(at=AT - DAY, **other), program())
    known(program(concentration_mcg_per_ml=Decimal(2000)))


def test_the_program_in_force_is_the_last_that_has_begun() -> None:
    old, first, second = program("1", AT - DAY), program("2"), program("3")
    later = program("4", AT + DAY)
    assert programs_from(AT, [later, old, first, second]) == [second, later]
    assert programs_from(AT - SECOND, [later, old, first]) == [old, first, later]
    assert programs_from(AT - 2 * DAY, [old]) == []


def test_what_is_left_falls_from_the_fill_to_nothing() -> None:
    found = known(program())  # 0.2 mL a day
    assert found.residual_ml(AT - DAY) == 20
    assert found.residual_ml(AT) == 20
    assert found.residual_ml(AT + 10 * DAY) == 18
    assert found.residual_ml(AT + 100 * DAY) == 0
    assert found.residual_ml(AT + 101 * DAY) == 0
    assert found.alarm_at == AT + 90 * DAY
    assert found.empty_at == AT + 100 * DAY
    assert found.earliest_empty_at == AT + 80 * DAY
    assert (found.daily_dose_mcg, found.daily_volume_ml) == (Fraction(400), Fraction(1, 5))


def test_an_instant_is_cut_to_the_second_and_never_rounded_up() -> None:
    found = known(program("399"))
    assert found.alarm_at is not None
    assert found.alarm_at.microsecond == 0
    exact = Fraction(18 * 2000, 399) * 86_400
    assert (found.alarm_at - AT) == timedelta(seconds=int(exact))


def test_empty_on_the_day_of_the_alarm_or_the_due_date_is_before_it() -> None:
    found = known(program())
    alarm = found.alarm_date
    assert alarm is not None
    for days, before in ((-1, True), (0, True), (1, False)):
        dates = replace(found, earliest_empty_date=alarm + days * DAY, refill_due_on=alarm)
        assert dates.may_be_empty_before_alarm is before
        assert dates.may_be_empty_before_due is before
    never = replace(found, earliest_empty_date=None)
    assert not never.may_be_empty_before_alarm
    assert not never.may_be_empty_before_due
    silent = replace(found, alarm_date=None)
    assert silent.may_be_empty_before_alarm
    both = replace(never, alarm_date=None)
    assert not both.may_be_empty_before_alarm


def test_a_pump_stands_still_when_the_program_in_force_does() -> None:
    header: dict[str, Any] = {"effective_at": AT + DAY, "utc_offset_minutes": -420}
    for stop in (Stopped(**header), MinimumRate(**header)):
        assert not known(program(), stop).pump_stopped
        assert not known(program(), stop, as_of=AT + DAY - SECOND).pump_stopped
        assert known(program(), stop, as_of=AT + DAY).pump_stopped


def test_the_day_is_the_earlier_of_the_clinics_and_the_pumps() -> None:
    """The alarm comes at 18:00 UTC: 11:00 in Denver."""
    day = (AT + 90 * DAY).date()
    assert known(program()).alarm_date == day
    assert known(program(utc_offset_minutes=-18 * 60 - 1)).alarm_date == day - DAY
    assert known(program(utc_offset_minutes=-18 * 60)).alarm_date == day
    assert known(program(utc_offset_minutes=6 * 60)).alarm_date == day  # a day later on the pump
    # The clock that counts is the one that the pump has then.
    moved = program(at=AT + 89 * DAY, utc_offset_minutes=-18 * 60 - 1)
    assert known(program(), moved).alarm_date == day - DAY
    assert known(program(), replace(moved, effective_at=AT + 90 * DAY)).alarm_date == day - DAY
    late = replace(moved, effective_at=AT + 90 * DAY + SECOND)
    assert known(program(), late).alarm_date == day


def test_a_pump_clock_that_is_not_the_clinics_is_warned_of() -> None:
    assert known(program()).warnings == ()
    wrong = program(at=AT + DAY, utc_offset_minutes=-419)
    assert known(program(), wrong).warnings == (ClockWarning(AT + DAY, -419, -420),)
    utc = {"settings": Settings(ZoneInfo("UTC"))}
    assert known(program(utc_offset_minutes=0), **utc).warnings == ()
    summer = datetime(2027, 7, 1, tzinfo=UTC)
    assert known(program(), program(at=summer)).warnings == (ClockWarning(summer, -420, -360),)


def test_the_first_of_the_clocks_binds_and_a_tie_goes_to_the_reservoir() -> None:
    def due(stability: int | None, interval: int | None, **fill: Any) -> tuple[int, str]:
        settings = Settings(DENVER, max_interval_days=interval)
        filled = replace(FILL, stability_days=stability, **fill)
        found = known(program(), settings=settings, fill=filled)
        return (found.refill_due_on - AT.date()).days, found.binding_clock

    assert due(180, None) == (83, "low_reservoir")  # the alarm in 90 days, 7 before it
    assert due(83, 83) == (83, "low_reservoir")
    assert due(82, 82) == (82, "drug_stability")
    assert due(83, 82) == (82, "max_interval")
    assert due(180, None, use_by=AT.date() + 40 * DAY) == (40, "drug_stability")
    assert due(30, None, use_by=AT.date() + 40 * DAY) == (30, "drug_stability")
    assert due(None, 0) == (0, "max_interval")


def test_a_clinic_that_sets_nothing_has_seven_days_and_a_window_of_fourteen() -> None:
    settings = Settings(DENVER)
    assert (settings.refill_lead_days, settings.window_days) == (7, 14)
    assert settings.max_interval_days is None
    found = known(program())
    assert found.window_opens_on == found.refill_due_on - 14 * DAY
    assert found.max_interval_date is None
    assert found.stability_date == AT.date() + 180 * DAY


def test_nothing_is_due_and_no_window_opens_before_the_day_of_the_fill() -> None:
    found = known(program(), fill=replace(FILL, volume_ml=Decimal(1)))
    assert found.alarm_at == AT
    assert found.refill_due_on == found.window_opens_on == AT.date()
    # 05:00 UTC is the day before in Denver.
    night = AT.replace(hour=5)
    found = known(program(at=night), fill=replace(FILL, at=night, volume_ml=Decimal(1)))
    assert found.refill_due_on == AT.date() - DAY


def test_a_volume_just_above_the_alarms_is_not_at_the_alarm_yet() -> None:
    found = known(program(), fill=replace(FILL, volume_ml=Decimal("2.2")))
    assert found.alarm_at == AT + DAY
    assert known(program(), fill=replace(FILL, volume_ml=Decimal(2))).alarm_at == AT


def test_an_absurd_number_of_days_ends_with_the_calendar() -> None:
    day = AT.date()
    assert days_after(day, 0) == day
    assert days_after(day, -1) == day - DAY
    assert days_after(day, 10**7) == date.max
    assert days_after(day, -(10**7)) == date.min


@pytest.mark.parametrize("dose", ["0.00001", "0.000000001"])
def test_what_lasts_longer_than_the_calendar_is_never_empty(dose: str) -> None:
    found = known(program(dose))
    assert (found.alarm_at, found.alarm_date, found.empty_at) == (None, None, None)
    assert found.binding_clock == "drug_stability"


def test_the_last_instant_that_has_a_date_is_in_the_year_9997() -> None:
    def empty(until: datetime) -> datetime | None:
        days = Fraction((until - AT) // SECOND, 86_400)
        dose = Fraction(40_000) / days
        exact = replace(FILL, stability_days=1, concentration_mcg_per_ml=Decimal(2000))
        found = known(program(str(Decimal(dose.numerator) / dose.denominator)), fill=exact)
        return found.empty_at

    assert empty(datetime(9997, 12, 30, tzinfo=UTC)) is not None
    assert empty(datetime(9998, 1, 2, tzinfo=UTC)) is None


def test_a_bolus_that_replaces_the_program_runs_alone_and_the_other_on_top() -> None:
    def at_noon(**more: Any) -> Fraction:
        bolus = Bolus(at=AT, dose_mcg=Decimal(400), minutes=Decimal(1440), **more)
        return 20 - known(program(), boluses=[bolus]).residual_ml(AT + DAY / 2)

    assert at_noon() == Fraction(1, 5)
    assert at_noon(replaces_program=True) == Fraction(1, 10)


def test_of_a_bolus_that_began_before_the_fill_the_rest_counts() -> None:
    bolus = Bolus(at=AT - DAY / 2, dose_mcg=Decimal(400), minutes=Decimal(1440))
    found = known(program(), boluses=[bolus])
    assert 20 - found.residual_ml(AT + DAY / 2) == Fraction(1, 10) + Fraction(1, 10)
    assert 20 - found.residual_ml(AT + DAY) == Fraction(1, 10) + Fraction(1, 5)


def test_a_date_reached_in_the_last_moment_of_a_bolus_is_found() -> None:
    """0.2 mL a day from the program and as much from the bolus: 18 mL in 45 days."""
    bolus = Bolus(at=AT, dose_mcg=Decimal(400 * 45), minutes=Decimal(1440 * 45))
    assert known(program(), boluses=[bolus]).alarm_at == AT + 45 * DAY
    shorter = replace(bolus, dose_mcg=Decimal(400 * 44), minutes=Decimal(1440 * 44))
    assert known(program(), boluses=[shorter]).alarm_at == AT + 46 * DAY


def test_a_bolus_of_weeks_that_begins_late_is_counted_from_where_it_begins() -> None:
    bolus = Bolus(at=AT + 50 * DAY, dose_mcg=Decimal(400 * 30), minutes=Decimal(1440 * 30))
    assert known(program(), boluses=[bolus]).alarm_at == AT + 70 * DAY


@pytest.mark.parametrize(
    ("offset", "hours"),
    [
        (-420, 9),  # 11:00 on the pump: one hour of the bolus alone, then both
        (0, 8),  # 18:00: six hours of both, then the bolus alone
        (330, 14.5),  # 23:30: half an hour of both, half a day of the bolus, two hours of both
    ],
)
def test_with_a_bolus_on_top_each_step_runs_by_the_pumps_own_clock(offset: int, hours: int) -> None:
    """The program gives 0.05 mL in each hour from noon to midnight, the bolus 0.025 in any hour."""
    steps = (
        Step(start_minute=0, dose_mcg=Decimal(0)),
        Step(start_minute=720, dose_mcg=Decimal(1200)),
    )
    flex = Flex(
        effective_at=AT, utc_offset_minutes=offset, groups=(DayGroup(days=WEEK, steps=steps),)
    )
    bolus = Bolus(at=AT, dose_mcg=Decimal(24_000), minutes=Decimal(1440 * 20))
    volume = {-420: "2.625", 0: "2.5", 330: "2.4875"}[offset]
    found = known(flex, boluses=[bolus], fill=replace(FILL, volume_ml=Decimal(volume)))
    assert found.alarm_at == AT + timedelta(hours=hours)
