"""Reads a flex schedule as it is typed into one cell.

`00:00 66.8, 07:00 167.0, 19:30 100.2`, or by days `Mon-Fri: 00:00 285.0 | Sat-Sun: 00:00 228.0`.
Whether the steps make a program (midnight, order, every day once) is said by `dosing.domain`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.quantities import NUMBER

from .cells import check_cell, shown, tidy
from .dates import time_of_day
from .errors import CellError
from .numbers import step_dose

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_NAMES: Final = {
    **{day: index for index, day in enumerate(DAYS)},
    **dict.fromkeys(("monday", "mo", "mondays"), 0),
    **dict.fromkeys(("tuesday", "tues", "tu", "tuesdays"), 1),
    **dict.fromkeys(("wednesday", "weds", "we", "wednesdays"), 2),
    **dict.fromkeys(("thursday", "thurs", "thur", "th", "thursdays"), 3),
    **dict.fromkeys(("friday", "fr", "fridays"), 4),
    **dict.fromkeys(("saturday", "sa", "saturdays"), 5),
    **dict.fromkeys(("sunday", "su", "sundays"), 6),
}
_DAY_WORDS: Final = {
    **dict.fromkeys(("weekday", "weekdays"), DAYS[:5]),
    **dict.fromkeys(("weekend", "weekends"), DAYS[5:]),
    **dict.fromkeys(("daily", "every day", "everyday", "all days", "each day"), DAYS),
}
_GROUP: Final = re.compile(r"(?P<days>[A-Za-z][^0-9:=]*?)\s*[:=]?\s*(?P<steps>[0-9].*)", re.DOTALL)
_DOSE: Final = rf"(?:{NUMBER})\s*(?:[A-Za-z%/][A-Za-z%/.]*)?"
_STEP: Final = re.compile(
    r"\s*(?P<time>[0-9]{1,2}(?::[0-9]{2})?\s*[ap]\.?m\.?|[0-9]{1,2}:[0-9]{2}|[0-9]{4}(?=[\s=@:]))"
    rf"(?:\s*[=@:]\s*|\s+)(?P<dose>{_DOSE})\s*(?:,(?=\s*[0-9])|$)",
    re.IGNORECASE,
)
_LONGEST: Final = 2000
_WAY_OUT: Final = (
    "Write each step's start and its whole dose, such as 00:00 66.8, 07:00 167.0, or with days "
    "Mon-Fri: 00:00 285.0 | Sat-Sun: 00:00 228.0."
)


@dataclass(frozen=True, slots=True)
class TypedGroup:
    """Days, and the steps typed for them: minute of the day and whole dose in mcg."""

    days: tuple[str, ...]
    steps: tuple[tuple[int, Decimal], ...]

    @property
    def total_mcg(self) -> Decimal:
        return sum((dose for _, dose in self.steps), Decimal(0))


@dataclass(frozen=True, slots=True)
class TypedSchedule:
    """A schedule as typed, and whether a dose was converted from mg."""

    groups: tuple[TypedGroup, ...]
    converted: bool


def days_label(days: Sequence[str]) -> str:
    """Days as a person writes them: `Mon-Fri`, `Sat-Mon`, `Mon, Wed`."""
    first, last = DAYS.index(days[0]), DAYS.index(days[-1])
    in_a_row = tuple(DAYS[(first + step) % 7] for step in range(len(days)))
    if len(days) > 2 and in_a_row == tuple(days):
        return f"{DAYS[first].capitalize()}-{DAYS[last].capitalize()}"
    return ", ".join(day.capitalize() for day in days)


def schedule(column: str, text: str) -> TypedSchedule:
    """Read a flex schedule.

    Raises:
        CellError: `bad_schedule`, or what a time or a dose in it is refused with.
    """
    check_cell(column, text)
    if len(text) > _LONGEST:
        raise CellError("bad_schedule", f"{column} is too long to be a schedule. {_WAY_OUT}")
    parts = [tidy(part).strip(" ,") for part in re.split(r"[|;\n\r]", text)]
    parts = [part for part in parts if part]
    with_days = [_GROUP.fullmatch(part) for part in parts]
    if not parts or (any(with_days) and not all(with_days)):
        raise _bad(column, text)
    groups: list[tuple[tuple[str, ...], str]]
    if not any(with_days):
        groups = [(DAYS, ", ".join(parts))]
    else:
        groups = [(_days(column, text, m["days"]), m["steps"]) for m in with_days if m]
    read = [(days, _steps(column, text, steps)) for days, steps in groups]
    return TypedSchedule(
        groups=tuple(
            TypedGroup(days, tuple((minute, dose) for minute, dose, _ in steps))
            for days, steps in read
        ),
        converted=any(converted for _, steps in read for *_, converted in steps),
    )


def _bad(column: str, text: str) -> CellError:
    return CellError(
        "bad_schedule", f"{shown(column, tidy(text))} cannot be read as a schedule. {_WAY_OUT}"
    )


def _days(column: str, text: str, typed: str) -> tuple[str, ...]:
    """The days of a group: names, lists and ranges, which may pass Sunday."""
    label = typed.casefold().strip(" .,")
    if label in _DAY_WORDS:
        return _DAY_WORDS[label]
    found: list[str] = []
    for piece in re.split(r"\s*(?:,|/|&|\+|\band\b|\s)\s*", re.sub(r"\s*(?:-|\bto\b|\bthru\b"
                          r"|\bthrough\b)\s*", "-", label)):  # fmt: skip
        ends = [_DAY_NAMES.get(name.strip(" .")) for name in piece.split("-")]
        if not piece or len(ends) > 2 or any(end is None for end in ends):
            raise CellError(
                "bad_schedule",
                f"{shown(column, tidy(text))} has days that cannot be read. {_WAY_OUT}",
            )
        first, last = int(ends[0] or 0), int(ends[-1] or 0)
        found += [DAYS[(first + step) % 7] for step in range((last - first) % 7 + 1)]
    return tuple(found)


def _steps(column: str, text: str, typed: str) -> list[tuple[int, Decimal, bool]]:
    found: list[tuple[int, Decimal, bool]] = []
    halves: set[bool] = set()
    position = 0
    while position < len(typed):
        match = _STEP.match(typed, position)
        if match is None:
            raise _bad(column, text)
        start = time_of_day(column, match["time"])
        halves.add(match["time"].strip(" .").casefold().endswith("m"))
        dose = step_dose(column, match["dose"])
        found.append((start.hour * 60 + start.minute, dose.value, dose.converted))
        position = match.end()
    if len(halves) != 1:  # nothing read; or am and pm on some times only, where 7:30 may be 19:30
        raise _bad(column, text)
    return found
