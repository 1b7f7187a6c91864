"""`manage.py projection`: the worked numbers, every error code, and lines that stay apart."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alarms.domain.case_lines import answer_line
from tests.effort import calls_of

ROOT = Path(__file__).resolve().parents[3]
STEP = {"start": "00:00", "dose_mcg": "400"}
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
HEADER = {"effective_at": "2025-01-15T10:00:00Z", "utc_offset_minutes": 0}
PERIODIC = {
    **HEADER, "mode": "periodic_bolus", "basal_mcg_per_hour": "5", "bolus_mcg": "20",
    "bolus_minutes": 10, "interval_minutes": 360, "first_at": "02:00", "basal_suspended": False,
}  # fmt: skip


def case(**changes: Any) -> dict[str, Any]:
    """The first worked example; `pump__…` and `fill__…` change a field of these."""
    made: dict[str, Any] = {
        "id": 1,
        "timezone": "UTC",
        "pump": {
            "reservoir_ml": "20", "low_reservoir_alarm_ml": "2", "min_ml_per_day": "0.048",
            "max_ml_per_day": "24", "flow_accuracy_percent": "14.5", "allows_zero_flow": False,
        },
        "fill": {
            "at": "2025-01-15T10:00:00Z", "volume_ml": "20", "concentration_mcg_per_ml": "2000",
            "stability_days": 180,
        },
        "programs": [{**HEADER, "mode": "simple_continuous", "daily_dose_mcg": "350"}],
        "boluses": [],
        "residual_at": [],
    }  # fmt: skip
    for name, value in changes.items():
        part, _, field = name.partition("__")
        if field:
            made[part][field] = value
        else:
            made[part] = value
    return made


def flex(*groups: tuple[list[str], list[dict[str, str]]]) -> list[dict[str, Any]]:
    return [{**HEADER, "mode": "flex", "groups": [{"days": d, "steps": s} for d, s in groups]}]


def broken(**changes: Any) -> str:
    return json.dumps(case(**changes))


BROKEN = [
    ("fill_exceeds_reservoir", broken(fill__volume_ml="20.001")),
    ("flow_below_minimum", broken(programs=[{**HEADER, "mode": "simple_continuous",
                                             "daily_dose_mcg": "95.9"}])),
    ("flow_above_maximum", broken(programs=[{**HEADER, "mode": "simple_continuous",
                                             "daily_dose_mcg": "48001"}])),
    ("flex_not_from_midnight", broken(programs=flex((WEEK, [{**STEP, "start": "00:01"}])))),
    ("flex_steps_unordered", broken(programs=flex((WEEK, [STEP, STEP])))),
    ("flex_days_incomplete", broken(programs=flex((WEEK[:6], [STEP])))),
    ("too_many_steps", broken(programs=flex((WEEK, [
        {"start": f"{hour:02d}:00", "dose_mcg": "80"} for hour in range(14)])))),
    ("not_positive", broken(fill__concentration_mcg_per_ml="0")),
    ("not_a_number", broken(fill__volume_ml="1,5")),
    ("unknown_mode", broken(programs=[{**HEADER, "mode": "flexible"}])),
    ("bad_interval", broken(programs=[{**PERIODIC, "interval_minutes": 350}])),
    ("bad_instant", broken(fill__at="2025-01-15T10:00:00")),
    ("bad_time", broken(programs=flex((WEEK, [{**STEP, "start": "24:00"}])))),
    ("unknown_timezone", broken(timezone="America/Nowhere")),
    ("bad_json", "{not json"),
    ("missing", broken(fill__volume_ml=None)),
]  # fmt: skip


def answer(**changes: Any) -> dict[str, Any]:
    return answer_line(json.dumps(case(**changes)))


def codes(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["field"], error["code"]) for error in result["errors"]]


@pytest.mark.parametrize(("code", "line"), BROKEN, ids=[code for code, _ in BROKEN])
def test_each_error_code_with_a_sentence(code: str, line: str) -> None:
    result = answer_line(line)
    assert result["status"] == "error"
    assert [error["code"] for error in result["errors"]] == [code]
    assert all(error["message"].endswith(".") for error in result["errors"])


def test_the_worked_examples() -> None:
    first = answer()
    assert first["alarm_at"] == "2025-04-28T06:34:17Z"
    assert first["refill_due_on"] == "2025-04-21"
    assert first["window_opens_on"] == "2025-04-07"
    assert first["empty_date"] == "2025-05-09"
    assert first["earliest_empty_date"] == "2025-04-25"
    assert first["may_be_empty_before_alarm"] is True
    assert first["may_be_empty_before_due"] is False
    assert first["binding_clock"] == "low_reservoir"
    later = {**HEADER, "effective_at": "2025-02-14T10:00:00Z", "mode": "simple_continuous"}
    raised = answer(programs=[*case()["programs"], {**later, "daily_dose_mcg": "420"}])
    assert raised["alarm_at"] == "2025-04-16T03:08:34Z"
    weekdays, weekend = dict(STEP), {**STEP, "dose_mcg": "100"}
    weekly = answer(
        fill__concentration_mcg_per_ml="500",
        programs=flex((WEEK[:5], [weekdays]), (WEEK[5:], [weekend])),
    )
    assert weekly["alarm_at"] == "2025-02-12T22:00:00Z"
    assert (weekly["daily_dose_mcg"], weekly["daily_dose_min_mcg"]) == ("400", "100")


def test_the_night_the_clocks_go_back() -> None:
    """18 mL in 20 days, filled at 00:30 in Denver: the alarm is on the evening before."""
    result = answer(
        timezone="America/Denver",
        fill__at="2025-10-20T06:30:00Z",
        programs=[{"effective_at": "2025-10-20T06:30:00Z", "utc_offset_minutes": -360,
                   "mode": "simple_continuous", "daily_dose_mcg": "1800"}],
    )  # fmt: skip
    assert result["alarm_at"] == "2025-11-09T06:30:00Z"
    assert result["alarm_date"] == "2025-11-08"


def test_all_errors_are_collected_with_their_fields() -> None:
    result = answer(
        timezone="Nowhere",
        fill__volume_ml="25",
        programs=[
            {**HEADER, "mode": "simple_continuous", "daily_dose_mcg": "1"},
            {**HEADER, "effective_at": "yesterday", "mode": "periodic_bolus"},
        ],
        boluses=[{"at": "2025-01-16T00:00:00Z", "dose_mcg": "x"}],
        residual_at=["noon"],
    )
    assert codes(result) == [
        ("timezone", "unknown_timezone"),
        ("fill.volume_ml", "fill_exceeds_reservoir"),
        ("programs[0].daily_dose_mcg", "flow_below_minimum"),
        ("programs[1].effective_at", "bad_instant"),
        ("programs[1].basal_mcg_per_hour", "missing"),
        ("programs[1].bolus_mcg", "missing"),
        ("programs[1].bolus_minutes", "missing"),
        ("programs[1].interval_minutes", "missing"),
        ("programs[1].first_at", "missing"),
        ("programs[1].basal_suspended", "missing"),
        ("boluses[0].dose_mcg", "not_a_number"),
        ("boluses[0].minutes", "missing"),
        ("residual_at[0]", "bad_instant"),
    ]


def test_errors_come_before_any_unknown() -> None:
    assert answer(fill=None, timezone="Nowhere")["status"] == "error"


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("no_fill", {"fill": None, "programs": []}),
        ("fill_in_future", {"as_of": "2025-01-15T09:59:59Z", "programs": []}),
        ("no_program", {"programs": []}),
        ("no_program", {"programs": [{**HEADER, "effective_at": "2025-01-15T10:00:01Z",
                                      "mode": "stopped"}]}),
        ("concentration_mismatch", {"programs": [{**HEADER, "mode": "simple_continuous",
                                                  "daily_dose_mcg": "350",
                                                  "concentration_mcg_per_ml": "500"}]}),
        ("no_deadline", {"programs": [{**HEADER, "mode": "stopped"}],
                         "fill__stability_days": None}),
    ],
)  # fmt: skip
def test_each_unknown(reason: str, changes: dict[str, Any]) -> None:
    assert answer(**changes) == {"id": 1, "status": "unknown", "reason": reason}


def test_a_bolus_keeps_the_maximum_with_the_program_it_runs_on() -> None:
    bolus = {"at": "2025-01-16T10:00:00Z", "dose_mcg": "166", "minutes": "5"}  # 23.904 mL/day
    assert codes(answer(boluses=[bolus])) == [("boluses[0].dose_mcg", "flow_above_maximum")]
    assert answer(boluses=[{**bolus, "replaces_program": True}])["status"] == "known"
    half = {**bolus, "dose_mcg": "85"}
    assert answer(boluses=[half])["status"] == "known"
    assert len(answer(boluses=[half, half])["errors"]) == 2


@pytest.mark.parametrize(
    "junk",
    ["NaN", "Infinity", "1e400000", "", " ", "1,000", "0x10", "½", True, [], {}, "9" * 5000],
)
def test_what_is_no_number_hangs_and_crashes_nothing(junk: Any) -> None:
    assert codes(answer(fill__volume_ml=junk)) == [("fill.volume_ml", "not_a_number")]


def test_a_pump_that_never_runs_down_has_no_alarm_and_the_drug_binds() -> None:
    result = answer(programs=[{**HEADER, "mode": "stopped"}])
    assert result["alarm_at"] is result["empty_date"] is None
    assert result["binding_clock"] == "drug_stability"
    assert result["daily_dose_mcg"] == "0"


def test_a_fill_at_the_alarm_volume_alarms_at_once_and_is_due_on_its_day() -> None:
    result = answer(fill__volume_ml="2")
    assert result["alarm_at"] == "2025-01-15T10:00:00Z"
    assert result["refill_due_on"] == result["window_opens_on"] == "2025-01-15"


def test_residual_volume_before_during_and_long_after() -> None:
    at = ["2025-01-01T00:00:00Z", "2025-01-25T10:00:00Z", "2999-01-01T00:00:00Z"]
    assert answer(residual_at=at)["residual_ml"] == ["20.000000", "18.250000", "0.000000"]


def test_the_command_answers_each_line_in_order_without_a_database() -> None:
    lines = [json.dumps(case(id="a")), "{", "", json.dumps(case(id="b", timezone="X"))]
    env = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    text = "\ufeff" + "\n".join(lines)
    done = subprocess.run(
        [sys.executable, "manage.py", "projection"],
        input=text.encode() + b"\n\xff\xfe\n" + json.dumps(case(id="c")).encode(),
        capture_output=True, cwd=ROOT, env={**env, "ITB_ENV": "demo"}, check=True,
    )  # fmt: skip
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(r["id"], r["status"]) for r in results] == [
        ("a", "known"), (None, "error"), (None, "error"), ("b", "error"), (None, "error"),
        ("c", "known"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"window_days": 1_000_000},
        {"refill_lead_days": 1_000_000},
        {"fill__stability_days": 1_000_000, "max_interval_days": 1_000_000},
    ],
)
def test_an_absurd_setting_ends_in_a_date_or_a_refusal_never_in_a_crash(
    changes: dict[str, Any],
) -> None:
    assert answer(**changes)["status"] == "known"


@pytest.mark.parametrize(
    ("given", "echoed"),
    [("7", 7), ('"a"', "a"), ("true", True), ("1.5", "1.5"), ("1e5000", "1E+5000"),
     ('"\\ud800"', "?"), ("[" * 400 + "]" * 400, None), ('{"a": 1}', None)],
)  # fmt: skip
def test_an_id_is_echoed_and_none_stops_the_lines_after_it(given: str, echoed: Any) -> None:
    line = json.dumps(case()).replace('"id": 1', f'"id": {given}')
    result = answer_line(line)
    assert result["id"] == echoed
    json.dumps(result)


def test_every_missing_field_of_an_empty_object_is_named() -> None:
    fields = [field for field, _ in codes(answer(pump={}, programs=[{}], boluses=[{}]))]
    assert fields == [
        "pump.reservoir_ml", "pump.low_reservoir_alarm_ml", "pump.min_ml_per_day",
        "pump.max_ml_per_day", "pump.flow_accuracy_percent", "programs[0].effective_at",
        "programs[0].utc_offset_minutes", "programs[0].mode", "boluses[0].at",
        "boluses[0].dose_mcg", "boluses[0].minutes",
    ]  # fmt: skip


def test_one_error_hides_no_other() -> None:
    bolus = {"at": "2025-01-16T10:00:00Z", "dose_mcg": "166", "minutes": "5"}
    late = {**HEADER, "utc_offset_minutes": "x", "mode": "simple_continuous"}
    assert codes(answer(timezone="Nowhere", boluses=[bolus])) == [
        ("timezone", "unknown_timezone"), ("boluses[0].dose_mcg", "flow_above_maximum"),
    ]  # fmt: skip
    assert codes(answer(programs=[{**late, "daily_dose_mcg": "1"}])) == [
        ("programs[0].utc_offset_minutes", "not_a_number"),
        ("programs[0].daily_dose_mcg", "flow_below_minimum"),
    ]
    unordered = flex((WEEK, [STEP, STEP]))
    assert ("programs[0].groups[0].steps", "flex_steps_unordered") in codes(
        answer(pump={}, programs=unordered)
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"fill__volume_ml": "1e30"}, [("fill.volume_ml", "fill_exceeds_reservoir")]),
        ({"programs": [{**HEADER, "mode": "simple_continuous", "daily_dose_mcg": "1e30"}]},
         [("programs[0].daily_dose_mcg", "flow_above_maximum")]),
        ({"boluses": [{"at": "2025-01-16T10:00:00Z", "dose_mcg": "1", "minutes": "1e-30"}]},
         [("boluses[0].dose_mcg", "flow_above_maximum")]),
    ],
)  # fmt: skip
def test_a_number_longer_than_a_decimal_context_is_refused_and_stops_nothing(
    changes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert codes(answer(**changes)) == expected


def test_figures_beyond_a_decimal_context_are_still_written_out() -> None:
    result = answer(
        pump__max_ml_per_day="1e30",
        programs=[{**HEADER, "mode": "simple_continuous", "daily_dose_mcg": "1e29"}],
    )
    assert result["daily_dose_mcg"] == "1" + "0" * 29


def test_a_fault_of_ours_in_reading_a_case_stops_no_other_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: object) -> None:
        raise ArithmeticError

    monkeypatch.setattr("alarms.domain.case_lines.read_case", fail)
    assert answer() == {"id": 1, "status": "unknown", "reason": "failed"}


def test_no_flow_is_refused_even_where_the_minimum_is_zero() -> None:
    """A dose of zero would never alarm: only a pump that allows it may be told so."""
    programs = [{**HEADER, "mode": "simple_continuous", "daily_dose_mcg": "0"}]
    refused = answer(pump__min_ml_per_day="0", programs=programs)
    assert codes(refused) == [("programs[0].daily_dose_mcg", "flow_below_minimum")]
    allowed = answer(pump__min_ml_per_day="0", pump__allows_zero_flow=True, programs=programs)
    assert allowed["status"] == "known"


def test_one_unreadable_limit_of_the_pump_hides_no_other_error() -> None:
    result = answer(
        pump__low_reservoir_alarm_ml="x",
        fill__volume_ml="25",
        programs=[{**HEADER, "mode": "simple_continuous", "daily_dose_mcg": "1"}],
    )
    assert codes(result) == [
        ("pump.low_reservoir_alarm_ml", "not_a_number"),
        ("fill.volume_ml", "fill_exceeds_reservoir"),
        ("programs[0].daily_dose_mcg", "flow_below_minimum"),
    ]


@pytest.mark.parametrize("zone", ["localtime", "posixrules", "Factory", "right/America/Denver"])
def test_a_zone_that_is_no_place_is_unknown(zone: str) -> None:
    assert codes(answer(timezone=zone)) == [("timezone", "unknown_timezone")]


def test_a_bolus_of_many_years_on_a_flex_program_is_answered_in_a_moment() -> None:
    steps = [{"start": f"{hour:02d}:00", "dose_mcg": "0.001"} for hour in range(12)]
    result, calls = calls_of(
        lambda: answer(
            pump__min_ml_per_day="0",
            programs=flex((WEEK, steps)),
            boluses=[{"at": "2025-01-16T00:00:00Z", "dose_mcg": "1", "minutes": "1e10"}],
        )
    )
    assert result["earliest_empty_date"] == "9995-07-26"
    assert calls < 100_000


def test_hundreds_of_boluses_at_once_are_answered_in_a_moment() -> None:
    bolus = {"at": "2025-01-16T10:00:00Z", "dose_mcg": "0.1", "minutes": "600"}
    many = [{**bolus, "at": f"2025-01-16T10:{n // 60:02d}:{n % 60:02d}Z"} for n in range(900)]
    result, calls = calls_of(lambda: answer(boluses=many))
    assert result["status"] == "known"
    _, calls_for_a_third = calls_of(lambda: answer(boluses=many[:300]))
    assert calls < 5 * calls_for_a_third, "it grows with the square of the boluses"


@pytest.mark.parametrize("name", ["localtime", "posixrules", "right/UTC", "posix/UTC", "", "../x"])
def test_a_machines_own_time_zone_names_are_not_known(name: str) -> None:
    assert codes(answer(timezone=name)) == [("timezone", "unknown_timezone")]


def test_a_field_that_stands_twice_is_refused() -> None:
    line = json.dumps(case()).replace('"volume_ml": "20"', '"volume_ml": "20", "volume_ml": "19"')
    assert answer_line(line)["errors"][0]["code"] == "bad_json"
