"""What a program or a bolus must keep before it is recorded: the core's checks, raised."""

from decimal import Decimal

from accounts.rules import Problem, RuleViolation
from pumps.limits import limits_of
from pumps.models import Pump

from .domain.checks import program_problems
from .domain.programs import Program


def check_program(pump: Pump, program: Program) -> None:
    """Refuse a program that this pump cannot run.

    Raises:
        RuleViolation: with the codes of contracts.md and the path of each field.
    """
    if program.concentration_mcg_per_ml is None:
        raise RuleViolation.of(
            "concentration_mcg_per_ml", "missing", "Say which concentration the program is for."
        )
    if program.concentration_mcg_per_ml <= 0:
        raise RuleViolation.of(
            "concentration_mcg_per_ml", "not_positive", "The concentration must be above zero."
        )
    problems = program_problems(program, limits_of(pump), program.concentration_mcg_per_ml)
    if problems:
        raise RuleViolation(problems)


def check_bolus(dose_mcg: Decimal, minutes: Decimal) -> None:
    """Refuse a bolus without a dose or a duration.

    Raises:
        RuleViolation: `not_positive`.
    """
    problems = [
        Problem(name, "not_positive", "This must be more than zero.")
        for name, value in (("dose_mcg", dose_mcg), ("minutes", minutes))
        if value <= 0
    ]
    if problems:
        raise RuleViolation(problems)
