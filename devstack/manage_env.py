"""Which database a manage.py command talks to, and as whom.

With DATABASE_URL set, that one (or the address of the role the command needs, if it is set as
well). Without it, the demo's own PostgreSQL, which is started when it does not run; never in
production, where an empty database would look like a clinic without pumps.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping, Sequence

from .paths import Layout, StackError

# These work on code and files alone, so they start nothing and answer at once.
NO_DATABASE = (
    "projection", "makemessages", "compilemessages", "collectstatic", "findstatic", "spectacular",
    "check", "help", "version", "diffsettings", "startapp", "startproject",
)  # fmt: skip
OWNER_COMMANDS = (
    "release", "migrate", "makemigrations", "showmigrations", "sqlmigrate", "squashmigrations",
    "optimizemigration", "test", "testserver", "createcachetable", "flush", "sqlflush",
    "sqlsequencereset", "remove_stale_contenttypes", "inspectdb", "bench",
    "backup", "restore",
)  # fmt: skip
SCAN_COMMANDS = ("sweep", "check_reminders")
BROKER_COMMANDS = ("runserver",)  # pages ring the doorbell; plain commands need none
ROLE_VARIABLES = {"itb_owner": "DATABASE_OWNER_URL", "itb_scan": "DATABASE_SCAN_URL"}


def needs_database(argv: Sequence[str]) -> bool:
    """Whether this command line reads or writes a database."""
    words = argv[1:]
    if not words or words[0].startswith("-") or {"--help", "-h"} & set(words):
        return False
    if words[0] == "check":  # it does only when it is told so
        return any(word.startswith("--database") for word in words)
    return words[0] not in NO_DATABASE


def role_of(command: str) -> str:
    """The database role that a command runs as."""
    if command in OWNER_COMMANDS:
        return "itb_owner"
    return "itb_scan" if command in SCAN_COMMANDS else "itb_app"


def prepare(argv: Sequence[str]) -> None:
    """Set the addresses in the environment before Django reads it; end with one line if not."""
    try:
        choose(argv, os.environ)
    except (StackError, OSError) as problem:
        sys.exit(f"manage.py: {problem}")


def choose(argv: Sequence[str], environ: MutableMapping[str, str]) -> None:
    """Put DATABASE_URL, REDIS_URL and SECRET_KEY into `environ`, where they are needed."""
    if not needs_database(argv):
        return
    role = role_of(argv[1])
    given = environ.get("DATABASE_URL")
    if given:
        environ["DATABASE_URL"] = environ.get(ROLE_VARIABLES.get(role, "")) or given
        return
    if environ.get("ITB_ENV", "demo") != "demo":
        raise StackError(
            f"DATABASE_URL is not set, and with ITB_ENV={environ['ITB_ENV']!r} no database of "
            "its own is started. Nothing was done."
        )
    _use_embedded(argv[1], role, environ)


def _use_embedded(command: str, role: str, environ: MutableMapping[str, str]) -> None:
    from .stack import Stack  # only here: production has neither the wheels nor the need

    stack = Stack(Layout.from_environment(environ))
    if stack.ensure_postgres():
        where = stack.layout.var
        print(f"started PostgreSQL in {where}; `make demo-stop` stops it", file=sys.stderr)
    environ.setdefault("SECRET_KEY", stack.secrets()["secret_key"])
    if not environ.get("REDIS_URL"):
        if command in BROKER_COMMANDS:
            stack.ensure_valkey()
        broker = stack.redis_url()
        if broker is not None:
            environ["REDIS_URL"] = broker
    if role != "itb_owner":
        stack.release_once()
    environ["DATABASE_URL"] = stack.database_url(role)
