"""How a rule is refused: with sentences that name the field and the way out."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: a field's path, a stable code, and a sentence for a person."""

    field: str
    code: str
    message: str


class RuleViolation(Exception):  # named as clinicians speak of it
    """Raised by `check_…` functions and services. Nothing was written."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{p.field}: {p.code}" for p in problems))
        self.problems = tuple(problems)

    @classmethod
    def of(cls, field: str, code: str, message: str) -> "RuleViolation":
        return cls([Problem(field, code, message)])
