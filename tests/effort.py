"""How much work something is, counted: machines differ in speed, a count does not."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")


def calls_of(work: Callable[[], Result]) -> tuple[Result, int]:
    """What the work returns, and how many Python functions it called."""
    count = 0

    def seen(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        result = work()
    finally:
        sys.setprofile(before)
    return result, count


def rows_visited(plan: dict[str, Any]) -> int:
    """How many rows PostgreSQL looked at for a query, from `EXPLAIN (ANALYZE, FORMAT JSON)`."""
    names = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter")
    here = sum(plan.get(name, 0) for name in names) * plan.get("Actual Loops", 1)
    return int(here) + sum(rows_visited(part) for part in plan.get("Plans", []))
