"""What a computed date needs a person for, and whether one has settled it."""

from datetime import date, datetime, timedelta
from typing import Final

from alarms.domain.projection import Known, project
from alarms.models import Reason
from alarms.selectors.inputs import PumpFacts

# The same day of grace as the roster import's warning (docs/contracts.md, Roster import).
TOLERANCE: Final = timedelta(days=1)


def printed_date_of(facts: PumpFacts) -> date | None:
    """The alarm date that the programmer printed for the fill that is in the pump."""
    seen = facts.interrogation
    if seen is None or (facts.fill is not None and seen.at < facts.fill.at):
        return None
    return seen.printed_alarm_date


def is_outdated(facts: PumpFacts) -> bool:
    """Whether the pump was told something else after the printout, which then speaks of before."""
    seen = facts.interrogation
    return seen is not None and any(at > seen.at for at in _told_at(facts))


def _told_at(facts: PumpFacts) -> list[datetime]:
    return [p.effective_at for p in facts.programs] + [bolus.at for bolus in facts.boluses]


def differs(facts: PumpFacts, found: Known, printed: date | None, now: datetime) -> bool:
    """Whether the printout's alarm date is more than a day off ours for the same facts.

    After a later program or bolus, ours is computed anew from what held at the printout: a
    difference does not go away by a dose change, only by a person, a refill or a new printout.
    """
    if printed is None:
        return False
    ours = found.alarm_date
    if is_outdated(facts):
        then = project(facts.as_told_at_printout().inputs(now))
        ours = then.alarm_date if isinstance(then, Known) else None
    return ours is None or abs(printed - ours) > TOLERANCE


def attention_of(facts: PumpFacts, found: Known, printed: date | None, now: datetime) -> list[str]:
    """What makes known dates doubtful until a person settles it (docs/calculations.md, Unknown)."""
    reasons = []
    if found.pump_stopped:
        reasons.append(Reason.PUMP_STOPPED.value)
    if differs(facts, found, printed, now):
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
