"""From the query to the board, the API and the scan a value has a type; Any would blind mypy."""

import ast
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
TYPED = (
    "alarms/domain/status.py",
    "alarms/selectors/appointments.py",
    "alarms/selectors/deadlines.py",
    "alarms/selectors/listed.py",
    "alarms/selectors/worklist.py",
    "alarms/services/*.py",
    "followup/domain/*.py",
    "followup/selectors/*.py",
    "followup/services/delivering.py",
    "followup/services/reminding.py",
    "followup/services/resyncing.py",
    "followup/services/scans.py",
    "followup/services/settling.py",
    "itbclinic/api/authentication.py",
    "itbclinic/api/problems.py",
    "itbclinic/api/query.py",
    "itbclinic/api/refills_due.py",
    "itbclinic/api/renderers.py",
    "itbclinic/api/schemas.py",
    "itbclinic/pages/board/*.py",
    "itbclinic/pages/shared/board_filter.py",
    "itbclinic/pages/shared/board_query.py",
    "itbclinic/pages/shared/bookings.py",
    "itbclinic/pages/shared/dates_view.py",
    "itbclinic/pages/shared/messages.py",
    "itbclinic/pages/shared/rows.py",
    "itbclinic/pages/shared/states.py",
    "itbclinic/pages/shared/window.py",
    "itbclinic/pages/visit/changes.py",
    "itbclinic/pages/work/words.py",
    "itbclinic/refill_list.py",
    "reminders/domain/promises.py",
    "reminders/services/outbox.py",
    "visits/services/preview.py",
)


def lines_with_any(path: Path) -> list[int]:
    """Where a module names `Any`, whatever for: it has no use but in a type."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Name) and node.id == "Any")
        or (isinstance(node, ast.Attribute) and node.attr == "Any")
        or (isinstance(node, ast.Constant) and node.value == "Any")
    ]


@pytest.mark.parametrize("pattern", TYPED)
def test_nothing_between_the_query_and_its_readers_is_any(pattern: str) -> None:
    paths = list(ROOT.glob(pattern))
    assert paths, "moved: name its new place"
    assert {str(path): lines_with_any(path) for path in paths if lines_with_any(path)} == {}


def test_any_would_be_seen() -> None:
    assert lines_with_any(ROOT / "alarms/domain/parsing.py")
