"""Each thing that a visit asks about: its code, whether somebody must come at once, its edge."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from alarms.domain.deadlines import Deadlines
from alarms.domain.projection import Known
from dosing.domain.programs import MinimumRate, Program, Stopped
from refills.domain.reservoir import Fill
from visits.domain.concerns import aspirate_of, concerns_of
from visits.domain.proposal import (
    Before,
    Concern,
    Proposed,
    change_percent,
    comparison,
    weekday_doses,
)

from .test_visit_checks import AT, after, alarm, before, bridged, filled, inputs_of, on, simple

FILL = Fill(AT, Decimal(20), Decimal(2000), 180)


def one(situation: Before, proposed: Proposed, dates: Known | None = None, **more: Any) -> Concern:
    [found] = concerns_of(situation, proposed, dates, **more)
    return found


def header() -> dict[str, Any]:
    return {"effective_at": AT, "utc_offset_minutes": -420}


@pytest.mark.parametrize(
    ("expected", "aspirated", "urgent"),
    [("4", "5.5", False), ("4", "6.5", True), ("18", "19.5", True)],
)
def test_somebody_is_called_for_an_alert_and_for_a_pump_that_did_not_run(
    expected: str, aspirated: str, urgent: bool
) -> None:
    found = one(before(expected), Proposed(at=AT, aspirated_ml=Decimal(aspirated)))
    assert found.urgent is urgent


def test_nothing_is_compared_where_either_volume_is_unknown() -> None:
    assert aspirate_of(before(), Proposed(at=AT)) is None
    typed = Proposed(at=AT, aspirated_ml=Decimal(9))
    assert aspirate_of(before(expected_ml=None), typed) is None
    assert aspirate_of(before(fill=None), typed) is None
    found = comparison(before("10", "20"), Decimal(9))
    assert found is not None
    assert found.difference_ml == -1
    assert found.delivered_ratio == Fraction(11, 10)


def test_an_empty_reservoir_is_a_volume_and_not_an_unknown_one() -> None:
    found = comparison(before("1", "20"), Decimal(0))
    assert found is not None
    assert found.difference_ml == -1
    assert comparison(before("0", "20"), Decimal(0)) is not None


def test_the_program_decides_the_day_dose_where_it_names_its_own_concentration() -> None:
    named = weekday_doses(simple("400", "500"), Decimal(2000), Decimal("0.048"))
    assert named == (Fraction(400),) * 7
    least = MinimumRate(**header())
    assert weekday_doses(least, Decimal(2000), Decimal("0.048")) == (Fraction(96),) * 7
    weak = replace(least, concentration_mcg_per_ml=Decimal(500))
    assert weekday_doses(weak, Decimal(2000), Decimal("0.048")) == (Fraction(24),) * 7


def test_a_change_is_a_share_of_the_old_dose() -> None:
    assert change_percent(Fraction(400), Fraction(500)) == 25
    assert change_percent(Fraction(400), Fraction(300)) == -25
    assert change_percent(Fraction(400), Fraction(0)) == -100
    assert change_percent(Fraction(0), Fraction(0)) == 0
    assert change_percent(Fraction(0), Fraction(1)) is None


def test_a_dose_is_held_against_the_old_drug_and_the_new_one() -> None:
    """The programs name no concentration here: each runs on the drug that was inside."""

    def plain(dose: str) -> Program:
        return replace(simple(dose), concentration_mcg_per_ml=None)

    weak = replace(FILL, concentration_mcg_per_ml=Decimal(500))
    least = MinimumRate(**header())
    situation = before(program=least)
    # 0.048 mL a day are 96 mcg of the old drug and 24 of the new one.
    found = [
        c.code for c in concerns_of(situation, Proposed(at=AT, fill=weak, program=least), None)
    ]
    assert "dose_change" in found
    found = [c.code for c in concerns_of(situation, Proposed(at=AT, program=least), None)]
    assert found == ["pump_stopped"]
    assert concerns_of(before(program=None), Proposed(at=AT, program=plain("900")), None) == ()
    assert concerns_of(before(fill=None), Proposed(at=AT, program=simple("900")), None) == ()
    first = Proposed(at=AT, fill=FILL, program=simple("900"))
    assert one(before(fill=None), first).code == "dose_change"


def test_a_dose_change_is_said_with_its_sign_and_its_days() -> None:
    assert one(before(), Proposed(at=AT, program=simple("600"))).title == (
        "The dose changes by +50 %"
    )
    assert one(before(), Proposed(at=AT, program=simple("300"))).title == (
        "The dose changes by −25 %"
    )
    off = Stopped(**header())
    assert one(before(program=off), Proposed(at=AT, program=simple("300"))).title == (
        "The dose changes by from no dose"
    )


def test_a_stop_and_the_lowest_flow_are_asked_about_by_their_own_words() -> None:
    situation = before(program=None)
    off = one(situation, Proposed(at=AT, program=Stopped(**header())))
    least = one(situation, Proposed(at=AT, program=MinimumRate(**header())))
    assert [off.code, least.code] == ["pump_stopped"] * 2
    assert off.urgent
    assert least.urgent
    assert off.title == "From now on the pump gives no baclofen"
    assert least.title == "From now on the pump gives almost no baclofen"


def test_what_must_be_put_right_before_the_patient_leaves_is_urgent() -> None:
    assert one(before(), filled("20", shown="40")).urgent
    dates = after("20")
    changed = one(before(path_ml=Decimal("0.45")), Proposed(
        at=AT, fill=replace(FILL, concentration_mcg_per_ml=Decimal(500)),
        program=simple("400", "500"),
    ))  # fmt: skip
    assert (changed.code, changed.urgent) == ("concentration_change", False)
    assert "must be written under" in changed.text
    bridge = concerns_of(before(path_ml=Decimal("0.45")), bridged("500", "54"), None)[1]
    assert (bridge.code, bridge.urgent) == ("bridge_differs", True)
    printed = replace(filled("20"), printed_alarm_date=on(5))
    found = one(before(), printed, dates, inputs=inputs_of("20", "400"), printed_differs=True)
    assert (found.code, found.urgent) == ("printed_alarm_date", True)
    assert f"ours is {dates.alarm_date:%d-%b-%Y}" in found.title


def test_a_printed_date_is_asked_about_only_where_it_differs_and_was_typed() -> None:
    printed = replace(filled("20"), printed_alarm_date=on(40))
    dates, inputs = after("20"), inputs_of("20", "400")
    asked: dict[str, Any] = {"inputs": inputs, "printed_differs": True}
    assert concerns_of(before(), printed, dates, inputs=inputs) == ()
    assert concerns_of(before(), printed, dates, printed_differs=True) == ()
    assert concerns_of(before(), filled("20"), dates, **asked) == ()
    assert concerns_of(before(), printed, None, **asked) == ()
    assert one(before(), printed, dates, **asked).text.endswith("gives the printed date.")
    # Neither a refill nor a program: there are no dates of this visit.
    nothing = replace(printed, fill=None, program=None)
    assert concerns_of(before(), nothing, dates, **asked) == ()
    # With either of them there are.
    assert one(before(), replace(printed, fill=None), dates, **asked).code == "printed_alarm_date"
    assert one(before(), replace(printed, program=None), dates, **asked).urgent


def test_the_old_program_is_a_cause_only_where_the_visit_changes_it() -> None:
    old = simple("500", at=AT - timedelta(days=30))
    situation = before(program=old)
    inputs = inputs_of("20", "450")
    of_old = replace(inputs, programs=[old])
    changed = replace(filled("20", dose="450"), printed_alarm_date=alarm(of_old))
    asked: dict[str, Any] = {"inputs": inputs, "printed_differs": True}
    until_now = "The printout is of the program until now, from before the change."
    assert until_now in one(situation, changed, after("20"), **asked).causes
    kept = replace(changed, program=None)
    assert until_now not in one(situation, kept, after("20"), **asked).causes


def test_a_refill_that_is_due_again_today_is_urgent_and_one_in_a_day_is_not() -> None:
    def asked(due: date) -> Concern:
        dates = replace(
            after("20"), refill_due_on=due, window_opens_on=on(0), earliest_empty_date=None
        )
        return one(before(), filled("20"), dates)

    assert asked(on(0)).title == "The next refill is due at once"
    assert asked(on(0)).urgent
    assert asked(on(1)).title.endswith("in 1 day")
    assert not asked(on(1)).urgent
    open_tomorrow = replace(after("20"), window_opens_on=on(1))
    assert concerns_of(before(), filled("20"), open_tomorrow) == ()


def test_empty_before_the_alarm_is_said_only_where_the_window_is_open_already() -> None:
    dates = replace(after("20"), alarm_date=on(9), earliest_empty_date=on(8), window_opens_on=on(0))
    program = Proposed(at=AT, program=simple("400"))
    assert [c.code for c in concerns_of(before(), program, dates)] == ["may_be_empty_before_alarm"]
    assert not one(before(), program, dates).urgent
    for other in (
        replace(dates, window_opens_on=on(1)),
        replace(dates, earliest_empty_date=on(10)),
        replace(dates, earliest_empty_date=None),
    ):
        assert concerns_of(before(), program, other) == ()


def test_a_drug_is_good_on_its_last_day_by_the_clinics_calendar() -> None:
    """05:00 UTC is the evening before in Denver."""
    night = AT.replace(hour=5)
    fill = replace(FILL, at=night)
    proposed = Proposed(at=night, fill=fill, expires_on=on(-1))
    assert concerns_of(before(), proposed, None) == ()
    assert one(before(), replace(proposed, expires_on=on(-2))).code == "drug_expired"
    # Of a visit without a fill no drug was given.
    assert concerns_of(before(), Proposed(at=AT, expires_on=on(-9)), None) == ()


def test_a_fill_without_a_limit_is_asked_about_in_so_many_words() -> None:
    found = one(before(), Proposed(at=AT, fill=replace(FILL, stability_days=None)))
    assert (found.code, found.urgent) == ("no_stability_limit", False)


def test_the_visits_own_day_is_the_clinics_for_what_is_booked() -> None:
    """What was booked for the evening before, in Denver, is over when the visit is made."""
    night = AT.replace(hour=5)  # 22:00 on the day before in Denver
    situation = before(coming=(night + timedelta(days=90),))
    dates = Deadlines(opens=on(70), due=on(80), alarm=on(95))
    proposed = replace(filled("20"), at=night)
    [found] = concerns_of(situation, proposed, after("20"), deadlines=dates)
    assert found.code == "booked_late"
    assert "is 9 days after" in found.title


def test_a_token_names_the_code_and_changes_with_the_figures() -> None:
    shown = Concern("dose_change", "The dose changes by +50 %", "Check the number.")
    assert shown.token.startswith("dose_change.")
    assert len(shown.token) == len("dose_change.") + 12
    assert shown.token == replace(shown, urgent=True).token
    others = (
        replace(shown, title="+51 %"), replace(shown, text="Other."),
        replace(shown, causes=("A slip.",)),
    )  # fmt: skip
    assert len({shown.token, *(one.token for one in others)}) == 4
