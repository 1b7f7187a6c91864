"""Mode, Daily Dose and Schedule of a row: the program that the pump was told at the refill."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from core.quantities import format_quantity
from dosing.domain.checks import day_total_problem, program_problems
from dosing.domain.programs import (
    DayGroup,
    Flex,
    MinimumRate,
    Program,
    SimpleContinuous,
    Step,
    Stopped,
)
from pumps.domain.limits import PumpLimits

from . import cells, numbers
from .errors import CellError
from .reader import RowReader
from .row_types import CataloguePump
from .schedule import TypedSchedule, days_label, schedule

_DOSE, _MODE, _SCHEDULE = "Daily Dose", "Mode", "Schedule"
_ROUNDING: Final = Decimal("0.1")  # a typed total of steps that were rounded
_UNREAD: Final = datetime(1970, 1, 1, tzinfo=UTC)  # stands in while the row is refused anyway
# Lets the steps be checked among themselves, without flows, while the model is not known.
_ANY_PUMP: Final = PumpLimits(
    reservoir_ml=Decimal(0),
    low_reservoir_alarm_ml=Decimal(0),
    min_ml_per_day=Decimal(0),
    max_ml_per_day=Decimal(0),
    flow_accuracy_percent=Decimal(0),
    max_steps=1440,
)


def read_program(
    reader: RowReader,
    model: CataloguePump | None,
    refilled_at: datetime | None,
    concentration: Decimal | None,
) -> Program | None:
    """The row's program, effective at its refill; None where it states none or a wrong one.

    A row with neither dose nor schedule is imported without a program: the pump is then shown as
    unknown and counted as due, which nobody overlooks.
    """
    has_dose, has_schedule = reader.says(_DOSE), reader.says(_SCHEDULE)
    dose = _dose(reader) if has_dose else None
    typed = _schedule(reader) if has_schedule else None
    mode = _mode(reader, stated=has_dose or has_schedule)
    if mode is None:
        return None
    column = _check_columns(reader, mode, has_dose=has_dose, has_schedule=has_schedule)
    if column is None:
        return None
    if mode == "flex" and dose is not None and typed is not None:
        _check_total(reader, dose, typed)
    return _build(reader, mode, dose, typed, (model, refilled_at, concentration))


def _mode(reader: RowReader, *, stated: bool) -> str | None:
    if stated:
        return reader.require(_MODE, cells.mode)
    try:
        mode = cells.mode(_MODE, reader.text(_MODE))
    except CellError:
        mode = ""
    if mode in ("stopped", "minimum_rate"):
        return mode
    reader.warn(
        "no_program",
        "The row has neither Daily Dose nor Schedule: the pump is shown as unknown and counts as "
        "due until its program is recorded.",
    )
    return None


def _dose(reader: RowReader) -> Decimal | None:
    quantity = reader.take(_DOSE, numbers.dose_per_day)
    if quantity is None or not _fits(reader, _DOSE, [quantity.value]):
        return None
    typed = cells.shown(_DOSE, cells.tidy(reader.text(_DOSE)))
    if not _in_range(reader, _DOSE, typed, quantity.value):
        return None
    if quantity.converted:
        reader.warn(
            "dose_unit_converted",
            f"{typed} was taken as {format_quantity(quantity.value, 'mcg/day')}.",
        )
    return quantity.value


def _schedule(reader: RowReader) -> TypedSchedule | None:
    typed = reader.take(_SCHEDULE, schedule)
    if typed is None:
        return None
    if not _fits(reader, _SCHEDULE, [dose for group in typed.groups for _, dose in group.steps]):
        return None
    for group in typed.groups:
        label = f"{_SCHEDULE}, {days_label(group.days)}"
        if not _in_range(reader, _SCHEDULE, label, group.total_mcg):
            return None
    if typed.converted:
        reader.warn("dose_unit_converted", f"Doses in {_SCHEDULE} were taken from mg to mcg.")
    return typed


def _fits(reader: RowReader, column: str, doses: Sequence[Decimal]) -> bool:
    try:
        for dose in doses:
            numbers.check_decimals(column, dose, 4)
    except CellError as error:
        reader.refuse(column, error.code, error.message)
        return False
    return True


def _in_range(reader: RowReader, column: str, typed: str, dose: Decimal) -> bool:
    problem = day_total_problem(column, typed, dose)
    if problem is None:
        return True
    reader.refuse(column, problem.code, problem.message)
    return False


def _check_columns(
    reader: RowReader, mode: str, *, has_dose: bool, has_schedule: bool
) -> str | None:
    """Dose and schedule must be what the mode has; returns the column of the program."""
    if mode == "flex":
        if has_schedule:
            return _SCHEDULE
        reader.refuse(
            _SCHEDULE, "missing", "Mode is Flex, but Schedule is empty. Write its steps there."
        )
        return None
    if has_schedule:
        reader.refuse(
            _SCHEDULE,
            "not_expected",
            "Schedule has steps, but Mode is not Flex. Correct Mode, or empty Schedule.",
        )
        return None
    if mode != "simple_continuous" and has_dose:
        reader.refuse(
            _DOSE,
            "not_expected",
            "Mode says that no dose is programmed, but Daily Dose has one. Correct one of the two.",
        )
        return None
    return _DOSE


def _check_total(reader: RowReader, dose: Decimal, typed: TypedSchedule) -> None:
    """A dose beside a schedule must be one of its days' totals, or their mean over the week."""
    totals = [(group.total_mcg, len(group.days)) for group in typed.groups]
    mean = sum((total * days for total, days in totals), Decimal(0)) / max(
        sum(days for _, days in totals), 1
    )
    if all(abs(dose - total) > _ROUNDING for total in [mean, *(total for total, _ in totals)]):
        reader.refuse(
            _DOSE,
            "dose_differs_from_schedule",
            f"{cells.shown(_DOSE, cells.tidy(reader.text(_DOSE)))} is not what the steps in "
            f"Schedule come to ({', '.join(format_quantity(t, 'mcg/day') for t, _ in totals)}). "
            "Correct the wrong one, or leave Daily Dose empty.",
        )


def _build(
    reader: RowReader,
    mode: str,
    dose: Decimal | None,
    typed: TypedSchedule | None,
    against: tuple[CataloguePump | None, datetime | None, Decimal | None],
) -> Program | None:
    """The program, held against the pump's limits as far as model and concentration are known."""
    model, refilled_at, concentration = against
    effective_at = refilled_at or _UNREAD
    offset = effective_at.astimezone(reader.context.zone).utcoffset() or timedelta(0)
    common: dict[str, Any] = {
        "effective_at": effective_at,
        "utc_offset_minutes": offset // timedelta(minutes=1),
        "concentration_mcg_per_ml": concentration,
    }
    program = _program(mode, dose, typed, common)
    if program is None:
        return None
    limits = model.limits if model else _ANY_PUMP
    checked = program if model else replace(program, concentration_mcg_per_ml=None)
    found: set[str] = set()
    for problem in program_problems(checked, limits, None):
        if problem.code not in found:  # the first step says it for the others
            found.add(problem.code)
            column = _DOSE if typed is None else _SCHEDULE
            place = _place(column, problem.field, typed)
            reader.refuse(column, problem.code, f"{place}: {problem.message}")
    return program


def _program(
    mode: str, dose: Decimal | None, typed: TypedSchedule | None, common: Mapping[str, Any]
) -> Program | None:
    if mode == "minimum_rate":
        return MinimumRate(**common)
    if mode == "stopped":
        return Stopped(**common)
    if mode == "flex":
        return None if typed is None else Flex(**common, groups=_groups(typed))
    return None if dose is None else SimpleContinuous(**common, daily_dose_mcg=dose)


def _groups(typed: TypedSchedule) -> tuple[DayGroup, ...]:
    return tuple(
        DayGroup(
            days=group.days,
            steps=tuple(Step(start_minute=minute, dose_mcg=dose) for minute, dose in group.steps),
        )
        for group in typed.groups
    )


def _place(column: str, field: str, typed: TypedSchedule | None) -> str:
    """Where in the cell it is, as the person typed it: days, and the step's start."""
    match = re.match(r"groups\[(\d+)\](?:\.steps\[(\d+)\])?", field)
    if typed is None or match is None:
        return column
    group = typed.groups[int(match[1])]
    place = f"{column}, {days_label(group.days)}"
    if match[2]:
        minute = group.steps[int(match[2])][0]
        place += f" {minute // 60:02}:{minute % 60:02}"
    return place
