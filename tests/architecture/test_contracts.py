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
from itbclinic.pages.shared import desk as desk_module

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
    (no_circle,) = [c for c in CONTRACTS if c["type"] == "acyclic_siblings"]
    assert set(no_circle["ancestors"]) == packages


def test_every_desk_is_in_the_pages_contracts() -> None:
    (pages,) = [c for c in CONTRACTS if c.get("containers") == ["itbclinic.pages"]]
    assert pages["exhaustive"], "a folder that is missing from it breaks it"
    rooms = {path.parent.name for path in (ROOT / "itbclinic/pages").glob("*/__init__.py")}
    (desk,) = [c for c in CONTRACTS if c["name"].startswith("Inside a desk")]
    desks = {name.rpartition(".")[2] for name in desk["containers"]}
    assert desks == rooms - {"shared"}
    assert desks == set(desk_module.desks()), "each is included in itbclinic/urls.py"
    assert not list((ROOT / "itbclinic/pages").glob("[!_]*.py")), "a page lives in a desk"


def sources(*folders: str, least: int) -> list[Path]:
    """Every Python file of our own below these folders, migrations left out."""
    found = [
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts
    ]
    assert len(found) >= least, f"{len(found)} files below {folders}: is the path still right?"
    return sorted(found)


def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


DOMAINS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("*/domain"))


@pytest.mark.parametrize(
    "path", sources(*DOMAINS, least=45), ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_pure_core_has_no_binary_float_and_no_clock(path: Path) -> None:
    for node in nodes(path):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), path
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            assert name != "float", path
            assert name.split(".")[-1] not in {"now", "today", "utcnow"}, path


def test_scans_run_on_utc_intervals_and_nothing_waits_in_the_broker() -> None:
    schedule: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE
    for entry in schedule.values():
        assert isinstance(entry["schedule"], float)
        assert entry["options"]["expires"] < entry["schedule"]
    assert settings.CELERY_TIMEZONE == "UTC"
    for path in sources(*FIRST_PARTY, least=250):
        for node in nodes(path):
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
    for path in sources(*FIRST_PARTY, *TOOLS, least=350):
        relative = path.relative_to(ROOT)
        text = path.read_text()
        if len(text.splitlines()) > 400:
            long.append(str(relative))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > 60:
                    long.append(f"{relative}:{node.name} {lines}")
    assert long == []
