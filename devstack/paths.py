"""Where the embedded stack keeps its things, and how it writes them.

Everything lives under one folder, `var/`, which ITB_VAR_DIR moves. What holds a secret is
readable by its owner only, and is written under another name first, so that a reader never sees
half a file.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

PROJECT = Path(__file__).resolve().parents[1]


class StackError(Exception):
    """Something the person at the keyboard has to know; shown as one line, without a trace."""


@dataclass(frozen=True)
class Layout:
    """The files and folders of one stack, all below `var`."""

    var: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Layout:
        """ITB_VAR_DIR, or `var` beside manage.py; absolute, since children change directory."""
        chosen = (os.environ if environ is None else environ).get("ITB_VAR_DIR")
        return cls((Path(chosen) if chosen else PROJECT / "var").resolve())

    @property
    def postgres(self) -> Path:
        return self.var / "postgres"

    @property
    def where(self) -> Path:
        """As root: which folder outside var/ belongs to this stack."""
        return self.postgres / "where.json"

    @property
    def released(self) -> Path:
        """Exists once `manage.py release` went through on this cluster."""
        return self.postgres / "released"

    @property
    def postgres_port(self) -> Path:
        return self.postgres / "port"

    @property
    def valkey_state(self) -> Path:
        return self.var / "valkey.json"

    @property
    def secrets(self) -> Path:
        return self.var / "secrets.json"

    @property
    def demo_secrets(self) -> Path:
        return self.var / "demo-secrets.json"

    @property
    def demo_json(self) -> Path:
        return self.var / "demo.json"

    @property
    def children(self) -> Path:
        """The processes the last demo started, so that the next one can end leftovers."""
        return self.var / "demo-children.json"

    @property
    def mail(self) -> Path:
        """A Maildir: where the demo's letters arrive, which go to nobody."""
        return self.var / "mail"

    @property
    def logs(self) -> Path:
        return self.var / "log"

    def make(self) -> None:
        """Make var/ and what every start needs below it; change nothing that is there."""
        # As root the server's own user has to pass through var/, without being able to list it.
        mode = 0o711 if os.geteuid() == 0 else 0o700
        if not self.var.exists():
            self.var.mkdir(parents=True, exist_ok=True)
            self.var.chmod(mode)
        if not self.postgres.exists():
            self.postgres.mkdir(exist_ok=True)
            self.postgres.chmod(mode)
        self.logs.mkdir(mode=0o700, exist_ok=True)

    def log(self, name: str) -> IO[bytes]:
        """The named log, opened to append to it."""
        path = self.logs / f"{name}.log"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        return os.fdopen(os.open(path, flags, 0o600), "ab")

    def new_log(self, name: str) -> IO[bytes]:
        """Like `log`, with what was in it moved aside: a log tells of one run, and stays short."""
        path = self.logs / f"{name}.log"
        if path.exists():
            path.replace(path.with_suffix(".log.old"))
        return self.log(name)

    def tail(self, name: str, lines: int = 15) -> str:
        """The end of the named log, for an error message."""
        path = self.logs / f"{name}.log"
        if not path.exists():
            return ""
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner can read, at once or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    temporary.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Write JSON the same way."""
    write_private(path, json.dumps(value, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """What the file holds, or None when it is missing or broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


@contextmanager
def file_lock(path: Path, *, timeout: float, busy: str) -> Iterator[None]:
    """Hold an exclusive lock on a file; it ends with the process, however that ends."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise StackError(busy) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(handle)


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock on this file."""
    try:
        with file_lock(path, timeout=0, busy=""):
            return False
    except StackError:
        return True


def stack_secrets(layout: Layout) -> dict[str, str]:
    """The generated passwords of this stack; made once, while the stack's lock is held."""
    kept = read_json(layout.secrets)
    if isinstance(kept, dict):
        return {str(name): str(value) for name, value in kept.items()}
    names = ("superuser", "itb_owner", "itb_app", "itb_scan", "valkey")
    made = {name: secrets.token_hex(20) for name in names}
    made["secret_key"] = secrets.token_urlsafe(50)
    write_json(layout.secrets, made)
    return made


def demo_secrets(layout: Layout) -> Path:
    """The file that ITB_DEMO_SECRETS names: the demo's sign-in password and its API token."""
    if read_json(layout.demo_secrets) is None:
        password = "-".join(secrets.token_hex(3) for _ in range(3))
        token = f"itb_{secrets.token_urlsafe(32)}"
        write_json(layout.demo_secrets, {"password": password, "api_token": token})
    return layout.demo_secrets
