"""The thresholds of docs/algorithms/visit-checks.md, exactly at their edges."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alarms.domain.deadlines import Deadlines
from alarms.domain.projection import Known, ProjectionInputs, Settings, project
from dosing.domain.checks import program_problems
from dosing.domain.programs import (
    WEEK,
    Bolus,
    DayGroup,
    Flex,
    SimpleContinuous,
    Step,
    Stopped,
)
from pumps.domain.limits import PumpLimits
from refills.domain.reservoir import Fill
from visits.domain.concerns import concerns_of
from visits.domain.printed import likely_causes
from visits.domain.proposal import Before, Concern, Proposed
from visits.domain.stops import hard_stops

AT = datetime(2026, 11, 20, 18, tzinfo=UTC)
DENVER = ZoneInfo("America/Denver")


def limits(reservoir: str) -> PumpLimits:
    return PumpLimits(
        reservoir_ml=Decimal(reservoir), low_reservoir_alarm_ml=Decimal(2),
        min_ml_per_day=Decimal("0.048"), max_ml_per_day=Decimal(24),
        flow_accuracy_percent=Decimal("14.5"),
    )  # fmt: skip


def simple(dose: str, concentration: str = "2000", at: datetime = AT) -> SimpleContinuous:
    return SimpleContinuous(
        effective_at=at, utc_offset_minutes=-420,
        concentration_mcg_per_ml=Decimal(concentration), daily_dose_mcg=Decimal(dose),
    )  # fmt: skip


def before(expected: str = "10", filled: str = "20", reservoir: str = "20", **more: Any) -> Before:
    values: dict[str, Any] = {
        "limits": limits(reservoir),
        "zone": DENVER,
        "fill": Fill(AT - timedelta(days=30), Decimal(filled), Decimal(2000)),
        "expected_ml": Fraction(expected),
        "program": simple("400", at=AT - timedelta(days=30)),
    }
    return Before(**{**values, **more})


def codes(situation: Before, proposed: Proposed) -> list[str]:
    return [concern.code for concern in concerns_of(situation, proposed, None)]


@pytest.mark.parametrize(
    ("dose", "warned"),
    [("480", False), ("480.0001", True), ("484", True), ("320", False), ("319.9999", True)],
)
def test_twenty_percent_is_allowed_and_no_more(dose: str, warned: bool) -> None:
    assert codes(before(), Proposed(at=AT, program=simple(dose))) == ["dose_change"] * warned


@pytest.mark.parametrize(
    ("expected", "aspirated", "filled", "reservoir", "code"),
    [
        ("10", "11", "20", "20", ""),
        ("10", "9", "20", "20", ""),
        ("10", "11.001", "20", "20", "aspirated_review"),
        ("10", "8.999", "20", "20", "aspirated_review"),
        ("4", "6", "20", "20", "aspirated_review"),
        ("4", "6.001", "20", "20", "aspirated_alert"),
        ("20", "22", "40", "40", ""),
        ("20", "22.001", "40", "40", "aspirated_alert"),
        ("16", "16.58", "20", "20", ""),  # 14.5 % of 4 mL
        ("16", "16.581", "20", "20", "aspirated_alert"),
        ("16.001", "16.9", "20", "20", ""),  # too little programmed for a ratio
        ("17", "19", "20", "20", "aspirated_nothing_used"),
        ("19", "19.5", "20", "20", ""),
        ("14", "0", "20", "20", "aspirated_alert"),
    ],
)
def test_aspirated_against_expected(
    expected: str, aspirated: str, filled: str, reservoir: str, code: str
) -> None:
    proposed = Proposed(at=AT, aspirated_ml=Decimal(aspirated))
    assert codes(before(expected, filled, reservoir), proposed) == [code] * bool(code)


def test_a_concentration_change_shows_the_bridge_or_says_what_is_missing() -> None:
    fill = Fill(AT, Decimal(20), Decimal(500), 180)
    proposed = Proposed(at=AT, fill=fill, program=simple("400", "500"))
    [with_path] = concerns_of(before(path_ml=Decimal("0.45")), proposed, None)
    # 0.45 mL × 500 mcg per mL, at 0.2 mL/day
    assert "225 mcg of the new drug over 54 h" in with_path.text
    [without] = concerns_of(before(), proposed, None)
    assert "No catheter is recorded" in without.text


def bridged(dose: str, hours: str, *, per_ml: str = "500") -> Proposed:
    bolus = Bolus(at=AT, dose_mcg=Decimal(dose), minutes=Decimal(hours) * 60, replaces_program=True)
    fill = Fill(AT, Decimal(20), Decimal(per_ml), 180)
    return Proposed(at=AT, fill=fill, program=simple("400", per_ml), bridge=bolus)


@pytest.mark.parametrize(
    ("dose", "hours", "differs"),
    [
        ("225", "54", False),
        ("247.5", "54", False),  # a tenth
        ("247.6", "54", True),
        ("202.4", "54", True),
        ("225", "59.4", False),
        ("225", "59.5", True),
        ("225", "48.5", True),
    ],
)
def test_a_bridge_bolus_is_held_against_ours(dose: str, hours: str, differs: bool) -> None:
    found = concerns_of(before(path_ml=Decimal("0.45")), bridged(dose, hours), None)
    assert [c.code for c in found] == ["concentration_change"] + ["bridge_differs"] * differs
    assert "is counted in the dates" in found[0].text
    if differs:
        assert "ours would be 225 mcg of the new drug over 54 h" in found[1].title


def test_a_flex_day_bridges_between_its_slowest_and_its_fastest_dose() -> None:
    groups = tuple(
        DayGroup(days=days, steps=(Step(start_minute=0, dose_mcg=Decimal(dose)),))
        for days, dose in ((WEEK[:5], "400"), (WEEK[5:], "200"))
    )
    flex = Flex(
        effective_at=AT - timedelta(days=30), utc_offset_minutes=-420,
        concentration_mcg_per_ml=Decimal(2000), groups=groups,
    )  # fmt: skip
    situation = before(path_ml=Decimal("0.45"), program=flex)
    for hours, differs in (("54", False), ("80", False), ("108", False), ("130", True)):
        found = concerns_of(situation, bridged("225", hours), None)
        assert ("bridge_differs" in [c.code for c in found]) == differs
    assert "over 54 to 108 h" in found[0].text


def filled(volume: str, *, shown: str | None = None, dose: str = "400") -> Proposed:
    fill = Fill(AT, Decimal(volume), Decimal(2000), 180)
    return Proposed(
        at=AT, fill=fill, program=simple(dose),
        reservoir_volume_ml=Decimal(shown) if shown else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("shown", "differs"),
    [(None, False), ("20", False), ("19", False), ("21", False), ("18.9", True), ("40", True)],
)
def test_the_programmer_shows_what_was_filled(shown: str | None, differs: bool) -> None:
    assert codes(before(), filled("20", shown=shown)) == ["reservoir_volume"] * differs


@pytest.mark.parametrize(
    ("expires", "use_by", "said"),
    [
        (0, 0, []),  # the last good day is the visit's own
        (None, None, []),
        (-1, None, ["This drug expired on 19-Nov-2026, 1 day before the visit"]),
        (None, -3, ["The pharmacy's use-by date was 17-Nov-2026, 3 days before the visit"]),
        (-1, -1, ["This drug expired on 19-Nov-2026, 1 day before the visit",
                  "The pharmacy's use-by date was 19-Nov-2026, 1 day before the visit"]),
    ],
)  # fmt: skip
def test_expired_drug_is_loud_and_recordable(
    expires: int | None, use_by: int | None, said: list[str]
) -> None:
    fill = Fill(AT, Decimal(20), Decimal(2000), 180, on(use_by) if use_by is not None else None)
    proposed = Proposed(at=AT, fill=fill, expires_on=on(expires) if expires is not None else None)
    found = [c for c in concerns_of(before(), proposed, None) if c.code == "drug_expired"]
    assert [one.title for one in found] == said
    assert all(one.urgent for one in found)
    assert hard_stops(before(), proposed, AT) == []


def after(volume: str) -> Known:
    found = project(inputs_of(volume, "400"))
    assert isinstance(found, Known)
    return found


@pytest.mark.parametrize(
    ("volume", "warned"),
    [("20", []), ("6.4", []), ("6.2", ["due_again"]), ("6", ["due_again"]), ("2", ["due_again"])],
)  # fmt: skip
def test_a_fill_that_is_due_again_at_once_is_asked_about(volume: str, warned: list[str]) -> None:
    found = concerns_of(before(), filled(volume), after(volume))
    assert [concern.code for concern in found] == warned
    if volume == "6":
        assert found[0].title == "The next refill is due by 03-Dec-2026, in 13 days"
    if volume == "2":
        assert found[0].title == "The next refill is due at once"


@pytest.mark.parametrize(
    ("days", "warned"), [((), []), ((3,), ["booked_before_window"]), ((80,), []),
                         ((3, 80), ["booked_before_window"])]
)  # fmt: skip
def test_an_appointment_of_this_refill_does_not_stand_for_the_next(
    days: tuple[int, ...], warned: list[str]
) -> None:
    coming = tuple(AT + timedelta(days=number) for number in days)
    found = concerns_of(before(coming=coming), filled("20"), after("20"))
    assert [concern.code for concern in found] == warned


def late(situation: Before, proposed: Proposed, dates: Deadlines) -> list[Concern]:
    found = concerns_of(situation, proposed, after("20"), deadlines=dates)
    return [concern for concern in found if concern.code == "booked_late"]


def on(days: int) -> date:
    """The clinic's date so many days after the visit."""
    return AT.astimezone(DENVER).date() + timedelta(days=days)


# The refill date in 83 days, the alarm in 90; these may be moved.
DATES = Deadlines(opens=on(69), due=on(83), alarm=on(90), empty=on(100), may_be_empty=on(87))


@pytest.mark.parametrize(
    ("days", "changed", "title", "urgent"),
    [
        ((83,), {}, "", False),
        ((84,), {}, "Booked 12-Feb-2027 is 1 day after the new refill date 11-Feb-2027", False),
        ((86,), {}, "Booked 14-Feb-2027 is 3 days after the new refill date 11-Feb-2027", False),
        ((87,), {}, "Booked 15-Feb-2027 is 4 days after the new refill date 11-Feb-2027", True),
        # The earliest empty date comes before the refill date.
        ((79,), {"may_be_empty": on(80)}, "", False),
        ((80,), {"may_be_empty": on(80)},
         "Booked 08-Feb-2027, but the pump may be empty from 08-Feb-2027", True),
        ((75,), {"printed_alarm": on(75)},
         "Booked 03-Feb-2027, but the printed alarm date is 03-Feb-2027", True),
        ((80, 90), {}, "", False),  # one is in time
        ((), {}, "", False),
        ((0,), {"due": on(-3), "opens": on(-9)}, "", False),  # today: no day is earlier
        ((200,), {"due": None, "opens": None}, "", False),  # no date is known
    ],
)  # fmt: skip
@pytest.mark.parametrize("refilled", [True, False])
def test_an_appointment_that_the_new_dates_leave_behind_is_asked_about(
    days: tuple[int, ...], changed: dict[str, Any], title: str, urgent: bool, refilled: bool
) -> None:
    situation = before(coming=tuple(AT + timedelta(days=number) for number in days))
    proposed = filled("20") if refilled else Proposed(at=AT, program=simple("400"))
    found = late(situation, proposed, replace(DATES, **changed))
    assert [one.title for one in found] == [f"{title}: move it after saving"] * bool(title)
    assert [one.urgent for one in found] == [urgent] * bool(title)


def test_what_was_booked_for_this_refill_is_no_next_one() -> None:
    situation = before(coming=(AT + timedelta(days=3), AT + timedelta(days=90)))
    found = late(situation, filled("20"), DATES)
    assert [one.title[:18] for one in found] == ["Booked 18-Feb-2027"]
    assert "Its alarm comes on 18-Feb-2027" in found[0].text
    # With the dose alone, the one in three days is the refill.
    assert late(situation, Proposed(at=AT, program=simple("400")), DATES) == []


def stopped_by(situation: Before, proposed: Proposed) -> list[str]:
    return [problem.code for problem in hard_stops(situation, proposed, AT)]


def test_a_bridge_bolus_belongs_to_a_refill_with_another_concentration() -> None:
    assert stopped_by(before(), bridged("225", "54")) == []
    assert stopped_by(before(), bridged("225", "54", per_ml="2000")) == ["bridge_without_change"]
    alone = Proposed(at=AT, bridge=bridged("225", "54").bridge)
    assert stopped_by(before(), alone) == ["bridge_needs_refill"]
    assert stopped_by(before(), bridged("0", "0")) == ["not_positive", "bridge_too_long"]
    assert stopped_by(before(), bridged("225", "336")) == []
    assert stopped_by(before(), bridged("225", "336.1")) == ["bridge_too_long"]


def inputs_of(volume: str, dose: str, concentration: str = "2000") -> ProjectionInputs:
    return ProjectionInputs(
        settings=Settings(timezone=DENVER), pump=limits("40"),
        fill=Fill(AT, Decimal(volume), Decimal(concentration), 180),
        programs=[simple(dose, concentration)],
    )  # fmt: skip


def alarm(inputs: ProjectionInputs) -> date:
    found = project(inputs)
    assert isinstance(found, Known)
    assert found.alarm_date is not None
    return found.alarm_date


@pytest.mark.parametrize(
    ("typed", "meant", "words"),
    [
        (inputs_of("20", "400"), inputs_of("40", "400"), "told 40 mL"),
        (inputs_of("20", "2.4"), inputs_of("20", "2400"), "in mg"),
        (inputs_of("20", "2400"), inputs_of("20", "100"), "An hour's dose"),
        (inputs_of("20", "400"), inputs_of("20", "400", "500"), "500 mcg per mL"),
    ],
)
def test_only_what_reproduces_the_printed_date_is_suggested(
    typed: ProjectionInputs, meant: ProjectionInputs, words: str
) -> None:
    stocked = (Decimal(500), Decimal(1000), Decimal(2000))
    causes = likely_causes(typed, alarm(typed), alarm(meant), other_mcg_per_ml=stocked)
    assert any(words in cause for cause in causes), causes
    other = alarm(meant) + timedelta(days=17)
    causes = likely_causes(typed, alarm(typed), other, other_mcg_per_ml=stocked)
    assert not any(words in cause for cause in causes)


def test_a_slip_in_the_date_and_the_old_program() -> None:
    inputs = inputs_of("20", "400")
    ours = alarm(inputs)
    assert "slip" in likely_causes(inputs, ours, ours.replace(year=ours.year + 1))[0]
    old = simple("500", at=AT - timedelta(days=90))
    printed = alarm(replace(inputs, programs=[old]))
    assert "until now" in likely_causes(inputs, ours, printed, old_program=old)[0]


@pytest.mark.parametrize("allowed", [False, True])
def test_any_pump_can_be_stopped_and_a_step_of_zero_needs_a_model_that_allows_it(
    allowed: bool,
) -> None:
    """The catalogue's “A step may be zero” speaks of steps and basal rates alone."""
    model = replace(limits("20"), allows_zero_flow=allowed)
    header: dict[str, Any] = {
        "effective_at": AT, "utc_offset_minutes": -420, "concentration_mcg_per_ml": Decimal(2000),
    }  # fmt: skip
    assert program_problems(Stopped(**header), model, None) == []
    steps = (
        Step(start_minute=0, dose_mcg=Decimal(0)),
        Step(start_minute=720, dose_mcg=Decimal(300)),
    )
    flex = Flex(**header, groups=(DayGroup(days=WEEK, steps=steps),))
    found = [problem.code for problem in program_problems(flex, model, None)]
    assert found == ([] if allowed else ["flow_below_minimum"])


def test_a_visit_is_not_before_the_implant_nor_more_than_two_years_ago() -> None:
    def at(when: datetime, **more: Any) -> list[str]:
        return stopped_by(before(fill=None, **more), Proposed(at=when))

    # Midnight in Denver is 07:00 UTC.
    implanted = {"implanted_on": date(2026, 11, 20)}
    assert at(AT, **implanted) == []
    assert at(AT.replace(hour=7), **implanted) == []
    assert at(AT.replace(hour=6), **implanted) == ["before_the_implant"]
    assert at(AT - timedelta(days=730)) == []
    assert at(AT - timedelta(days=730, seconds=1)) == ["too_long_ago"]
    assert at(AT - timedelta(days=999), **implanted) == ["before_the_implant"]


def test_a_fill_without_any_limit_asks_how_long_its_drug_may_stay() -> None:
    def warned(**limit: Any) -> bool:
        fill = Fill(AT, Decimal(20), Decimal(2000), **limit)
        return "no_stability_limit" in codes(before(), Proposed(at=AT, fill=fill))

    assert warned()
    assert not warned(stability_days=180)
    assert not warned(use_by=date(2027, 1, 2))
