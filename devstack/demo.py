"""`make demo`: the whole application on one machine, until Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import demo_env, pango, procs
from .demo_env import Addresses, Ports
from .paths import (
    PROJECT,
    Layout,
    StackError,
    demo_secrets,
    file_lock,
    is_locked,
    read_json,
    write_json,
)
from .postgres import free_port, is_free
from .stack import Stack
from .supervisor import Stopped, StopSignal, Supervisor, run_step

READY_SECONDS = 90
# What would lead a throwaway demo to servers of somebody else.
NOT_OURS = ("DATABASE_", "REDIS_", "EMAIL_", "ITB_BASE_URL")
TRIES_BEFORE_READY = 3
WATCH_SECONDS = 1.0
STOP_ORDER = ("beat", "web", "worker", "mail")  # first whoever makes new work


def say(line: str) -> None:
    """One line on the console, at once also when it goes to a file."""
    print(line, flush=True)


def run(layout: Layout, port: int) -> None:
    """Run the demo until somebody stops it."""
    if os.environ.get("ITB_ENV", "demo") != "demo":
        raise StackError(f"ITB_ENV is {os.environ['ITB_ENV']!r}: the demo runs only as `demo`")
    layout.make()
    lock = layout.var / "demo.lock"
    busy = f"a demo is already running in {layout.var}; `make demo-stop` stops it"
    with file_lock(lock, timeout=0, busy=busy):
        lock.write_text(f"{os.getpid()}\n")
        Demo(layout, port).run()


@contextmanager
def throwaway(var: Path) -> Iterator[dict[str, Any]]:
    """A new demo below `var` on a free port, removed afterwards; yields its `demo.json`."""
    layout = Layout(var)
    layout.make()
    layout.demo_json.unlink(missing_ok=True)
    kept = {name: text for name, text in os.environ.items() if not name.startswith(NOT_OURS)}
    words = ["--end-with-parent", "demo", "--port=0", "--fresh"]
    say(f"starting a demo in {var} ...")
    process = subprocess.Popen(
        [sys.executable, "-m", "devstack", *words], cwd=PROJECT,
        env=kept | {"ITB_VAR_DIR": str(var)}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        ready = layout.demo_json.exists
        procs.wait_until(lambda: ready() or process.poll() is not None, 2 * READY_SECONDS)
        if not ready():
            raise StackError("that demo did not start; see above")
        yield read_json(layout.demo_json)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        Stack(layout).reset()


def stop_running(layout: Layout) -> None:
    """Stop the demo that runs on this var/, if one does, and the servers."""
    lock = layout.var / "demo.lock"
    for signum, patience in ((signal.SIGTERM, 40), (signal.SIGKILL, 5)):
        if not lock.exists() or not is_locked(lock):
            break
        procs.send(int(lock.read_text()), signum)
        procs.wait_until(lambda: not is_locked(lock), patience)
    layout.demo_json.unlink(missing_ok=True)
    Stack(layout).stop()
    say(f"nothing runs in {layout.var} now")


class Demo:
    """One run of the demo; its lock is held."""

    def __init__(self, layout: Layout, port: int) -> None:
        self.layout = layout
        self.ports = Ports(web=port or free_port(), mail=free_port())
        self.stop = StopSignal()
        self.stack = Stack(layout, tied=True)
        self.supervisor = Supervisor(layout, say)
        self.addresses: Addresses

    def run(self) -> None:
        """Start everything, look after it, and stop everything."""
        self.stop.install()
        self.layout.demo_json.unlink(missing_ok=True)
        self.supervisor.end_leftovers()
        if not is_free(self.ports.web):
            raise StackError(self._port_taken())
        try:
            self._start()
            while True:
                self.stop.sleep(WATCH_SECONDS)
                self.supervisor.look_after()
                self._look_after_servers()
        except Stopped:
            say("stopping ...")
        finally:
            self._end()
        say("stopped; the data is kept")

    def _end(self) -> None:
        self.layout.demo_json.unlink(missing_ok=True)
        try:
            self.supervisor.stop(STOP_ORDER, self.stop)
        finally:
            if demo_env.own_servers():
                self.stack.stop()

    def _port_taken(self) -> str:
        port = self.ports.web
        return f"port {port} is taken; choose another: make demo PORT={port + 1}"

    def _start(self) -> None:
        began = time.monotonic()
        self.addresses = demo_env.start_servers(self.stack)
        seeded = self._prepare_data()
        for name, command in demo_env.commands(self.layout, self.ports).items():
            self.supervisor.add(name, command, self._environ(name))
        self._wait_until_healthy()
        write_json(self.layout.demo_json, {"url": self.ports.url, **seeded})
        self._greet(seeded, time.monotonic() - began)

    def _environ(self, name: str) -> dict[str, str]:
        return demo_env.environ(self.layout, self.addresses, name, self.ports)

    def _prepare_data(self) -> dict[str, Any]:
        """Bring the schema up to date, and load the demo clinic where it is not yet."""
        manage = [sys.executable, str(PROJECT / "manage.py")]
        if line := pango.missing_line():
            say(line)
        say("preparing the database ...")
        run_step("release", [*manage, "release"], self._environ("release"), self.layout, self.stop)
        if demo_env.own_database():
            self.layout.released.touch()
        environ = self._environ("seed") | {"ITB_DEMO_SECRETS": str(demo_secrets(self.layout))}
        printed = run_step("seed", [*manage, "seed_demo"], environ, self.layout, self.stop)
        self._sweep(manage)
        try:
            seeded = json.loads(printed.strip().splitlines()[-1])
            return {name: seeded[name] for name in ("clinic", "api_token", "users")}
        except (IndexError, ValueError, KeyError) as problem:
            raise StackError(f"seed_demo did not print its line of JSON: {problem!r}") from None

    def _sweep(self, manage: list[str]) -> None:
        """Scan once, or the first page would say that the last scan is long ago, and be right."""
        try:
            run_step("sweep", [*manage, "sweep"], self._environ("sweep"), self.layout, self.stop)
        except StackError as problem:  # the worker tries again; the page says if it fails
            say(str(problem))

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        web = next(child for child in self.supervisor.children if child.name == "web")
        while not _answers(f"{self.ports.url}/healthz"):
            self.stop.sleep(0.1)
            self.supervisor.look_after()
            if "Address already in use" in self.layout.tail("web", 50):
                raise StackError(self._port_taken())
            if web.deaths >= TRIES_BEFORE_READY or time.monotonic() > deadline:
                raise StackError(f"the web server does not start:\n{self.layout.tail('web')}")

    def _look_after_servers(self) -> None:
        """Start a server of ours that died; its port stays, so the children find it again."""
        try:
            again = demo_env.start_servers(self.stack, say)
        except StackError as problem:
            say(str(problem))
            self.stop.sleep(5)
            return
        if again != self.addresses:
            self.addresses = again
            self.supervisor.restart_all(self._environ)

    def _greet(self, seeded: Mapping[str, Any], seconds: float) -> None:
        say(
            f"\nITB clinic is ready at {self.ports.url} (in {seconds:.1f} s);"
            f" clinic {seeded['clinic']}\n"
        )
        for user in seeded["users"]:
            say(f"  {user['role']:<12} {user['username']:<20} {user['password']}")
        say(f"  {'API token':<12} {seeded['api_token']}")
        if demo_env.own_mail():
            say(f"\nReminders go to nobody: the letters arrive in {self.layout.mail / 'new'}.")
        say(f"\nLogs are in {self.layout.logs}. Ctrl-C stops; make demo-reset starts over.")


def _answers(url: str) -> bool:
    """Whether this address answers 200; a proxy in the environment is none of our business."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
