"""How a rule is refused: with sentences that name the field and the way out."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

FEWEST_DIGITS: Final = 7  # of a telephone number; the roster's cells are read by the same


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


def check_phone(field: str, phone: str) -> None:
    """Refuse a telephone number that nobody could call; empty means that there is none.

    Words beside the number stay: `801-555-0142 (8 a.m. to 5 p.m.)`.

    Raises:
        RuleViolation: `no_phone_number`.
    """
    if phone.strip() and sum(sign in "0123456789" for sign in phone) < FEWEST_DIGITS:
        raise RuleViolation.of(
            field,
            "no_phone_number",
            "This is not a phone number. Write all of it, such as 801-555-0142; words "
            "may follow it.",
        )


def fingerprint(values: Mapping[str, Any]) -> str:
    """A short hash of values as a form shows them: what was seen, carried along until it is saved.

    It keeps two people from overwriting each other; it is no secret.
    """
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def check_unchanged(seen: str | None, values: Mapping[str, Any]) -> None:
    """Refuse to overwrite what somebody else saved since the form was opened.

    Args:
        seen: the fingerprint of what the form showed; None where no form was shown.
        values: what is on record, read under its lock.

    Raises:
        RuleViolation: `stale`.
    """
    if seen is not None and seen != fingerprint(values):
        raise RuleViolation.of(
            "seen",
            "stale",
            "Somebody else saved a change after you opened this page. Nothing of yours was saved. "
            "Compare both below, then save again if yours should stand.",
        )
