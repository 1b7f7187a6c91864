"""Rules that need the fill, the programs and the boluses of a pump together."""

from datetime import datetime

from alarms.domain.bolus_checks import bolus_problems
from alarms.selectors.inputs import PumpFacts
from core.rules import RuleViolation


def check_boluses(facts: PumpFacts, now: datetime) -> None:
    """Refuse boluses that, with the program they run on, would go above the pump's maximum.

    Args:
        facts: with what is being recorded.

    Raises:
        RuleViolation: `flow_above_maximum`.
    """
    inputs = facts.inputs(now)
    if inputs.fill is None or not inputs.boluses:
        return
    problems = list(
        bolus_problems(
            inputs.boluses, inputs.programs, inputs.pump, inputs.fill.concentration_mcg_per_ml
        )
    )
    if problems:
        raise RuleViolation(problems)
