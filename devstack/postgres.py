"""One PostgreSQL cluster of our own: made once, started, found again, cleaned up, stopped.

It listens on 127.0.0.1 only, on a port that was free, and on no Unix socket: their paths have a
length limit that a long folder name breaks. Callers hold the stack's lock while starting and
stopping; `running` needs none.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import procs, wheels
from .paths import Layout, StackError, write_private

SUPERUSER = "itb_superuser"
START_SECONDS = 60  # recovery after a crash reads the log back
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u ",
    # A failed statement is logged without its values: they may be a patient's.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


@dataclass(frozen=True)
class Running:
    """A postmaster that answers."""

    pid: int
    port: int


class Postgres:
    """The cluster of one layout."""

    def __init__(self, layout: Layout, *, durable: bool = True, tied: bool = False) -> None:
        """`durable=False` skips fsync (tests); `tied` ends the server together with us."""
        self.layout = layout
        self.durable = durable
        self.tied = tied
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return wheels.cluster_folder(self.layout) / "data"

    def _pid_file(self) -> list[str]:
        """postmaster.pid: pid, folder, start, port, socket folder, address, memory key, state."""
        try:
            return (self.data / "postmaster.pid").read_text(errors="replace").splitlines()
        except OSError:
            return []

    def pid(self) -> int | None:
        """Our living postmaster, ready or not. A stale file may name anybody's process."""
        if self.process is not None:
            self.process.poll()  # reap it, if it ended
        lines = self._pid_file()
        if not lines or not lines[0].strip().isdigit():
            return None
        pid = int(lines[0])
        ours = procs.alive(pid) and str(self.data) in procs.command_line(pid)
        return pid if ours else None

    def running(self) -> Running | None:
        """The server, if it accepts connections now."""
        pid, lines = self.pid(), self._pid_file()
        if pid is None or len(lines) < 8 or lines[7].strip() != "ready":
            return None
        return Running(pid, int(lines[3]))

    def start(self, superuser_password: str) -> Running:
        """Start the server, making the cluster first where there is none."""
        found = self.pid()
        if found is not None:  # it is just starting, or just stopping
            procs.wait_until(lambda: bool(self.running()) or self.pid() is None, START_SECONDS)
            answering = self.running()
            if answering is not None:
                return answering
            self.stop()
        home = wheels.home(self.layout)
        programs = wheels.postgres_programs(home)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(home, programs / "initdb", superuser_password)
        self._clear_crash()
        for port in (self._last_port(), 0, 0):
            server = self._launch(home, programs / "postgres", port or free_port())
            if server is not None:
                write_private(self.layout.postgres_port, f"{server.port}\n")
                return server
        raise StackError(f"PostgreSQL did not start:\n{self.layout.tail('postgres')}")

    def stop(self) -> None:
        """End the server: sessions are cut, data is kept."""
        pid = self.pid()
        if pid is None:
            return
        for signum, patience in ((signal.SIGINT, 15), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
            procs.send(pid, signum)
            if procs.wait_until(lambda: procs.ended(pid, self.process), patience):
                break
        self._clear_crash()

    def _last_port(self) -> int:
        """The port of last time, if it is free: a restart then leaves every address valid."""
        try:
            port = int(self.layout.postgres_port.read_text())
        except (OSError, ValueError):
            return 0
        return port if is_free(port) else 0

    def _initialise(self, home: wheels.Home, initdb: Path, superuser_password: str) -> None:
        """Make the cluster under another name first, so that half of one is never used."""
        home.cluster.mkdir(mode=0o700, exist_ok=True)
        home.give(home.cluster)
        unfinished = home.cluster / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        password_file = home.cluster / "password"
        write_private(password_file, superuser_password + "\n")
        home.give(password_file)
        # The wheel has no ICU; the builtin provider sorts alike on every machine.
        command = [str(initdb), "-D", str(unfinished), "-U", SUPERUSER, "-E", "UTF8"]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--no-instructions"]
        command += ["--no-sync"] if not self.durable else []
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        try:
            made = subprocess.run(
                command, capture_output=True, text=True, cwd="/", env=_environment(),
                check=False, **home.as_user(),
            )  # fmt: skip
        finally:
            password_file.unlink()
        if made.returncode != 0:
            raise StackError(f"initdb failed: {made.stderr.strip() or made.stdout.strip()}")
        unfinished.rename(self.data)

    def _clear_crash(self) -> None:
        """After a crash: end what still works in the data folder, then drop the stale pid file."""
        if self.pid() is not None:
            return
        if self._pid_file():
            procs.end_those_in(self.data, patience=3)
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _launch(self, home: wheels.Home, program: Path, port: int) -> Running | None:
        """Run the postmaster; None when it ended at once, as it does when the port was taken."""
        command = [str(program), "-D", str(self.data), "-p", str(port)]
        command += [] if self.durable else ["-c", "fsync=off", "-c", "full_page_writes=off"]
        with self.layout.new_log("postgres") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                env=_environment(), start_new_session=True, **home.as_user(),
                preexec_fn=procs.die_with_parent(signal.SIGINT) if self.tied else None,
            )  # fmt: skip
        process = self.process
        ended = procs.wait_until(
            lambda: process.poll() is not None or self.running() is not None, START_SECONDS
        )
        server = self.running()
        if server is None and process.poll() is None and not ended:
            process.kill()
            process.wait()
        return server


def _environment() -> dict[str, str]:
    """What the server sees: none of the caller's PG*, LC_* or secrets."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
