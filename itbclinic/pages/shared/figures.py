"""Stored values in words: a figure with its unit, a setting, a date. For the catalogue's pages, the
audit log, and to show two people's values side by side."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from zoneinfo import ZoneInfo

from accounts.models import Role, Scope
from alarms.models import Reason
from core import words
from core.quantities import PER_ML, format_quantity
from dosing.models import Mode

NOTHING: Final = "–"
UNITS: Final = (
    ("daily_dose_mcg", "mcg/day"),
    ("_mcg_per_ml", PER_ML),
    ("_mcg_per_hour", "mcg/h"),
    ("_ml_per_day", "mL/day"),
    ("_ml_per_cm", "mL/cm"),
    ("_percent", "%"),
    ("_days", "days"),
    ("_minutes", "min"),
    ("_mcg", "mcg"),
    ("_ml", "mL"),
    ("_cm", "cm"),
)
LABELS: Final = {
    "catalogue_number": "Catalogue number",
    "name": "Name",
    "family": "Family",
    "aliases": "Other names",
    "reservoir_ml": "Reservoir",
    "default_low_reservoir_alarm_ml": "Alarm volume by default",
    "low_reservoir_alarm_ml": "Alarm volume",
    "min_ml_per_day": "Lowest flow",
    "max_ml_per_day": "Highest flow",
    "flow_accuracy_percent": "May run faster by",
    "allows_zero_flow": "A step may be zero",
    "max_steps": "Flex steps a day, at most",
    "concentration_mcg_per_ml": "Concentration",
    "daily_dose_mcg": "Daily dose",
    "stability_days": "May stay in the pump",
    "timezone": "Time zone",
    "refill_lead_days": "Refill before the alarm",
    "window_days": "Refill window",
    "max_interval_days": "Longest interval",
    "effective_at": "From",
    "settles": "Doubt",
    "codes": "Why",
    "row": "Line",
    "settled_by": "Settled by",
    "owner_role": "Whose task",
    "tab": "List",
    "as_of": "As of",
    "ends_on": "Until",
}
# Stored codes in the words that the pages use for them.
CHOICES: Final[dict[str, dict[str, str]]] = {
    "role": dict(Role.choices),
    "scopes": dict(Scope.choices),
    "mode": dict(Mode.choices),
    "settles": dict(Reason.choices),
}
_ISO_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_ISO_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


def label(name: str) -> str:
    """A field's name as people say it: `Sources: lowest flow`."""
    parts = [LABELS.get(part, _plain(part)) for part in name.split(".")]
    first, *rest = parts
    return ": ".join([first, *(part[:1].lower() + part[1:] for part in rest)]) if rest else first


def _plain(name: str) -> str:
    for suffix, _ in UNITS:
        if name.endswith(suffix):
            name = name.removesuffix(suffix)
            break
    return name.replace("_", " ")[:1].upper() + name.replace("_", " ")[1:]


def shown(name: str, value: Any, zone: ZoneInfo | None = None) -> str:
    """A stored value with its unit.

    Args:
        name: the field that it stands in, which says the unit.
        zone: the time zone in which instants are written.
    """
    last = name.rpartition(".")[2]
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list | tuple):
        return ", ".join(shown(last, item, zone) for item in value) or NOTHING
    unit = next((unit for suffix, unit in UNITS if last.endswith(suffix)), "")
    number = _number(value) if unit else None
    if number is not None:
        return format_quantity(number, "day" if unit == "days" and number == 1 else unit, 12)
    return _text(last, str(value), zone)


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _text(name: str, text: str, zone: ZoneInfo | None) -> str:
    if text in CHOICES.get(name, {}):
        return CHOICES[name][text]
    if _ISO_INSTANT.match(text):
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            return text
        return words.instant(instant, zone) if zone and instant.tzinfo else text
    if _ISO_DAY.fullmatch(text):
        try:
            return words.day(date.fromisoformat(text))
        except ValueError:
            return text
    return text


def flat(values: Mapping[str, Any] | None, before: str = "") -> dict[str, Any]:
    """Nested values under dotted names: `{"sources": {"max_steps": …}}` as `sources.max_steps`."""
    found: dict[str, Any] = {}
    for name, value in (values or {}).items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = value
    return found
