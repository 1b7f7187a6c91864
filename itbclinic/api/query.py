"""The query parameters of the refill-due list, checked: a mistyped filter is never ignored."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from django.http import QueryDict

from alarms.selectors.worklist import RANKS, Filters
from core.rules import Problem

from .problems import BadQuery

PAGE_SIZE = 50
MAX_PAGE_SIZE = 200
KNOWN = (
    "due_before",
    "due_after",
    "status",
    "unbooked",
    "clinic",
    "search",
    "page_size",
    "cursor",
    "format",
)


@dataclass(frozen=True, slots=True)
class Query:
    """What the client asked for."""

    filters: Filters = field(default_factory=Filters)
    clinic: str = ""
    page_size: int = PAGE_SIZE
    cursor: str = ""

    def fingerprint(self) -> str:
        """Names the filters, so that a cursor is not used with others."""
        return hashlib.sha256(repr((self.filters, self.clinic)).encode()).hexdigest()[:16]


def parse(parameters: QueryDict) -> Query:
    """Read the parameters.

    Raises:
        BadQuery: with every problem; each names its parameter and says what it takes.
    """
    problems = [
        Problem(name, "unknown_parameter", f"Known are: {', '.join(KNOWN)}.")
        for name in parameters
        if name not in KNOWN
    ]
    problems += [
        Problem(name, "repeated", "Give this once; several statuses with commas.")
        for name in parameters
        if len(parameters.getlist(name)) > 1
    ]
    readers: dict[str, Callable[[str], Any]] = {
        "due_before": _date,
        "due_after": _date,
        "status": _statuses,
        "unbooked": _boolean,
        "page_size": _page_size,
    }
    values: dict[str, Any] = {}
    for name, read in readers.items():
        if parameters.get(name):
            try:
                values[name] = read(str(parameters[name]))
            except ValueError as error:
                problems.append(Problem(name, "bad_value", str(error)))
    if problems:
        raise BadQuery(problems)
    filters = Filters(
        due_before=values.get("due_before"),
        due_after=values.get("due_after"),
        statuses=values.get("status", ()),
        unbooked=values.get("unbooked"),
        search=parameters.get("search", "").replace("\x00", ""),
    )
    if "not_due" in filters.statuses:
        filters = replace(filters, everything=True)
    return Query(
        filters=filters,
        clinic=parameters.get("clinic", ""),
        page_size=values.get("page_size", PAGE_SIZE),
        cursor=parameters.get("cursor", ""),
    )


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("Write the date as 2026-11-22.") from error


def _statuses(text: str) -> tuple[str, ...]:
    statuses = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [status for status in statuses if status not in RANKS]
    if unknown:
        raise ValueError(f"Known are: {', '.join(RANKS)}; several with commas.")
    return statuses


def _boolean(text: str) -> bool:
    values = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in values:
        raise ValueError("Write true or false.")
    return values[text.lower()]


def _page_size(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_PAGE_SIZE:
        raise ValueError(f"Write a whole number from 1 to {MAX_PAGE_SIZE}.")
    return int(text)
