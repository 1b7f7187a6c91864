"""The table of a flex program's steps: groups of days, each with times and doses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from core.quantities import format_quantity, plain, read_number
from core.rules import Problem
from core.words import WEEKDAYS
from dosing.domain.programs import MINUTES_A_DAY, WEEK, DayGroup, Flex, Step

from .program_view import RATE_PLACES

MOST_ROWS: Final = 48
CELL: Final = re.compile(r"groups\[(\d+)\](?:\.steps(?:\[(\d+)\](?:\.dose_mcg)?)?)?")
HOUR: Final = re.compile(r"[0-9](:[0-5][0-9])?")
DAY_NAMES: Final = dict(zip(WEEK, WEEKDAYS, strict=True))


@dataclass(slots=True)
class StepRow:
    """One step as it was typed; `to`, `rate` and `flow` are computed."""

    start: str = ""
    dose: str = ""
    error: str = ""
    to: str = ""
    rate: str = ""
    flow: str = ""
    minute: int | None = None
    dose_mcg: Decimal | None = None


@dataclass(slots=True)
class GroupRows:
    """Days that run alike, with their steps."""

    days: list[str] = field(default_factory=list)
    rows: list[StepRow] = field(default_factory=list)
    error: str = ""
    total: str = ""

    @property
    def choices(self) -> list[tuple[str, str, bool]]:
        return [(day, name, day in self.days) for day, name in DAY_NAMES.items()]


class StepTable:
    """What is typed in the table, and what it comes to."""

    def __init__(
        self, groups: list[GroupRows], inside_mcg_per_ml: Decimal | None, error: str = ""
    ) -> None:
        self.rows, self.inside_mcg_per_ml, self.error = groups, inside_mcg_per_ml, error
        self.errors = False
        self._read()

    @classmethod
    def of_program(cls, program: Any, inside_mcg_per_ml: Decimal | None) -> "StepTable":
        """The steps of the program in force; of another mode one step with its dose."""
        if isinstance(program, Flex):
            groups = [
                GroupRows(
                    list(group.days),
                    [StepRow(_clock(s.start_minute), plain(s.dose_mcg)) for s in group.steps],
                )
                for group in program.groups
            ]
        else:
            dose = getattr(program, "daily_dose_mcg", None)
            groups = [GroupRows(list(WEEK), [StepRow("00:00", plain(dose) if dose else "")])]
        return cls(groups, inside_mcg_per_ml)

    @classmethod
    def of_data(cls, data: Mapping[str, Any], inside_mcg_per_ml: Decimal | None) -> "StepTable":
        """As it was sent, after the button that adds or takes away."""
        counts = [_whole(data.get(f"steps-{g}-count")) for g in range(len(WEEK))]
        groups = []
        for g, count in enumerate(counts):
            if not count:
                continue
            days = data.getlist(f"steps-{g}-days") if hasattr(data, "getlist") else []
            rows = [
                StepRow(
                    str(data.get(f"steps-{g}-{s}-start", "")).strip()[:8],
                    str(data.get(f"steps-{g}-{s}-dose", "")).strip()[:16],
                )
                for s in range(min(count, MOST_ROWS))
            ]
            groups.append(GroupRows([d for d in days if d in WEEK], rows))
        groups = groups or [GroupRows(list(WEEK), [StepRow("00:00", "")])]
        _edit(groups, str(data.get("edit", "")))
        return cls(groups, inside_mcg_per_ml)

    def _read(self) -> None:
        for group in self.rows:
            for row in group.rows:
                row.minute, row.dose_mcg = _minute(row.start), _dose(row.dose)
                if row.minute is None:
                    row.error = f"{_shown(row.start)} is not a time of day: write it as 07:30."
                elif row.dose_mcg is None:
                    row.error = "Write the dose of this step in mcg, such as 20.5."
                self.errors = self.errors or bool(row.error)

    def compute(self, mcg_per_ml: Decimal | None) -> None:
        """Fill in `to`, rate, flow and the 24-hour totals, as far as the steps can be read."""
        for group in self.rows:
            total = Fraction(0)
            for row, after in zip(group.rows, [*group.rows[1:], None], strict=True):
                end = MINUTES_A_DAY if after is None else after.minute
                if row.minute is None or row.dose_mcg is None or end is None or end <= row.minute:
                    continue
                dose, minutes = Fraction(row.dose_mcg), end - row.minute
                row.to = _clock(end)
                row.rate = format_quantity(dose * 60 / minutes, "mcg/h", RATE_PLACES)
                if mcg_per_ml:
                    flow = dose * MINUTES_A_DAY / minutes / Fraction(mcg_per_ml)
                    row.flow = format_quantity(flow, "mL/day")
            if all(row.dose_mcg is not None for row in group.rows):
                total = sum((Fraction(row.dose_mcg or 0) for row in group.rows), total)
                group.total = format_quantity(total, "mcg/day")

    def groups(self) -> tuple[DayGroup, ...]:
        """The groups as the core takes them; only where `errors` is false."""
        return tuple(
            DayGroup(
                days=tuple(group.days),
                steps=tuple(
                    Step(start_minute=row.minute or 0, dose_mcg=row.dose_mcg or Decimal(0))
                    for row in group.rows
                ),
            )
            for group in self.rows
        )

    def sentences(self) -> list[str]:
        """What is wrong with the steps, each with its place: `Step 2: …`."""
        return [
            f"{self._where(g, s)}: {row.error}"
            for g, group in enumerate(self.rows)
            for s, row in enumerate(group.rows)
            if row.error
        ]

    def _where(self, group: int, step: int | None) -> str:
        """`Step 2`; with several groups of days `Days 1, step 2`."""
        if len(self.rows) == 1:
            return "Steps" if step is None else f"Step {step + 1}"
        return f"Days {group + 1}" if step is None else f"Days {group + 1}, step {step + 1}"

    def refuse(self, problem: Problem) -> str:
        """Show a sentence at its step or its days, and say which; empty if it is about none."""
        if problem.field == "groups":
            self.error = problem.message
            return "Steps"
        match = CELL.match(problem.field)
        if match is None or int(match[1]) >= len(self.rows):
            return ""
        group, step = self.rows[int(match[1])], None
        if match[2] is None:
            group.error = problem.message
        elif int(match[2]) < len(group.rows):
            step = int(match[2])
            group.rows[step].error = problem.message
        return self._where(int(match[1]), step)


def _edit(groups: list[GroupRows], button: str) -> None:
    """What a button does: `add-0`, `remove-0-2`, `add-group`, `remove-group-1`."""
    what, _, where = button.partition("-")
    if button == "add-group" and len(groups) < len(WEEK):
        groups.append(GroupRows([], [StepRow("00:00", "")]))
        return
    numbers = [_whole(part) for part in where.replace("group-", "").split("-")]
    if not numbers or numbers[0] >= len(groups):
        return
    if where.startswith("group-") and what == "remove" and len(groups) > 1:
        del groups[numbers[0]]
    elif what == "add" and where.isdigit() and len(groups[numbers[0]].rows) < MOST_ROWS:
        groups[numbers[0]].rows.append(StepRow())
    elif what == "remove" and len(numbers) == 2:
        rows = groups[numbers[0]].rows
        if len(rows) > 1 and numbers[1] < len(rows):
            del rows[numbers[1]]


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def _whole(value: Any) -> int:
    text = str(value or "")
    return min(int(text), MOST_ROWS) if text.isdecimal() and len(text) < 4 else 0


def _shown(text: str) -> str:
    return f"“{text}”" if text else "An empty field"


def _minute(text: str) -> int | None:
    """The minute of the day; `7` and `7:30` are as plain as 07:00 and 07:30."""
    try:
        found = time.fromisoformat(f"0{text}" if HOUR.fullmatch(text) else text)
    except ValueError:
        return None
    return found.hour * 60 + found.minute if not found.second and found.tzinfo is None else None


def _dose(text: str) -> Decimal | None:
    found = read_number(text)
    if found is None or found >= 10**6 or found != round(found, 4):
        return None
    return found
