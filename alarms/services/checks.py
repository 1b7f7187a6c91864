"""Rules that need the fill, the programs and the boluses of a pump together."""

from datetime import datetime

from accounts.rules import RuleViolation
from alarms.domain.bolus_checks import bolus_problems
from alarms.selectors.inputs import load_facts


def check_boluses(pump_id: int, now: datetime) -> None:
    """Refuse boluses that, with the program they run on, would go above the pump's maximum.

    Called within the transaction, after the facts were written.

    Raises:
        RuleViolation: `flow_above_maximum`.
    """
    inputs = load_facts([pump_id])[pump_id].inputs(now)
    if inputs.fill is None or not inputs.boluses:
        return
    problems = list(
        bolus_problems(
            inputs.boluses, inputs.programs, inputs.pump, inputs.fill.concentration_mcg_per_ml
        )
    )
    if problems:
        raise RuleViolation(problems)
