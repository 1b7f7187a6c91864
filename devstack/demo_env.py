"""What the demo's processes are told: addresses, role and commands.

Each process gets one database address, that of its own role: the web process never learns the
owner's password.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from . import roles
from .manage_env import ROLE_VARIABLES
from .paths import Layout
from .stack import Stack

ROLE_OF = {
    "release": roles.OWNER, "seed": roles.APP, "sweep": roles.SCAN,
    "web": roles.APP, "worker": roles.SCAN, "beat": roles.SCAN, "mail": roles.APP,
}  # fmt: skip
COMMANDS = {
    # Threads, since a browser opens connections ahead of need, and each would block a process.
    "web": "gunicorn itbclinic.wsgi:application --workers 2 --threads 4 --timeout 60"
    " --graceful-timeout 5 --no-control-socket",
    "worker": "celery -A itbclinic worker --concurrency 2 --loglevel INFO"
    " --without-gossip --without-mingle",
    "beat": "celery -A itbclinic beat --scheduler celery.beat.Scheduler --loglevel INFO",
    "mail": "aiosmtpd --nosetuid --class aiosmtpd.handlers.Mailbox",
}


@dataclass(frozen=True)
class Addresses:
    """Where the servers are, for each role."""

    databases: tuple[tuple[str, str], ...]
    broker: str
    secret_key: str


def own_database() -> bool:
    """Whether the database is ours to start and stop, rather than given from outside."""
    return not os.environ.get("DATABASE_URL")


def own_broker() -> bool:
    """The same for the broker."""
    return not os.environ.get("REDIS_URL")


def own_mail() -> bool:
    """The same for the mail server."""
    return not (os.environ.get("EMAIL_URL") or os.environ.get("EMAIL_HOST"))


def own_servers() -> bool:
    """Whether any server is ours."""
    return own_database() or own_broker()


def start_servers(stack: Stack, say: Callable[[str], None] = lambda line: None) -> Addresses:
    """Have the servers running that nobody gave us, and answer all addresses."""
    if own_database() and stack.ensure_postgres():
        say("PostgreSQL had ended; started it again")
    if own_broker() and stack.ensure_valkey():
        say("Valkey had ended; started it again")
    wanted = (roles.OWNER, roles.APP, roles.SCAN)
    return Addresses(
        databases=tuple((role, _database_url(stack, role)) for role in wanted),
        broker=os.environ.get("REDIS_URL") or stack.redis_url() or "",
        secret_key=os.environ.get("SECRET_KEY") or stack.secrets()["secret_key"],
    )


def _database_url(stack: Stack, role: str) -> str:
    if own_database():
        return stack.database_url(role)
    return os.environ.get(ROLE_VARIABLES.get(role, "")) or os.environ["DATABASE_URL"]


@dataclass(frozen=True)
class Ports:
    """Where the demo's own processes listen on loopback."""

    web: int
    mail: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web}"


def environ(layout: Layout, addresses: Addresses, name: str, ports: Ports) -> dict[str, str]:
    """The environment of one process, with the address of its own role and no other."""
    inherited = {
        key: value for key, value in os.environ.items() if key not in ROLE_VARIABLES.values()
    }
    mail = {"EMAIL_URL": f"smtp://127.0.0.1:{ports.mail}"} if own_mail() else {}
    return (
        inherited
        | mail
        | {
            "DATABASE_URL": dict(addresses.databases)[ROLE_OF[name]],
            "REDIS_URL": addresses.broker,
            "SECRET_KEY": addresses.secret_key,
            "ITB_ENV": "demo",
            "ITB_VAR_DIR": str(layout.var),
            "ITB_BASE_URL": os.environ.get("ITB_BASE_URL") or ports.url,
            "DJANGO_SETTINGS_MODULE": "itbclinic.settings",
            "PYTHONUNBUFFERED": "1",
        }
    )


def commands(layout: Layout, ports: Ports) -> dict[str, list[str]]:
    """How each process is started, by name: through python -m, as a script's first line breaks on
    a space."""
    more = {
        "web": ["--bind", f"127.0.0.1:{ports.web}"],
        "mail": ["--listen", f"127.0.0.1:{ports.mail}", str(layout.mail)],
    }
    return {
        name: [sys.executable, "-m", *words.split(), *more.get(name, [])]
        for name, words in COMMANDS.items()
        if name != "mail" or own_mail()
    }
