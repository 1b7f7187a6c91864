"""Asking the application for a case, comparing two results, and how many examples to run.

ITB_HYPOTHESIS_PROFILE=long runs fifty times as many examples, other ones each time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from hypothesis import assume

from alarms.domain.case_lines import answer_line
from tests.oracles.projection_cases import Case, plain

Result = dict[str, Any]

DOSES = {"daily_dose_mcg", "dose_mcg", "basal_mcg_per_hour", "bolus_mcg"}
PLAIN_DECIMAL = re.compile(r"[0-9]+(\.[0-9]+)?")
MILLIONTH = Fraction(1, 10**6)
KNOWN_FIELDS = [
    "id",
    "status",
    "reason",
    "alarm_at",
    "alarm_date",
    "empty_at",
    "empty_date",
    "earliest_empty_date",
    "stability_date",
    "refill_due_on",
    "window_opens_on",
    "binding_clock",
    "may_be_empty_before_alarm",
    "may_be_empty_before_due",
    "residual_ml",
    "daily_dose_mcg",
    "daily_dose_min_mcg",
    "daily_volume_ml",
]
QUANTITIES = ["daily_dose_mcg", "daily_dose_min_mcg", "daily_volume_ml"]
ERROR_CODES = {
    "fill_exceeds_reservoir",
    "flow_below_minimum",
    "flow_above_maximum",
    "flex_not_from_midnight",
    "flex_steps_unordered",
    "flex_days_incomplete",
    "too_many_steps",
    "not_positive",
    "not_a_number",
    "unknown_mode",
    "bad_interval",
    "bad_instant",
    "bad_time",
    "unknown_timezone",
    "bad_json",
    "missing",
}


def changed(value: Any, names: set[str], change: Callable[[Any], Any]) -> Any:
    """A copy of the case in which each field of those names is changed."""
    if isinstance(value, list):
        return [changed(item, names, change) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: change(item) if name in names and item is not None else changed(item, names, change)
        for name, item in value.items()
    }


def times(case: Case, names: set[str], factor: int) -> Case:
    def multiplied(text: str) -> str:
        return plain(Fraction(text) * factor, len(text.partition(".")[2]))

    return dict(changed(case, names, multiplied))


def ask_line(line: str) -> Result:
    answer = answer_line(line)
    result = json.loads(answer) if isinstance(answer, str) else answer
    assert isinstance(result, dict), line
    return result


def ask(case: Case) -> Result:
    return ask_line(json.dumps(case))


def ask_known(case: Case) -> Result:
    """For properties of known answers. A valid case is never an error."""
    result = ask(case)
    assert result["status"] != "error", shown(case, [str(result)])
    assume(result["status"] == "known")
    return result


def shown(case: Case, found: list[str]) -> str:
    """The failure with its case as one line of JSON, to be piped into `manage.py projection`."""
    return "\n".join(["", *found, json.dumps(case)])


def same_quantity(name: str, expected: str, got: Any, tolerance: Fraction) -> list[str]:
    if not isinstance(got, str) or not PLAIN_DECIMAL.fullmatch(got):
        return [f"{name}: {got!r} is not a plain decimal string"]
    if abs(Fraction(expected) - Fraction(got)) > tolerance:
        return [f"{name}: expected {expected}, got {got}"]
    return []


def tolerance_for(expected: str) -> Fraction:
    """None where six places say it all."""
    return Fraction(0) if Fraction(expected) * 10**6 % 1 == 0 else MILLIONTH


def same_residuals(expected: list[str], got: Any) -> list[str]:
    if not isinstance(got, list) or len(got) != len(expected):
        return [f"residual_ml: expected {expected}, got {got}"]
    found = []
    for number, (one, other) in enumerate(zip(expected, got, strict=True)):
        name = f"residual_ml[{number}]"
        found += same_quantity(name, one, other, MILLIONTH)
        if not found and len(other.partition(".")[2]) < 6:
            found.append(f"{name}: {other} has not six decimals")
    return found


def differences(expected: Result, got: Result) -> list[str]:
    """Field by field. The result may have more fields than the contract names, never fewer."""
    found = []
    names = KNOWN_FIELDS if expected["status"] == got.get("status") == "known" else list(expected)
    for name in names:
        if name not in got:
            found.append(f"{name}: missing")
        elif name == "residual_ml":
            found += same_residuals(expected[name], got[name])
        elif name in QUANTITIES:
            allowed = tolerance_for(expected[name])
            found += same_quantity(name, expected[name], got[name], allowed)
        elif expected[name] != got[name] or type(expected[name]) is not type(got[name]):
            found.append(f"{name}: expected {expected[name]!r}, got {got[name]!r}")
    if found and got.get("status") == "error":
        found.append(f"errors: {got.get('errors')}")
    return found
