"""The worked numbers of docs/algorithms/projection.md are what the core computes."""

from pathlib import Path

import pytest

from alarms.domain.case_lines import answer

from .test_case_lines import HEADER, case

PAGE = Path(__file__).resolve().parents[3] / "docs" / "algorithms" / "projection.md"


def rows() -> list[dict[str, str]]:
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text().splitlines()
        if line.startswith("|")
    ]
    head = next(line for line in lines if line[0] == "mL")
    body = lines[lines.index(head) + 2 :]
    return [dict(zip(head, line, strict=True)) for line in body if len(line) == len(head)]


def test_the_table_is_found() -> None:
    assert len(rows()) == 4


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['mL']} mL, {row['mcg/day']} mcg")
def test_a_row_of_the_page(row: dict[str, str]) -> None:
    found = answer(
        case(
            fill__volume_ml=row["mL"],
            fill__concentration_mcg_per_ml=row["mcg/mL"],
            programs=[{**HEADER, "mode": "simple_continuous", "daily_dose_mcg": row["mcg/day"]}],
        )
    )
    for name in (
        "alarm_at", "refill_due_on", "empty_date", "earliest_empty_date", "binding_clock",
    ):  # fmt: skip
        assert found[name] == row[name], name
