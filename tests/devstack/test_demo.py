"""make demo, as a person meets it."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import urllib.request
from email import message_from_bytes
from pathlib import Path

import pytest

from devstack import demo
from devstack.paths import PROJECT, Layout, file_lock
from devstack.stack import Stack
from tests.devstack.support import clean_environ, devstack, eventually, processes_of

ROLES = {"nurse", "doctor", "staff", "pharmacist", "auditor", "admin"}


def get(url: str) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as response:
        return int(response.status)


@pytest.mark.servers
@pytest.mark.slow
def test_it_runs_survives_its_children_and_leaves_nothing(stack: Stack, tmp_path: Path) -> None:
    layout, console = stack.layout, tmp_path / "console"
    command = [sys.executable, "-m", "devstack", "demo", "--port", "0"]
    with console.open("w") as stream:
        runner = subprocess.Popen(
            command, env=clean_environ(layout.var), cwd=PROJECT, stdout=stream, stderr=stream
        )
    try:
        eventually(lambda: layout.demo_json.exists() or runner.poll() is not None, 150)
        assert runner.poll() is None, console.read_text()
        assert stat.S_IMODE(layout.demo_json.stat().st_mode) == 0o600
        told = json.loads(layout.demo_json.read_text())
        assert set(told) >= {"url", "clinic", "api_token", "users"}
        assert {user["role"] for user in told["users"]} == ROLES
        assert told["url"] in console.read_text()
        assert get(f"{told['url']}/healthz") == 200
        assert letters_arrive(layout)

        children = json.loads(layout.children.read_text())
        worker = children[1]["pid"]
        os.kill(worker, signal.SIGKILL)
        server = stack.postgres.running()
        assert server is not None
        os.kill(server.pid, signal.SIGKILL)
        eventually(lambda: "worker ended (signal 9)" in console.read_text())
        eventually(lambda: "PostgreSQL had ended; started it again" in console.read_text())
        assert get(f"{told['url']}/healthz") == 200
        assert demo_says_it_runs_already(layout.var)
    finally:
        runner.send_signal(signal.SIGTERM)
        code = runner.wait(timeout=30)
    assert code == 0, console.read_text()
    assert not layout.demo_json.exists()
    assert processes_of(layout.var) == []


def letters_arrive(layout: Layout) -> bool:
    """The whole way of a reminder: the plan, beat's ring, the worker, SMTP, and a letter."""
    arrived = layout.mail / "new"
    eventually(lambda: arrived.is_dir() and any(arrived.iterdir()), 90)
    letter = message_from_bytes(next(arrived.iterdir()).read_bytes())
    assert letter["To"].endswith("@example.org")
    return "NGV" not in letter.as_string()  # the demo's serial numbers


def demo_says_it_runs_already(var: Path) -> bool:
    second = devstack("demo", "--port", "0", var=var)
    assert second.returncode == 1
    return "already running" in second.stderr


def test_a_taken_port_is_named_with_a_way_out(var: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = devstack("demo", "--port", str(port), var=var)
    assert done.returncode == 1
    assert done.stderr == (
        f"itbclinic: port {port} is taken; choose another: make demo PORT={port + 1}\n"
    )
    assert processes_of(var) == []


@pytest.mark.parametrize("port", ["abc", "70000", "-1", ""])
def test_a_port_that_is_none_is_refused(port: str, var: Path) -> None:
    done = devstack("demo", f"--port={port}", var=var)
    assert done.returncode == 1
    assert "is not a port number" in done.stderr
    assert not var.exists()


@pytest.mark.parametrize("itb_env", ["production", "test", ""])
def test_only_the_demo_is_a_demo(itb_env: str, var: Path) -> None:
    done = devstack("demo", var=var, ITB_ENV=itb_env)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert not var.exists()


def test_a_second_demo_says_so(var: Path) -> None:
    var.mkdir(parents=True)
    with file_lock(var / "demo.lock", timeout=0, busy=""):
        assert demo_says_it_runs_already(var)


def test_stopping_what_does_not_run_is_no_error(var: Path) -> None:
    assert devstack("stop", var=var).returncode == 0
    assert devstack("reset", var=var).returncode == 0
    assert not var.exists()


def test_an_answer_other_than_200_is_not_healthy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert not demo._answers(f"http://127.0.0.1:{port}/healthz")
