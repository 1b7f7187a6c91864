"""Projection cases: one JSON object in, one out (docs/contracts.md, Projection cases).

`manage.py projection` and the what-if endpoint answer with `answer_line`; so does anybody who
wants to check our arithmetic.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from core.local_time import iso_z, known_timezones
from core.quantities import format_quantity, plain, rounded
from core.rules import Problem
from dosing.domain import programs
from dosing.domain.checks import days_problems, program_problems, starts_problems
from dosing.domain.programs import MINUTES_A_DAY
from pumps.domain.limits import PumpLimits
from refills.domain.reservoir import Fill

from . import parsing
from .bolus_checks import bolus_problems
from .infusion import EPOCH
from .parsing import MOST_DIGITS, Reader, Unreadable
from .projection import Known, ProjectionInputs, Settings, project


@dataclass(frozen=True, slots=True)
class Case:
    """A case that passed every check, with the instants whose residual volume is asked for."""

    inputs: ProjectionInputs
    residual_at: tuple[datetime, ...]


def answer_line(line: str) -> dict[str, Any]:
    """Answer one line: a result as docs/contracts.md has it. It never raises."""
    try:
        source = json.loads(
            line,
            parse_float=Decimal,
            parse_int=Decimal,
            parse_constant=lambda name: name,
            object_pairs_hook=_without_repeats,
        )
    except (ValueError, RecursionError, ArithmeticError):
        source = None
    if not isinstance(source, dict):
        problem = Problem(
            "", "bad_json", "This line is no JSON object, or a field stands in it twice."
        )
        return {"id": None, "status": "error", "errors": _errors([problem])}
    return {"id": _echo(source.get("id")), **answer(source)}


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A field that stands twice says two things: neither is taken."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a field stands twice")
    return found


def _echo(value: Any) -> Any:
    """The id as it came: text, a number, true or false. Anything else names no case: null."""
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value() and abs(value.adjusted()) <= MOST_DIGITS
        return int(value) if whole else str(value)
    if isinstance(value, str):  # half of a surrogate pair could not be written as UTF-8
        return value.encode("utf-8", "replace").decode()
    return value if isinstance(value, bool) else None


def answer(source: dict[str, Any]) -> dict[str, Any]:
    """Answer a decoded case, without its id."""
    try:
        case, problems = read_case(source)
        if case is None:
            return {"status": "error", "errors": _errors(problems)}
        found = project(case.inputs)
        if isinstance(found, Known):
            return _known(found, case.residual_at)
        reason: str = found.reason
    except Exception:  # whatever it is, the lines after this one must be answered
        reason = "failed"
    return {"status": "unknown", "reason": reason}


def _errors(problems: list[Problem]) -> list[dict[str, str]]:
    return [{"field": p.field, "code": p.code, "message": p.message} for p in problems]


def _known(found: Known, residual_at: tuple[datetime, ...]) -> dict[str, Any]:
    return {
        "status": "known",
        "reason": None,
        "alarm_at": _instant(found.alarm_at),
        "alarm_date": _date(found.alarm_date),
        "empty_at": _instant(found.empty_at),
        "empty_date": _date(found.empty_date),
        "earliest_empty_date": _date(found.earliest_empty_date),
        "stability_date": _date(found.stability_date),
        "refill_due_on": _date(found.refill_due_on),
        "window_opens_on": _date(found.window_opens_on),
        "binding_clock": found.binding_clock,
        "may_be_empty_before_alarm": found.may_be_empty_before_alarm,
        "may_be_empty_before_due": found.may_be_empty_before_due,
        "residual_ml": [_residual(found.residual_ml(at)) for at in residual_at],
        "daily_dose_mcg": plain(found.daily_dose_mcg),
        "daily_dose_min_mcg": plain(found.daily_dose_min_mcg),
        "daily_volume_ml": plain(found.daily_volume_ml),
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else iso_z(at)


def _date(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _residual(value: Fraction) -> str:
    """At least six decimals, at most twelve."""
    text = f"{rounded(value, 12):f}"
    return text[:-6] + text[-6:].rstrip("0")


def read_case(source: dict[str, Any]) -> tuple[Case | None, list[Problem]]:
    """Read and check a case; all problems are collected, in the order of the document."""
    problems: list[Problem] = []
    case = Reader(source, "", problems)
    settings = _settings(case)
    limits = _limits(Reader(source["pump"], "pump", problems)) if _has(case, "pump") else NO_LIMITS
    fill, concentration = _fill(case, limits)
    found_programs = _programs(case, limits, concentration)
    sound = not any(problem.field.startswith("programs") for problem in problems)
    boluses, readable = _boluses(case)
    if sound and readable and concentration is not None:
        problems += bolus_problems(boluses, found_programs, limits, concentration)
    residual_at = _instants(case, "residual_at")
    as_of = case.optional("as_of", parsing.instant, None)
    if problems or settings is None:
        return None, problems
    inputs = ProjectionInputs(settings, limits, fill, found_programs, boluses, as_of)
    return Case(inputs, residual_at), []


def _has(case: Reader, name: str) -> bool:
    """Whether a part of the case is there; an absent one is noted."""
    if case.source.get(name) is None:
        case.problem(name, "missing", "This is needed.")
        return False
    return True


def _timezone(value: Any) -> ZoneInfo:
    if not isinstance(value, str) or value not in known_timezones():
        raise Unreadable("unknown_timezone", "Use a time zone's name, such as America/Denver.")
    return ZoneInfo(value)


def _settings(case: Reader) -> Settings | None:
    timezone = case.required("timezone", _timezone)
    lead = case.optional("refill_lead_days", parsing.whole_from(0), 7)
    window = case.optional("window_days", parsing.whole_from(0), 14)
    longest = case.optional("max_interval_days", _at_least_one, None)
    return None if timezone is None else Settings(timezone, lead, window, longest)


def _at_least_one(value: Any) -> int | None:
    return parsing.whole_from(1)(value)


def _limits(pump: Reader) -> PumpLimits:
    """The pump's limits; one that cannot be read is noted, and stood in for by no limit."""

    def limit(name: str, read: Callable[[Any], Decimal]) -> Decimal:
        found = pump.required(name, read)
        stand_in: Decimal = getattr(NO_LIMITS, name)
        return stand_in if found is None else found

    return PumpLimits(
        reservoir_ml=limit("reservoir_ml", parsing.positive),
        low_reservoir_alarm_ml=limit("low_reservoir_alarm_ml", parsing.not_negative),
        min_ml_per_day=limit("min_ml_per_day", parsing.not_negative),
        max_ml_per_day=limit("max_ml_per_day", parsing.positive),
        flow_accuracy_percent=limit("flow_accuracy_percent", parsing.not_negative),
        allows_zero_flow=pump.optional("allows_zero_flow", parsing.boolean, False),
        max_steps=pump.optional("max_steps", parsing.whole_from(1), 13),
    )


def _fill(case: Reader, limits: PumpLimits) -> tuple[Fill | None, Decimal | None]:
    """The fill, and its concentration also when something else of it is wrong. Null: none."""
    if "fill" not in case.source:
        case.problem("fill", "missing", "This is needed; null says that there is none.")
        return None, None
    if case.source["fill"] is None:
        return None, None
    fill = Reader(case.source["fill"], "fill", case.problems)
    at = fill.required("at", parsing.instant)
    volume = fill.required("volume_ml", parsing.positive)
    if volume is not None and volume > limits.reservoir_ml:
        fill.problem(
            "volume_ml",
            "fill_exceeds_reservoir",
            f"{format_quantity(volume, 'mL')} does not fit: the reservoir holds "
            f"{format_quantity(limits.reservoir_ml, 'mL')}.",
        )
    concentration = fill.required("concentration_mcg_per_ml", parsing.positive)
    # An absent limit would be a lost clock, and warn later: null must say that there is none.
    stability = fill.nullable("stability_days", parsing.whole_from(1))
    use_by = fill.optional("use_by", _day, None)
    if fill.failed or at is None or volume is None or concentration is None:
        return None, concentration
    return Fill(at, volume, concentration, stability, use_by), concentration


def _day(value: Any) -> date | None:
    return parsing.day(value)


def _programs(
    case: Reader, limits: PumpLimits, concentration: Decimal | None
) -> tuple[programs.Program, ...]:
    if "programs" not in case.source:
        case.problem("programs", "missing", "This is needed; an empty list says that none is.")
    found = []
    for path, item in case.items("programs"):
        reader = Reader(item, path, case.problems)
        program = read_program(reader, limits)
        if program is not None:
            found.append(program)
            case.problems += [
                Problem(reader.at(p.field), p.code, p.message)
                for p in program_problems(program, limits, concentration)
            ]
    return tuple(found)


def read_program(program: Reader, limits: PumpLimits) -> programs.Program | None:
    """One program; None when what it delivers cannot be read.

    A clock that cannot be read is noted, and stood in for, so that the doses are checked as well:
    the case is refused anyway.
    """
    common: dict[str, Any] = {
        "effective_at": program.required("effective_at", parsing.instant) or EPOCH,
        "utc_offset_minutes": program.required("utc_offset_minutes", parsing.offset) or 0,
        "concentration_mcg_per_ml": program.optional(
            "concentration_mcg_per_ml", _concentration, None
        ),
    }
    program.failed = False
    mode = program.required("mode", _mode)
    if mode is None:
        return None
    kind, fields = MODES[mode](program, limits)
    return None if program.failed else kind(**common, **fields)


def _concentration(value: Any) -> Decimal | None:
    return parsing.positive(value)


def _mode(value: Any) -> str:
    if not isinstance(value, str) or value not in MODES:
        raise Unreadable("unknown_mode", f"Known are: {', '.join(MODES)}.")
    return value


# Where a limit of the pump cannot be read, what does not depend on it is still checked.
NO_LIMITS = PumpLimits(
    reservoir_ml=Decimal("1e60"),
    low_reservoir_alarm_ml=Decimal(0),
    min_ml_per_day=Decimal(0),
    max_ml_per_day=Decimal("1e60"),
    flow_accuracy_percent=Decimal(0),
    allows_zero_flow=True,
    max_steps=MINUTES_A_DAY,
)
Fields = tuple[type[programs.Program], dict[str, Any]]


def _simple(program: Reader, limits: PumpLimits) -> Fields:
    dose = program.required("daily_dose_mcg", parsing.not_negative)
    return programs.SimpleContinuous, {"daily_dose_mcg": dose}


def _periodic(program: Reader, limits: PumpLimits) -> Fields:
    return programs.PeriodicBolus, {
        "basal_mcg_per_hour": program.required("basal_mcg_per_hour", parsing.not_negative),
        "bolus_mcg": program.required("bolus_mcg", parsing.positive),
        "bolus_minutes": program.required("bolus_minutes", parsing.whole_from(1)),
        "interval_minutes": program.required("interval_minutes", parsing.whole),
        "first_minute": program.required("first_at", parsing.minute_of_day),
        "basal_suspended": program.required("basal_suspended", parsing.boolean),
    }


def _flex(program: Reader, limits: PumpLimits) -> Fields:
    groups, readable = [], True
    if not isinstance(program.source.get("groups"), list):
        program.problem("groups", "missing", "A flex program needs its groups of days.")
    for path, item in program.items("groups"):
        reader = Reader(item, path, program.problems)
        days = reader.required("days", _days)
        steps = _steps(reader, limits)
        readable = readable and not reader.failed
        groups.append(programs.DayGroup(days=days or (), steps=steps))
    if not readable:  # what can be checked is; the rest follows when it can be read
        program.failed = True
        for problem in days_problems([group.days for group in groups]):
            program.problem(problem.field, problem.code, problem.message)
    return programs.Flex, {"groups": tuple(groups)}


def _days(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Unreadable("flex_days_incomplete", "Write a list of days: mon, tue … sun.")
    return tuple(item if isinstance(item, str) else "?" for item in value)


def _steps(group: Reader, limits: PumpLimits) -> tuple[programs.Step, ...]:
    if not isinstance(group.source.get("steps"), list):
        group.problem("steps", "missing", "A group of days needs its steps.")
        return ()
    found, starts = [], []
    for path, item in group.items("steps"):
        step = Reader(item, path, group.problems)
        start = step.required("start", parsing.minute_of_day)
        dose = step.required("dose_mcg", parsing.not_negative)
        group.failed = group.failed or step.failed
        if start is not None:
            starts.append(start)
        if start is not None and dose is not None:
            found.append(programs.Step(start_minute=start, dose_mcg=dose))
    if group.failed and starts:
        for problem in starts_problems("", starts, limits.max_steps):
            group.problem("steps", problem.code, problem.message)
    return tuple(found)


def _minimum(program: Reader, limits: PumpLimits) -> Fields:
    return programs.MinimumRate, {}


def _stopped(program: Reader, limits: PumpLimits) -> Fields:
    return programs.Stopped, {}


MODES: dict[str, Callable[[Reader, PumpLimits], Fields]] = {
    "simple_continuous": _simple,
    "flex": _flex,
    "periodic_bolus": _periodic,
    "minimum_rate": _minimum,
    "stopped": _stopped,
}


def _boluses(case: Reader) -> tuple[tuple[programs.Bolus, ...], bool]:
    """The boluses, and whether all of them could be read."""
    found, readable = [], True
    for path, item in case.items("boluses"):
        bolus = Reader(item, path, case.problems)
        at = bolus.required("at", parsing.instant)
        dose = bolus.required("dose_mcg", parsing.positive)
        minutes = bolus.required("minutes", parsing.positive)
        replaces = bolus.optional("replaces_program", parsing.boolean, False)
        readable = readable and not bolus.failed
        if at is not None and dose is not None and minutes is not None:
            found.append(
                programs.Bolus(at=at, dose_mcg=dose, minutes=minutes, replaces_program=replaces)
            )
    return tuple(found), readable


def _instants(case: Reader, name: str) -> tuple[datetime, ...]:
    found = []
    for path, item in case.items(name):
        try:
            found.append(parsing.instant(item))
        except Unreadable as error:
            case.problems.append(Problem(path, error.code, error.message))
    return tuple(found)
