"""A pump's status on a clinic date (docs/calculations.md, Status).

The list works the same rule out in SQL (`alarms.selectors.worklist`); a test holds the two
together.
"""

from datetime import date
from typing import Final

RANKS: Final = ("unknown", "empty", "alarm", "overdue", "due", "not_due")


def status_on(
    today: date,
    *,
    empty_date: date | None,
    alarm_date: date | None,
    refill_due_on: date,
    window_opens_on: date,
) -> str:
    """The status of a pump whose dates are known, on the clinic's date `today`."""
    if empty_date is not None and today >= empty_date:
        return "empty"
    if alarm_date is not None and today >= alarm_date:
        return "alarm"
    if today > refill_due_on:
        return "overdue"
    return "due" if today >= window_opens_on else "not_due"
