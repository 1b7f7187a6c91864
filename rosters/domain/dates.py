"""Reads dates and times of day as nurses and their programs type them.

ISO, month/day/year and day-month-year with the month's name, each with or without a time. A year
of two digits is ambiguous, whatever the rest says.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from .cells import LONGEST_VALUE, check_cell, plain, shown
from .errors import CellError

_MONTHS: Final = {
    name[:length]: number
    for number, name in enumerate(
        (
            "january", "february", "march", "april", "may", "june", "july", "august",
            "september", "october", "november", "december",
        ),
        start=1,
    )
    for length in {3, len(name)}
} | {"sept": 9}  # fmt: skip

_TIME: Final = (
    r"(?:(?P<h>[0-9]{1,2})(?::(?P<m>[0-9]{2})(?::(?P<s>[0-9]{2}))?)?|(?P<hhmm>[0-9]{4}))"
    r"\s*(?P<half>[ap]\.?m\.?)?"
)
_TIME_ONLY: Final = re.compile(_TIME, re.IGNORECASE)
_DATE_AND_TIME: Final = re.compile(rf"(?P<date>.+?)(?:(?:,\s*|\s+|(?<=[0-9])T)(?P<time>{_TIME}))?",
                                   re.IGNORECASE)  # fmt: skip
_YEAR_FIRST: Final = re.compile(r"(?P<y>[0-9]{4})([-/])(?P<m>[0-9]{1,2})\2(?P<d>[0-9]{1,2})")
_SLASHES: Final = re.compile(r"(?P<m>[0-9]{1,2})/(?P<d>[0-9]{1,2})/(?P<y>[0-9]{4})")
_NAMED: Final = re.compile(
    r"(?P<d>[0-9]{1,2})(?:st|nd|rd|th)?[-/. ]+(?P<name>[a-z]{3,9})\.?[-/., ]+(?P<y>[0-9]{4})", re.I
)
_NAME_FIRST: Final = re.compile(
    r"(?P<name>[a-z]{3,9})\.?[- ]+(?P<d>[0-9]{1,2})(?:st|nd|rd|th)?[-, ]+(?P<y>[0-9]{4})", re.I
)
_SHORT_YEAR: Final = re.compile(
    r"[0-9]{1,2}[-/. ]+(?:[0-9]{1,2}|[a-z]{3,9}\.?)[-/., ]+'?[0-9]{2}"
    r"|[a-z]{3,9}\.?[- ]+[0-9]{1,2}[-, ]+'?[0-9]{2}",
    re.I,
)
_NO_YEAR: Final = re.compile(
    r"[0-9]{1,2}[-/. ]+(?:[0-9]{1,2}|[a-z]{3,9})\.?|[a-z]{3,9}\.?[- ]+[0-9]{1,2}", re.I
)
_DOTS_OR_DASHES: Final = re.compile(r"[0-9]{1,2}([-. ])[0-9]{1,2}\1[0-9]{4}")
_SERIAL: Final = re.compile(r"[0-9]{5}(?:\.[0-9]+)?")
_WAY_OUT: Final = "Write dates in the form 2026-01-31 or 31-Jan-2026."


@dataclass(frozen=True, slots=True)
class LocalMoment:
    """A date in the clinic, with the time of day where one was typed."""

    day: date
    at: time | None = None

    def instant(self, zone: ZoneInfo) -> datetime:
        """The moment in UTC; without a time it is 00:00 in the clinic.

        When clocks change, a local time can come twice or not at all. The earlier reading is
        taken: a fill that counts as earlier warns earlier (docs/calculations.md).
        """
        local = datetime.combine(self.day, self.at or time(0), tzinfo=zone)
        return min(local.replace(fold=fold).astimezone(_UTC) for fold in (0, 1))


_UTC: Final = ZoneInfo("UTC")


def time_of_day(column: str, text: str) -> time:
    """A time such as 08:30, 8:30 pm, 7pm or 0830.

    Raises:
        CellError: `bad_time`.
    """
    match = _TIME_ONLY.fullmatch(text.strip())
    error = CellError(
        "bad_time", f"{shown(column, text)} has a time that cannot be read. Write it as 08:30."
    )
    if match is None or (match["m"] is None and not match["hhmm"] and not match["half"]):
        raise error
    hhmm = match["hhmm"]
    hour, minute = (int(hhmm[:2]), int(hhmm[2:])) if hhmm else (int(match["h"]), 0)
    minute = int(match["m"] or minute)
    half = (match["half"] or "").casefold().replace(".", "")
    if half:
        if hhmm or not 1 <= hour <= 12:
            raise error
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        return time(hour, minute, int(match["s"] or 0))
    except ValueError:
        raise error from None


def moment(column: str, text: str, *, day_first_sheet: bool = False) -> LocalMoment:
    """A date with an optional time.

    Args:
        day_first_sheet: the sheet as a whole writes the day first, see `writes_day_first`.

    Raises:
        CellError: `ambiguous_date`, `bad_date` or `bad_time`.
    """
    value = plain(text)
    check_cell(column, value)
    match = _DATE_AND_TIME.fullmatch(value) if len(value) <= LONGEST_VALUE else None
    if match is None or match["time"] is None or _reads_as_date(value):
        return LocalMoment(_day(column, value, value, day_first_sheet))
    day = _day(column, match["date"], value, day_first_sheet)
    return LocalMoment(day, time_of_day(column, match["time"]))


def _reads_as_date(value: str) -> bool:
    """Whether the whole text is a date, so that its year is not taken for a time such as 2026."""
    shapes = (_YEAR_FIRST, _SLASHES, _NAMED, _NAME_FIRST, _SHORT_YEAR, _NO_YEAR, _DOTS_OR_DASHES)
    return any(shape.fullmatch(value) for shape in shapes)


def _day(column: str, text: str, typed: str, day_first_sheet: bool) -> date:
    for shape in (_YEAR_FIRST, _SLASHES, _NAMED, _NAME_FIRST):
        match = shape.fullmatch(text)
        if match is None:
            continue
        parts = match.groupdict()
        if shape is _SLASHES:
            _check_order(column, typed, int(parts["m"]), int(parts["d"]), day_first_sheet)
        month = _MONTHS.get(parts["name"].casefold()) if "name" in parts else int(parts["m"])
        if month is None:
            break
        return _real_day(column, typed, int(parts["y"]), month, int(parts["d"]))
    raise _refusal(column, text, typed)


def _check_order(column: str, typed: str, month: int, day: int, day_first_sheet: bool) -> None:
    if month > 12 >= day:
        raise CellError(
            "bad_date",
            f"{shown(column, typed)} seems to have the day first; month/day/year is read here. "
            f"{_WAY_OUT} If the whole sheet writes the day first, change every date in it.",
        )
    if day_first_sheet and day <= 12 and day != month:
        raise CellError(
            "ambiguous_date",
            f"{shown(column, typed)} can be read in two ways, as other dates of this sheet have "
            f"the day first. {_WAY_OUT}",
        )


def _real_day(column: str, typed: str, year: int, month: int, day: int) -> date:
    try:
        found = date(year, month, day)
    except ValueError:
        found = date.min
    if not 1900 <= found.year <= 2199:
        raise CellError(
            "bad_date", f"{shown(column, typed)} is not a day of the calendar. Check it. {_WAY_OUT}"
        )
    return found


def _refusal(column: str, text: str, typed: str) -> CellError:
    label = shown(column, typed)
    if _DOTS_OR_DASHES.fullmatch(text):
        return CellError(
            "ambiguous_date", f"{label} can be read in two ways: day or month first. {_WAY_OUT}"
        )
    if _SHORT_YEAR.fullmatch(text):
        return CellError(
            "ambiguous_date",
            f"{label} has a year of two digits, which can be read in several ways. {_WAY_OUT}",
        )
    if _NO_YEAR.fullmatch(text):
        return CellError("ambiguous_date", f"{label} has no year of four digits. {_WAY_OUT}")
    if _SERIAL.fullmatch(text):
        return CellError(
            "bad_date",
            f"{label} is a bare number, as Excel stores dates inside. Format the column as a date, "
            "check it, and import again.",
        )
    return CellError("bad_date", f"{label} cannot be read as a date. {_WAY_OUT}")


def writes_day_first(texts: Iterable[str]) -> bool:
    """Whether the sheet's own dates prove that it writes the day first.

    So they do when one has a first part that can be no month, and none a second part that can be
    no month. Then 8/11/2026 may well be the 8th of November.
    """
    day_first = month_first = False
    for text in texts:
        match = _SLASHES.match(plain(text))
        if match:
            day_first |= int(match["m"]) > 12 >= int(match["d"])
            month_first |= int(match["d"]) > 12 >= int(match["m"])
    return day_first and not month_first
