"""Keeps a few child processes alive, and leaves none behind.

Each child leads a process group of its own, so that Ctrl-C reaches only us and we stop them in
order. A child that dies is started again, after a pause that grows; that is said on the console.
"""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

from . import procs
from .paths import PROJECT, Layout, StackError, read_json, write_json

LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0  # a child that lived this long starts again with the shortest pause
PATIENCE_SECONDS = 8.0


class Stopped(Exception):
    """Ctrl-C or SIGTERM came."""


def on_stop_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    """Call the handler on Ctrl-C, on SIGTERM, and when the terminal closes (unless nohup)."""
    signal.signal(signal.SIGINT, handler)
    signal.signal(signal.SIGTERM, handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, handler)


class StopSignal:
    """Notes SIGINT, SIGTERM and SIGHUP; whoever waits asks it now and then."""

    def __init__(self) -> None:
        self.count = 0

    def install(self) -> None:
        on_stop_signals(self._note)

    def _note(self, _signum: int, _frame: FrameType | None) -> None:
        self.count += 1

    def check(self) -> None:
        """Leave the current step, if somebody asked to stop."""
        if self.count:
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Sleep, and wake up early to stop."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.check()
            time.sleep(0.05)
        self.check()


@dataclass
class Child:
    """One process to keep alive, and how it went so far."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    started: float = 0.0
    not_before: float = field(default=0.0)

    @property
    def dead(self) -> bool:
        return self.process is None or self.process.poll() is not None


class Supervisor:
    """The children of one demo."""

    def __init__(self, layout: Layout, say: Callable[[str], None]) -> None:
        self.layout = layout
        self.say = say
        self.children: list[Child] = []

    def add(self, name: str, command: Sequence[str], environ: Mapping[str, str]) -> Child:
        """Start a child, and keep it running from now on."""
        child = Child(name, command, environ)
        self.children.append(child)
        self._start(child, new_log=True)
        return child

    def _start(self, child: Child, *, new_log: bool = False) -> None:
        log_of = self.layout.new_log if new_log else self.layout.log
        with log_of(child.name) as log:
            child.process = subprocess.Popen(
                child.command, env=child.environ, cwd=PROJECT, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=procs.die_with_parent(signal.SIGTERM),
            )  # fmt: skip
        child.started = time.monotonic()
        self._note()

    def _note(self) -> None:
        """Write down who runs, for a next start that has to clean up after us."""
        running = [child.process.pid for child in self.children if child.process is not None]
        noted = [{"pid": pid, "started": procs.started_at(pid)} for pid in running]
        write_json(self.layout.children, noted)

    def look_after(self) -> None:
        """Start again what died, when its pause is over."""
        for child in self.children:
            if not child.dead:
                continue
            now = time.monotonic()
            if child.process is not None:
                self._bury(child, child.process, now)
            if now >= child.not_before:
                self._start(child)

    def _bury(self, child: Child, process: subprocess.Popen[bytes], now: float) -> None:
        procs.send_group(process.pid, signal.SIGKILL)  # what it left behind
        code = process.returncode
        child.process = None
        if now - child.started > STEADY_SECONDS:
            child.deaths = 0
        child.deaths += 1
        pause = min(LONGEST_PAUSE, 2.0 ** (child.deaths - 1))
        child.not_before = now + pause
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        self.say(f"{child.name} ended ({how}); starting it again in {pause:.0f} s")

    def restart_all(self, environ_of: Callable[[str], Mapping[str, str]]) -> None:
        """Give every child a new environment, since an address in it changed."""
        names = [child.name for child in self.children]
        self.stop(names)
        for child in self.children:
            child.environ = environ_of(child.name)
            self._start(child)

    def stop(self, order: Sequence[str], stop: StopSignal | None = None) -> None:
        """End the children, politely and in this order; a second Ctrl-C ends the politeness."""
        asked = stop.count if stop is not None else 0
        for name in order:
            for child in self.children:
                if child.name == name and child.process is not None:
                    self._end(child.process, lambda: stop is not None and stop.count > asked)
                    child.process = None
        self.layout.children.unlink(missing_ok=True)

    def _end(self, process: subprocess.Popen[bytes], hurry: Callable[[], bool]) -> None:
        procs.send(process.pid, signal.SIGTERM)
        procs.wait_until(lambda: process.poll() is not None or hurry(), PATIENCE_SECONDS)
        procs.send_group(process.pid, signal.SIGKILL)
        process.wait()

    def end_leftovers(self) -> None:
        """End the children of a demo that was killed and could not do it itself."""
        noted = read_json(self.layout.children) or []
        left = [
            int(entry["pid"]) for entry in noted
            if procs.alive(int(entry["pid"]))
            and procs.started_at(int(entry["pid"])) == entry["started"]
        ]  # fmt: skip
        for signum, patience in ((signal.SIGTERM, PATIENCE_SECONDS), (signal.SIGKILL, 5.0)):
            for pid in left:
                procs.send_group(pid, signum)
            if procs.wait_until(lambda: not any(map(procs.alive, left)), patience):
                break
        self.layout.children.unlink(missing_ok=True)


def run_step(
    name: str, command: Sequence[str], environ: Mapping[str, str], layout: Layout, stop: StopSignal
) -> str:
    """Run one command to its end and answer its standard output; its messages go to a log."""
    with layout.new_log(name) as log, tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(
            command, env=environ, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=printed,
            stderr=log, start_new_session=True, preexec_fn=procs.die_with_parent(signal.SIGTERM),
        )  # fmt: skip
        try:
            while process.poll() is None:
                stop.sleep(0.05)
        finally:
            if process.poll() is None:
                procs.send_group(process.pid, signal.SIGKILL)
                process.wait()
        printed.seek(0)
        text = printed.read().decode(errors="replace")
    if process.returncode != 0:
        raise StackError(f"{name} failed:\n{layout.tail(name)}")
    return text
