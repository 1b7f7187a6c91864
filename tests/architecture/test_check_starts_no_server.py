"""`make check` needs no server: what does is left out, and one that starts all the same fails."""

import subprocess
import sys

import pytest

from devstack import nodb


def test_tests_with_a_server_of_their_own_are_left_out(request: pytest.FixtureRequest) -> None:
    """In a run of everything, each of these folders is there, and none of it is selected."""
    items = request.session.items
    kept = [item for item in items if not nodb.needs_server(item)]
    assert request.node in kept
    for fixture in ("house", "stack", "live_server", "page", "db"):
        assert not [item.nodeid for item in kept if fixture in getattr(item, "fixturenames", ())]


@pytest.mark.parametrize(
    ("command", "server"),
    [
        (["/opt/bin/postgres", "-D", "x"], "postgres"),
        ([sys.executable, "-m", "celery", "worker"], "celery"),
        ("valkey-server", "valkey-server"),
        ([sys.executable, "-c", "print('postgres')"], ""),
        (["git", "grep", "-n", "postgres"], ""),
    ],
)
def test_a_server_is_known_by_its_command(command: object, server: str) -> None:
    assert nodb.server_in(command) == server


def test_whoever_starts_one_under_the_plugin_fails() -> None:
    code = (
        "from devstack import nodb; nodb.pytest_configure()\n"
        "import subprocess; subprocess.Popen(['postgres', '--version'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "starts no server, and this test starts postgres" in done.stderr
