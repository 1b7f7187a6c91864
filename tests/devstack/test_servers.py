"""PostgreSQL and Valkey: start, find again, stop, crash; and who may do what."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg2  # type: ignore[import-untyped, unused-ignore]
import pytest

from devstack import procs, roles, wheels
from devstack.paths import PROJECT, StackError, read_json
from devstack.postgres import Running
from devstack.stack import Stack
from tests.devstack.support import clean_environ, eventually, owner_url, query

pytestmark = pytest.mark.servers


def answering(stack: Stack) -> Running:
    server = stack.postgres.running()
    assert server is not None
    return server


@pytest.fixture
def running(stack: Stack) -> Stack:
    stack.ensure_postgres()
    return stack


def remember(stack: Stack) -> None:
    query(
        owner_url(stack), "create table if not exists kept (n int)", "insert into kept values (7)"
    )


def remembered(stack: Stack) -> int:
    return int(query(owner_url(stack), "select count(*) from kept"))


def test_no_role_is_a_superuser_and_only_the_owner_makes_tables(running: Stack) -> None:
    for role in roles.ATTRIBUTES:
        url = running.database_url(role)
        assert query(url, "select current_user") == role
        assert query(url, "show is_superuser") == "off"
    app = running.database_url(roles.APP)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(app, "create table mine (n int)")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(app, "set role itb_owner")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(app, "create database mine")


def test_tests_may_make_a_database_and_take_the_other_roles(running: Stack) -> None:
    owner = owner_url(running)
    query(owner, "create database test_of_its_own")
    for role in (roles.APP, roles.SCAN):
        assert query(owner, f"set role {role}", "select current_user") == role
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(owner, f"set role {roles.APP}", "create table mine (n int)")


def test_nobody_comes_in_without_the_password_or_from_elsewhere(running: Stack) -> None:
    port = answering(running).port
    for password in ("", "wrong"):
        with pytest.raises(psycopg2.OperationalError, match="password"):
            query(roles.url(roles.OWNER, password, port), "select 1")
    assert query(owner_url(running), "show listen_addresses") == "127.0.0.1"
    told = (running.postgres.data / "postmaster.pid").read_text().splitlines()
    assert told[4] == ""  # the folder of a Unix socket, had it one


def test_the_second_start_finds_the_first(running: Stack) -> None:
    again = Stack(running.layout)
    assert not again.ensure_postgres()
    assert answering(again) == answering(running)


def test_data_and_port_outlive_a_stop(running: Stack) -> None:
    remember(running)
    before = answering(running)
    running.stop()
    assert running.postgres.running() is None
    assert not procs.alive(before.pid)
    assert running.ensure_postgres()
    assert remembered(running) == 1
    assert answering(running).port == before.port


def test_a_taken_port_moves_the_server(running: Stack) -> None:
    port = answering(running).port
    running.stop()
    with socket.create_server(("127.0.0.1", port)):
        running.ensure_postgres()
    assert answering(running).port != port


def test_a_killed_server_starts_again_with_its_data(running: Stack) -> None:
    remember(running)
    os.kill(answering(running).pid, signal.SIGKILL)
    eventually(lambda: running.postgres.running() is None)
    assert running.ensure_postgres()
    assert remembered(running) == 1


def test_a_stale_pid_file_may_name_a_living_stranger(running: Stack) -> None:
    remember(running)
    pid_file = running.postgres.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    running.stop()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert Stack(running.layout).postgres.running() is None
    assert running.ensure_postgres()
    assert remembered(running) == 1


def test_a_half_made_cluster_is_made_anew(stack: Stack) -> None:
    stack.layout.make()
    home = wheels.home(stack.layout)
    (home.cluster / "data.new").mkdir(parents=True)
    (home.cluster / "data.new" / "PG_VERSION").write_text("18\n")
    home.give(home.cluster)
    home.give(home.cluster / "data.new")
    stack.ensure_postgres()
    assert query(owner_url(stack), "select 1") == 1


def test_lost_passwords_are_said_and_not_replaced(running: Stack) -> None:
    running.stop()
    running.layout.secrets.unlink()
    with pytest.raises(StackError, match="make demo-reset"):
        running.ensure_postgres()


def test_two_starts_at_once_make_one_server(stack: Stack) -> None:
    command = [sys.executable, "-m", "devstack", "url"]
    environ = clean_environ(stack.layout.var)
    both = [
        subprocess.Popen(command, env=environ, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert printed[0] == printed[1]
    assert query(printed[0].splitlines()[0], "select 1") == 1


def test_valkey_keeps_nothing_and_drops_nothing(stack: Stack) -> None:
    stack.ensure_valkey()
    url = stack.redis_url()
    assert url is not None
    port, password = int(url.rpartition(":")[2].split("/")[0]), stack.secrets()["valkey"]
    assert "NOAUTH" in said(port, "PING")
    assert "noeviction" in said(port, f"AUTH {password}", "CONFIG GET maxmemory-policy")
    assert said(port, f"AUTH {password}", "CONFIG GET save").splitlines()[-1] == ""
    assert "no" in said(port, f"AUTH {password}", "CONFIG GET appendonly").splitlines()
    assert "127.0.0.1" in said(port, f"AUTH {password}", "CONFIG GET bind").splitlines()


def test_a_killed_valkey_comes_back_at_the_same_address(stack: Stack) -> None:
    stack.ensure_valkey()
    before = stack.redis_url()
    pid = int(read_json(stack.layout.valkey_state)["pid"])
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: stack.redis_url() is None)
    assert stack.ensure_valkey()
    assert stack.redis_url() == before


def test_a_hanging_valkey_is_replaced(stack: Stack) -> None:
    stack.ensure_valkey()
    pid = int(read_json(stack.layout.valkey_state)["pid"])
    os.kill(pid, signal.SIGSTOP)
    assert stack.ensure_valkey()
    assert not procs.alive(pid)


def test_tied_servers_end_with_the_process_that_started_them(stack: Stack) -> None:
    code = (
        "import sys, os, signal; from pathlib import Path\n"
        "from devstack.paths import Layout\n"
        "from devstack.stack import Stack\n"
        "stack = Stack(Layout(Path(sys.argv[1])), tied=True)\n"
        "stack.ensure_postgres(); stack.ensure_valkey()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", code, str(stack.layout.var)]
    killed = subprocess.run(command, cwd=PROJECT, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL
    eventually(lambda: stack.postgres.pid() is None)
    eventually(lambda: stack.redis_url() is None)


def said(port: int, *commands: str) -> str:
    """What Valkey answers."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall("".join(f"{line}\r\n" for line in (*commands, "QUIT")).encode())
        return b"".join(iter(lambda: connection.recv(4096), b"")).decode().removesuffix("+OK\r\n")


def test_reset_removes_what_was_made_and_nothing_else(running: Stack) -> None:
    var = running.layout.var
    (var / "bench.json").write_text("[]")
    outside = read_json(running.layout.where)
    running.reset()
    assert sorted(path.name for path in var.iterdir()) == ["bench.json", "stack.lock"]
    assert outside is None or not Path(outside["folder"]).exists()
