"""What a pump was told to deliver (docs/calculations.md, Programs).

A step is a wall-clock time on the pump's own clock, which keeps the UTC offset it was set with and
knows no daylight saving. Units: mcg, mcg/mL, minutes; instants are aware.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY: Final = 1440


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What every program has: from when it counts, the pump clock's offset, its concentration.

    `concentration_mcg_per_ml` None means the fill's.
    """

    effective_at: datetime
    utc_offset_minutes: int
    concentration_mcg_per_ml: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleContinuous(Program):
    """`daily_dose_mcg` spread evenly over 24 hours."""

    daily_dose_mcg: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The whole dose from `start_minute` (of the pump's day) until the next step or midnight."""

    start_minute: int
    dose_mcg: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DayGroup:
    """The steps of the days named, from `WEEK`; the first step starts at 00:00."""

    days: tuple[str, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flex(Program):
    """Doses that differ by time of day or by day; every day of the week is in exactly one group.

    A step replaces the rate before it; nothing is added on a basal rate.
    """

    groups: tuple[DayGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicBolus(Program):
    """A bolus every `interval_minutes` round the clock, in phase with `first_minute`.

    `basal_suspended` says whether the basal pauses during a bolus.
    """

    basal_mcg_per_hour: Decimal
    bolus_mcg: Decimal
    bolus_minutes: int
    interval_minutes: int
    first_minute: int
    basal_suspended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimumRate(Program):
    """The model's lowest flow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped(Program):
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bolus:
    """A single, priming or bridge bolus. A bridge bolus replaces the program while it runs."""

    at: datetime
    dose_mcg: Decimal
    minutes: Decimal
    replaces_program: bool = False

    @property
    def until(self) -> datetime:
        """When it ends, to the microsecond."""
        return self.at + timedelta(microseconds=round(self.minutes * 60_000_000))
