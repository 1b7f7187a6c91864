"""The worked numbers of docs/calculations.md are what the core computes."""

import json
import re
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from alarms.domain.case_lines import answer
from alarms.domain.status import status_on
from dosing.domain.bridge import bridge
from pumps.domain.path import path_ml
from refills.domain.reservoir import discrepancy, mixed_concentration
from tests.unit.alarms.test_case_lines import HEADER, case

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "calculations.md").read_text()
Row = dict[str, str]


def table(*head: str) -> list[Row]:
    """The rows of the table whose headings begin with these."""
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        for line in PAGE.splitlines()
    ]
    start = next(n for n, line in enumerate(lines) if line[: len(head)] == list(head))
    rows = []
    for line in lines[start + 2 :]:
        if not line:
            break
        rows.append(dict(zip(lines[start], line, strict=True)))
    return rows


def worked() -> list[dict[str, Any]]:
    found = re.findall(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return [json.loads(block) for block in found]


WORKED = table("mL", "mcg/mL", "mcg/day")
STATUSES = table("today", "status")
BRIDGES = table("tubing mL", "catheter cm")
DISCREPANCIES = table("filled mL")
MIXES = table("remainder mL")


def test_the_tables_are_found() -> None:
    assert [len(rows) for rows in (WORKED, STATUSES, BRIDGES, DISCREPANCIES, MIXES)] == [
        4, 7, 2, 3, 2,
    ]  # fmt: skip
    assert len(worked()) == 6


@pytest.mark.parametrize("row", WORKED, ids=lambda row: f"{row['mL']} mL, {row['mcg/day']} mcg")
def test_a_row_of_the_page(row: Row) -> None:
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


@pytest.mark.parametrize("block", worked(), ids=lambda block: json.dumps(block["gives"]))
def test_a_worked_case_of_the_page(block: dict[str, Any]) -> None:
    wanted = block.pop("gives")
    found = answer(case(**block))
    assert {name: found.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("row", STATUSES, ids=lambda row: row["today"])
def test_a_status_of_the_page(row: Row) -> None:
    sentence = next(line for line in PAGE.splitlines() if line.startswith("For `window_opens_on`"))
    said = dict(re.findall(r"`(\w+)` (\d{4}-\d\d-\d\d)", sentence))
    dates = {name: date.fromisoformat(day) for name, day in said.items()}
    found = status_on(
        date.fromisoformat(row["today"]),
        empty_date=dates["empty_date"],
        alarm_date=dates["alarm_date"],
        refill_due_on=dates["refill_due_on"],
        window_opens_on=dates["window_opens_on"],
    )
    assert found == row["status"]


@pytest.mark.parametrize("row", BRIDGES, ids=lambda row: row["old mcg/mL"])
def test_a_bridge_of_the_page(row: Row) -> None:
    exact = {name: Decimal(text) for name, text in row.items()}
    path = path_ml(exact["tubing mL"], exact["catheter cm"], exact["mL per cm"])
    found = bridge(path, exact["old mcg/day"], exact["old mcg/mL"], exact["new mcg/mL"])
    assert path == exact["path mL"]
    assert (found.duration_h, found.bolus_mcg, found.old_drug_mcg) == (
        Fraction(exact["hours"]), Fraction(exact["bolus mcg"]), Fraction(exact["old drug mcg"]),
    )  # fmt: skip


@pytest.mark.parametrize("row", DISCREPANCIES, ids=lambda row: row["aspirated mL"])
def test_a_discrepancy_of_the_page(row: Row) -> None:
    volumes = [Decimal(row[f"{name} mL"]) for name in ("filled", "expected", "aspirated")]
    found = discrepancy(*volumes)
    ratio = found.delivered_ratio
    assert found.difference_ml == Fraction(row["discrepancy mL"])
    assert ("none" if ratio is None else round(ratio, 6)) == (
        "none" if row["delivered ratio"] == "none" else Fraction(row["delivered ratio"])
    )


@pytest.mark.parametrize("row", MIXES, ids=lambda row: row["mixed mcg/mL"])
def test_a_mix_of_the_page(row: Row) -> None:
    found = mixed_concentration(
        Decimal(row["remainder mL"]), Decimal(row["old mcg/mL"]),
        Decimal(row["fill mL"]), Decimal(row["new mcg/mL"]),
    )  # fmt: skip
    assert found == Fraction(row["mixed mcg/mL"])
