"""Every field of every valid case: the application's answer is the slow oracle's.

A failure ends with the smallest case as one line of JSON. ITB_HYPOTHESIS_PROFILE=long runs more.
"""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.oracles import slow_projection as oracle
from tests.oracles.projection_cases import Case, cases
from tests.verification.support import ask, differences, examples, shown

pytestmark = pytest.mark.slow


@examples(150)
@given(case=cases())
def test_every_field_is_the_slow_oracles(case: Case) -> None:
    found = differences(oracle.answer(case), ask(case))
    assert not found, shown(case, found)


@examples(60)
@given(case=cases(unknowns=False))
def test_every_field_is_the_slow_oracles_where_it_is_known(case: Case) -> None:
    found = differences(oracle.answer(case), ask(case))
    assert not found, shown(case, found)
