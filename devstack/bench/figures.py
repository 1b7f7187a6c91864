"""One figure with its floor, and how a duration is taken."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its median, its floor in the same run, and how many pumps or rows it is over."""

    name: str
    value: float
    unit: str
    floor: float | None
    ratio: float | None
    n: int


def median_seconds(work: Callable[[], Any], runs: int) -> float:
    """The median duration of several runs, after one that does not count."""
    work()
    durations = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        durations.append(time.perf_counter() - started)
    return statistics.median(durations)


def figure(name: str, seconds: float, floor: float | None, n: int) -> Figure:
    """A figure in seconds with its ratio."""
    return Figure(name, seconds, "s", floor, seconds / floor if floor else None, n)
