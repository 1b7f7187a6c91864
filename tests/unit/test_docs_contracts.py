"""What docs/ says of codes, fields, bounds and times is what the code does."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from drf_spectacular.generators import SchemaGenerator

from accounts.services import MAX_LEAD_DAYS, MAX_WINDOW_DAYS, MIN_INTERVAL_DAYS, MIN_WINDOW_DAYS
from alarms.domain.case_lines import answer_line
from core.retry import next_attempt
from dosing.domain.checks import LEAST_MCG_PER_DAY, MOST_MCG_PER_DAY
from followup.models import WorkItem
from followup.services.work_items import LADDER, OWNERS
from itbclinic.health import PARTS
from itbclinic.watchdog import QUERIES
from reminders.domain.retry import WORKERS_LOST
from rosters.domain.sheet import HEADINGS, OPTIONAL
from tests.unit.alarms.test_case_lines import BROKEN

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = (ROOT / "docs" / "contracts.md").read_text()
CALCULATIONS = (ROOT / "docs" / "calculations.md").read_text()
WORK_ITEMS = (ROOT / "docs" / "how-to" / "work-items.md").read_text()
RELIABILITY = (ROOT / "docs" / "reliability.md").read_text()
NOW = datetime(2026, 11, 30, tzinfo=UTC)


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the table whose first heading is this one."""
    _, _, rest = page.partition(f"\n| {heading} |")
    assert rest, heading
    found = []
    for line in rest.splitlines()[2:]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def codes(heading: str) -> set[str]:
    return {code for row in table(CONTRACTS, heading) for code in named(row[0])}


def test_the_worked_case_comes_to_the_worked_result() -> None:
    blocks = re.findall(r"^```json\n(.*?)^```", CONTRACTS, re.DOTALL | re.MULTILINE)
    case, result = (json.loads(block) for block in blocks)
    assert answer_line(json.dumps(case)) == result
    assert list(answer_line(json.dumps(case))) == list(result)


def test_the_codes_of_a_case_are_those_that_the_core_answers() -> None:
    assert codes("code") == {code for code, _ in BROKEN}


def test_every_heading_of_the_import_stands_in_the_contract() -> None:
    (file,) = [line for line in CONTRACTS.splitlines() if line.startswith("**The file**")]
    assert {name for name in HEADINGS if f"`{name}`" not in file} == set()
    may_be_missing = file.rpartition("may be missing")[0].rpartition(". ")[2]
    assert {name for name in OPTIONAL if f"`{name}`" not in may_be_missing} == set()


@pytest.mark.parametrize("heading", ["error code", "warning code"])
def test_the_codes_of_an_import_are_in_the_code(heading: str) -> None:
    outside = {".venv", "var", "tests"}
    source = "\n".join(
        path.read_text()
        for path in ROOT.rglob("*.py")
        if not outside & set(path.relative_to(ROOT).parts)
    )
    found = codes(heading)
    assert len(found) >= 10
    assert {code for code in found if f'"{code}"' not in source} == set()


def schema(name: str) -> dict[str, Any]:
    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
    parts = generator.get_schema(request=None, public=True)
    fields: dict[str, Any] = parts["components"]["schemas"][name]["properties"]
    return fields


def test_the_fields_of_the_list_are_those_of_its_schema() -> None:
    for heading, name in (("field of the answer", "RefillsDue"), ("field of a row", "Item")):
        said = {field for row in table(CONTRACTS, heading) for field in named(row[0])}
        assert said == set(schema(name)), name


def test_the_parts_of_readyz_are_all_named() -> None:
    said = CONTRACTS.partition("naming each part that does not work: ")[2].partition("(")[0]
    assert named(said) == list(PARTS)


def test_every_invariant_that_is_watched_is_described() -> None:
    said = [row[0] for row in table(RELIABILITY, "invariant")]
    assert said == [f"I{number}" for number in range(1, 11)]
    assert set(said) == {*QUERIES, "I7"}  # I7 compares lists: it is no query


def test_the_scans_ring_when_the_page_says() -> None:
    said = {
        row[0].strip("`"): (float(row[1].split()[0]), int(row[2].split()[0]))
        for row in table(RELIABILITY, "ring")
    }
    schedule: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE
    assert said == {
        name: (entry["schedule"], entry["options"]["expires"]) for name, entry in schedule.items()
    }


def test_the_limits_of_silence_are_those_of_the_page() -> None:
    for setting in (
        "SWEEP_STALE_AFTER_SECONDS", "DUE_SCAN_STALE_AFTER_SECONDS",
        "DELIVERY_STALE_AFTER_SECONDS", "CELERY_TASK_TIME_LIMIT",
    ):  # fmt: skip
        assert f"`{setting}` = {getattr(settings, setting)}" in RELIABILITY, setting


def test_a_failed_message_is_tried_again_when_the_page_says() -> None:
    rows = table(RELIABILITY, "after attempt")
    assert len(rows) >= 8
    for attempt, earliest, latest in rows:
        first, last = (next_attempt(NOW, int(attempt.split()[0]), spread) for spread in (0, 1000))
        assert (first - NOW, last - NOW) == (
            timedelta(seconds=float(earliest.split()[0])),
            timedelta(seconds=float(latest.split()[0])),
        ), attempt
    assert f"{WORKERS_LOST} lost workers" in RELIABILITY


def test_a_clinic_may_set_what_the_page_says() -> None:
    assert (
        f"`refill_lead_days` 0 to {MAX_LEAD_DAYS}, `window_days` {MIN_WINDOW_DAYS} to "
        f"{MAX_WINDOW_DAYS}, `max_interval_days` at least {MIN_INTERVAL_DAYS} and longer"
    ) in CALCULATIONS
    assert f"outside {LEAST_MCG_PER_DAY} to {MOST_MCG_PER_DAY:,} mcg is refused" in CALCULATIONS


def test_work_items_have_the_owner_and_the_time_of_the_page() -> None:
    said = {row[0]: row[1] for row in table(WORK_ITEMS, "item")}
    assert len(said) == len(OWNERS)
    for kind, (role, given) in OWNERS.items():
        label = str(WorkItem.Kind(kind).label)
        first = next(text for item, text in said.items() if item.startswith(label))
        assert first.startswith(f"{role.value}, {given.total_seconds() / 3600:.0f} h"), label
    assert f"passes on: {', '.join(role.value for role in LADDER)}." in WORK_ITEMS
