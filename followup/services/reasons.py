"""What everybody must say who lets something wait."""

from datetime import date, timedelta
from typing import Final

from core.rules import RuleViolation

# A settlement that outlives a refill would hide the next one's doubt.
LONGEST: Final = timedelta(days=90)
# While a pump may run dry, nobody puts it off for longer.
SHORT: Final = timedelta(days=7)


def check_reason_and_end(
    reason: str, ends_on: date, today: date, longest: timedelta = LONGEST
) -> None:
    """Refuse to dismiss anything without a reason and an end date (docs/reliability.md, 4).

    Args:
        longest: how far the end may lie ahead.

    Raises:
        RuleViolation: naming `reason` or `ends_on`.
    """
    if not reason.strip():
        raise RuleViolation.of("reason", "missing", "Write why this may stand.")
    if ends_on < today:
        raise RuleViolation.of("ends_on", "date_in_past", "The end date has passed already.")
    if ends_on > today + longest:
        raise RuleViolation.of(
            "ends_on",
            "too_late",
            f"End it within {longest.days} days; then somebody looks at it again.",
        )
