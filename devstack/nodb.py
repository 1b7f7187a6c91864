"""A pytest plugin for `make check`: leaves out what needs a server or a browser, or takes long.

What it has to leave out and does not fails there: no test of the rest may start a server.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

FIXTURES = {
    "db", "transactional_db", "django_db_reset_sequences", "django_db_serialized_rollback",
    "live_server", "admin_user", "admin_client", "page", "browser", "context",
    "house", "tree", "stack", "supervisor",
}  # fmt: skip
MARKERS = ("django_db", "servers", "browser", "slow")
SERVERS = ("postgres", "initdb", "pg_ctl", "valkey-server", "chromium", "gunicorn", "celery")


def needs_server(item: pytest.Item) -> bool:
    """Whether `make check` leaves this test out."""
    if any(item.get_closest_marker(name) for name in MARKERS):
        return True
    if FIXTURES & set(getattr(item, "fixturenames", ())):
        return True
    bases = getattr(getattr(item, "cls", None), "__mro__", ())
    return any(base.__name__ == "TransactionTestCase" for base in bases)


def server_in(command: object) -> str:
    """The server that a command line starts; empty for another command."""
    words = [command] if isinstance(command, str | bytes | os.PathLike) else command
    if not isinstance(words, list | tuple):
        return ""
    names = [Path(os.fsdecode(word)).name for word in words]
    return next((name for name in SERVERS if name in names[:3]), "")


def _refuse_servers(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen" and (name := server_in(arguments[1])):
        raise AssertionError(f"`make check` starts no server, and this test starts {name}")


def pytest_configure() -> None:
    sys.addaudithook(_refuse_servers)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect, and let pytest count what was left out."""
    left_out = [item for item in items if needs_server(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
