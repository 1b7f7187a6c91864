"""The worked examples of tests/data/vectors.json: every kind that the core computes."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alarms.domain.case_lines import answer
from dosing.domain.bridge import bridge, priming_bolus_mcg
from dosing.domain.programs import WEEK
from pumps.domain.path import path_ml
from refills.domain.reservoir import discrepancy, mixed_concentration

from .alarms.test_case_lines import case

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "vectors.json").read_text())
START = datetime(2025, 1, 15, 10, tzinfo=UTC)
HEADER = {"effective_at": "2025-01-15T10:00:00Z", "utc_offset_minutes": 0}
Found = dict[str, Any]

# What no part of the application computes yet, and why.
NOT_HERE = {
    "bolus_volume": "screening trial: a later issue",
    "bolus_mass": "another pump family's valve, with another drug",
    "concentration_from_container": "drug lots: a later issue",
    "concentration_percent_error": "drug lots: a later issue",
    "screening_sequence": "screening trial: a later issue",
    "starting_daily_dose": "screening trial: a later issue",
    "titration_check": "titration plans: a later issue",
    "dose_change": "visits with a dose change: a later issue",
    "percent_change": "visits with a dose change: a later issue",
    "dose_rate_hourly": "the visit page: a later issue",
    "post_refill_fill_check": "the visit page: a later issue",
    "wrong_concentration": "the visit page: a later issue",
    "catheter_content_dose": "the visit page: a later issue",
    "volume_percent_error": "an external pump's test",
    "flex_misprogram": "an incident's arithmetic",
    "daily_dose_from_multiple": "a case report's arithmetic",
    "ashworth_change": "scales: a later issue",
    "pump_replacement": "battery runway: a later issue",
    "eri_to_eos": "battery runway: a later issue",
    "catheter_volume_prometra": "trimmed catheters of a family that is not in the catalogue",
    "prometra_actuations": "valve actuations of a family that is not in the catalogue",
    "constant_flow_fill": "constant-flow pumps are not in the catalogue",
    "unit_conversion": "tests/unit/visits: the roster import converts and warns",
    "unit_plausibility": "tests/unit/visits: the roster import refuses",
    "alarm_volume_needed_for_accuracy": "what an alarm volume should be, not what a date is",
    "flex_daily_total_additive": "the convention that docs/calculations.md excludes",
    "overdue_status": "other words: tests/integration/alarms/test_worklist.py has ours",
    "step_dosing_cumulative": "an external pump's taper",
}


def simple(dose: Any) -> list[Found]:
    return [{**HEADER, "mode": "simple_continuous", "daily_dose_mcg": str(dose)}]


def flex(groups: list[tuple[list[str], list[Found]]]) -> list[Found]:
    made = [{"days": days, "steps": steps} for days, steps in groups]
    return [{**HEADER, "mode": "flex", "groups": made}]


def days_until(instant: str) -> Fraction:
    return Fraction((datetime.fromisoformat(instant) - START) // timedelta(seconds=1), 86400)


def even(i: Found, **changes: Any) -> Found:
    [program] = simple(i["dose_mcg_per_day"])
    return answer(
        case(
            programs=[{**program, "effective_at": i.get("fill_at", HEADER["effective_at"])}],
            fill__concentration_mcg_per_ml=i["concentration_mcg_per_ml"],
            fill__volume_ml=i["reservoir_volume_ml"],
            pump__reservoir_ml=i["reservoir_volume_ml"],
            pump__low_reservoir_alarm_ml=i["alarm_volume_ml"],
            **changes,
        )
    )


def refill_schedule(i: Found) -> Found:
    found = even(
        i,
        refill_lead_days=i["buffer_days"],
        fill__stability_days=i["stability_days"],
        fill__at=i["fill_at"],
    )
    names = {"low_reservoir": "alarm", "drug_stability": "stability"}
    return {
        "flow_ml_per_day": found["daily_volume_ml"],
        "alarm_at": found["alarm_at"].replace("Z", "+00:00"),
        "alarm_date": found["alarm_date"],
        "empty_at": found["empty_at"].replace("Z", "+00:00"),
        "empty_date": found["empty_date"],
        "refill_due": found["refill_due_on"],
        "binding": names[found["binding_clock"]],
    }


def over_infusion_worst_case(i: Found) -> Found:
    percent = Fraction(i["accuracy"]) * 100
    found = even(i, pump__flow_accuracy_percent=str(float(percent)))
    return {"empty_before_alarm": found["may_be_empty_before_alarm"]}


def reservoir_days_simple(i: Found) -> Found:
    found = answer(
        case(
            fill__volume_ml=i["reservoir_ml"],
            fill__concentration_mcg_per_ml="1000",
            programs=simple(Decimal(i["flow_ml_per_day"]) * 1000),
        )
    )
    return {"days": days_until(found["empty_at"])}


def prometra_refill_days(i: Found) -> Found:
    dose = Fraction(i.get("max_daily_dose_mcg", 0)) or Fraction(i["basal_mcg_per_day"]) + Fraction(
        i["bolus_mcg"]
    ) * int(i["allotted_boluses_per_day"])
    inputs = {**i, "dose_mcg_per_day": str(dose), "reservoir_volume_ml": i["reservoir_ml"],
              "alarm_volume_ml": i["refill_threshold_ml"]}  # fmt: skip
    return {"days": days_until(even(inputs)["alarm_at"])}


def residual_discrepancy(i: Found) -> Found:
    filled = Fraction(i["filled_ml"])
    programmed = Fraction(i["flow_ml_per_day"]) * Fraction(i["days"]) + Fraction(i["bolus_ml"])
    found = discrepancy(filled, filled - programmed, Fraction(i["aspirated_ml"]))
    assert found.delivered_ratio is not None
    return {
        "actual_minus_expected_ml": found.difference_ml,
        "delivered_vs_programmed_percent": (found.delivered_ratio - 1) * 100,
    }


def steps(i: Found) -> list[Found]:
    return [{"start": step["start"], "dose_mcg": step["dose_mcg"]} for step in i["steps"]]


def flex_daily_total(i: Found) -> Found:
    found = answer(
        case(
            programs=flex([(list(WEEK), steps(i))]),
            fill__concentration_mcg_per_ml=i["concentration_mcg_per_ml"],
            pump__min_ml_per_day="0",
        )
    )
    return {"total_mcg_per_day": found["daily_dose_mcg"], "ml_per_day": found["daily_volume_ml"]}


def flex_weekly_schedule(i: Found) -> Found:
    groups = [
        (list(WEEK[:5]), [{"start": "00:00", "dose_mcg": i["mon_fri_mcg_per_day"]}]),
        (list(WEEK[5:]), [{"start": "00:00", "dose_mcg": i["sat_sun_mcg_per_day"]}]),
    ]
    found = answer(
        case(
            programs=flex(groups),
            fill__at=i["fill_at"],
            fill__concentration_mcg_per_ml=i["concentration_mcg_per_ml"],
        )
    )
    return {"alarm_at": found["alarm_at"].replace("Z", "+00:00"), "alarm_date": found["alarm_date"]}


def flex_intraday_alarm(i: Found) -> Found:
    found = answer(
        case(
            programs=flex([(list(WEEK), steps(i))]),
            fill__at=i["fill_at"],
            fill__concentration_mcg_per_ml=i["concentration_mcg_per_ml"],
        )
    )
    return {"alarm_at": found["alarm_at"].replace("Z", "+00:00"), "alarm_date": found["alarm_date"]}


def periodic_bolus_daily(i: Found) -> Found:
    program = {
        **HEADER,
        "mode": "periodic_bolus",
        "basal_mcg_per_hour": i["basal_mcg_per_h"],
        "bolus_mcg": i["bolus_mcg"],
        "bolus_minutes": int(i["bolus_duration_min"]),
        "interval_minutes": int(i["interval_h"]) * 60,
        "first_at": "00:00",
        "basal_suspended": i["basal_suspended_during_bolus"],
    }
    concentration = i["concentration_mcg_per_ml"]
    found = answer(case(programs=[program], fill__concentration_mcg_per_ml=concentration))
    return {"total_mcg_per_day": found["daily_dose_mcg"], "ml_per_day": found["daily_volume_ml"]}


def single_bolus(i: Found) -> Found:
    bolus = {"at": "2025-01-16T00:00:00Z", "dose_mcg": i["dose_mcg"], "minutes": i["duration_min"],
             "replaces_program": True}  # fmt: skip
    concentration = i["concentration_mcg_per_ml"]
    at = "2025-01-17T00:00:00Z"
    common: Found = {"fill__concentration_mcg_per_ml": concentration, "residual_at": [at],
                     "pump__max_ml_per_day": str(Decimal(i["max_ml_per_h"]) * 24),
                     "programs": [{**HEADER, "mode": "stopped"}]}  # fmt: skip
    found = answer(case(boluses=[bolus], **common))
    if found["status"] == "error":
        return {"within_max": False}
    return {"within_max": True, "volume_ml": 20 - Fraction(found["residual_ml"][0])}


def flow_limits(i: Found) -> Found:
    found = answer(
        case(
            programs=simple(i["dose_mcg_per_day"]),
            fill__concentration_mcg_per_ml=i["concentration_mcg_per_ml"],
            pump__min_ml_per_day=i["min_ml_per_day"],
            pump__max_ml_per_day=i["max_ml_per_day"],
        )
    )
    return {"ok": found["status"] == "known"}


def daily_volume(i: Found) -> Found:
    found = answer(
        case(
            programs=simple(i["dose_mcg_per_day"]),
            fill__concentration_mcg_per_ml=i["concentration_mcg_per_ml"],
            pump__min_ml_per_day="0",
        )
    )
    return {"ml_per_day": found["daily_volume_ml"]}


def elapsed_time_across_dst(i: Found) -> Found:
    zone = ZoneInfo(i["timezone"])
    local = datetime.fromisoformat(i["fill_local"]).replace(tzinfo=zone)
    offset = local.utcoffset() or timedelta()
    at = local.astimezone(UTC).isoformat()
    program = {"effective_at": at, "utc_offset_minutes": offset // timedelta(minutes=1),
               "mode": "simple_continuous",
               "daily_dose_mcg": str(Fraction(36000, int(i["elapsed_days"])))}  # fmt: skip
    found = answer(case(timezone=i["timezone"], fill__at=at, programs=[program]))
    return {
        "alarm_utc": found["alarm_at"].replace("Z", "+00:00"),
        "conservative_date": found["alarm_date"],
    }


def stability_limit(i: Found) -> Found:
    days = int(i.get("max_days", 0)) or int(i["max_weeks"]) * 7
    stopped = [{**HEADER, "mode": "stopped"}]
    found = answer(case(fill__stability_days=days, programs=stopped))
    return {"latest_refill_date": found["stability_date"]}


def _path(i: Found) -> Decimal:
    return path_ml(
        Decimal(i["pump_tubing_ml"]), Decimal(i["catheter_cm"]), Decimal(i["catheter_ml_per_cm"])
    )


def bridge_bolus(i: Found) -> Found:
    old_dose, old, new = (
        Decimal(i[name]) for name in ("old_mcg_per_day", "old_mcg_per_ml", "new_mcg_per_ml")
    )
    found = bridge(_path(i), old_dose, old, new)
    return {
        "path_ml": _path(i),
        "bridge_duration_h": found.duration_h,
        "old_drug_delivered_mcg": found.old_drug_mcg,
        "bolus_in_new_drug_units_mcg": found.bolus_mcg,
    }


def priming_bolus(i: Found) -> Found:
    drug = priming_bolus_mcg(_path(i), Decimal(i["concentration_mcg_per_ml"]))
    return {"volume_ml": _path(i), "drug_mcg": drug}


def reservoir_mix(i: Found) -> Found:
    names = ("unaspirated_ml", "old_mcg_per_ml", "fill_ml", "new_mcg_per_ml")
    return {"mixed_mcg_per_ml": mixed_concentration(*(Decimal(i[name]) for name in names))}


HANDLERS: dict[str, Callable[[Found], Found]] = {
    handler.__name__: handler
    for handler in (
        refill_schedule, over_infusion_worst_case, reservoir_days_simple, prometra_refill_days,
        residual_discrepancy, flex_daily_total, flex_weekly_schedule, flex_intraday_alarm,
        periodic_bolus_daily, single_bolus, flow_limits, daily_volume, elapsed_time_across_dst,
        stability_limit, bridge_bolus, priming_bolus, reservoir_mix,
    )
}  # fmt: skip


def test_every_kind_is_computed_or_said_not_to_be() -> None:
    kinds = {vector["kind"] for vector in VECTORS}
    assert kinds == set(HANDLERS) | set(NOT_HERE)
    assert not set(HANDLERS) & set(NOT_HERE)


def number(value: Any) -> Fraction:
    return Fraction(value["exact"]) if isinstance(value, dict) else Fraction(value)


@pytest.mark.parametrize(
    "vector",
    [vector for vector in VECTORS if vector["kind"] in HANDLERS],
    ids=lambda vector: f"{vector['id']}-{vector['kind']}",
)
def test_vector(vector: Found) -> None:
    found = HANDLERS[vector["kind"]](vector["inputs"])
    wanted = vector["expected"]
    assert set(found) <= set(wanted)
    for name, value in found.items():
        expected = wanted[name]
        if isinstance(value, str | bool) and not name.endswith(("_mcg_per_day", "_ml_per_day",
                                                                "ml_per_day")):  # fmt: skip
            assert value == expected, name
        else:
            # What is computed through an instant is floored to the second.
            tolerance = Fraction(1, 86400) if name == "days" else Fraction(1, 10**9)
            assert abs(number(value) - number(expected)) <= tolerance, name
