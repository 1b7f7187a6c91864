"""Both servers together: start what is missing, under one lock, and say where it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import AbstractContextManager

from . import procs, roles, wheels
from .paths import PROJECT, Layout, StackError, file_lock, is_locked, stack_secrets
from .postgres import Postgres
from .valkey import Valkey


class Stack:
    """The servers of one var/ folder."""

    def __init__(self, layout: Layout, *, durable: bool = True, tied: bool = False) -> None:
        self.layout = layout
        self.postgres = Postgres(layout, durable=durable, tied=tied)
        self.valkey = Valkey(layout, tied=tied)

    def lock(self) -> AbstractContextManager[None]:
        """Held while anything is started, stopped or made; two starts at once then make one."""
        busy = f"another process has held {self.layout.var / 'stack.lock'} for two minutes"
        return file_lock(self.layout.var / "stack.lock", timeout=120, busy=busy)

    def secrets(self) -> dict[str, str]:
        """The passwords; they have to be there where a cluster is that knows them."""
        if not self.layout.secrets.exists() and (self.postgres.data / "PG_VERSION").exists():
            raise StackError(f"{self.layout.secrets} is gone, and with it the database passwords: "
                             "run make demo-reset")  # fmt: skip
        if not self.layout.secrets.exists():
            self._end_forgotten()
        return stack_secrets(self.layout)

    def _end_forgotten(self) -> None:
        """Somebody removed var/ under running servers: nothing else could name them any more."""
        for folder in (self.layout.postgres, self.layout.postgres / "cluster" / "data"):
            procs.end_those_in(folder, patience=0)

    def ensure_postgres(self) -> bool:
        """Have PostgreSQL running, with roles and database; True when it was started here."""
        if self.postgres.running() is not None and self.layout.secrets.exists():
            return False
        self.layout.make()
        with self.lock():
            if self.postgres.running() is not None:
                return False  # another process was quicker
            passwords = self.secrets()
            server = self.postgres.start(passwords["superuser"])
            roles.ensure(server.port, passwords)
        return True

    def ensure_valkey(self) -> bool:
        """Have Valkey running; True when it was started here."""
        if self.redis_url() is not None:
            return False
        self.layout.make()
        with self.lock():
            password = self.secrets()["valkey"]
            if self.valkey.running(password) is not None:
                return False
            self.valkey.start(password)
        return True

    def database_url(self, role: str) -> str:
        """The address for one role; PostgreSQL has to run."""
        server = self.postgres.running()
        if server is None:
            raise StackError(f"PostgreSQL is not running; its log is in {self.layout.logs}")
        return roles.url(role, self.secrets()[role], server.port)

    def redis_url(self) -> str | None:
        """The broker's address, if it runs."""
        if not self.layout.secrets.exists():
            return None
        password = self.secrets()["valkey"]
        server = self.valkey.running(password)
        return None if server is None else f"redis://:{password}@127.0.0.1:{server.port}/0"

    def release_once(self) -> None:
        """Make the schema on a new cluster, so that any command works on a fresh machine."""
        if self.layout.released.exists():
            return
        with self.lock():
            if not self.layout.released.exists():
                self._release()

    def _release(self) -> None:
        environ = {**os.environ, "DATABASE_URL": self.database_url(roles.OWNER)}
        command = [sys.executable, str(PROJECT / "manage.py"), "release"]
        # Standard output belongs to the command that the person asked for.
        done = subprocess.run(command, env=environ, stdout=sys.stderr, check=False)
        if done.returncode != 0:
            raise StackError("manage.py release failed on the new database; see above")
        self.layout.released.touch()

    def stop(self) -> None:
        """Stop both servers."""
        if not self.layout.var.is_dir():
            return
        with self.lock():
            self.valkey.stop()
            self.postgres.stop()

    def reset(self) -> None:
        """Stop both, and remove all that the stack made, inside var/ and outside."""
        self.stop()
        if not self.layout.var.is_dir():
            return
        with self.lock():
            wheels.remove_own_folder(self.layout)
            for folder in (self.layout.postgres, self.layout.logs, self.layout.mail):
                shutil.rmtree(folder, ignore_errors=True)
            for file in (
                self.layout.secrets, self.layout.demo_secrets, self.layout.demo_json,
                self.layout.children, self.layout.valkey_state,
            ):  # fmt: skip
                file.unlink(missing_ok=True)

    def demo_lock_held(self) -> bool:
        """Whether a `make demo` lives on this var/."""
        lock = self.layout.var / "demo.lock"
        return lock.exists() and is_locked(lock)
