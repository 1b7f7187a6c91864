"""What a program must keep, each check by its field and code, on both sides of its edge."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from core.rules import Problem
from dosing.domain import checks
from dosing.domain.programs import (
    WEEK,
    DayGroup,
    Flex,
    MinimumRate,
    PeriodicBolus,
    Program,
    SimpleContinuous,
    Step,
    Stopped,
)
from pumps.domain.limits import PumpLimits

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
HEADER: dict[str, Any] = {"effective_at": AT, "utc_offset_minutes": -420}
PUMP = PumpLimits(
    reservoir_ml=Decimal(20), low_reservoir_alarm_ml=Decimal(2), min_ml_per_day=Decimal("0.05"),
    max_ml_per_day=Decimal(1), flow_accuracy_percent=Decimal("14.5"), allows_zero_flow=False,
    max_steps=3,
)  # fmt: skip
ML = Decimal(1000)  # mcg: with this drug a mcg is a microliter


def codes(found: Sequence[Problem]) -> list[tuple[str, str]]:
    return [(one.field, one.code) for one in found]


def wrong(program: Program, drug: Decimal | None = ML) -> list[tuple[str, str]]:
    return codes(checks.program_problems(program, PUMP, drug))


def simple(dose: str, drug: Decimal | None = None) -> SimpleContinuous:
    return SimpleContinuous(
        **HEADER, daily_dose_mcg=Decimal(dose), concentration_mcg_per_ml=drug
    )  # fmt: skip


def flex(*steps: tuple[int, str], days: tuple[str, ...] = WEEK) -> Flex:
    listed = tuple(Step(start_minute=at, dose_mcg=Decimal(dose)) for at, dose in steps)
    return Flex(**HEADER, groups=(DayGroup(days=days, steps=listed),))


def periodic(**changed: Any) -> PeriodicBolus:
    values: dict[str, Any] = {
        "basal_mcg_per_hour": Decimal(5), "bolus_mcg": Decimal(20), "bolus_minutes": 60,
        "interval_minutes": 360, "first_minute": 0, "basal_suspended": False,
    }  # fmt: skip
    return PeriodicBolus(**HEADER, **{**values, **changed})


@pytest.mark.parametrize(
    ("dose", "code"),
    [
        ("50", ""), ("49.999", "flow_below_minimum"), ("1000", ""),
        ("1000.001", "flow_above_maximum"), ("0", "flow_below_minimum"), ("-0.001", "not_positive"),
    ],
)  # fmt: skip
def test_an_even_dose_runs_between_the_least_and_the_most_flow(dose: str, code: str) -> None:
    assert wrong(simple(dose)) == [("daily_dose_mcg", code)] * bool(code)


def test_the_drug_that_the_program_names_decides_its_flow() -> None:
    assert wrong(simple("50", Decimal(2000))) == [("daily_dose_mcg", "flow_below_minimum")]
    assert wrong(simple("2000", Decimal(2000))) == []
    # Nothing is known of the flow without a drug; what is no dose at all is still refused.
    assert wrong(simple("9999"), None) == []
    assert wrong(simple("-1"), None) == [("daily_dose_mcg", "not_positive")]


def test_a_step_runs_at_its_dose_over_its_own_hours() -> None:
    def said(*steps: tuple[int, str]) -> list[tuple[str, str]]:
        return [(field.removeprefix("groups[0]."), code) for field, code in wrong(flex(*steps))]

    # Six hours and eighteen; a quarter of the least and of the most flow.
    assert said((0, "12.5"), (360, "37.5")) == []
    assert said((0, "12.499"), (360, "37.499")) == [
        ("steps[0].dose_mcg", "flow_below_minimum"),
        ("steps[1].dose_mcg", "flow_below_minimum"),
    ]
    assert said((0, "250"), (360, "750")) == []
    assert said((0, "250.001"), (360, "750.001")) == [
        ("steps[0].dose_mcg", "flow_above_maximum"),
        ("steps[1].dose_mcg", "flow_above_maximum"),
    ]
    assert said((0, "-1"), (360, "0")) == [
        ("steps[0].dose_mcg", "not_positive"),
        ("steps[1].dose_mcg", "flow_below_minimum"),
    ]
    allowed = replace(PUMP, allows_zero_flow=True)
    zero = flex((0, "0"), (360, "400"))
    assert checks.program_problems(zero, allowed, ML) == []
    assert wrong(flex((0, "0"), (360, "9999")), None) == []


def test_steps_out_of_order_are_refused_without_a_flow_made_of_them() -> None:
    assert wrong(flex((0, "100"), (720, "1"), (720, "1"))) == [
        ("groups[0].steps", "flex_steps_unordered")
    ]
    assert wrong(flex((0, "100"), (720, "1"), (360, "-1"))) == [
        ("groups[0].steps", "flex_steps_unordered"),
        ("groups[0].steps[2].dose_mcg", "not_positive"),
    ]
    assert wrong(flex((1, "400"))) == [("groups[0].steps", "flex_not_from_midnight")]
    assert codes(list(checks.starts_problems("here", [], 3))) == [
        ("here.steps", "flex_not_from_midnight")
    ]
    assert codes(list(checks.starts_problems("here", [0, 1, 2], 3))) == []
    assert codes(list(checks.starts_problems("here", [0, 1, 2, 3], 3))) == [
        ("here.steps", "too_many_steps")
    ]


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ((WEEK,), ""),
        ((WEEK[:5], WEEK[5:]), ""),
        ((WEEK[:6],), "missing: sun"),
        ((WEEK, ("mon",)), "twice: mon"),
        ((WEEK, ("day",)), "unknown: day"),
        ((("tue", *WEEK[:6], "mon"), ("day",)), "unknown: day; missing: sun; twice: mon, tue"),
    ],
)
def test_every_day_of_the_week_is_in_exactly_one_group(
    groups: tuple[tuple[str, ...], ...], said: str
) -> None:
    found = list(checks.days_problems(groups))
    assert codes(found) == [("groups", "flex_days_incomplete")] * bool(said)
    assert all(f"({said})" in one.message for one in found)
    if len(groups) == 1:
        assert ("groups", "flex_days_incomplete") in wrong(
            flex((0, "400"), days=groups[0])
        ) or not said


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, []),
        ({"basal_mcg_per_hour": Decimal(-1)}, [("basal_mcg_per_hour", "not_positive")]),
        ({"basal_mcg_per_hour": Decimal(0)}, [("basal_mcg_per_hour", "flow_below_minimum")]),
        ({"basal_mcg_per_hour": Decimal(2)}, [("basal_mcg_per_hour", "flow_below_minimum")]),
        ({"basal_mcg_per_hour": Decimal(42)}, [("basal_mcg_per_hour", "flow_above_maximum"),
                                               ("bolus_mcg", "flow_above_maximum")]),
        ({"bolus_mcg": Decimal("0.001")}, []),
        ({"bolus_mcg": Decimal(0)}, [("bolus_mcg", "not_positive")]),
        # 5 mcg an hour are 0.12 mL a day; 0.88 are left for the bolus.
        ({"bolus_mcg": Decimal("36.666")}, []),
        ({"bolus_mcg": Decimal("36.7")}, [("bolus_mcg", "flow_above_maximum")]),
        ({"bolus_mcg": Decimal("36.7"), "basal_suspended": True}, []),
        ({"bolus_mcg": Decimal("41.7"), "basal_suspended": True},
         [("bolus_mcg", "flow_above_maximum")]),
        ({"interval_minutes": 0, "first_minute": 5}, [("interval_minutes", "bad_interval")]),
        ({"interval_minutes": -60}, [("interval_minutes", "bad_interval")]),
        ({"interval_minutes": 420}, [("interval_minutes", "bad_interval")]),
        ({"interval_minutes": 1, "bolus_minutes": 1, "bolus_mcg": Decimal("0.5")}, []),
        ({"bolus_minutes": 0}, [("bolus_minutes", "not_positive")]),
        ({"bolus_minutes": 1, "bolus_mcg": Decimal("0.5")}, []),
        ({"bolus_minutes": 360}, []),
        ({"bolus_minutes": 361}, [("bolus_minutes", "bad_interval")]),
        ({"first_minute": 359}, []),
        ({"first_minute": 360}, [("first_at", "bad_interval")]),
    ],
)  # fmt: skip
def test_periodic_boluses_fit_the_day_the_interval_and_the_pump(
    changed: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    assert wrong(periodic(**changed)) == found
    if "flow" not in str(found):
        assert wrong(periodic(**changed), None) == found


def test_a_pump_that_is_stopped_or_at_its_lowest_flow_keeps_everything() -> None:
    assert wrong(Stopped(**HEADER)) == wrong(MinimumRate(**HEADER)) == []


def test_no_flow_is_said_to_be_none_and_is_not_also_below_the_minimum() -> None:
    [problem] = checks.flow_problems("dose", Fraction(0), PUMP)
    assert "no flow at all" in problem.message
    assert (
        list(checks.flow_problems("dose", Fraction(0), replace(PUMP, allows_zero_flow=True))) == []
    )
    [problem] = checks.flow_problems("dose", Fraction("0.0123456"), PUMP)
    assert "0.01235 mL/day, below the pump's minimum of 0.05 mL/day" in problem.message
    [problem] = checks.maximum_problems("dose", Fraction("1.0123456"), PUMP)
    assert "1.01235 mL/day, above the pump's maximum of 1 mL/day" in problem.message


def test_a_days_dose_is_between_ten_and_three_thousand_mcg() -> None:
    assert checks.day_total_problem("dose", "This", Decimal(10)) is None
    assert checks.day_total_problem("dose", "This", Decimal(3000)) is None
    for outside in ("9.999", "3000.001"):
        found = checks.day_total_problem("dose", "This", Decimal(outside))
        assert found is not None
        assert (found.field, found.code) == ("dose", "dose_out_of_range")


def test_a_concentration_is_between_fifty_and_five_thousand_mcg_per_ml() -> None:
    assert checks.concentration_problem("drug", "This", Decimal(50)) is None
    assert checks.concentration_problem("drug", "This", Decimal(5000)) is None
    for outside in ("49.999", "5000.001"):
        found = checks.concentration_problem("drug", "This", Decimal(outside))
        assert found is not None
        assert (found.field, found.code) == ("drug", "concentration_out_of_range")


def test_each_kind_of_day_is_held_against_what_anybody_gets() -> None:
    def totals(program: Program) -> list[tuple[str, str]]:
        found = list(checks.day_total_problems(program))
        assert {one.code for one in found} <= {"dose_out_of_range"}
        return [(one.field, one.message.partition(" comes to ")[0]) for one in found]

    assert totals(simple("10")) == totals(simple("3000")) == []
    assert totals(simple("3000.5")) == [("daily_dose_mcg", "This")]
    few = DayGroup(days=WEEK[5:], steps=(Step(start_minute=0, dose_mcg=Decimal(4)),
                                         Step(start_minute=720, dose_mcg=Decimal(5))))  # fmt: skip
    two = replace(flex((0, "5"), (720, "5"), days=WEEK[:5]), groups=(
        *flex((0, "5"), (720, "5"), days=WEEK[:5]).groups, few,
    ))  # fmt: skip
    assert totals(two) == [("groups[1]", "Sat, Sun: the sum of the steps")]
    # 24 hours of basal and four boluses, whatever the drug.
    boluses = periodic(basal_mcg_per_hour=Decimal(5), bolus_mcg=Decimal(720))
    assert totals(boluses) == []
    assert totals(replace(boluses, bolus_mcg=Decimal(721))) == [("bolus_mcg", "This")]
    named = replace(boluses, concentration_mcg_per_ml=Decimal(500))
    assert totals(named) == []
    assert totals(replace(named, bolus_mcg=Decimal(721))) == [("bolus_mcg", "This")]
    assert totals(Stopped(**HEADER)) == totals(MinimumRate(**HEADER)) == []
