"""docker-compose.yml as Docker Compose reads it, without Docker: YAML, then its variables."""

import fnmatch
import re
import secrets
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{(\w+):\?([^}]+)\}")
APPLICATION = ("release", "web", "worker", "beat", "watchdog", "manage")
ROLE = {
    "release": "itb_owner", "web": "itb_app", "worker": "itb_scan", "beat": "itb_scan",
    "watchdog": "itb_scan", "manage": "itb_owner",
}  # fmt: skip
# Never a secret of anything: made for each run of the tests.
VALUES: dict[str, str] = {
    "SECRET_KEY": secrets.token_urlsafe(50),
    "ALLOWED_HOSTS": "itb.example.org",
    "ITB_BASE_URL": "https://itb.example.org",
    "EMAIL_URL": "smtp+tls://reminders:" + secrets.token_hex(8) + "@mail.example.org:587",
    "EMAIL_FROM": "reminders@itb.example.org",
    "ITB_BACKUP_DIR": "/srv/itb-backups",
    **{
        name: secrets.token_hex(24)
        for name in (
            "POSTGRES_PASSWORD", "ITB_OWNER_PASSWORD", "ITB_APP_PASSWORD", "ITB_SCAN_PASSWORD",
            "VALKEY_PASSWORD",
        )
    },
}  # fmt: skip


class MissingVariableError(Exception):
    """What `docker compose` would say and end with."""


def interpolate(text: str, values: Mapping[str, str]) -> str:
    """Replace `${NAME:?sentence}`, the one form this file uses; an empty value is missing, too."""

    def value_of(match: re.Match[str]) -> str:
        if not values.get(match[1]):
            raise MissingVariableError(f"{match[1]}: {match[2]}")
        return values[match[1]]

    return VARIABLE.sub(value_of, text)


def compose(values: Mapping[str, str] = VALUES) -> dict[str, Any]:
    """The whole file with its variables replaced."""
    loaded: dict[str, Any] = yaml.safe_load(interpolate(COMPOSE.read_text(), values))
    return loaded


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def environment_of(name: str) -> dict[str, str]:
    """What one service is told."""
    given = services()[name]["environment"]
    return {key: str(value) for key, value in given.items()}


def words_of(name: str, field: str = "command") -> list[str]:
    """A command as words, whichever way it is written."""
    written = services()[name][field]
    return shlex.split(written) if isinstance(written, str) else list(written)


def dockerfile() -> list[str]:
    """The Dockerfile's instructions, continued lines joined, without comments."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line[:1] != "#"]
    return [line.strip() for line in "\n".join(lines).replace("\\\n", " ").split("\n") if line]


def ignored(path: str) -> bool:
    """What .dockerignore says about one path; the last line that matches wins."""
    verdict = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern, exception = line.lstrip("!"), line.startswith("!")
        parents = [path, *map(str, Path(path).parents)]
        deep = pattern.removeprefix("**/")
        names = [Path(parent).name for parent in parents] if deep != pattern else parents
        if any(fnmatch.fnmatchcase(name, deep) for name in names if name != "."):
            verdict = not exception
    return verdict


def context() -> list[str]:
    """The files of the repository that the image gets."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:  # unpacked without its history
        files = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_file()]
    else:
        files = listed.stdout.splitlines()
    return [name for name in files if not ignored(name) and (ROOT / name).is_file()]
