"""`make test`, `make check` and `make bench`: the proof, against real servers.

Every step runs even when one before it failed, so that one run tells all; any failure fails it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from types import FrameType

from . import chromium, demo_env, pango, procs, roles
from .paths import PROJECT, Layout, file_lock
from .stack import Stack
from .supervisor import on_stop_signals

PYTHON = sys.executable
# On every core, each with a database of its own; ARGS="-n 0" runs one test after the other.
PYTEST = [PYTHON, "-m", "pytest", "-n", "auto", "--dist", "worksteal"]
# Held to the floor in pyproject.toml; of a whole run only, as a part of it covers a part.
RULES = [f"{path.parent.name}.{path.stem}" for path in PROJECT.glob("*/domain")]
RULES += [f"{path.parent.name}.{path.stem}" for path in PROJECT.glob("*/services*")]
COVERAGE = [f"--cov={name}" for name in sorted(RULES)]
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"
TEMPLATES = sorted(str(path) for path in (PROJECT / "templates").rglob("*.html"))
CHECKS: tuple[tuple[str, list[str]], ...] = (
    ("format", [PYTHON, "-m", "ruff", "format", "--check", "."]),
    ("templates", [str(PROJECT / ".venv/bin/djade"), "--check", *TEMPLATES]),
    ("lint", [PYTHON, "-m", "ruff", "check", "."]),
    ("types", [PYTHON, "-m", "mypy", "."]),
    ("import contracts", [PYTHON, "-c", LINT_IMPORTS, "--no-logo"]),
)
MIGRATIONS = (
    "missing migrations",
    [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
)


class Runner:
    """Runs one command after the other in the foreground, and passes signals on."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.interrupted = False

    def install(self) -> None:
        on_stop_signals(self._pass_on)

    def _pass_on(self, signum: int, _frame: FrameType | None) -> None:
        """Ctrl-C at a terminal reached the child as well; it cleans up, and we wait for it."""
        self.interrupted = True
        if signum != signal.SIGINT and self.process is not None:
            procs.send(self.process.pid, signal.SIGINT)

    def run(self, command: Sequence[str], environ: Mapping[str, str]) -> int:
        """Run a command to its end and answer its exit code."""
        if self.interrupted:
            return 130
        self.process = subprocess.Popen(
            command, env=environ, cwd=PROJECT, preexec_fn=procs.die_with_parent(signal.SIGTERM)
        )
        try:
            while not self.interrupted:
                try:
                    return self.process.wait(timeout=0.2)
                except subprocess.TimeoutExpired:
                    continue
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return 130


def check(pytest_arguments: Sequence[str]) -> int:
    """The fast part: it needs no server, and never writes to a source file."""
    runner = Runner()
    runner.install()
    environ = _without_servers() | {"ITB_HYPOTHESIS_PROFILE": "quick"}
    command = [*PYTEST, "-q", "-p", "devstack.nodb", *pytest_arguments]
    return _run_all(runner, [*CHECKS, ("unit tests", command)], environ)


def test(layout: Layout, pytest_arguments: Sequence[str]) -> int:
    """The whole proof."""
    browser = chromium.ensure()
    pango.ensure()
    runner = Runner()
    runner.install()
    steps = [*CHECKS, MIGRATIONS, ("tests", [*PYTEST, *(pytest_arguments or COVERAGE)])]
    with _Servers(layout, durable=False) as environ:
        environ |= {"ITB_CHROMIUM": str(browser), "COVERAGE_FILE": str(layout.var / "coverage")}
        return _run_all(runner, steps, environ)


def run(layout: Layout, command: Sequence[str], *, durable: bool, release: bool) -> int:
    """One command against the servers of the tests; with a schema, if it wants one."""
    runner = Runner()
    runner.install()
    with _Servers(layout, durable=durable) as environ:
        environ["ITB_VAR_DIR"] = str(layout.var.parent)  # what it writes belongs into var/ itself
        if release:
            code = runner.run([PYTHON, "manage.py", "release"], environ)
            if code != 0:
                return code
        return runner.run(command, environ)


def test_layout() -> Layout:
    """The tests have servers of their own: a demo beside them is not touched."""
    return Layout(Layout.from_environment().var / "test")


def _run_all(
    runner: Runner, steps: Sequence[tuple[str, list[str]]], environ: Mapping[str, str]
) -> int:
    failed = []
    for name, command in steps:
        began = time.monotonic()
        print(f"\n== {name}", flush=True)
        if runner.run(command, environ) != 0:
            failed.append(name)
        print(f"== {name}: {time.monotonic() - began:.1f} s", flush=True)
        if runner.interrupted:
            print("interrupted", flush=True)
            return 130
    print(f"\nFAILED: {', '.join(failed)}" if failed else "\nall passed", flush=True)
    return 1 if failed else 0


def _without_servers() -> dict[str, str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("DATABASE_", "REDIS_"))}
    return environ | {"ITB_ENV": "test", "DJANGO_SETTINGS_MODULE": "itbclinic.settings"}


class _Servers:
    """Starts what DATABASE_URL and REDIS_URL do not give, and stops it whatever happens."""

    def __init__(self, layout: Layout, *, durable: bool) -> None:
        self.layout = layout
        self.stack = Stack(layout, durable=durable, tied=True)
        busy = f"another test run uses {layout.var}; set ITB_VAR_DIR to run beside it"
        layout.make()
        self.lock = file_lock(layout.var / "run.lock", timeout=0, busy=busy)

    def __enter__(self) -> dict[str, str]:
        self.lock.__enter__()
        try:
            if demo_env.own_servers():
                self.stack.stop()  # a leftover may have been started with other settings
            addresses = demo_env.start_servers(self.stack)
        except BaseException:
            self.__exit__()
            raise
        return _without_servers() | {
            "DATABASE_URL": dict(addresses.databases)[roles.OWNER],
            "REDIS_URL": addresses.broker,
            "SECRET_KEY": addresses.secret_key,
            "ITB_VAR_DIR": str(self.layout.var),
        }

    def __exit__(self, *_: object) -> None:
        try:
            if demo_env.own_servers():
                self.stack.stop()
        finally:
            self.lock.__exit__(None, None, None)
