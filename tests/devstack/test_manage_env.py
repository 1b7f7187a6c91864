"""manage.py: which database a command gets, and when none is started."""

from pathlib import Path

import pytest

from devstack import manage_env
from devstack.paths import StackError
from devstack.stack import Stack
from tests.devstack.support import manage

GIVEN = {
    "DATABASE_URL": "postgresql://app@db/itb",
    "DATABASE_OWNER_URL": "postgresql://owner@db/itb",
    "DATABASE_SCAN_URL": "postgresql://scan@db/itb",
}


def chosen(command: str, environ: dict[str, str]) -> str | None:
    given = dict(environ)
    manage_env.choose(["manage.py", command], given)
    return given.get("DATABASE_URL")


@pytest.mark.parametrize(
    ("command", "variable"),
    [
        ("release", "DATABASE_OWNER_URL"),
        ("migrate", "DATABASE_OWNER_URL"),
        ("sweep", "DATABASE_SCAN_URL"),
        ("check_reminders", "DATABASE_SCAN_URL"),
        ("seed_clinic", "DATABASE_URL"),
        ("import_roster", "DATABASE_URL"),
        ("shell", "DATABASE_URL"),
    ],
)
@pytest.mark.parametrize("itb_env", [{}, {"ITB_ENV": "production"}, {"ITB_ENV": "demo"}])
def test_each_command_gets_the_address_of_its_role(
    command: str, variable: str, itb_env: dict[str, str]
) -> None:
    assert chosen(command, GIVEN | itb_env) == GIVEN[variable]
    only = {"DATABASE_URL": GIVEN["DATABASE_URL"]} | itb_env
    assert chosen(command, only) == GIVEN["DATABASE_URL"]


@pytest.mark.parametrize("itb_env", ["production", "test", "staging", "Production", ""])
def test_outside_the_demo_a_missing_address_is_fatal(itb_env: str) -> None:
    for environ in ({"ITB_ENV": itb_env}, {"ITB_ENV": itb_env, "DATABASE_URL": ""}):
        with pytest.raises(StackError, match="DATABASE_URL is not set"):
            chosen("sweep", environ)


@pytest.mark.parametrize(
    "words",
    [
        [], ["projection"], ["help"], ["--version"], ["version"], ["check"], ["spectacular"],
        ["collectstatic", "--noinput"], ["makemessages"], ["migrate", "--help"], ["sweep", "-h"],
    ],
)  # fmt: skip
def test_what_needs_no_database_starts_none(words: list[str]) -> None:
    environ = {"ITB_ENV": "production"}
    manage_env.choose(["manage.py", *words], environ)
    assert environ == {"ITB_ENV": "production"}


@pytest.mark.parametrize("words", [["migrate"], ["sweep"], ["shell"], ["check", "--database=x"]])
def test_what_needs_one_is_known(words: list[str]) -> None:
    assert manage_env.needs_database(["manage.py", *words])


def test_production_ends_with_one_line_and_leaves_nothing(var: Path) -> None:
    done = manage("sweep", var=var, ITB_ENV="production")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "DATABASE_URL is not set" in done.stderr
    assert not var.exists()


def test_a_pure_command_does_not_touch_var(var: Path) -> None:
    done = manage("version", var=var)
    assert done.returncode == 0, done.stderr
    assert not var.exists()


@pytest.mark.servers
def test_a_command_on_a_fresh_machine_finds_a_database_with_a_schema(stack: Stack) -> None:
    code = (
        "from django.db import connection as c; c.cursor().execute('select 1 from accounts_user')"
    )
    done = manage("shell", "-v0", "-c", code, var=stack.layout.var)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "started PostgreSQL" in done.stderr
    assert stack.postgres.running() is not None  # it stays, so that the next command is quick
    again = manage("shell", "-v0", "-c", code, var=stack.layout.var)
    assert again.returncode == 0, again.stderr
    assert "PostgreSQL" not in again.stderr
