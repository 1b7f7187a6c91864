"""What every calculation takes from here: the week, the day, when a bolus ends."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from dosing.domain.programs import MINUTES_A_DAY, WEEK, Bolus

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_the_week_begins_on_monday_and_a_day_has_1440_minutes() -> None:
    assert WEEK == ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    assert MINUTES_A_DAY == 1440


def test_a_bolus_ends_after_its_minutes_to_the_microsecond() -> None:
    def until(minutes: str) -> datetime:
        return Bolus(at=AT, dose_mcg=Decimal(50), minutes=Decimal(minutes)).until

    assert until("90") == AT + timedelta(minutes=90)
    assert until("0.5") == AT + timedelta(seconds=30)
    assert until("0.000000008") == AT
    assert until("0.00000001") == AT + timedelta(microseconds=1)
    # So long that a single microsecond in a minute would show.
    assert until("20160") == AT + timedelta(days=14)


def test_a_bolus_runs_on_top_of_the_program_unless_it_is_said_to_replace_it() -> None:
    assert not Bolus(at=AT, dose_mcg=Decimal(50), minutes=Decimal(5)).replaces_program
