"""A pump's limits as the core takes them."""

from .domain.limits import PumpLimits
from .models import Pump


def limits_of(pump: Pump) -> PumpLimits:
    """The pump model's limits with this pump's own alarm volume."""
    model = pump.model
    return PumpLimits(
        reservoir_ml=model.reservoir_ml,
        low_reservoir_alarm_ml=pump.low_reservoir_alarm_ml,
        min_ml_per_day=model.min_ml_per_day,
        max_ml_per_day=model.max_ml_per_day,
        flow_accuracy_percent=model.flow_accuracy_percent,
        allows_zero_flow=model.allows_zero_flow,
        max_steps=model.max_steps,
    )
