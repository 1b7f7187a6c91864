"""What is on record beside what was typed, where somebody else saved in between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.rules import RuleViolation

from . import figures


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure on which the record and what was typed differ."""

    label: str
    on_record: str
    typed: str


def compared(on_record: Mapping[str, Any], typed: Mapping[str, Any]) -> list[Compared]:
    """Both values of each figure that differs, in words."""
    before, after = figures.flat(on_record), figures.flat(typed)
    return [
        Compared(
            figures.label(name),
            figures.shown(name, before.get(name)),
            figures.shown(name, after.get(name)),
        )
        for name in differing(on_record, typed)
    ]


def differing(on_record: Mapping[str, Any], typed: Mapping[str, Any]) -> Sequence[str]:
    before, after = figures.flat(on_record), figures.flat(typed)
    names = dict.fromkeys([*before, *after])
    return [
        name
        for name in names
        if figures.shown(name, before.get(name)) != figures.shown(name, after.get(name))
    ]


def is_stale(violation: RuleViolation) -> bool:
    return any(problem.code == "stale" for problem in violation.problems)


def was(number: int) -> str:
    return "was" if number == 1 else "were"
