"""The sums behind the dates: their figures, their lines, and what is said where there is none."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from alarms.domain.explain import Sum, at_clinic, describe, sums
from alarms.domain.infusion import prepare
from alarms.domain.projection import Settings
from dosing.domain.programs import (
    WEEK,
    Bolus,
    DayGroup,
    Flex,
    MinimumRate,
    PeriodicBolus,
    Program,
    Step,
    Stopped,
)

from .test_projection_at_its_edges import AT, DAY, DENVER, FILL, PUMP, known, program

USUAL = Settings(DENVER)
HEADER: dict[str, Any] = {"effective_at": AT, "utc_offset_minutes": -420}


def told(*programs: Program, settings: Settings = USUAL, **more: Any) -> dict[str, Sum]:
    found = known(*programs, settings=settings, **more)
    return {one.key: one for one in sums(found, PUMP, settings, alarm_assumed=False)}


def test_an_even_program_is_one_division_for_each_date() -> None:
    found = told(program())
    assert list(found) == ["alarm", "due", "empty", "earliest_empty", "window"]
    assert (found["alarm"].label, found["alarm"].result) == ("Low-reservoir alarm", "18-Feb-2027")
    assert found["alarm"].lines == (
        "20 mL − 2 mL alarm volume = 18 mL",
        "18 mL × 2,000 mcg per mL = 36,000 mcg",
        "36,000 ÷ 400 mcg/day = 90 days",
        "from 20-Nov-2026 11:00 MST → 18-Feb-2027 11:00 MST",
    )
    assert found["empty"].result == "28-Feb-2027"
    assert found["empty"].lines[:2] == (
        "20 mL × 2,000 mcg per mL = 40,000 mcg", "40,000 ÷ 400 mcg/day = 100 days",
    )  # fmt: skip
    assert found["earliest_empty"].result == "08-Feb-2027"
    assert found["earliest_empty"].lines[:4] == (
        "The pump may run up to 25 % faster than programmed:",
        "20 mL ÷ 1.25 = 16 mL as programmed",
        "16 mL × 2,000 mcg per mL = 32,000 mcg",
        "32,000 ÷ 400 mcg/day = 80 days",
    )
    assert found["window"].result == "28-Jan-2027"
    assert found["window"].lines == ("11-Feb-2027 − 14 days, not before the day of the fill",)


def test_the_clock_that_counts_is_marked_and_the_others_are_shown() -> None:
    settings = Settings(DENVER, max_interval_days=100)
    found = told(program(), settings=settings)["due"]
    assert found.result == "11-Feb-2027"
    assert found.lines == (
        "11-Feb-2027: alarm date − 7 days ← the earliest, so it counts",
        "19-May-2027: last day for the drug in this pump",
        "28-Feb-2027: the clinic's longest interval",
    )
    silent = told(Stopped(**HEADER))["due"]
    assert silent.lines == (
        "19-May-2027: last day for the drug in this pump ← the earliest, so it counts",
    )


def test_a_fill_that_is_due_at_once_says_why_it_is_not_due_before() -> None:
    few = told(program(), fill=replace(FILL, volume_ml=Decimal(2)))
    assert few["alarm"].lines[1:] == (
        "The fill is at or under this volume: it is reached at once.",
    )
    assert few["due"].result == "20-Nov-2026"
    assert few["due"].lines[-1] == "It is not set before the day of the fill."
    more = told(program(), fill=replace(FILL, volume_ml=Decimal("2.2")))
    assert more["alarm"].lines[1:3] == (
        "0.2 mL × 2,000 mcg per mL = 400 mcg", "400 ÷ 400 mcg/day = 1 day",
    )  # fmt: skip
    assert more["alarm"].result == "21-Nov-2026"


def test_a_date_that_never_comes_is_called_never() -> None:
    found = told(Stopped(**HEADER))
    assert [found[key].result for key in ("alarm", "empty", "earliest_empty")] == ["never"] * 3
    assert found["alarm"].lines[1:] == ("What is programmed never delivers 18 mL.",)


def test_an_assumed_alarm_volume_is_called_assumed() -> None:
    found = sums(known(program()), PUMP, Settings(DENVER), alarm_assumed=True)
    assert found[0].lines[0] == "20 mL − 2 mL alarm volume (assumed) = 18 mL"


def test_a_change_of_program_and_a_bolus_are_counted_stretch_by_stretch() -> None:
    later = program("800", AT + 10 * DAY)
    bolus = Bolus(at=AT + 5 * DAY, dose_mcg=Decimal(200), minutes=Decimal(720))
    found = told(program(), later, boluses=[bolus])["alarm"].lines
    assert found[1:] == (
        "20-Nov-2026 11:00 to 25-Nov-2026 11:00: 400 mcg/day = 1 mL",
        "25-Nov-2026 11:00 to 25-Nov-2026 23:00: 400 mcg/day and a bolus = 0.2 mL",
        "25-Nov-2026 23:00 to 30-Nov-2026 11:00: 400 mcg/day = 0.9 mL",
        "30-Nov-2026 11:00 to 09-Jan-2027 05:00: 800 mcg/day = 15.9 mL",
        "from 20-Nov-2026 11:00 MST → 09-Jan-2027 05:00 MST",
    )


def test_a_bridge_bolus_stands_in_place_of_the_program() -> None:
    bolus = Bolus(
        at=AT + 5 * DAY, dose_mcg=Decimal(200), minutes=Decimal(720), replaces_program=True
    )
    found = told(program(), boluses=[bolus])["alarm"].lines
    assert found[2] == (
        "25-Nov-2026 11:00 to 25-Nov-2026 23:00: bridge bolus in place of the program = 0.1 mL"
    )


def test_a_stretch_that_begins_as_the_date_is_reached_is_not_part_of_the_sum() -> None:
    found = told(program(), program("800", AT + 91 * DAY))["alarm"].lines
    assert len(found) == 4
    assert found[2] == "36,000 ÷ 400 mcg/day = 90 days"


def test_where_the_pumps_clock_is_a_day_behind_the_earlier_date_is_explained() -> None:
    behind = "On the pump's own clock it is still the day before: the earlier date counts."
    assert behind not in told(program())["alarm"].lines
    assert told(program(utc_offset_minutes=-18 * 60 - 1))["alarm"].lines[-1] == behind
    assert behind not in told(program(utc_offset_minutes=-18 * 60))["alarm"].lines
    moved = program(at=AT + 90 * DAY, utc_offset_minutes=-18 * 60 - 1)
    assert told(program(), moved)["alarm"].lines[-1] == behind
    late = replace(moved, effective_at=AT + 90 * DAY + timedelta(seconds=1))
    assert behind not in told(program(), late)["alarm"].lines


def test_each_mode_is_described_with_its_daily_dose() -> None:
    def said(one: Program) -> str:
        return describe(prepare(one, Decimal(2000), Decimal("0.05")))

    groups = tuple(
        DayGroup(days=days, steps=(Step(start_minute=0, dose_mcg=Decimal(dose)),))
        for days, dose in ((WEEK[:5], "442.516"), (WEEK[5:], "552"))
    )
    assert said(program("350.255")) == "350.26 mcg/day"
    assert said(Flex(**HEADER, groups=groups)) == "flex, 442.52 to 552 mcg/day, step by step"
    periodic = PeriodicBolus(
        **HEADER, basal_mcg_per_hour=Decimal(10), bolus_mcg=Decimal(40), bolus_minutes=5,
        interval_minutes=360, first_minute=0, basal_suspended=False,
    )  # fmt: skip
    assert said(periodic) == "periodic boluses, 400 mcg/day"
    assert said(MinimumRate(**HEADER)) == "minimum rate, 100 mcg/day"
    assert said(Stopped(**HEADER)) == "stopped"


def test_an_instant_is_said_on_the_clinics_clock_with_its_zone() -> None:
    assert at_clinic(AT, DENVER) == "20-Nov-2026 11:00 MST"
    assert at_clinic(AT + 230 * DAY, DENVER) == "08-Jul-2027 12:00 MDT"


def test_figures_are_rounded_to_what_a_calculator_shows() -> None:
    odd = replace(PUMP, flow_accuracy_percent=Decimal("14.513"))
    found = known(program("333.333"), pump=odd, fill=replace(FILL, volume_ml=Decimal("19.99999")))
    alarm, _, _, earliest, _ = sums(found, odd, Settings(DENVER), alarm_assumed=False)
    assert alarm.lines[:3] == (
        "20 mL − 2 mL alarm volume = 18 mL",
        "18 mL × 2,000 mcg per mL = 35,999.98 mcg",
        "35,999.98 ÷ 333.333 mcg/day = 108 days",
    )
    assert earliest.lines[1:4] == (
        "20 mL ÷ 1.1451 = 17.4653 mL as programmed",
        "17.4653 mL × 2,000 mcg per mL = 34,930.51 mcg",
        "34,930.51 ÷ 333.333 mcg/day = 104.79 days",
    )


def test_one_program_of_steps_is_no_division() -> None:
    steps = (
        Step(start_minute=0, dose_mcg=Decimal("100.125")),
        Step(start_minute=720, dose_mcg=Decimal("300.25")),
    )
    flex = Flex(**HEADER, groups=(DayGroup(days=WEEK, steps=steps),))
    lines = told(flex)["alarm"].lines
    assert len(lines) == 3
    assert lines[1].startswith("20-Nov-2026 11:00 to 18-Feb-2027")
    assert lines[1].endswith(": flex, 400.38 mcg/day, step by step = 18 mL")


def test_the_longest_interval_is_marked_where_it_counts() -> None:
    found = told(program(), settings=Settings(DENVER, max_interval_days=30))["due"]
    assert found.lines[2] == (
        "20-Dec-2026: the clinic's longest interval ← the earliest, so it counts"
    )


def test_days_are_the_clinics_where_it_is_already_the_next_one_in_utc() -> None:
    """05:00 UTC is still the day before in Denver."""
    night = AT.replace(hour=5)
    found = told(program(at=night), fill=replace(FILL, at=night))
    assert found["alarm"].result == "17-Feb-2027"
    assert "still the day before" not in found["alarm"].lines[-1]
    assert "not set before" not in found["due"].lines[-1]
    few = told(program(at=night), fill=replace(FILL, at=night, volume_ml=Decimal(2)))
    assert few["due"].lines[-1] == "It is not set before the day of the fill."
