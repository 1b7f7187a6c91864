"""Every field of every valid case: the application's answer is the slow oracle's.

A failure ends with the smallest case as one line of JSON. ITB_HYPOTHESIS_PROFILE=long runs more.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from fractions import Fraction
from math import ceil, floor
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.oracles import slow_projection as oracle
from tests.oracles.projection_cases import Case, cases, fit_the_maximum
from tests.verification.support import DOSES, ask, changed, differences, examples, shown, times

pytestmark = pytest.mark.slow


@examples(150)
@given(case=cases())
def test_every_field_is_the_slow_oracles(case: Case) -> None:
    found = differences(oracle.answer(case), ask(case))
    assert not found, shown(case, found)


@examples(60)
@given(case=cases(unknowns=False))
def test_every_field_is_the_slow_oracles_where_it_is_known(case: Case) -> None:
    found = differences(oracle.answer(case), ask(case))
    assert not found, shown(case, found)


# --- aimed at the moments where a mistake would show -------------------------------------------


def midnights(case: Case, first: datetime, days: int) -> list[datetime]:
    """The next midnights of the clinic and of each pump clock, around which a date changes."""
    zones: list[tzinfo] = [ZoneInfo(case["timezone"])]
    for program in case["programs"]:
        zones.append(timezone(timedelta(minutes=program["utc_offset_minutes"])))
    found = []
    for zone in zones:
        day = first.astimezone(zone).date()
        for number in range(1, days):
            midnight = datetime.combine(day + timedelta(days=number), time(), zone)
            found.append(midnight.astimezone(UTC))
    return found


def bolus_length(minutes: int | str) -> timedelta:
    return timedelta(microseconds=int(Fraction(minutes) * 60_000_000))


def moments_worth_aiming_at(case: Case) -> list[datetime]:
    filled = datetime.fromisoformat(case["fill"]["at"]).astimezone(UTC)
    found = midnights(case, filled, 12)
    found += [datetime.fromisoformat(program["effective_at"]) for program in case["programs"]]
    for bolus in case["boluses"]:
        begins = datetime.fromisoformat(bolus["at"])
        found += [begins, begins + bolus_length(bolus["minutes"])]
    return sorted({moment.astimezone(UTC) for moment in found if moment > filled})


def ninefold(case: Case) -> Case:
    """A day has 9 x 160 minutes: with nine times the dose more volumes are plain decimals."""
    case = times(case, DOSES, 9)
    return dict(changed(case, {"concentration_mcg_per_ml"}, lambda _: "500"))


def aimed_at(case: Case, moment: datetime, data: st.DataObject) -> Case:
    """The same case with the alarm volume that is left then, or hardly more, or hardly less."""
    text = moment.isoformat()
    left = oracle.walk({**case, "residual_at": [text]}).residuals[0]
    assume(left > Fraction(1, 10**6))
    scaled = left * 10**15
    parts = data.draw(st.sampled_from([floor(scaled), ceil(scaled)]))
    whole, rest = divmod(parts, 10**15)
    pump = {**case["pump"], "low_reservoir_alarm_ml": f"{whole}.{rest:015d}"}
    return {**case, "pump": pump}


@examples(40)
@given(data=st.data(), case=cases(unknowns=False), nine=st.booleans())
def test_an_alarm_at_the_moment_of_a_change(data: st.DataObject, case: Case, nine: bool) -> None:
    """At midnight, at a program change, at the end of a bolus, or a hair before or after it."""
    if nine:
        case = ninefold(case)
        fit_the_maximum(case, exact=False)
    assume(oracle.unknown_reason(case) is None)
    moments = moments_worth_aiming_at(case)
    assume(moments)
    case = aimed_at(case, data.draw(st.sampled_from(moments)), data)
    found = differences(oracle.answer(case), ask(case))
    assert not found, shown(case, found)
