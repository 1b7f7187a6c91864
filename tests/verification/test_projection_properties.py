"""What holds of every projection, whatever the numbers are; no oracle is needed for these."""

from __future__ import annotations

import copy
import json
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.examples import examples
from tests.oracles.projection_cases import (
    ZONES,
    Case,
    Flows,
    boluses,
    cases,
    fit_the_maximum,
    plain,
    programs,
    rfc3339,
)
from tests.verification.support import (
    DOSES,
    ERROR_CODES,
    MILLIONTH,
    Result,
    ask,
    ask_known,
    ask_line,
    changed,
    shown,
    times,
)

FOREVER = "9999-12-31T23:59:59Z"
FLOWS = {"min_ml_per_day", "max_ml_per_day"}
VOLUMES = {"reservoir_ml", "low_reservoir_alarm_ml", "volume_ml"}
INSTANTS = {"at", "effective_at", "as_of"}

known_cases = cases(unknowns=False)


# --- changing a case ---------------------------------------------------------------------------


def moved(case: Case, by: timedelta) -> Case:
    def later(text: str) -> str:
        return rfc3339(moment_of(text) + by)

    case = dict(changed(case, INSTANTS, later))
    return {**case, "residual_at": [later(text) for text in case["residual_at"]]}


def moment_of(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def dose_fields(case: Case) -> list[tuple[dict[str, Any], str]]:
    """Each dose of the case that is not zero, as the place where it stands."""
    found: list[tuple[dict[str, Any], str]] = []
    waiting: list[Any] = [case["programs"], case["boluses"]]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
            found += [(value, name) for name in sorted(DOSES & value.keys())]
    return [(place, name) for place, name in found if Fraction(place[name]) > 0]


# --- comparing answers -------------------------------------------------------------------------


def assert_never_later(sooner: Case, later: Case) -> None:
    one, other = ask_known(sooner), ask_known(later)
    for name in ("alarm_at", "empty_at"):
        text = f"{name}: {one[name]} is later than {other[name]} of {json.dumps(later)}"
        assert (one[name] or FOREVER) <= (other[name] or FOREVER), shown(sooner, [text])
    for mine, its in zip(one["residual_ml"], other["residual_ml"], strict=True):
        assert Fraction(mine) <= Fraction(its) + MILLIONTH, shown(sooner, [mine, its])


def without(result: Result, *names: str) -> Result:
    return {name: value for name, value in result.items() if name not in names}


def assert_same(case: Case, other: Case, *but: str) -> tuple[Result, Result]:
    """The contract's fields are the same but for those; warnings may differ."""
    one, two = ask_known(case), ask_known(other)
    for name in without(one, "warnings", *but):
        text = f"{name}: {one[name]}, but {two[name]} of {json.dumps(other)}"
        assert one[name] == two[name], shown(case, [text])
    return one, two


# --- more drug is never later ------------------------------------------------------------------


@examples(40)
@given(data=st.data(), case=known_cases)
def test_a_greater_dose_never_gives_a_later_alarm(data: st.DataObject, case: Case) -> None:
    greater = copy.deepcopy(case)
    fields = dose_fields(greater)
    assume(fields)
    place, name = data.draw(st.sampled_from(fields))
    extra = data.draw(st.sampled_from(["0.001", "1", "25"]))
    place[name] = plain(Fraction(place[name]) + Fraction(extra), 4)
    fit_the_maximum(greater, exact=False)
    assert_never_later(greater, case)


@examples(40)
@given(data=st.data(), case=known_cases)
def test_an_increase_that_comes_earlier_never_gives_a_later_alarm(
    data: st.DataObject, case: Case
) -> None:
    at = moment_of(case["fill"]["at"])
    minutes = sorted(data.draw(st.lists(st.integers(1, 40 * 1440), min_size=2, max_size=2)))
    doses = sorted(data.draw(st.lists(st.integers(400, 9000), min_size=2, max_size=2)))
    listed = []
    for minute in minutes:
        first = {"mode": "simple_continuous", "utc_offset_minutes": 0}
        before = first | {"effective_at": rfc3339(at), "daily_dose_mcg": str(doses[0])}
        when = rfc3339(at + timedelta(minutes=minute))
        after = first | {"effective_at": when, "daily_dose_mcg": str(doses[1])}
        listed.append([before, after])
    pair = []
    for both in listed:
        simple = {**case, "pump": {**case["pump"]}, "programs": both}
        simple["fill"] = {**case["fill"], "concentration_mcg_per_ml": "500"}
        simple["pump"]["min_ml_per_day"] = "0.048"
        fit_the_maximum(simple, exact=False)
        pair.append(simple)
    assert_never_later(pair[0], pair[1])


@examples(40)
@given(data=st.data(), case=known_cases)
def test_another_bolus_never_gives_a_later_alarm(data: st.DataObject, case: Case) -> None:
    anchors = [moment_of(program["effective_at"]) for program in case["programs"]]
    mcg_per_ml = Fraction(case["fill"]["concentration_mcg_per_ml"])
    bolus = data.draw(boluses([*anchors, moment_of(case["fill"]["at"])], mcg_per_ml))
    bolus["replaces_program"] = False
    more = {**case, "pump": {**case["pump"]}, "boluses": [bolus, *case["boluses"]]}
    fit_the_maximum(more, exact=False)
    assert_never_later(more, case)


@examples(40)
@given(case=known_cases, less=st.sampled_from(["0.1", "0.001", "0.05"]))
def test_less_in_the_reservoir_never_gives_a_later_alarm(case: Case, less: str) -> None:
    volume = Fraction(case["fill"]["volume_ml"]) - Fraction(less)
    assume(volume > 0)
    fill = {**case["fill"], "volume_ml": plain(volume, 3)}
    assert_never_later({**case, "fill": fill}, case)


# --- the same story told otherwise -------------------------------------------------------------


@examples(40)
@given(data=st.data(), case=known_cases)
def test_a_program_split_in_two_changes_nothing(data: st.DataObject, case: Case) -> None:
    listed = case["programs"]
    number = data.draw(st.integers(0, len(listed) - 1))
    begins = moment_of(listed[number]["effective_at"])
    others = [moment_of(program["effective_at"]) for program in listed]
    assume(others.count(begins) == 1)
    ends = min((other for other in others if other > begins), default=begins + timedelta(90))
    inside = int((ends - begins) / timedelta(seconds=1))
    assume(inside > 1)
    second = data.draw(st.integers(0, inside - 1))
    half = {**listed[number], "effective_at": rfc3339(begins + timedelta(seconds=second))}
    split = [*listed[: number + 1], half, *listed[number + 1 :]]
    assert_same(case, {**case, "programs": split})


@examples(30)
@given(data=st.data(), case=known_cases)
def test_the_order_of_the_lists_changes_nothing(data: st.DataObject, case: Case) -> None:
    instants = [moment_of(program["effective_at"]) for program in case["programs"]]
    assume(len(set(instants)) == len(instants))
    programs_otherwise = data.draw(st.permutations(case["programs"]))
    boluses_otherwise = data.draw(st.permutations(case["boluses"]))
    other = {**case, "programs": programs_otherwise, "boluses": boluses_otherwise}
    assert_same(case, dict(reversed(other.items())))


@examples(30)
@given(case=known_cases, offset=st.sampled_from([-480, 345, 60]))
def test_the_offset_an_instant_is_written_in_changes_nothing(case: Case, offset: int) -> None:
    def rewritten(text: str) -> str:
        return rfc3339(moment_of(text), offset)

    other = dict(changed(case, INSTANTS, rewritten))
    other["residual_at"] = [rewritten(text) for text in case["residual_at"]]
    assert_same(case, other)


@examples(30)
@given(data=st.data(), case=known_cases)
def test_what_was_over_before_the_fill_changes_nothing(data: st.DataObject, case: Case) -> None:
    at = moment_of(case["fill"]["at"])
    begun = [p for p in case["programs"] if moment_of(p["effective_at"]) <= at]
    first = min(moment_of(p["effective_at"]) for p in begun) - timedelta(minutes=1)
    own = data.draw(st.sampled_from(["500", "2000", "4000"]))
    older = data.draw(programs(first, Flows(100, 200, False), own, fills=False))
    over = {"at": rfc3339(at - timedelta(minutes=30)), "dose_mcg": "5", "minutes": "30"}
    other = {
        **case,
        "pump": {**case["pump"]},
        "programs": [older, *case["programs"]],
        "boluses": [*case["boluses"], over],
    }
    fit_the_maximum(other, exact=False)
    assert_same(case, other)


@examples(30)
@given(case=known_cases, zone=st.sampled_from(ZONES))
def test_the_clinics_zone_changes_no_instant_and_no_volume(case: Case, zone: str) -> None:
    one, other = ask_known(case), ask_known({**case, "timezone": zone})
    for name in ("alarm_at", "empty_at", "residual_ml", "daily_dose_mcg", "daily_volume_ml"):
        assert one[name] == other[name], shown(case, [name, zone])


@examples(30)
@given(case=known_cases, weeks=st.integers(-40, 40))
def test_whole_weeks_later_it_is_the_same_whole_weeks_later(case: Case, weeks: int) -> None:
    by = timedelta(weeks=weeks)
    case = {**case, "timezone": "UTC"}
    other = moved(case, by)
    if case["fill"].get("use_by"):
        use_by = (date.fromisoformat(case["fill"]["use_by"]) + by).isoformat()
        other["fill"]["use_by"] = use_by
    one, two = ask_known(case), ask_known(other)
    for name, value in without(one, "warnings").items():
        expected = value
        if name.endswith("_at") and value:
            expected = (moment_of(value) + by).strftime("%Y-%m-%dT%H:%M:%SZ")
        elif name.endswith(("_date", "_on")) and value:
            expected = (date.fromisoformat(value) + by).isoformat()
        assert two[name] == expected, shown(case, [name, json.dumps(other)])


@examples(30)
@given(case=known_cases, hours=st.integers(-12, 12))
def test_the_same_story_in_another_part_of_the_world(case: Case, hours: int) -> None:
    """Clinic, pump clock and events all so many hours further east: the same dates."""
    case = {**case, "timezone": "UTC"}
    other = moved(case, -timedelta(hours=hours))
    other["timezone"] = f"Etc/GMT{-hours:+d}"
    other = dict(changed(other, {"utc_offset_minutes"}, lambda offset: offset + 60 * hours))
    # An offset of more than a day is refused, so such a story cannot be told there.
    assume(all(abs(program["utc_offset_minutes"]) <= 1440 for program in other["programs"]))
    assert_same(case, other, "alarm_at", "empty_at")


@examples(30)
@given(case=known_cases, factor=st.integers(2, 5))
def test_a_stronger_drug_in_greater_doses_is_the_same_volume(case: Case, factor: int) -> None:
    other = times(case, DOSES | {"concentration_mcg_per_ml"}, factor)
    one, two = assert_same(case, other, "daily_dose_mcg", "daily_dose_min_mcg")
    for name in ("daily_dose_mcg", "daily_dose_min_mcg"):
        gap = Fraction(one[name]) * factor - Fraction(two[name])
        assert abs(gap) <= factor * MILLIONTH, shown(case, [name])


@examples(30)
@given(case=known_cases, factor=st.integers(2, 5))
def test_a_larger_pump_that_runs_faster_has_the_same_dates(case: Case, factor: int) -> None:
    other = times(case, DOSES | FLOWS | VOLUMES, factor)
    scaled = ["daily_dose_mcg", "daily_dose_min_mcg", "daily_volume_ml", "residual_ml"]
    one, two = assert_same(case, other, *scaled)
    pairs = [(one[name], two[name]) for name in scaled[:3]]
    pairs += zip(one["residual_ml"], two["residual_ml"], strict=True)
    for mine, its in pairs:
        assert abs(Fraction(mine) * factor - Fraction(its)) <= 6 * MILLIONTH, shown(case, [mine])


@examples(30)
@given(case=known_cases)
def test_twice_as_fast_is_what_an_accuracy_of_a_hundred_percent_means(case: Case) -> None:
    inaccurate = {**case, "pump": {**case["pump"], "flow_accuracy_percent": "100"}}
    faster = times(case, DOSES | FLOWS, 2)
    earliest, empty = ask_known(inaccurate), ask(faster)
    assume(empty["status"] == "known")
    assert earliest["earliest_empty_date"] == empty["empty_date"], shown(case, [str(empty)])


# --- what an answer says about itself ----------------------------------------------------------


@examples(40)
@given(case=known_cases)
def test_the_residual_at_the_alarm_is_the_alarm_volume(case: Case) -> None:
    result = ask_known(case)
    asked = {}
    for name, left in (("alarm_at", case["pump"]["low_reservoir_alarm_ml"]), ("empty_at", "0")):
        if result[name] and moment_of(result[name]) > moment_of(case["fill"]["at"]):
            asked[name] = (moment_of(result[name]), Fraction(left))
    for name, (moment, left) in asked.items():
        texts = [rfc3339(moment), rfc3339(moment + timedelta(seconds=1))]
        before, after = ask_known({**case, "residual_at": texts})["residual_ml"]
        assert Fraction(before) >= left - MILLIONTH, shown(case, [name, before])
        assert Fraction(after) <= left + MILLIONTH, shown(case, [name, after])


@examples(40)
@given(data=st.data(), case=known_cases)
def test_the_residual_only_falls_from_the_volume_to_nothing(
    data: st.DataObject, case: Case
) -> None:
    at = moment_of(case["fill"]["at"])
    hours = sorted(data.draw(st.lists(st.integers(-48, 3000), min_size=1, max_size=12)))
    asked = [rfc3339(at + timedelta(hours=hour)) for hour in hours]
    texts = ask_known({**case, "residual_at": asked})["residual_ml"]
    left = [Fraction(text) for text in texts]
    assert left == sorted(left, reverse=True), shown(case, texts)
    volume = Fraction(case["fill"]["volume_ml"])
    assert all(0 <= ml <= volume for ml in left), shown(case, texts)
    early = [ml for hour, ml in zip(hours, left, strict=True) if hour <= 0]
    assert early == [volume] * len(early), shown(case, texts)


@examples(60)
@given(case=known_cases)
def test_a_date_is_never_later_than_the_clinics_and_a_day_from_utc(case: Case) -> None:
    result = ask_known(case)
    zone = ZoneInfo(case["timezone"])
    for name in ("alarm", "empty"):
        if result[f"{name}_at"] is None:
            assert result[f"{name}_date"] is None, shown(case, [name])
            continue
        moment = moment_of(result[f"{name}_at"])
        shown_date = date.fromisoformat(result[f"{name}_date"])
        assert shown_date <= moment.astimezone(zone).date(), shown(case, [name])
        assert abs((shown_date - moment.date()).days) <= 1, shown(case, [name])


@examples(60)
@given(case=known_cases)
def test_the_due_date_is_on_or_before_each_clock(case: Case) -> None:
    result = ask_known(case)
    zone = ZoneInfo(case["timezone"])
    filled = moment_of(case["fill"]["at"]).astimezone(zone).date()
    due, opens = (date.fromisoformat(result[n]) for n in ("refill_due_on", "window_opens_on"))
    clocks: dict[str, date] = {}
    if result["alarm_date"]:
        lead = timedelta(days=case["refill_lead_days"])
        clocks["low_reservoir"] = date.fromisoformat(result["alarm_date"]) - lead
    if result["stability_date"]:
        clocks["drug_stability"] = date.fromisoformat(result["stability_date"])
    if case["max_interval_days"]:
        clocks["max_interval"] = filled + timedelta(days=case["max_interval_days"])
    assert all(due <= max(clock, filled) for clock in clocks.values()), shown(case, [str(clocks)])
    assert due == max(filled, clocks[result["binding_clock"]]), shown(case, [str(clocks)])
    assert filled <= opens <= due, shown(case, [str(opens)])
    assert (due - opens).days <= case["window_days"], shown(case, [str(opens)])


@examples(40)
@given(case=known_cases, clocks=st.sets(st.sampled_from(["use_by", "max_interval"])))
def test_of_two_clocks_on_one_day_the_first_binds(case: Case, clocks: set[str]) -> None:
    """The other clocks are set to the very day that the reservoir asks for."""
    fill = {**case["fill"], "stability_days": None, "use_by": None}
    alone = ask_known({**case, "fill": fill, "max_interval_days": None})
    zone = ZoneInfo(case["timezone"])
    filled = moment_of(case["fill"]["at"]).astimezone(zone).date()
    due = date.fromisoformat(alone["refill_due_on"])
    assume(due > filled)
    tied: Case = {**case, "fill": fill, "max_interval_days": None}
    if "use_by" in clocks:
        tied["fill"] = {**fill, "use_by": due.isoformat()}
    if "max_interval" in clocks:
        tied["max_interval_days"] = (due - filled).days
    assert_same(tied, {**case, "fill": fill, "max_interval_days": None}, "stability_date")
    never = {**tied, "refill_lead_days": 0}
    expected = ["low_reservoir", "drug_stability", "max_interval"]
    there = ["use_by" in clocks, "max_interval" in clocks]
    named = [name for name, is_there in zip(expected[1:], there, strict=True) if is_there]
    if case["refill_lead_days"] and named:
        assert ask_known(never)["binding_clock"] == named[0], shown(never, named)


# --- broken lines ------------------------------------------------------------------------------

NO_CASES = [
    "",
    " ",
    "{",
    "null",
    "[]",
    "[1]",
    '"x"',
    "7",
    "nan",
    "{}",
    '{"id": "b"}',
    "\x00",
    "{'a'}",
]
JUNK: list[Any] = [None, "", "abc", "-1", "NaN", "Infinity", "1e400", "1e-400", "0", "٣", -7, 1.5]
JUNK += [True, [], {}, [None], "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", 10**30]


def assert_is_an_answer(line: str) -> None:
    """Never an exception, never anything but an answer of the contract."""
    result = ask_line(line)
    assert result["status"] in {"known", "unknown", "error"}, line
    if result["status"] == "error":
        assert result["errors"], line
        for error in result["errors"]:
            assert error["code"] in ERROR_CODES, line
            assert error.keys() >= {"field", "code", "message"}, line


@examples(40)
@given(data=st.data(), case=cases())
def test_junk_in_a_case_is_answered(data: st.DataObject, case: Case) -> None:
    broken: Any = json.loads(json.dumps(case))
    place: Any = broken
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        deeper = place[key]
        if not isinstance(deeper, dict | list) or not deeper or data.draw(st.booleans()):
            break
        place = deeper
    if data.draw(st.booleans()):
        del place[key]
    else:
        place[key] = data.draw(st.sampled_from(JUNK))
    assert_is_an_answer(json.dumps(broken))


def test_what_is_no_case_is_an_error() -> None:
    for line in NO_CASES:
        assert_is_an_answer(line)
        assert ask_line(line)["status"] == "error", line


@examples(15)
@given(data=st.data(), good=st.lists(cases(), min_size=1, max_size=3))
def test_broken_lines_do_not_touch_the_others(data: st.DataObject, good: list[Case]) -> None:
    lines = [json.dumps(case) for case in good]
    alone = {line: ask_line(line) for line in lines + NO_CASES}
    mixed = data.draw(st.permutations(lines + NO_CASES))
    assert [ask_line(line) for line in mixed] == [alone[line] for line in mixed]
