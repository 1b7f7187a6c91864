"""What a computed date needs a person for, and whether one has settled it."""

from datetime import date, timedelta
from typing import Final

from alarms.domain.projection import Known
from alarms.models import Reason
from alarms.selectors.inputs import PumpFacts

# The same day of grace as the roster import's warning (contracts.md, Roster import).
TOLERANCE: Final = timedelta(days=1)


def printed_date_of(facts: PumpFacts) -> date | None:
    """The alarm date that the programmer printed for what the pump does now.

    A printout speaks of the fill and the program of its day: after a later fill, program or bolus
    it says nothing about ours.
    """
    seen = facts.interrogation
    if seen is None or (facts.fill is not None and seen.at < facts.fill.at):
        return None
    later = [program.effective_at for program in facts.programs]
    later += [bolus.at for bolus in facts.boluses]
    return None if any(at > seen.at for at in later) else seen.printed_alarm_date


def attention_of(found: Known, printed: date | None) -> list[str]:
    """What makes the known dates doubtful until a named person settles it (calculations.md)."""
    reasons = []
    if found.pump_stopped:
        reasons.append(Reason.PUMP_STOPPED.value)
    if printed is not None and (
        found.alarm_date is None or abs(printed - found.alarm_date) > TOLERANCE
    ):
        reasons.append(Reason.ALARM_DATE_MISMATCH.value)
    return reasons


def settled_until(facts: PumpFacts, attention: list[str]) -> date | None:
    """The last day on which everything in `attention` is settled; None when something is not."""
    ends = []
    for reason in attention:
        days = [s.ends_on for s in facts.settlements if s.settles == reason]
        if not days:
            return None
        ends.append(max(days))
    return min(ends, default=None)
