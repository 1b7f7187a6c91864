"""Which slip explains a printed alarm date: each of them, and nothing that only looks alike."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from alarms.domain.projection import ProjectionInputs
from dosing.domain.programs import (
    WEEK,
    DayGroup,
    Flex,
    PeriodicBolus,
    Program,
    SimpleContinuous,
    Step,
    Stopped,
)
from refills.domain.reservoir import Fill
from visits.domain.printed import _is_typo, likely_causes, percent_of

from .test_visit_checks import AT, alarm, inputs_of, simple

UNIT = "A dose in mg taken as mcg, or the other way round: check the unit."
HOUR = "An hour's dose taken as a day's, or the other way round: check the dose."
DAY = timedelta(days=1)
FILL = Fill(AT, Decimal(20), Decimal(2000), 180)


@pytest.mark.parametrize(
    ("ours", "printed", "slip"),
    [
        ((2026, 11, 22), (2026, 11, 23), True),  # one digit
        ((2026, 11, 22), (2036, 11, 22), True),
        ((2026, 11, 22), (2026, 10, 22), True),
        ((2026, 11, 12), (2026, 11, 21), True),  # two neighbors swapped
        ((2026, 11, 22), (2062, 11, 22), True),
        ((2026, 11, 12), (2026, 11, 23), False),  # two neighbors wrong, not swapped
        ((2026, 11, 12), (2027, 11, 21), False),  # swapped, and a digit elsewhere
        ((2026, 11, 13), (2026, 11, 20), False),
        ((2026, 11, 12), (2026, 11, 20), False),
        ((2026, 1, 12), (2026, 1, 31), False),  # only one of the two stands where the other stood
        ((2026, 1, 31), (2026, 1, 12), False),
        ((2026, 10, 12), (2026, 12, 10), True),  # day and month swapped
        ((2026, 3, 4), (2026, 4, 3), True),
        ((2026, 3, 4), (2027, 4, 3), False),
        ((2026, 12, 1), (2026, 11, 2), False),  # swapped, but not neighbors
        ((2026, 11, 22), (2027, 12, 23), False),
        ((2026, 11, 22), (2027, 11, 23), False),
        ((2026, 11, 20), (2026, 12, 21), False),
    ],
)
def test_a_slip_of_the_pen_is_one_digit_or_two_swapped(
    ours: tuple[int, int, int], printed: tuple[int, int, int], slip: bool
) -> None:
    assert _is_typo(date(*ours), date(*printed)) is slip


def header(at: Any = AT) -> dict[str, Any]:
    return {
        "effective_at": at, "utc_offset_minutes": -420, "concentration_mcg_per_ml": Decimal(2000),
    }  # fmt: skip


def flex(factor: int = 1) -> Flex:
    steps = tuple(
        Step(start_minute=minute, dose_mcg=Decimal(dose) * factor)
        for minute, dose in ((0, 100), (720, 300))
    )
    return Flex(**header(), groups=(DayGroup(days=WEEK, steps=steps),))


def periodic(factor: int = 1) -> PeriodicBolus:
    return PeriodicBolus(
        **header(), basal_mcg_per_hour=Decimal(10) * factor, bolus_mcg=Decimal(40) * factor,
        bolus_minutes=5, interval_minutes=360, first_minute=0, basal_suspended=False,
    )  # fmt: skip


def inputs(program: Program, volume: str = "20") -> ProjectionInputs:
    return replace(inputs_of(volume, "400"), programs=[program])


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("make", [flex, periodic])
def test_an_hours_dose_for_a_days_is_found_in_every_mode_and_both_ways(make: Any, up: bool) -> None:
    one, other = inputs(make(1)), inputs(make(24))
    typed, meant = (one, other) if up else (other, one)
    causes = likely_causes(typed, alarm(typed), alarm(meant))
    assert causes[0] == HOUR
    assert UNIT not in causes


def test_a_program_that_names_no_concentration_is_held_against_the_drug_inside() -> None:
    plain = replace(simple("2400"), concentration_mcg_per_ml=None)
    typed = inputs(plain)
    printed = alarm(inputs(simple("100")))
    assert HOUR in likely_causes(typed, alarm(typed), printed)


def test_a_program_for_another_drug_than_the_one_inside_explains_nothing() -> None:
    typed = inputs(simple("2400", "500"))
    assert HOUR not in likely_causes(typed, None, alarm(inputs(simple("100"))))


def test_what_reproduces_the_date_comes_before_what_is_a_day_off() -> None:
    typed = inputs(simple("400"))
    told = alarm(inputs(simple("400"), "40"))
    text = "The programmer was told 40 mL in the reservoir, not 20 mL."
    for off in (-1, 0, 1):
        assert text in likely_causes(typed, None, told + off * DAY)
    for off in (-2, 2):
        assert text not in likely_causes(typed, None, told + off * DAY)
    # Of two causes a day apart the exact one is first.
    old = simple("190.4", at=AT - DAY)
    printed = alarm(inputs(old))
    assert printed == told - DAY
    until_now = "The printout is of the program until now, from before the change."
    assert likely_causes(typed, None, printed, old_program=old) == (until_now, text)


def test_no_cause_is_the_volume_or_the_drug_that_was_typed() -> None:
    typed = inputs(simple("400"))
    ours = alarm(typed)
    assert likely_causes(typed, None, ours, other_mcg_per_ml=[Decimal(2000)]) == ()
    forty = inputs(simple("400"), "40")
    assert likely_causes(forty, None, alarm(forty)) == ()


def test_without_a_fill_or_a_date_of_ours_there_is_nothing_to_explain() -> None:
    typed = inputs(simple("400"))
    nothing = replace(typed, fill=None)
    assert likely_causes(nothing, None, date(2027, 1, 1), old_program=simple("400")) == ()
    assert likely_causes(typed, None, date(2030, 1, 1)) == ()
    off = Stopped(**header())
    never = replace(inputs(off), fill=replace(FILL, stability_days=None))
    assert likely_causes(never, None, date(2027, 1, 1)) == ()
    assert likely_causes(inputs(off), None, date(2027, 1, 1), other_mcg_per_ml=[Decimal(500)]) == ()


def test_a_slip_is_named_only_where_the_date_looks_like_ours() -> None:
    typed = inputs(simple("400"))
    ours = alarm(typed)
    [slip] = likely_causes(typed, ours, ours.replace(year=ours.year + 1))
    assert slip.startswith("A slip in the date: ours is 18-Feb-2027, 18-Feb-2028 was typed.")
    assert likely_causes(typed, ours, date(2029, 7, 9)) == ()


@pytest.mark.parametrize(
    ("value", "said"),
    [("25", "+25 %"), ("0.5", "+0.5 %"), ("8.66", "+8.7 %"), ("0", "0 %"), ("-12", "−12 %")],
)
def test_a_change_is_said_with_its_sign(value: str, said: str) -> None:
    assert percent_of(Fraction(value)) == said


def test_a_simple_dose_is_scaled_too() -> None:
    typed = inputs(SimpleContinuous(**header(), daily_dose_mcg=Decimal(100)))
    assert HOUR in likely_causes(typed, None, alarm(inputs(simple("2400"))))
