"""Reading the environment: every variable that the application knows, and failing fast.

In production a missing or default value is fatal: an empty database or a known secret must never
look like a working clinic (docs/contracts.md).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

DEMO_SECRET = "demo-only-not-a-secret"  # refused in production  # noqa: S105
FEWEST_SIGNS = 20  # different ones in a secret; 50 random ones have about 35
ENVIRONMENTS = ("demo", "test", "production")


class MisconfiguredError(SystemExit):
    """Ends the process with one clear line instead of a traceback."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What the process was told, already checked."""

    name: str
    secret_key: str
    database_url: str
    redis_url: str
    allowed_hosts: tuple[str, ...]
    base_url: str
    var_dir: Path

    @property
    def production(self) -> bool:
        return self.name == "production"


def read(env: Mapping[str, str], root: Path) -> Environment:
    """Read and check the environment.

    Raises:
        MisconfiguredError: with a line that names the variable, when production lacks one.
    """
    name = env.get("ITB_ENV", "") or "demo"
    if name not in ENVIRONMENTS:
        raise MisconfiguredError(f"ITB_ENV is {name!r}; it must be one of {ENVIRONMENTS}.")
    secret_key = env.get("SECRET_KEY", "")
    if name == "production":
        _refuse_production(env, secret_key)
    return Environment(
        name=name,
        secret_key=secret_key or DEMO_SECRET,
        database_url=env.get("DATABASE_URL", ""),
        redis_url=env.get("REDIS_URL", ""),
        allowed_hosts=tuple(filter(None, env.get("ALLOWED_HOSTS", "").split(","))),
        base_url=env.get("ITB_BASE_URL", ""),
        var_dir=Path(env.get("ITB_VAR_DIR", "") or root / "var"),
    )


def _refuse_production(env: Mapping[str, str], secret_key: str) -> None:
    missing = [
        name
        for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "ITB_BASE_URL")
        if not env.get(name)
    ]
    if missing:
        raise MisconfiguredError(
            f"ITB_ENV is production, but {', '.join(missing)} is not set. Nothing was started."
        )
    weak = len(secret_key) < 50 or len(set(secret_key)) < FEWEST_SIGNS
    if secret_key == DEMO_SECRET or weak:
        raise MisconfiguredError(
            "SECRET_KEY is a default, under 50 characters, or not random. Make one with "
            "`python -c 'import secrets; print(secrets.token_urlsafe(50))'`."
        )
    if not env["DATABASE_URL"].startswith(("postgres://", "postgresql://")):
        raise MisconfiguredError("DATABASE_URL must name a PostgreSQL database.")
    _refuse_addresses(env)


def _refuse_addresses(env: Mapping[str, str]) -> None:
    """Letters link to the base address, and only the named hosts are answered for."""
    hosts = [host.strip() for host in env["ALLOWED_HOSTS"].split(",")]
    if "*" in hosts or not any(hosts):
        raise MisconfiguredError(
            "ALLOWED_HOSTS must name the hosts that people type, such as itb.example.org; "
            "a star would let anybody's name stand in our links."
        )
    try:
        found = urlsplit(env["ITB_BASE_URL"])
        whole = found.scheme == "https" and bool(found.hostname)
    except ValueError:
        whole = False
    if not whole:
        raise MisconfiguredError(
            "ITB_BASE_URL must be the whole address that people type, with https, such as "
            "https://itb.example.org: letters link to it."
        )


def current(root: Path) -> Environment:
    """The environment of this process."""
    return read(os.environ, root)
