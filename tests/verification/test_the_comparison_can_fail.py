"""The drawn cases are good enough: each of these likely mistakes would have been found.

Each mistake is planted into the oracle, which then is compared with itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from fractions import Fraction
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given

from tests.examples import examples
from tests.oracles import slow_projection as oracle
from tests.oracles.projection_cases import Case, cases
from tests.verification.support import differences

right_week_of = oracle.week_of
right_boluses = oracle.boluses
right_clocks = oracle.clocks


def weekly_mean(program: oracle.Program, case: Case) -> oracle.Week:
    week = right_week_of(program, case)
    total = sum((week.minutes.count(n) * rate for n, rate in enumerate(week.rates)), Fraction(0))
    return oracle.Week([total / len(week.minutes)], [0] * len(week.minutes))


def steps_on_top_of_nothing(program: oracle.Program, case: Case) -> oracle.Week:
    """The last step of the day ends an hour early."""
    week = right_week_of(program, case)
    if program["mode"] == "flex":
        week.rates.append(Fraction(0))
        for day, minute in itertools.product(range(7), range(1380, 1440)):
            week.minutes[day * 1440 + minute] = len(week.rates) - 1
    return week


def cut_at_midnight(program: oracle.Program, case: Case) -> oracle.Week:
    week = right_week_of(program, case)
    if program["mode"] == "periodic_bolus":
        first = oracle.minute_of_day(program["first_at"])
        for day, minute in itertools.product(range(7), range(first)):
            begun = minute - first + int(program["interval_minutes"])
            if begun < int(program["bolus_minutes"]):
                week.minutes[day * 1440 + minute] = 0
    return week


def sunday_first(minute: int, utc_offset_minutes: int) -> int:
    return (4 * 1440 + minute + utc_offset_minutes) % (7 * 1440)


def steps_in_utc(minute: int, utc_offset_minutes: int) -> int:
    return (3 * 1440 + minute) % (7 * 1440)


def first_listed(case: Case, moment: Fraction) -> oracle.Program | None:
    known = [p for p in case["programs"] if oracle.instant(p["effective_at"]) <= moment]
    return max(known, key=lambda p: oracle.instant(p["effective_at"]), default=None)


def boluses_from_the_fill(case: Case) -> list[oracle.Bolus]:
    fill_at = oracle.instant(case["fill"]["at"])
    return [bolus for bolus in right_boluses(case) if bolus.begins >= fill_at]


def whole_boluses_after_the_fill(case: Case) -> list[oracle.Bolus]:
    """The whole dose of a bolus that began before the fill, in the minutes that are left."""
    fill_at = oracle.instant(case["fill"]["at"])
    found = right_boluses(case)
    for bolus in found:
        if bolus.begins < fill_at < bolus.ends:
            volume = bolus.ml_per_minute * (bolus.ends - bolus.begins)
            bolus.begins, bolus.ml_per_minute = fill_at, volume / (bolus.ends - fill_at)
    return found


def nothing_is_replaced(case: Case) -> list[oracle.Bolus]:
    found = right_boluses(case)
    for bolus in found:
        bolus.replaces_program = False
    return found


def nearest_second(moment: Fraction) -> datetime:
    return oracle.EPOCH + (round(moment * 60) * (oracle.EPOCH.resolution * 1_000_000))


def alarm_without_lead(case: Case, alarm_date: Any) -> list[tuple[Any, str]]:
    return right_clocks({**case, "refill_lead_days": 0}, alarm_date)


def last_clock_of_a_tie(case: Case, alarm_date: Any) -> list[tuple[Any, str]]:
    return right_clocks(case, alarm_date)[::-1]


def fill_date_of_the_pump(case: Case) -> Any:
    return oracle.pump_clock_date(case, oracle.instant(case["fill"]["at"]))


MISTAKES: list[tuple[str, Callable[..., Any]]] = [
    ("week_of", weekly_mean),
    ("week_of", steps_on_top_of_nothing),
    ("week_of", cut_at_midnight),
    ("pump_clock_minute", sunday_first),
    ("pump_clock_minute", steps_in_utc),
    ("program_in_force", first_listed),
    ("boluses", boluses_from_the_fill),
    ("boluses", whole_boluses_after_the_fill),
    ("boluses", nothing_is_replaced),
    ("utc_second", nearest_second),
    ("pump_clock_date", oracle.clinic_date),
    ("clinic_date", oracle.pump_clock_date),
    ("fill_date", fill_date_of_the_pump),
    ("clocks", alarm_without_lead),
    ("clocks", last_clock_of_a_tie),
]


@contextmanager
def planted(place: str, mistake: Callable[..., Any]) -> Iterator[None]:
    with patch.object(oracle, place, mistake):
        yield


# The drug's last day is the day that the alarm asks for: 15-Jan-2025 + 96 days = 28-Apr − 7 days.
TIE: Case = {
    "id": "tie",
    "timezone": "UTC",
    "refill_lead_days": 7,
    "window_days": 14,
    "max_interval_days": None,
    "pump": {
        "reservoir_ml": "20", "low_reservoir_alarm_ml": "2", "min_ml_per_day": "0.048",
        "max_ml_per_day": "24", "flow_accuracy_percent": "14.5", "allows_zero_flow": False,
    },
    "fill": {
        "at": "2025-01-15T10:00:00Z", "volume_ml": "20", "concentration_mcg_per_ml": "2000",
        "stability_days": 96, "use_by": None,
    },
    "programs": [{
        "effective_at": "2025-01-15T10:00:00Z", "utc_offset_minutes": 0,
        "mode": "simple_continuous", "daily_dose_mcg": "350", "concentration_mcg_per_ml": None,
    }],
    "boluses": [],
    "residual_at": [],
}  # fmt: skip


@pytest.mark.slow
def test_each_likely_mistake_is_found() -> None:
    unseen = list(MISTAKES)

    @examples(100)
    @example(case=TIE)  # random cases seldom have one
    @given(case=cases(unknowns=False))
    def look(case: Case) -> None:
        expected = oracle.answer(case) if unseen else {}
        for place, mistake in list(unseen):
            with planted(place, mistake):
                answer = oracle.answer(case)
            if differences(expected, answer):
                unseen.remove((place, mistake))

    look()
    assert not unseen
