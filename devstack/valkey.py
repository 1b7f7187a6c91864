"""One Valkey of our own, the broker. It keeps nothing: a doorbell has no memory.

Persistence is off (docs/reliability.md, 1): what is due stands in PostgreSQL, and a broker
that forgets is made up for by the next tick. So a crash leaves nothing to repair.
"""

from __future__ import annotations

import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import procs, wheels
from .paths import Layout, StackError, read_json, write_json
from .postgres import free_port, is_free


@dataclass(frozen=True)
class Address:
    """The port that answered, and the process behind it."""

    pid: int
    port: int


class Valkey:
    """The broker of one layout. Callers hold the stack's lock while starting and stopping."""

    def __init__(self, layout: Layout, *, tied: bool = False) -> None:
        self.layout = layout
        self.tied = tied
        self.process: subprocess.Popen[bytes] | None = None

    def running(self, password: str) -> Address | None:
        """The server, if it answers to our password: nobody else's would."""
        state = read_json(self.layout.valkey_state)
        if not isinstance(state, dict) or not _answers(int(state["port"]), password):
            return None
        return Address(int(state["pid"]), int(state["port"]))

    def start(self, password: str) -> Address:
        """Start it on the port of last time, if that is free, else on another."""
        self.stop()  # one that hangs, or that does not take our password
        state = read_json(self.layout.valkey_state)
        last = int(state["port"]) if isinstance(state, dict) else 0
        home = wheels.home(self.layout)
        program = wheels.valkey_server(home)
        for port in (last if last and is_free(last) else 0, 0, 0):
            chosen = port or free_port()
            process = self._launch(home, program, chosen, password)
            if process is not None:
                started = procs.started_at(process.pid)
                state = {"pid": process.pid, "port": chosen, "started": started}
                write_json(self.layout.valkey_state, state)
                return Address(process.pid, chosen)
        raise StackError(f"Valkey did not start:\n{self.layout.tail('valkey')}")

    def stop(self) -> None:
        """End it, if the noted process is still the one that was started."""
        state = read_json(self.layout.valkey_state)
        if not isinstance(state, dict) or not state.get("pid"):
            return
        pid = int(state["pid"])
        for signum, patience in ((signal.SIGTERM, 2), (signal.SIGKILL, 5)):
            if procs.ended(pid, self.process) or procs.started_at(pid) != state["started"]:
                break
            procs.send(pid, signum)
            procs.wait_until(lambda: procs.ended(pid, self.process), patience)
        write_json(self.layout.valkey_state, {**state, "pid": 0})

    def _launch(
        self, home: wheels.Home, program: Path, port: int, password: str
    ) -> subprocess.Popen[bytes] | None:
        """Run the server; its settings go in by standard input, so no file holds the password."""
        settings = {
            "bind": "127.0.0.1", "port": port, "requirepass": password, "daemonize": "no",
            "save": '""', "appendonly": "no", "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",  # a full broker refuses, and never drops a task
        }  # fmt: skip
        with self.layout.new_log("valkey") as log:
            self.process = process = subprocess.Popen(
                [str(program), "-"], stdin=subprocess.PIPE, stdout=log, stderr=log,
                cwd=self.layout.postgres, env={"PATH": "/usr/bin:/bin"}, start_new_session=True,
                preexec_fn=procs.die_with_parent(signal.SIGTERM) if self.tied else None,
                **home.as_user(),
            )  # fmt: skip
        if process.stdin is not None:
            lines = "".join(f"{name} {value}\n" for name, value in settings.items())
            process.stdin.write(lines.encode())
            process.stdin.close()
        procs.wait_until(lambda: process.poll() is not None or _answers(port, password), 10)
        if process.poll() is None and _answers(port, password):
            return process
        process.kill()
        process.wait()
        return None


def _answers(port: int, password: str) -> bool:
    """Whether a server there takes the password and says PONG."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            reply = b""
            while reply.count(b"\r\n") < 2:
                more = connection.recv(256)
                if not more:
                    break
                reply += more
    except OSError:
        return False
    return reply.startswith(b"+OK") and b"+PONG" in reply
