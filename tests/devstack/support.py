"""What these tests share: a clean environment, connections, and a way to look for leftovers."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2  # type: ignore[import-untyped, unused-ignore]

from devstack import procs, roles
from devstack.paths import PROJECT
from devstack.stack import Stack


def clean_environ(var: Path, **more: str) -> dict[str, str]:
    """Our environment without the addresses that `make test` put into it."""
    ours = ("DATABASE_", "REDIS_", "ITB_", "SECRET_KEY", "PORT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"ITB_VAR_DIR": str(var)} | more


def devstack(*words: str, var: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m devstack` to its end."""
    command = [sys.executable, "-m", "devstack", *words]
    return run(command, clean_environ(var, **more))


def manage(*words: str, var: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py to its end."""
    return run([sys.executable, "manage.py", *words], clean_environ(var, **more))


def run(command: list[str], environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=environ, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False
    )


def query(url: str, *statements: str) -> Any:
    """Run statements in one session, and answer the first value of the last one."""
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


def owner_url(stack: Stack) -> str:
    return stack.database_url(roles.OWNER)


def eventually(condition: Callable[[], bool], timeout: float = 10) -> None:
    assert procs.wait_until(condition, timeout, 0.05), "it did not happen in time"


def processes_of(var: Path) -> list[int]:
    """Everything that runs for this var/: named on the command line, or told by environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        try:
            told = f"ITB_VAR_DIR={var}".encode() in (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            told = False
        if (told or str(var) in procs.command_line(pid)) and procs.alive(pid):
            found.append(pid)
    return [pid for pid in found if pid != os.getpid()]
