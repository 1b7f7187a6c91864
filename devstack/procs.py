"""What a process id means: alive, since when, and is it really ours?

A pid alone proves nothing after a crash or a restart of the machine, since the number may belong
to somebody else by then. So a process is known by its pid and start time, or by its command line.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
HAS_PROC = (PROC / "self" / "stat").exists()
PR_SET_PDEATHSIG = 1


def _stat(pid: int) -> list[str]:
    """/proc/PID/stat after the command's name, which may itself hold spaces and brackets."""
    try:
        return (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _ps(pid: int, column: str) -> str:
    """One column of ps, for systems without /proc."""
    command = ["ps", "-ww", "-o", f"{column}=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    state = _stat(pid)[:1] if HAS_PROC else [_ps(pid, "stat")[:1]]
    return bool(state and state[0]) and state[0] not in "ZX"


def ended(pid: int, process: subprocess.Popen[bytes] | None) -> bool:
    """Whether the process is gone; a child of ours is reaped by asking."""
    if process is not None and process.pid == pid:
        return process.poll() is not None
    return not alive(pid)


def started_at(pid: int) -> str:
    """A text that differs between two processes that got the same pid."""
    if HAS_PROC:
        return "".join(_stat(pid)[19:20])
    return _ps(pid, "lstart")


def command_line(pid: int) -> str:
    """The words the process was started with, joined by blanks."""
    if not HAS_PROC:
        return _ps(pid, "args")
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ""
    return words.replace(b"\0", b" ").decode(errors="replace")


def working_in(folder: Path) -> list[int]:
    """The processes whose current directory is, or was, this folder (needs /proc)."""
    found = []
    names = (str(folder), f"{folder} (deleted)")
    for entry in PROC.glob("[0-9]*") if HAS_PROC else []:
        try:
            if str((entry / "cwd").readlink()) in names:
                found.append(int(entry.name))
        except OSError:
            continue  # it ended, or belongs to somebody else
    return found


def wait_until(condition: Callable[[], bool], timeout: float, interval: float = 0.02) -> bool:
    """Poll until the condition holds; False when it did not in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(interval)
    return True


def send(pid: int, signum: int) -> None:
    """Signal a process that may be gone already."""
    with suppress(ProcessLookupError):
        os.kill(pid, signum)


def end_those_in(folder: Path, patience: float) -> None:
    """Give the processes that work in a folder a moment to end, and then end them."""
    left = working_in(folder)
    wait_until(lambda: not any(map(alive, left)), patience)
    for pid in left:
        send(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(alive, left)), 3)


def send_group(pid: int, signum: int) -> None:
    """Signal everything in the process group that this process leads."""
    # macOS answers with the second one for zombies.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signum)


def die_with_parent(signum: int) -> Callable[[], None] | None:
    """A preexec_fn: the kernel sends `signum` when our process ends, even by kill -9.

    Linux only. Elsewhere leftovers are found by the next start.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)  # loaded here: nothing may be imported after fork
    parent = os.getpid()

    def in_child() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signum)
        if os.getppid() != parent:  # the parent ended before the line above
            os.kill(os.getpid(), signal.SIGKILL)

    return in_child


def end_when_parent_ends() -> None:
    """Ask the kernel for SIGTERM when the process that started us ends."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))
