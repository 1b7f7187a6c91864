"""An answer carries the id of its case; the longest interval of a clinic is at least a day."""

import json
from typing import Any

import pytest

from alarms.domain.case_lines import answer_line

from .test_case_lines import case


@pytest.mark.parametrize(
    ("written", "echoed"),
    [
        ("7", 7), ("7.0", 7), ("7.5", "7.5"), ('"a"', "a"), ("true", True), ("[1]", None),
        ("1e40", 10**40), ("1e41", "1E+41"), ("0e-40", 0), ("0e-41", "0E-41"),
    ],
)  # fmt: skip
def test_an_id_comes_back_as_it_was_written(written: str, echoed: Any) -> None:
    assert answer_line(f'{{"id": {written}}}')["id"] == echoed


def test_a_line_that_cannot_be_read_has_the_id_of_none() -> None:
    found = answer_line("{")
    assert list(found) == ["id", "status", "errors"]
    assert found["id"] is None


def test_the_longest_interval_is_a_day_or_more() -> None:
    one = answer_line(json.dumps(case(max_interval_days=1)))
    assert (one["status"], one["binding_clock"]) == ("known", "max_interval")
    [problem] = answer_line(json.dumps(case(max_interval_days=0)))["errors"]
    assert (problem["field"], problem["code"]) == ("max_interval_days", "not_positive")
