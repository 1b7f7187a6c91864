"""The Dockerfile: what goes in, from which locks, as whom. Read, and as far as it goes, done."""

import re
import tomllib
from pathlib import Path

from tests.production import support
from tests.production.support import ROOT

LINES = support.dockerfile()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINS = re.compile(r"^([A-Za-z0-9._-]+)==(\S+) \\\n((?:    --hash=\S+(?: \\)?\n)+)", re.MULTILINE)


def pins(lock: str) -> dict[str, tuple[str, str]]:
    """Version and hashes by name."""
    text = (ROOT / lock).read_text()
    found = {name: (version, hashes) for name, version, hashes in PINS.findall(text)}
    assert len(found) == len(re.findall(r"^\S+==", text, re.MULTILINE)) > 20
    return found


def test_the_production_lock_is_a_part_of_the_other() -> None:
    production, whole = pins("requirements-production.lock"), pins("requirements.lock")
    assert {name: whole.get(name) for name in production} == production
    wanted = {re.split(r"[\[<>=]", line)[0].lower() for line in PROJECT["project"]["dependencies"]}
    assert wanted <= set(production), "make lock"
    extras = PROJECT["project"]["optional-dependencies"]
    for line in extras["dev"] + extras["demo"]:
        assert re.split(r"[\[<>=]", line)[0] not in production, line


def test_locks_and_image_name_no_registry() -> None:
    for name in ("requirements-production.lock", "requirements.lock", "Dockerfile", ".env.example"):
        text = (ROOT / name).read_text()
        for host in re.findall(r"https?://([\w.-]+)", text):
            assert host in {"build.invalid", "itb.example.org"}, f"{name} names {host}"
        assert not re.search(
            r"--(extra-)?index-url|--find-links|--trusted-host", text.split("\n\n", 1)[-1]
        )


def test_image_and_locks_have_one_python() -> None:
    bases = {line.split()[1] for line in LINES if line.startswith("FROM")}
    (base,) = bases
    version = re.match(r"python:(\d+\.\d+)-slim-", base)
    assert version is not None
    for lock in ("requirements-production.lock", "requirements.lock"):
        assert f"by pip-compile with Python {version[1]}\n" in (ROOT / lock).read_text()
    assert PROJECT["tool"]["mypy"]["python_version"] == version[1]


def test_the_client_programs_are_as_new_as_the_server() -> None:
    major = support.services()["postgres"]["image"].partition(":")[2]
    assert f"postgresql-client-{major}" in " ".join(LINES)


def test_packages_come_with_hashes_and_the_user_is_nobody_special() -> None:
    (install,) = [line for line in LINES if "pip install" in line]
    assert "--require-hashes" in install
    assert "-r /tmp/requirements-production.lock" in install
    (user,) = [line for line in LINES if line.startswith("USER")]
    assert user == "USER 10001:10001"
    last = max(i for i, line in enumerate(LINES) if line.startswith(("RUN", "COPY")))
    assert LINES.index(user) > last, "something is made writable for the application"
    environment = " ".join(line for line in LINES if line.startswith("ENV"))
    assert "ITB_ENV=production" in environment
    assert not re.search(r"SECRET|PASSWORD|_URL", environment)
    assert not [line for line in LINES if line.startswith("ARG")]


def test_the_image_gets_what_it_needs_and_nothing_that_is_secret() -> None:
    files = support.context()
    packages = set(PROJECT["tool"]["importlinter"]["root_packages"]) - {"devstack"}
    for name in [*packages, "templates", "static"]:
        there = {str(p.relative_to(ROOT)) for p in (ROOT / name).rglob("*.*") if p.is_file()}
        there = {path for path in there if "__pycache__" not in path}
        assert there
        assert there <= set(files), f"{name} is not whole"
    assert {"manage.py", "requirements-production.lock", "compose/healthcheck.py"} <= set(files)
    for name in (".env", "var/secrets.json", "backup.dump", ".git/config", "tests/conftest.py",
                 "devstack/stack.py"):  # fmt: skip
        assert support.ignored(name), name
    tops = {path.split("/")[0] for path in files}
    assert tops == {*packages, "templates", "static", "manage.py", "compose",
                    "requirements-production.lock"}  # fmt: skip


def test_the_build_s_own_command_works_on_what_is_copied(tree: Path) -> None:
    collected = tree / "staticfiles"
    assert (collected / "staticfiles.json").is_file()
    assert list(collected.glob("itb.*.css"))
    assert not (tree / "tests").exists()
