"""A pump's limits as the core takes them."""

from decimal import Decimal

from .domain.limits import PumpLimits
from .models import Pump, PumpModel


def limits_of(pump: Pump) -> PumpLimits:
    """The pump model's limits with this pump's own alarm volume."""
    return limits_of_model(pump.model, pump.low_reservoir_alarm_ml)


def limits_of_model(model: PumpModel, low_reservoir_alarm_ml: Decimal) -> PumpLimits:
    """The limits that a pump of this model has with this alarm volume, in mL."""
    return PumpLimits(
        reservoir_ml=model.reservoir_ml,
        low_reservoir_alarm_ml=low_reservoir_alarm_ml,
        min_ml_per_day=model.min_ml_per_day,
        max_ml_per_day=model.max_ml_per_day,
        flow_accuracy_percent=model.flow_accuracy_percent,
        allows_zero_flow=model.allows_zero_flow,
        max_steps=model.max_steps,
    )
