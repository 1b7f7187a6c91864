"""The pump models that a new clinic starts with, each figure with its source.

A clinic edits its own copy; these are defaults, not truths. Figures marked "general knowledge"
were found in no readable manufacturer document (docs/how-to/add-a-pump-model.md).
"""

from decimal import Decimal
from typing import Any, Final

GENERAL = "General knowledge of the product family; check the manufacturer's manual"
ACCURACY = (
    "Over-infusion threshold of the SynchroMed II field notice: delivery more than 14.5 % "
    "above the programmed dose"
)
_FIGURES: Final[dict[str, Any]] = {
    "default_low_reservoir_alarm_ml": Decimal(2),
    "min_ml_per_day": Decimal("0.048"),
    "max_ml_per_day": Decimal(24),
    "flow_accuracy_percent": Decimal("14.5"),
    "allows_zero_flow": False,
    "max_steps": 13,
}
_SOURCES: Final = {
    "reservoir_ml": "Manufacturer's catalogue number: the suffix is the capacity in mL",
    "default_low_reservoir_alarm_ml": "Manufacturer's recommended default for the family: 2 mL",
    "min_ml_per_day": GENERAL + "; published doses agree with 0.048 mL/day as the lowest flow",
    "max_ml_per_day": GENERAL + " (1 mL/hour)",
    "flow_accuracy_percent": ACCURACY,
    "allows_zero_flow": GENERAL,
    "max_steps": "Manufacturer's description of Flex: up to 13 dose changes a day",
}
_III: Final = {
    name: text + ". Taken over from SynchroMed II until a SynchroMed III figure is found"
    for name, text in _SOURCES.items()
    if name != "reservoir_ml"
}


def _entry(number: str, family: str, reservoir: str, sources: dict[str, str]) -> dict[str, Any]:
    name = f"{family} {reservoir} mL"
    return {
        "catalogue_number": number,
        "name": name,
        "family": family,
        "aliases": [f"{family} {reservoir}"],
        "reservoir_ml": Decimal(reservoir),
        "sources": {**_SOURCES, **sources},
        **_FIGURES,
    }


DEFAULT_PUMP_MODELS: Final[tuple[dict[str, Any], ...]] = (
    _entry("8637-20", "SynchroMed II", "20", {}),
    _entry("8637-40", "SynchroMed II", "40", {}),
    _entry("8667-20", "SynchroMed III", "20", _III),
    _entry("8667-40", "SynchroMed III", "40", _III),
)
FIGURES: Final = tuple(_SOURCES)
