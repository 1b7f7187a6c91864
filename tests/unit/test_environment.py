"""Production refuses to start with a missing or a default value, in one clear line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from itbclinic.environment import DEMO_SECRET, MisconfiguredError, read

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    "ITB_ENV": "production",
    "SECRET_KEY": "V3ry-r4nd0m_signs-of-50_zQwErTyUiOpAsDfGhJkLXcVbNz",
    "DATABASE_URL": "postgres://itb_app:secret@db/itb",
    "REDIS_URL": "redis://broker/0",
    "ALLOWED_HOSTS": "itb.example.org",
    "ITB_BASE_URL": "https://itb.example.org",
}


def test_a_whole_environment_is_read() -> None:
    found = read(GOOD, ROOT)
    assert found.production
    assert found.allowed_hosts == ("itb.example.org",)


@pytest.mark.parametrize("name", [name for name in GOOD if name != "ITB_ENV"])
def test_each_missing_variable_is_named(name: str) -> None:
    with pytest.raises(MisconfiguredError, match=name):
        read({**GOOD, name: ""}, ROOT)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", DEMO_SECRET),
        ("SECRET_KEY", GOOD["SECRET_KEY"][:49]),
        ("SECRET_KEY", "x" * 60),
        ("SECRET_KEY", "change-me-" * 6),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "itb.example.org, *"),
        ("ALLOWED_HOSTS", " , "),
        ("ITB_BASE_URL", "itb.example.org"),
        ("ITB_BASE_URL", "http://itb.example.org"),
        ("ITB_BASE_URL", "https://"),
        ("ITB_BASE_URL", "https://[itb"),
        ("DATABASE_URL", "sqlite:///db.sqlite3"),
        ("ITB_ENV", "prod"),
    ],
)
def test_a_default_or_wrong_value_is_refused(name: str, value: str) -> None:
    with pytest.raises(MisconfiguredError, match=name):
        read({**GOOD, name: value}, ROOT)


def test_without_an_environment_it_is_the_demo() -> None:
    assert read({}, ROOT).name == "demo"


def test_manage_py_in_production_starts_nothing_and_says_why() -> None:
    env = {"PATH": os.environ["PATH"], "ITB_ENV": "production"}
    done = subprocess.run(
        [sys.executable, "manage.py", "sweep"], cwd=ROOT, env=env, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert len(done.stderr.strip().splitlines()) == 1
    assert "DATABASE_URL" in done.stderr


def test_every_variable_is_documented() -> None:
    page = (ROOT / "docs" / "environment.md").read_text()
    read_names = set()
    for path in [*ROOT.glob("itbclinic/*.py"), *ROOT.glob("devstack/*.py")]:
        text = path.read_text()
        for part in text.split('"')[1::2]:
            if part.startswith("ITB_") and part.isupper() and part.replace("_", "").isalpha():
                read_names.add(part)
    assert "ITB_VAR_DIR" in read_names
    assert [name for name in sorted(read_names | set(GOOD)) if f"`{name}`" not in page] == []
