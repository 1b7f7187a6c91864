"""A change of drug or of dose in words: which bridge bolus, over how many hours, on which days."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dosing.domain.programs import WEEK, Bolus, DayGroup, Flex, Program, Step, Stopped
from refills.domain.reservoir import Fill
from visits.domain.concerns import concerns_of
from visits.domain.proposal import Concern, Proposed

from .test_visit_checks import AT, after, before, bridged, filled, inputs_of, on, simple

PATH: dict[str, Any] = {"path_ml": Decimal("0.45")}
WEAK = Fill(AT, Decimal(20), Decimal(500), 180)


def by_day(*doses: str) -> Flex:
    """One dose for each day of the week."""
    groups = tuple(
        DayGroup(days=(day,), steps=(Step(start_minute=0, dose_mcg=Decimal(dose)),))
        for day, dose in zip(WEEK, doses, strict=True)
    )
    return Flex(effective_at=AT - timedelta(days=30), utc_offset_minutes=-420, groups=groups)


def changed(program: Program | None, **more: Any) -> tuple[Concern, ...]:
    """A refill with the weaker drug; the program is the one until now."""
    proposed = Proposed(at=AT, fill=WEAK, program=simple("400", "500"), **more)
    found = concerns_of(before(program=program, **PATH), proposed, None)
    return tuple(one for one in found if one.code != "dose_change")


@pytest.mark.parametrize(
    ("doses", "hours"),
    [
        (("400",) * 7, "54"),
        (("400", "200", "800", "300", "300", "300", "300"), "27 to 54 to 72 to 108"),
        (("1",) * 7, "21,600"),
        (("0.5",) * 7, "43,200"),
        (("333",) * 7, "64.9"),
    ],
)
def test_the_hours_of_a_bridge_bolus_are_said_from_the_shortest(
    doses: tuple[str, ...], hours: str
) -> None:
    [found] = changed(by_day(*doses))
    assert f"would be 225 mcg of the new drug over {hours} h." in found.text


def test_the_dose_of_a_bridge_bolus_is_said_to_a_tenth() -> None:
    proposed = Proposed(at=AT, fill=WEAK, program=simple("400", "500"))
    situation = before(path_ml=Decimal("0.12345"))
    [found] = concerns_of(situation, proposed, None)
    assert "A bridge bolus would be 61.7 mcg of the new drug over 14.8 h." in found.text


def test_no_bridge_is_computed_from_a_day_without_a_dose() -> None:
    idle = "of the old drug, and the old program gives nothing."
    off = Stopped(effective_at=AT - timedelta(days=30), utc_offset_minutes=-420)
    for program in (off, by_day("400", "400", "400", "400", "400", "400", "0")):
        [found] = changed(program)
        assert idle in found.text
    [found] = changed(None)
    assert "holds 0.45 mL of the old drug. Write down" in found.text


def test_a_typed_bridge_bolus_is_not_held_against_one_that_cannot_be_computed() -> None:
    bridge = bridged("225", "54").bridge
    for program in (None, by_day("400", "400", "400", "400", "400", "400", "0")):
        assert [one.code for one in changed(program, bridge=bridge)] == ["concentration_change"]


def test_the_bridge_bolus_that_was_typed_is_said_as_it_was() -> None:
    bridge = Bolus(at=AT, dose_mcg=Decimal("300.25"), minutes=Decimal(3250), replaces_program=True)
    _, found = changed(simple("400"), bridge=bridge)
    assert found.title == (
        "The bridge bolus is 300.25 mcg over 54.2 h, "
        "ours would be 225 mcg of the new drug over 54 h"
    )


@pytest.mark.parametrize(("hours", "differs"), [("48.6", False), ("48.5", True), ("59.4", False)])
def test_a_tenth_less_or_more_of_the_time_is_allowed(hours: str, differs: bool) -> None:
    found = concerns_of(before(**PATH), bridged("225", hours), None)
    assert ("bridge_differs" in [one.code for one in found]) is differs


def test_a_change_of_some_days_names_them() -> None:
    week = ["400"] * 7
    few = by_day(*week[:5], "600", "300")
    [found] = concerns_of(before(), Proposed(at=AT, program=few), None)
    assert found.title == "The dose changes by +50 % on Sat; −25 % on Sun"
    [found] = concerns_of(before(), Proposed(at=AT, program=simple("600")), None)
    assert found.title == "The dose changes by +50 %"


def test_a_shown_volume_counts_only_after_a_refill() -> None:
    shown = replace(filled("20", shown="40"), fill=None)
    assert concerns_of(before(), shown, None) == ()


def test_a_printed_date_is_held_against_no_alarm_at_all() -> None:
    printed = replace(filled("20"), printed_alarm_date=on(40))
    dates = replace(after("20"), alarm_date=None)
    asked: dict[str, Any] = {"inputs": inputs_of("20", "400"), "printed_differs": True}
    [found] = concerns_of(before(), printed, dates, **asked)
    assert found.title.endswith("ours is no alarm at all")
    assert found.text.endswith("No common slip gives the printed date.")
    assert found.causes == ()
    slip = replace(printed, printed_alarm_date=on(90).replace(year=2028))
    [found] = concerns_of(before(), slip, after("20"), **asked)
    assert "No common slip" not in found.text
    assert len(found.causes) == 1


def test_the_next_refill_is_counted_from_the_clinics_day() -> None:
    """05:00 UTC is still the day before in Denver."""
    night = AT.replace(hour=5)
    refill = replace(filled("20"), at=night)
    dates = replace(
        after("20"), window_opens_on=on(0), refill_due_on=on(0), earliest_empty_date=on(0)
    )
    assert concerns_of(before(), refill, dates) == ()
    open_now = replace(dates, window_opens_on=on(-1))
    found = concerns_of(before(), refill, open_now)
    assert [one.code for one in found] == ["due_again", "may_be_empty_before_alarm"]
    assert found[0].title.endswith("in 1 day")
    assert not found[0].urgent
