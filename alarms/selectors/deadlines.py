"""The dates that a booking is held against: a pump's projection, where it is of present facts."""

from datetime import datetime
from typing import Final

from alarms.domain.deadlines import Deadlines
from alarms.models import Projection
from pumps.models import Pump

NO_DATES: Final = Projection()


def dates_of(pump: Pump) -> Projection:
    """The pump's dates; blank where there are none of its present facts."""
    found: Projection | None = getattr(pump, "projection", None)
    if found is None or found.input_version != pump.input_version:
        return NO_DATES
    return found


def deadlines_in(dates: Projection) -> Deadlines:
    """The deadlines of a projection; the caller has made sure that it is of present facts."""
    printed = dates.sort_alarm_date if dates.sort_alarm_date != dates.alarm_date else None
    return Deadlines(
        opens=dates.window_opens_on,
        due=dates.refill_due_on,
        alarm=dates.alarm_date,
        printed_alarm=printed,
        empty=dates.empty_date,
        may_be_empty=dates.earliest_empty_date,
    )


def deadlines_of(pump: Pump, now: datetime) -> tuple[Deadlines, bool]:
    """The pump's deadlines now, and whether somebody must still settle its dates."""
    dates = Projection.objects.filter(pump=pump.pk, input_version=pump.input_version).first()
    if dates is None or dates.unknown_reason:
        return Deadlines(), False
    today = now.astimezone(pump.clinic.zone).date()
    settled = dates.attention_settled_until
    doubtful = bool(dates.attention) and (settled is None or settled < today)
    return deadlines_in(dates), doubtful
