"""The slow oracle reproduces the worked numbers of docs/calculations.md.

Without this an oracle and an implementation could agree on the same mistake.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from tests.oracles import slow_projection as oracle

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]


def a_case(**changes: Any) -> dict[str, Any]:
    case: dict[str, Any] = {
        "id": "worked",
        "timezone": "UTC",
        "refill_lead_days": 7,
        "window_days": 14,
        "max_interval_days": None,
        "pump": {
            "reservoir_ml": "20",
            "low_reservoir_alarm_ml": "2",
            "min_ml_per_day": "0.048",
            "max_ml_per_day": "24",
            "flow_accuracy_percent": "14.5",
            "allows_zero_flow": False,
        },
        "fill": {
            "at": "2025-01-15T10:00:00Z",
            "volume_ml": "20",
            "concentration_mcg_per_ml": "2000",
            "stability_days": None,
        },
        "programs": [simple("350", "2025-01-15T10:00:00Z")],
        "boluses": [],
        "residual_at": [],
    }
    return case | changes


def fill(**changes: Any) -> dict[str, Any]:
    return {**a_case()["fill"], **changes}


def simple(dose: str, at: str, offset: int = 0) -> dict[str, Any]:
    return {
        "effective_at": at,
        "mode": "simple_continuous",
        "utc_offset_minutes": offset,
        "daily_dose_mcg": dose,
    }


def flex(*groups: tuple[list[str], list[tuple[str, str]]]) -> dict[str, Any]:
    return {
        "effective_at": "2025-01-15T10:00:00Z",
        "mode": "flex",
        "utc_offset_minutes": 0,
        "groups": [
            {"days": days, "steps": [{"start": at, "dose_mcg": dose} for at, dose in steps]}
            for days, steps in groups
        ],
    }


def periodic(**changes: Any) -> dict[str, Any]:
    program = {
        "effective_at": "2025-01-15T10:00:00Z",
        "mode": "periodic_bolus",
        "utc_offset_minutes": 0,
        "basal_mcg_per_hour": "10",
        "bolus_mcg": "20",
        "bolus_minutes": 30,
        "interval_minutes": 360,
        "first_at": "05:45",
        "basal_suspended": False,
    }
    return program | changes


def test_the_first_worked_row() -> None:
    got = oracle.answer(a_case())
    assert got["alarm_at"] == "2025-04-28T06:34:17Z"
    assert got["alarm_date"] == "2025-04-28"
    assert got["refill_due_on"] == "2025-04-21"
    assert got["window_opens_on"] == "2025-04-07"
    assert got["empty_date"] == "2025-05-09"
    assert got["earliest_empty_date"] == "2025-04-25"
    assert got["may_be_empty_before_alarm"] is True
    assert got["may_be_empty_before_due"] is False
    assert got["binding_clock"] == "low_reservoir"


def test_the_second_worked_row_a_raised_dose() -> None:
    raised = simple("420", "2025-02-14T10:00:00Z")
    got = oracle.answer(a_case(programs=[*a_case()["programs"], raised]))
    assert got["alarm_at"] == "2025-04-16T03:08:34Z"


def test_the_third_worked_row_the_clinics_clock_goes_back() -> None:
    got = oracle.answer(
        a_case(
            timezone="America/Denver",
            fill=fill(at="2025-10-20T00:30:00-06:00"),
            programs=[simple("1800", "2025-10-20T00:30:00-06:00", offset=-360)],
        )
    )
    assert got["alarm_at"] == "2025-11-09T06:30:00Z"
    assert got["alarm_date"] == "2025-11-08"


def test_weekdays_and_weekends_are_not_a_weekly_mean() -> None:
    """20 mL at 500 mcg/mL, 400 mcg/day on weekdays and 100 at weekends."""
    program = flex((WEEKDAYS, [("00:00", "400")]), (["sat", "sun"], [("00:00", "100")]))
    got = oracle.answer(a_case(fill=fill(concentration_mcg_per_ml="500"), programs=[program]))
    assert got["alarm_at"] == "2025-02-12T22:00:00Z"
    assert got["alarm_date"] == "2025-02-12"
    assert Fraction(got["daily_dose_mcg"]) == 400
    assert Fraction(got["daily_dose_min_mcg"]) == 100


def test_published_vector_d31_weekdays_and_weekends() -> None:
    program = flex((WEEKDAYS, [("00:00", "300")]), (["sat", "sun"], [("00:00", "240")]))
    got = oracle.answer(a_case(programs=[program]))
    assert got["alarm_at"] == "2025-05-22T14:48:00Z"
    assert got["empty_at"] == "2025-06-05T18:00:00Z"


def test_published_vector_d32_steps_within_the_day() -> None:
    steps = [("00:00", "80"), ("08:00", "150"), ("20:00", "70")]
    got = oracle.answer(a_case(programs=[flex((oracle.DAYS, steps))]))
    assert got["alarm_at"] == "2025-05-15T10:00:00Z"


def test_the_pumps_week_begins_on_its_own_monday() -> None:
    for day in range(3000):
        moment = datetime(2024, 2, 25, 3, 17, tzinfo=UTC) + timedelta(days=day, minutes=day)
        for offset in (-720, -570, 0, 345, 840):
            pump = moment + timedelta(minutes=offset)
            expected = pump.weekday() * 1440 + pump.hour * 60 + pump.minute
            minute = int((moment - oracle.EPOCH) / timedelta(minutes=1))
            assert oracle.pump_clock_minute(minute, offset) == expected


@pytest.mark.parametrize(
    "program",
    [
        simple("350", "2025-01-15T10:00:00Z"),
        flex((oracle.DAYS[:6], [("00:00", "80"), ("23:59", "1")]), (["sun"], [("00:00", "7")])),
        periodic(),
        periodic(basal_suspended=True, first_at="00:00"),
        periodic(basal_suspended=True, interval_minutes=1440, bolus_minutes=1400),
        {"mode": "minimum_rate"},
        {"mode": "stopped"},
    ],
)
def test_the_minutes_of_a_week_add_up_to_its_daily_doses(program: dict[str, Any]) -> None:
    case = a_case()
    week = oracle.week_of(program, case)
    for day in range(7):
        levels = week.minutes[day * 1440 : (day + 1) * 1440]
        mcg = 2000 * sum(levels.count(n) * rate for n, rate in enumerate(week.rates))
        assert mcg in oracle.daily_doses(program, case)
    week_mcg = 2000 * sum(week.minutes.count(n) * rate for n, rate in enumerate(week.rates))
    doses = oracle.daily_doses(program, case)
    assert week_mcg == (6 * doses[0] + doses[1] if len(doses) == 2 else 7 * doses[0])


def test_a_periodic_bolus_crosses_midnight_also_from_sunday_to_monday() -> None:
    week = oracle.week_of(periodic(), a_case())
    running = [minute for minute, level in enumerate(week.minutes) if level == 1]
    assert len(running) == 7 * 4 * 30
    assert {0, 14, 10079, 10065} <= set(running)
    assert not {15, 10064} & set(running)


def test_a_fill_at_the_alarm_volume_alarms_at_once() -> None:
    got = oracle.answer(a_case(fill=fill(volume_ml="2", at="2025-01-15T10:00:59.9Z")))
    assert got["alarm_at"] == "2025-01-15T10:00:59Z"
    assert got["refill_due_on"] == got["window_opens_on"] == "2025-01-15"


def test_the_rest_of_a_bolus_begun_before_the_fill_counts() -> None:
    """40 of 60 minutes are left of a bolus of 1 mL; the program stands still."""
    programs = [simple("350", "2025-01-01T00:00:00Z") | {"mode": "stopped"}]
    bolus = {"at": "2025-01-15T09:40:00Z", "dose_mcg": "2000", "minutes": "60"}
    asked = ["2025-01-15T10:00:00Z", "2025-01-15T10:20:00Z", "2025-01-20T00:00:00Z"]
    got = oracle.answer(
        a_case(fill=fill(stability_days=180), programs=programs, boluses=[bolus], residual_at=asked)
    )
    expected = [Fraction(20), 20 - Fraction(1, 3), 20 - Fraction(2, 3)]
    for text, value in zip(got["residual_ml"], expected, strict=True):
        assert abs(Fraction(text) - value) < Fraction(1, 10**11)
    assert got["alarm_at"] is None
    assert got["earliest_empty_date"] is None
    assert got["refill_due_on"] == "2025-07-14"
    assert got["binding_clock"] == "drug_stability"
    assert got["may_be_empty_before_alarm"] is False


def test_a_bridge_replaces_the_program_while_it_runs() -> None:
    """2 mL a day: half a day of program, half a day of bridge at 1 mL a day, 17.5 mL are left."""
    bridge = {
        "at": "2025-01-15T22:00:00Z",
        "dose_mcg": "1000",
        "minutes": "720",
        "replaces_program": True,
    }
    programs = [simple("4000", "2025-01-15T10:00:00Z")]
    asked = ["2025-01-16T10:00:00Z"]
    got = oracle.answer(a_case(programs=programs, boluses=[bridge], residual_at=asked))
    assert Fraction(got["residual_ml"][0]) == Fraction(37, 2)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"fill": None, "programs": []}, "no_fill"),
        ({"as_of": "2025-01-15T09:59:59Z", "programs": []}, "fill_in_future"),
        ({"programs": [simple("350", "2025-01-15T10:00:01Z")]}, "no_program"),
        (
            {
                "programs": [
                    simple("350", "2025-01-15T10:00:00Z"),
                    simple("350", "2027-01-15T10:00:00Z") | {"concentration_mcg_per_ml": "500"},
                ]
            },
            "concentration_mismatch",
        ),
        ({"programs": [{**simple("0", "2025-01-15T10:00:00Z"), "mode": "stopped"}]}, "no_deadline"),
    ],
)
def test_unknown_and_why(changes: dict[str, Any], reason: str) -> None:
    got = oracle.answer(a_case(**changes))
    assert got == {"id": "worked", "status": "unknown", "reason": reason}


def test_of_two_programs_at_one_instant_only_the_last_listed_is_in_force() -> None:
    """At the fill the first does not count; later it does count as a mismatch, which warns."""
    weaker = {"concentration_mcg_per_ml": "500"}
    at, later = "2025-01-15T10:00:00Z", "2025-02-15T10:00:00Z"
    at_the_fill = [simple("70", at) | weaker, simple("350", at)]
    assert oracle.answer(a_case(programs=at_the_fill))["alarm_at"] == "2025-04-28T06:34:17Z"
    afterwards = [simple("350", at), simple("70", later) | weaker, simple("350", later)]
    assert oracle.answer(a_case(programs=afterwards))["reason"] == "concentration_mismatch"
