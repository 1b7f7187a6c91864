"""A pump's status on a clinic date (docs/calculations.md, Status).

The list works the same rule out in SQL (`alarms.selectors.worklist`); a test holds the two
together.
"""

from datetime import date
from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """What a pump asks for, the most urgent first: the order of every list.

    The values stand in addresses, in the API's answers and in the names of styles.
    """

    UNKNOWN = "unknown"
    EMPTY = "empty"
    ALARM = "alarm"
    OVERDUE = "overdue"
    DUE = "due"
    NOT_DUE = "not_due"

    @property
    def rank(self) -> int:
        """Its place in that order, from 0: what the database sorts by."""
        return _RANKS[self]


BY_RANK: Final = tuple(Status)
_RANKS: Final = {status: rank for rank, status in enumerate(BY_RANK)}


def status_on(
    today: date,
    *,
    empty_date: date | None,
    alarm_date: date | None,
    refill_due_on: date,
    window_opens_on: date,
) -> Status:
    """The status of a pump whose dates are known, on the clinic's date `today`."""
    if empty_date is not None and today >= empty_date:
        return Status.EMPTY
    if alarm_date is not None and today >= alarm_date:
        return Status.ALARM
    if today > refill_due_on:
        return Status.OVERDUE
    return Status.DUE if today >= window_opens_on else Status.NOT_DUE
