"""What keeps a visit from being saved: each stop by its code, its field and its very edge."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dosing.domain.programs import Bolus, Program
from refills.domain.reservoir import Fill
from visits.domain.proposal import Before, Proposed
from visits.domain.stops import hard_stops

from .test_visit_checks import AT, before, simple

SECOND = timedelta(seconds=1)
FILL = Fill(AT, Decimal(20), Decimal(2000), 180)


def stops(situation: Before, proposed: Proposed, now: datetime = AT) -> list[tuple[str, str]]:
    return [(one.field, one.code) for one in hard_stops(situation, proposed, now)]


def test_a_visit_of_this_moment_is_taken_and_one_a_second_later_is_not() -> None:
    assert stops(before(), Proposed(at=AT, fill=FILL)) == []
    late = Proposed(at=AT + SECOND, fill=FILL)
    assert stops(before(), late) == [("at", "date_in_future")]


def test_nothing_is_recorded_from_the_moment_a_pump_was_taken_out() -> None:
    proposed = Proposed(at=AT, fill=FILL)
    assert stops(before(explanted_at=AT), proposed) == [("at", "explanted")]
    assert stops(before(explanted_at=AT - SECOND), proposed) == [("at", "explanted")]
    assert stops(before(explanted_at=AT + SECOND), proposed) == []


def test_a_visit_comes_after_the_refill_on_record() -> None:
    def at(seconds: int, **proposed: Any) -> list[tuple[str, str]]:
        recorded = replace(FILL, at=AT - timedelta(days=30))
        when = recorded.at + seconds * SECOND
        return stops(before(fill=recorded, program=None), Proposed(at=when, **proposed))

    fill = {"fill": FILL}
    assert at(-1, **fill) == [("at", "before_the_refill")]
    assert at(0, **fill) == [("at", "repeats_the_refill")]
    assert at(1, **fill) == []
    # With a program alone the refill's own time is good: both were set at once.
    assert at(0, program=simple("400")) == []
    assert at(-1, program=simple("400")) == [("at", "before_the_refill")]
    assert stops(before(fill=None, program=None), Proposed(at=AT, fill=FILL)) == []


def test_a_program_is_not_slipped_in_before_a_later_one() -> None:
    def with_program(latest: datetime | None, program: Program | None) -> list[tuple[str, str]]:
        situation = before(latest_program_at=latest)
        return stops(situation, Proposed(at=AT, program=program))

    assert with_program(AT + SECOND, simple("400")) == [("at", "before_the_program")]
    assert with_program(AT, simple("400")) == []
    assert with_program(None, simple("400")) == []
    assert with_program(AT + SECOND, None) == []


def test_a_visit_on_the_day_of_the_implant_or_two_years_ago_is_the_last_that_counts() -> None:
    def at(when: datetime, implanted: date | None) -> list[tuple[str, str]]:
        situation = before(fill=None, program=None, implanted_on=implanted)
        return stops(situation, Proposed(at=when))

    oldest = AT - timedelta(days=730)
    assert at(AT, AT.date()) == []
    assert at(AT, AT.date() + timedelta(days=1)) == [("at", "before_the_implant")]
    assert at(oldest, None) == []
    assert at(oldest - SECOND, None) == [("at", "too_long_ago")]
    assert at(oldest - SECOND, date(2020, 1, 1)) == [("at", "too_long_ago")]


def test_the_program_that_runs_is_for_the_drug_that_is_inside() -> None:
    weak, strong = simple("400", "500"), simple("400", "2000")

    def found(
        fill: Fill | None, new: Program | None, old: Fill | None, runs: Program | None
    ) -> Any:
        return stops(before(fill=old, program=runs), Proposed(at=AT, fill=fill, program=new))

    old = replace(FILL, at=AT - timedelta(days=30))
    needs, mismatch = (
        [("change", "concentration_needs_program")],
        [("change", "concentration_mismatch")],
    )
    other = replace(FILL, concentration_mcg_per_ml=Decimal(500))
    assert found(FILL, None, old, strong) == []
    assert found(other, None, old, strong) == needs
    assert found(other, weak, old, strong) == []
    assert found(other, strong, old, strong) == mismatch
    # Without a refill the drug of the last one is still inside.
    assert found(None, weak, old, strong) == mismatch
    assert found(None, strong, old, weak) == []
    assert found(None, strong, None, None) == []
    # No program on record, or one that runs on whatever is inside.
    assert found(other, None, old, None) == []
    assert found(other, None, old, replace(strong, concentration_mcg_per_ml=None)) == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("aspirated_ml", "aspirated_exceeds_reservoir"),
        ("reservoir_volume_ml", "reading_exceeds_reservoir"),
    ],
)
def test_no_volume_is_below_zero_or_above_what_the_reservoir_holds(name: str, code: str) -> None:
    def typed(volume: str) -> list[tuple[str, str]]:
        more: dict[str, Any] = {name: Decimal(volume)}
        return stops(before(reservoir="20"), Proposed(at=AT, **more))

    assert typed("20") == []
    assert typed("20.01") == [(name, code)]
    assert typed("0") == []
    assert typed("-0.01") == [(name, "not_positive")]


def test_a_day_total_nobody_gets_stops_the_visit() -> None:
    def with_dose(dose: str) -> list[tuple[str, str]]:
        return stops(before(), Proposed(at=AT, program=simple(dose)))

    assert with_dose("10") == with_dose("3000") == []
    assert with_dose("9.99") == with_dose("3000.01") == [("daily_dose_mcg", "dose_out_of_range")]


def test_a_bridge_bolus_has_a_dose_and_at_most_fourteen_days() -> None:
    def bridged(dose: str, minutes: str, **more: Any) -> list[tuple[str, str]]:
        bolus = Bolus(at=AT, dose_mcg=Decimal(dose), minutes=Decimal(minutes))
        fill = replace(FILL, concentration_mcg_per_ml=Decimal(500))
        proposed = Proposed(at=AT, fill=fill, program=simple("400", "500"), bridge=bolus)
        return stops(before(), replace(proposed, **more))

    assert bridged("0.001", "20160") == []
    assert bridged("0", "20160") == [("bridge_mcg", "not_positive")]
    assert bridged("225", "0.5") == []
    assert bridged("225", "0") == [("bridge_hours", "bridge_too_long")]
    assert bridged("225", "20160.5") == [("bridge_hours", "bridge_too_long")]
    assert bridged("225", "60", fill=None, program=None) == [("bridge_mcg", "bridge_needs_refill")]
    same = {"fill": FILL, "program": simple("400")}
    assert bridged("225", "60", **same) == [("bridge_mcg", "bridge_without_change")]


def test_a_bridge_bolus_after_the_first_fill_on_record_is_not_called_needless() -> None:
    bolus = Bolus(at=AT, dose_mcg=Decimal(225), minutes=Decimal(60))
    assert stops(before(fill=None, program=None), Proposed(at=AT, fill=FILL, bridge=bolus)) == []
