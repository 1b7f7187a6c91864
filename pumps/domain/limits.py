"""What a pump can do: the limits of every program (docs/calculations.md, Inputs)."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class PumpLimits:
    """A pump's capacity, its own alarm volume, and its model's flow limits.

    Units: mL and mL/day. `flow_accuracy_percent` says how far above the programmed rate the model
    may run. `max_steps` is per day.
    """

    reservoir_ml: Decimal
    low_reservoir_alarm_ml: Decimal
    min_ml_per_day: Decimal
    max_ml_per_day: Decimal
    flow_accuracy_percent: Decimal
    allows_zero_flow: bool = False
    max_steps: int = 13
