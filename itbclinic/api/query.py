"""The query parameters of the refill-due list, checked: a mistyped filter is never ignored."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeVar

from django.http import QueryDict

from alarms.domain.status import Status
from alarms.selectors.worklist import Filters
from core.rules import Problem

from .problems import BadQuery

Value = TypeVar("Value")
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

    def given(name: str, read: Callable[[str], Value]) -> Value | None:
        try:
            return read(str(parameters[name])) if parameters.get(name) else None
        except ValueError as error:
            problems.append(Problem(name, "bad_value", str(error)))
        return None

    filters = Filters(
        due_before=given("due_before", _date),
        due_after=given("due_after", _date),
        statuses=given("status", _statuses) or (),
        unbooked=given("unbooked", _boolean),
        search=parameters.get("search", "").replace("\x00", ""),
    )
    page_size = given("page_size", _page_size) or PAGE_SIZE
    if problems:
        raise BadQuery(problems)
    if Status.NOT_DUE in filters.statuses:
        filters = replace(filters, everything=True)
    return Query(
        filters=filters,
        clinic=parameters.get("clinic", ""),
        page_size=page_size,
        cursor=parameters.get("cursor", ""),
    )


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("Write the date as 2026-11-22.") from error


def _statuses(text: str) -> tuple[Status, ...]:
    try:
        return tuple(Status(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ValueError(f"Known are: {', '.join(Status)}; several with commas.") from error


def _boolean(text: str) -> bool:
    values = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in values:
        raise ValueError("Write true or false.")
    return values[text.lower()]


def _page_size(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_PAGE_SIZE:
        raise ValueError(f"Write a whole number from 1 to {MAX_PAGE_SIZE}.")
    return int(text)
