"""The children of the demo: kept alive, stopped in order, and none left behind."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack import procs
from devstack.paths import Layout, StackError, read_json, write_json
from devstack.supervisor import Child, Stopped, StopSignal, Supervisor, run_step
from tests.devstack.support import eventually

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('deaf', flush=True); time.sleep(60)",
]
PARENT = [  # says which process it left behind
    sys.executable,
    "-c",
    "import subprocess, sys, time;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print(child.pid, flush=True);"
    "time.sleep(60)",
]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "var")
    made.make()
    return made


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(layout: Layout, said: list[str]) -> Iterator[Supervisor]:
    made = Supervisor(layout, said.append)
    yield made
    made.stop([child.name for child in made.children])


def pid_of(child: Child) -> int:
    assert child.process is not None
    return child.process.pid


def test_a_dead_child_is_started_again_after_a_pause(
    supervisor: Supervisor, said: list[str]
) -> None:
    child = supervisor.add("worker", SLEEP, os.environ)
    first = pid_of(child)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: child.dead)
    supervisor.look_after()
    assert said == ["worker ended (signal 9); starting it again in 1 s"]
    assert child.dead
    child.not_before = time.monotonic()  # the pause is over
    supervisor.look_after()
    assert not child.dead
    assert pid_of(child) != first


def test_the_pause_grows_and_has_an_end(supervisor: Supervisor, said: list[str]) -> None:
    child = supervisor.add("beat", [sys.executable, "-c", "raise SystemExit(3)"], os.environ)
    for _ in range(8):
        eventually(lambda: child.dead)
        supervisor.look_after()
        child.not_before = 0.0
        supervisor.look_after()
    pauses = [line.rpartition(" in ")[2] for line in said]
    assert pauses[:7] == ["1 s", "2 s", "4 s", "8 s", "16 s", "30 s", "30 s"]
    assert "exit code 3" in said[0]


def test_what_a_dead_child_leaves_behind_ends_too(supervisor: Supervisor, layout: Layout) -> None:
    child = supervisor.add("web", PARENT, os.environ)
    eventually(lambda: layout.tail("web").isdigit())
    grandchild = int(layout.tail("web"))
    os.kill(pid_of(child), signal.SIGKILL)
    eventually(lambda: child.dead)
    assert procs.alive(grandchild)
    supervisor.look_after()
    eventually(lambda: not procs.alive(grandchild))


def test_stopping_ends_all_and_in_order(supervisor: Supervisor, layout: Layout) -> None:
    children = [supervisor.add(name, SLEEP, os.environ) for name in ("web", "worker")]
    pids = list(map(pid_of, children))
    assert len(read_json(layout.children)) == 2
    supervisor.stop(["worker", "web"])
    assert not any(map(procs.alive, pids))
    assert not layout.children.exists()


def test_a_second_ctrl_c_ends_the_patience(supervisor: Supervisor, layout: Layout) -> None:
    pid = pid_of(supervisor.add("worker", STUBBORN, os.environ))
    eventually(lambda: layout.tail("worker") == "deaf")
    stop = StopSignal()

    class Hurry(StopSignal):
        """Asked to stop once before, and again as soon as somebody looks."""

        @property
        def count(self) -> int:
            self.looks = getattr(self, "looks", 0) + 1
            return min(self.looks, 2)

        @count.setter
        def count(self, value: int) -> None:
            pass

    stop = Hurry()
    supervisor.stop(["worker"], stop)  # deaf as it is, it sleeps for a minute if it may
    assert not procs.alive(pid)


def test_a_new_start_ends_what_a_killed_one_left(supervisor: Supervisor, layout: Layout) -> None:
    child = supervisor.add("worker", SLEEP, os.environ)
    Supervisor(layout, print).end_leftovers()
    eventually(lambda: child.dead)
    assert not layout.children.exists()


def test_a_number_that_is_somebody_elses_now_is_left_alone(layout: Layout) -> None:
    write_json(layout.children, [{"pid": os.getpid(), "started": "another time"}])
    Supervisor(layout, print).end_leftovers()
    assert not layout.children.exists()


def test_a_failing_step_shows_what_it_said(layout: Layout) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such column')"]
    with pytest.raises(StackError, match=r"release failed:\nno such column"):
        run_step("release", command, os.environ, layout, StopSignal())


def test_a_step_answers_its_output_alone(layout: Layout) -> None:
    code = "import sys; print('noise', file=sys.stderr); print('answer')"
    command = [sys.executable, "-c", code]
    assert run_step("seed", command, os.environ, layout, StopSignal()) == "answer\n"


def test_a_step_ends_when_somebody_stops_it(layout: Layout) -> None:
    stop = StopSignal()
    stop.count = 1
    with pytest.raises(Stopped):
        run_step("seed", SLEEP, os.environ, layout, stop)
