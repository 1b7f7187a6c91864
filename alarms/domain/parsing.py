"""Reads values of a JSON case and collects what is wrong, each with its path and a sentence."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from core.rules import Problem

Value = TypeVar("Value")

# RFC 3339: an offset is a must, seconds too.
INSTANT: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
MOST_DIGITS: Final = 40
LARGEST_EXPONENT: Final = 30


class Unreadable(ValueError):
    """A value that cannot be read: its code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def number(value: Any) -> Decimal:
    """An exact number from a string or a JSON number; nothing that is not written out."""
    if isinstance(value, Decimal):
        value = str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**LARGEST_EXPONENT else ""
    if not isinstance(value, str) or not NUMBER.fullmatch(value.strip()):
        raise Unreadable("not_a_number", "Write a plain number, such as 350 or 0.5.")
    try:
        found = Decimal(value.strip())
    except InvalidOperation as error:
        raise Unreadable("not_a_number", "This is not a number.") from error
    if len(found.as_tuple().digits) > MOST_DIGITS or abs(found.adjusted()) > LARGEST_EXPONENT:
        raise Unreadable("not_a_number", "This number is out of all bounds.")
    return found


def positive(value: Any) -> Decimal:
    """A number above zero."""
    found = number(value)
    if found <= 0:
        raise Unreadable("not_positive", "This must be more than zero.")
    return found


def not_negative(value: Any) -> Decimal:
    """A number of zero or more."""
    found = number(value)
    if found < 0:
        raise Unreadable("not_positive", "This cannot be negative.")
    return found


def whole(value: Any) -> int:
    """A whole number."""
    found = number(value)
    if found != found.to_integral_value() or abs(found) > 10**6:
        raise Unreadable("not_a_number", "Write a whole number.")
    return int(found)


def whole_from(least: int) -> Callable[[Any], int]:
    """A whole number of at least `least`."""

    def read(value: Any) -> int:
        found = whole(value)
        if found < least:
            raise Unreadable("not_positive", f"This must be at least {least}.")
        return found

    return read


def offset(value: Any) -> int:
    """A UTC offset in minutes."""
    found = whole(value)
    if abs(found) > 24 * 60:
        raise Unreadable("not_a_number", "A UTC offset is at most a day: write minutes.")
    return found


def boolean(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise Unreadable("missing", "Write true or false.")
    return value


def instant(value: Any) -> datetime:
    """An aware UTC instant; more than six decimals of a second are cut off, which is earlier."""
    match = INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Unreadable("bad_instant", "Write an instant with its offset: 2026-11-22T10:00:00Z.")
    day, clock, fraction, zone = match.groups()
    zone = "+00:00" if zone in "Zz" else zone
    try:
        micros = (fraction or "0")[:6].ljust(6, "0")
        found = datetime.fromisoformat(f"{day}T{clock}.{micros}{zone}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unreadable("bad_instant", "There is no such instant. Check the date.") from error
    if not 1800 <= found.year <= 9000:
        raise Unreadable("bad_instant", "This year is out of all bounds. Check the date.")
    return found


def day(value: Any) -> date:
    """A calendar date."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        raise Unreadable("bad_instant", "Write the date as 2026-11-22.")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise Unreadable("bad_instant", "There is no such date.") from error


def minute_of_day(value: Any) -> int:
    """`HH:MM` as minutes since midnight."""
    match = TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Unreadable("bad_time", "Write the time as HH:MM, from 00:00 to 23:59.")
    return int(match[1]) * 60 + int(match[2])


class Reader:
    """Reads the fields of one object of a case; problems go to the list all readers share."""

    def __init__(self, source: Any, path: str, problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        self.absent = not isinstance(source, dict)
        self.failed = self.absent
        self.source: dict[str, Any] = source if isinstance(source, dict) else {}
        if self.absent:
            self.problem("", "missing", "Here an object with its fields is needed.")

    def at(self, name: str) -> str:
        """The path of a field."""
        return ".".join(part for part in (self.path, name) if part)

    def problem(self, name: str, code: str, message: str) -> None:
        """Note a problem; the object it is of counts as failed."""
        self.failed = True
        self.problems.append(Problem(self.at(name), code, message))

    def required(self, name: str, read: Callable[[Any], Value]) -> Value | None:
        """A field that must be there; None when it is not or cannot be read."""
        if self.source.get(name) is None:
            if not self.absent:
                self.problem(name, "missing", "This is needed.")
            return None
        return self._read(name, read)

    def optional(self, name: str, read: Callable[[Any], Value], default: Value) -> Value:
        """A field that may be absent or null."""
        if self.source.get(name) is None:
            return default
        found = self._read(name, read)
        return default if found is None else found

    def nullable(self, name: str, read: Callable[[Any], Value]) -> Value | None:
        """A field that must be there and may be null: nobody forgot it."""
        if name not in self.source and not self.absent:
            self.problem(name, "missing", "This is needed; null says that there is none.")
            return None
        return None if self.source.get(name) is None else self._read(name, read)

    def items(self, name: str) -> list[tuple[str, Any]]:
        """The members of a list with their paths; an absent or null list is empty."""
        found = self.source.get(name)
        if found is None:
            return []
        if not isinstance(found, list):
            self.problem(name, "missing", "Here a list is needed.")
            return []
        return [(f"{self.at(name)}[{number}]", item) for number, item in enumerate(found)]

    def _read(self, name: str, read: Callable[[Any], Value]) -> Value | None:
        try:
            return read(self.source[name])
        except Unreadable as error:
            self.problem(name, error.code, error.message)
            return None
