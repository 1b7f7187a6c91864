"""The house holds: contracts are complete, facts are protected, fields are classified."""

import ast
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, models

from core.append_only import AppendOnly
from itbclinic import classification, database_roles

ROOT = Path(settings.BASE_DIR)
# `core` has no table, and `devstack` is not in the image.
FIRST_PARTY = ["itbclinic", *database_roles.FIRST_PARTY]
TOOLS = {"devstack", "core"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = PROJECT["tool"]["importlinter"]["contracts"]


def first_party_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model._meta.app_label in FIRST_PARTY]


def test_every_app_is_in_the_import_contract() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    installed = {app.name for app in apps.get_app_configs() if "." not in app.name}
    installed &= packages
    assert packages == {*FIRST_PARTY, *TOOLS}
    assert installed == packages - {"core"}
    assert set(PROJECT["tool"]["importlinter"]["root_packages"]) == packages
    layers = {name for layer in CONTRACTS[0]["layers"] for name in layer.split(" | ")}
    assert layers == packages
    assert set(CONTRACTS[1]["containers"]) == packages - {"itbclinic", *TOOLS}
    pure = {f"{name}.domain" for name in packages if (ROOT / name / "domain").is_dir()}
    pure |= {f"core.{name}" for name in ("quantities", "retry", "rules", "words", "local_time")}
    assert set(CONTRACTS[2]["source_modules"]) == pure


def sources(*patterns: str) -> list[Path]:
    found = [path for pattern in patterns for path in ROOT.glob(pattern)]
    assert found
    return found


@pytest.mark.parametrize("path", sources("*/domain/*.py"), ids=str)
def test_the_pure_core_has_no_binary_float_and_no_clock(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), path
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            assert name != "float", path
            assert name.split(".")[-1] not in {"now", "today", "utcnow"}, path


@pytest.mark.parametrize(
    "path",
    sources(
        "itbclinic/pages/*.py", "itbclinic/api/*.py", "alarms/tasks.py", "*/management/**/*.py"
    ),
    ids=str,
)
def test_interfaces_reach_the_orm_only_through_selectors_and_services(path: Path) -> None:
    # These look up one clinic by its slug.
    allowed = {"seed_clinic.py", "import_roster.py", "bench.py", "add_administrator.py"}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr == "objects":
            assert path.name in allowed, f"{path}:{node.lineno}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in {"save", "delete"}, f"{path}:{node.lineno}"


def test_scans_run_on_utc_intervals_and_nothing_waits_in_the_broker() -> None:
    schedule: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE
    for entry in schedule.values():
        assert isinstance(entry["schedule"], float)
        assert entry["options"]["expires"] < entry["schedule"]
    assert settings.CELERY_TIMEZONE == "UTC"
    for path in sources("*/*.py", "*/*/*.py"):
        if path.parts[-2] == "devstack" or ROOT / "tests" in path.parents or ".venv" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                words = {keyword.arg for keyword in node.keywords}
                assert node.func.attr != "crontab"
                if node.func.attr == "apply_async":
                    assert not words & {"eta", "countdown"}, path


def test_every_field_is_classified() -> None:
    unclassified = []
    for model in first_party_models():
        label = model._meta.label
        if label in classification.OPERATIONAL_MODELS:
            continue
        for field in model._meta.get_fields():
            if field.auto_created and not field.concrete:
                continue
            known = (
                classification.IDENTIFYING.get(label, set())
                | classification.CLINICAL.get(label, set())
                | classification.OPERATIONAL_FIELDS
            )
            if field.name not in known:
                unclassified.append(f"{label}.{field.name}")
    assert unclassified == []


def test_classification_names_only_what_exists() -> None:
    for table in (classification.IDENTIFYING, classification.CLINICAL):
        for label, names in table.items():
            model = apps.get_model(label)
            assert names <= {field.name for field in model._meta.get_fields()}, label


@pytest.mark.django_db
def test_constraints_are_in_the_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint UNION SELECT indexname FROM pg_indexes")
        present = {row[0] for row in cursor.fetchall()}
    declared = {c.name for model in first_party_models() for c in model._meta.constraints}
    assert len(declared) > 40
    assert declared <= present


@pytest.mark.django_db
def test_append_only_tables_have_their_trigger() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%%append_only'"
        )
        protected = sorted(row[0] for row in cursor.fetchall())
    assert protected == database_roles.append_only_tables()
    assert len(protected) == sum(issubclass(m, AppendOnly) for m in first_party_models())


def test_dose_volume_and_concentration_columns_are_decimals_with_their_unit() -> None:
    units = ("_ml", "_mcg", "_mcg_per_ml", "_ml_per_day", "_mcg_per_hour", "_percent", "_cm")
    for model in first_party_models():
        for field in model._meta.concrete_fields:
            assert not isinstance(field, models.FloatField), field
            if isinstance(field, models.DecimalField):
                assert field.name.endswith((*units, "minutes", "ml_per_cm")), field


def test_files_and_functions_stay_small() -> None:
    long = []
    for path in sources("*/*.py", "*/*/*.py", "*/*/*/*.py", "*/*/*/*/*.py"):
        relative = path.relative_to(ROOT)
        if relative.parts[0] not in {*FIRST_PARTY, *TOOLS} or "migrations" in relative.parts:
            continue
        text = path.read_text()
        if len(text.splitlines()) > 400:
            long.append(str(relative))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > 60:
                    long.append(f"{relative}:{node.name} {lines}")
    assert long == []
