"""A concentration has one range, whoever types it: the catalogue or a clinic's spreadsheet."""

from decimal import Decimal

import pytest

from dosing.domain.checks import concentration_problem


@pytest.mark.parametrize("mcg_per_ml", ["50", "500", "2000", "4000", "5000"])
def test_what_is_sold_or_compounded_is_taken(mcg_per_ml: str) -> None:
    assert concentration_problem("concentration", "This", Decimal(mcg_per_ml)) is None


@pytest.mark.parametrize("mcg_per_ml", ["0.5", "2", "49.999", "5000.001", "10000", "2000000"])
def test_mg_for_mcg_and_its_reverse_are_refused(mcg_per_ml: str) -> None:
    problem = concentration_problem("Concentration", "2 mg", Decimal(mcg_per_ml))
    assert problem is not None
    assert (problem.field, problem.code) == ("Concentration", "concentration_out_of_range")
    assert "50 to 5,000 mcg per mL" in problem.message
