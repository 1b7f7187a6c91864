"""What a program or a bolus must keep before it is recorded: the core's checks, raised."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from django.core.exceptions import ValidationError

from core.rules import Problem, RuleViolation
from pumps.limits import limits_of
from pumps.models import Pump

from .domain.checks import concentration_problem, program_problems
from .domain.programs import Program
from .models import MOST_STABILITY_DAYS, DrugProduct, StabilityLimit


def check_program(pump: Pump, program: Program) -> None:
    """Refuse a program that this pump cannot run.

    Raises:
        RuleViolation: with the codes of docs/contracts.md and the path of each field.
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


def check_drug_product(product: DrugProduct, limits: Sequence[StabilityLimit]) -> None:
    """Refuse a drug or a limit that no date could rest on, or that has no source.

    Raises:
        RuleViolation: with each field's sentence; a limit's field is `stability_days:` or
            `source:` and its pump family.
    """
    problems = _readable(product, "", {"clinic"})
    concentration = product.concentration_mcg_per_ml
    if "concentration_mcg_per_ml" not in {problem.field for problem in problems}:
        problem = concentration_problem("concentration_mcg_per_ml", "This", concentration)
        if problem is not None:
            problems.append(problem)
        same = DrugProduct.objects.filter(
            clinic=product.clinic_id,
            name__iexact=product.name,
            concentration_mcg_per_ml=concentration,
        ).exclude(pk=product.pk)
        if same.exists():
            text = "The catalogue has this drug in this concentration already. Change that one."
            problems.append(Problem("concentration_mcg_per_ml", "duplicate", text))
    if not product.source.strip():
        problems.append(Problem("source", "missing", SOURCE_MISSING))
    for limit in limits:
        problems += _limit_problems(limit)
    if problems:
        raise RuleViolation(problems)


SOURCE_MISSING: Final = "Say where this figure comes from."


def _limit_problems(limit: StabilityLimit) -> list[Problem]:
    family = limit.pump_family
    problems = _readable(limit, f":{family}", {"product"})
    days = limit.stability_days
    if not problems and not 1 <= days <= MOST_STABILITY_DAYS:
        text = f"Write a number of days from 1 to {MOST_STABILITY_DAYS}."
        problems.append(Problem(f"stability_days:{family}", "out_of_range", text))
    if not limit.source.strip():
        problems.append(Problem(f"source:{family}", "missing", SOURCE_MISSING))
    return problems


def _readable(row: DrugProduct | StabilityLimit, suffix: str, exclude: set[str]) -> list[Problem]:
    try:
        row.clean_fields(exclude={*exclude, "source"})
    except ValidationError as error:
        return [
            Problem(f"{field}{suffix}", "invalid", message)
            for field, messages in error.message_dict.items()
            for message in messages
        ]
    return []
