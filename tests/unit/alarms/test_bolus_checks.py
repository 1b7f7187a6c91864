"""A bolus on top of its program keeps the pump's maximum: to the mcg and to the instant."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from alarms.domain.bolus_checks import bolus_problems
from dosing.domain.programs import WEEK, Bolus, DayGroup, Flex, Program, Step

from .test_projection_at_its_edges import AT, DAY, PUMP, program

LIMITS = replace(PUMP, max_ml_per_day=Decimal(1))
ML = Decimal(1000)  # mcg: with this drug a mcg is a microliter
MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
BASE = program("400")  # 0.4 mL a day: 25 mcg an hour are left for boluses


def bolus(dose: str, begins: timedelta = timedelta(), minutes: int = 60, **more: Any) -> Bolus:
    return Bolus(at=AT + begins, dose_mcg=Decimal(dose), minutes=Decimal(minutes), **more)


def fast(*boluses: Bolus, programs: tuple[Program, ...] = (BASE,)) -> list[str]:
    found = list(bolus_problems(boluses, programs, LIMITS, ML))
    assert {one.code for one in found} <= {"flow_above_maximum"}
    return [one.field for one in found]


FIRST, SECOND = "boluses[0].dose_mcg", "boluses[1].dose_mcg"


def test_a_bolus_may_run_at_the_maximum_and_no_faster() -> None:
    assert fast(bolus("25")) == []
    assert fast(bolus("25.001")) == [FIRST]
    assert fast() == []


def test_a_bolus_that_replaces_the_program_has_the_whole_flow_for_itself() -> None:
    assert fast(bolus("41.6", replaces_program=True)) == []
    assert fast(bolus("41.7", replaces_program=True)) == [FIRST]


def test_boluses_that_overlap_add_up_and_those_that_follow_do_not() -> None:
    assert fast(bolus("13"), bolus("13", HOUR)) == []
    assert fast(bolus("13"), bolus("13", HOUR - MICROSECOND)) == [FIRST, SECOND]
    assert fast(bolus("13"), bolus("12")) == []
    # One replaces the program for both: 400 mcg a day more are free.
    assert fast(bolus("25", replaces_program=True), bolus("16")) == []
    assert fast(bolus("25", replaces_program=True), bolus("17")) == [FIRST, SECOND]
    # As long as it runs, and no longer.
    half = bolus("12", minutes=30, replaces_program=True)
    assert fast(half, bolus("26", HOUR / 2)) == [SECOND]


def test_only_the_bolus_that_runs_too_fast_is_named() -> None:
    assert fast(bolus("30"), bolus("20", 2 * HOUR)) == [FIRST]
    assert fast(bolus("20"), bolus("30", 2 * HOUR)) == [SECOND]
    assert fast(bolus("20", 2 * HOUR), bolus("30")) == [SECOND]
    assert fast(bolus("20"), bolus("30", HOUR)) == [SECOND]


def test_each_bolus_is_held_against_the_program_of_its_time() -> None:
    more = program("800", AT + DAY)
    programs = (more, BASE)  # the order of the list says nothing
    assert fast(bolus("25", DAY - HOUR), programs=programs) == []
    assert fast(bolus("8", DAY), programs=programs) == []
    assert fast(bolus("9", DAY), programs=programs) == [FIRST]
    assert fast(bolus("25", DAY - HOUR / 2), programs=programs) == [FIRST]
    # Before the first program nothing else runs.
    assert fast(bolus("41", -2 * HOUR), programs=programs) == []
    assert fast(bolus("42", -2 * HOUR), programs=programs) == [FIRST]


def test_the_programs_highest_step_during_the_bolus_counts() -> None:
    """In Denver it is 11:00; from noon 0.6 mL a day run, until then 0.2."""
    steps = tuple(
        Step(start_minute=minute, dose_mcg=Decimal(dose)) for minute, dose in ((0, 100), (720, 300))
    )
    flex = Flex(
        effective_at=AT - DAY, utc_offset_minutes=-420,
        groups=(DayGroup(days=WEEK, steps=steps),),
    )  # fmt: skip
    assert fast(bolus("33"), programs=(flex,)) == []
    assert fast(bolus("34"), programs=(flex,)) == [FIRST]
    assert fast(bolus("17", HOUR - MICROSECOND), programs=(flex,)) == [FIRST]
    assert fast(bolus("16.6", HOUR), programs=(flex,)) == []
    assert fast(bolus("16.7", HOUR), programs=(flex,)) == [FIRST]
    # A bolus of days meets every step; the maximum is in the middle.
    assert fast(bolus("960", minutes=3 * 1440), programs=(flex,)) == []
    assert fast(bolus("1300", minutes=3 * 1440), programs=(flex,)) == [FIRST]


def test_what_it_would_run_at_is_said() -> None:
    [problem] = bolus_problems([bolus("50")], [BASE], LIMITS, ML)
    assert "This would run at 1.6 mL/day" in problem.message


def test_a_bolus_is_of_the_drug_that_was_filled() -> None:
    assert list(bolus_problems([bolus("50")], [BASE], LIMITS, Decimal(2000))) == []
