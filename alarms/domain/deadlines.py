"""How a day lies to a pump's dates: what booking refuses and warns of, and what the board shows."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Limit:
    """The first day that is too late, and the date that makes it so."""

    day: date
    kind: str  # alarm | printed_alarm | empty | may_be_empty


@dataclass(frozen=True, slots=True)
class Deadlines:
    """A pump's dates, as far as they are known. All are days of the clinic's calendar."""

    opens: date | None = None
    due: date | None = None
    alarm: date | None = None
    printed_alarm: date | None = None  # where it is earlier, and counts: docs/calculations.md
    empty: date | None = None
    may_be_empty: date | None = None

    @property
    def known(self) -> bool:
        """Whether a day can be held against these dates at all."""
        return self.due is not None

    @property
    def limit(self) -> Limit | None:
        """The earliest of the alarm and the empty dates: a refill on that day is not before it."""
        dates = (
            ("alarm", self.alarm),
            ("printed_alarm", self.printed_alarm),
            ("empty", self.empty),
            ("may_be_empty", self.may_be_empty),
        )
        found = [Limit(day, kind) for kind, day in dates if day is not None]
        return min(found, key=lambda limit: limit.day, default=None)


def is_too_late(day: date, dates: Deadlines) -> bool:
    """Whether a refill on that day would not come before the alarm."""
    limit = dates.limit
    return limit is not None and day >= limit.day


def is_past_due(day: date, dates: Deadlines) -> bool:
    """Whether a refill on that day would come after the day that it is due by."""
    return dates.due is not None and day > dates.due
