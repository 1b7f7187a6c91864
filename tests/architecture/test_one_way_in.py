"""One way into the database, one place where facts change, one record of what was read."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
# What builds or runs a query. A selector may hand out a queryset, to be cut and counted.
QUERY = {
    "objects", "filter", "exclude", "order_by", "select_related", "prefetch_related", "annotate",
    "aggregate", "alias", "values_list", "select_for_update", "defer", "only", "distinct", "raw",
    "in_bulk", "get_or_create", "update_or_create", "bulk_create", "bulk_update", "exists", "first",
    "last", "latest", "earliest", "iterator", "extra", "using", "save", "delete", "create",
    "refresh_from_db",
}  # fmt: skip
# The template library registers its filters by that word.
NOT_A_QUERY = {"register.filter"}
# Facts that move a date, and the only apps that record them.
WRITERS = {
    "record_fill", "prescribe", "record_bolus", "implant_pump", "explant_pump",
    "record_interrogation",
}  # fmt: skip
RECORDERS = {"visits", "rosters"}


def interfaces() -> Iterator[Path]:
    """Pages, API, tasks, commands and tags: whatever is called from outside."""
    yield from (ROOT / "itbclinic").rglob("*.py")
    for app in ROOT.glob("*/apps.py"):
        for pattern in ("tasks.py", "management/**/*.py"):
            yield from app.parent.glob(pattern)


def called_from_outside() -> list[Path]:
    """Those of them that may not know the ORM: the others look after the database itself."""
    keepers = {
        "archives.py", "database_roles.py", "watchdog.py", "health.py", "backup.py", "restore.py",
        "release.py", "settings.py",
    }  # fmt: skip
    found = {path for path in interfaces() if path.name not in keepers}
    found = {path for path in found if not {"migrations", "devstack"} & set(path.parts)}
    assert len(found) > 120, "is the layout still this one?"
    return sorted(found)


def queries(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr == "objects":
            yield f"line {node.lineno}: {ast.unparse(node)}"
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in QUERY and ast.unparse(node.func) not in NOT_A_QUERY:
            yield f"line {node.lineno}: {ast.unparse(node.func)}"


@pytest.mark.parametrize("path", called_from_outside(), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_database_is_reached_only_through_selectors_and_services(path: Path) -> None:
    found = list(queries(path.read_text()))
    services = re.compile(r"(settling|devices|summaries|services)\.(exclude|delete|create)$")
    assert [line for line in found if not services.search(line)] == []


def test_the_rule_sees_managers_and_related_managers() -> None:
    assert list(queries("patient.pumps.filter(pk=1)")) == ["line 1: patient.pumps.filter"]
    assert list(queries("queryset = Pump.objects")) == ["line 1: Pump.objects"]
    assert list(queries("pump.save()")) == ["line 1: pump.save"]
    assert ROOT / "itbclinic/pages/patient/views.py" in called_from_outside()


def test_a_page_reads_only_the_related_rows_that_a_selector_fetched() -> None:
    """`.all()` on a relation stays without a query only where a selector fetched it before."""
    fetched = set()
    for path in [*ROOT.glob("*/selectors.py"), *ROOT.glob("*/selectors/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and "prefetch_related" in ast.unparse(node.func)[-20:]:
                texts = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
                fetched |= {part for text in texts for part in str(text).split("__")}
    assert len(fetched) > 5
    seen = 0
    for path in called_from_outside():
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Attribute) or node.attr != "all":
                continue
            if isinstance(node.value, ast.Attribute):
                seen += 1
                assert node.value.attr in fetched, f"{path}:{node.lineno} {ast.unparse(node)}"
    assert seen > 5


def test_only_visits_and_rosters_record_what_moves_a_date() -> None:
    seen = set()
    for app in ROOT.glob("*/apps.py"):
        for path in app.parent.rglob("*.py"):
            calls = {
                ast.unparse(node.func).rpartition(".")[2]
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Call)
            }
            for name in calls & WRITERS:
                seen.add(name)
                defined = f"def {name}(" in path.read_text()
                here = path.relative_to(ROOT).parts[0]
                assert here in RECORDERS or defined, f"{path.relative_to(ROOT)} calls {name}"
    assert seen == WRITERS, "a writer that nobody calls, or one under another name"
