"""Writes of pumps and their catalogue. Each bumps the input version of what it touches.

Whoever calls these must have the dates recomputed in the same transaction, as `visits`, `rosters`
and `followup` do.
"""

from .catalogue import (
    check_pump_model,
    save_pump_model,
    seed_pump_models,
)
from .pump import (
    audit_pump,
    bump_input_version,
    lock_pump,
)
from .readings import (
    InterrogationEntry,
    check_low_reservoir_alarm,
    record_interrogation,
    withdraw_interrogation,
)

__all__ = [
    "InterrogationEntry",
    "audit_pump",
    "bump_input_version",
    "check_low_reservoir_alarm",
    "check_pump_model",
    "lock_pump",
    "record_interrogation",
    "save_pump_model",
    "seed_pump_models",
    "withdraw_interrogation",
]
