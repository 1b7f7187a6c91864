"""The production shape without Docker: the same scripts, commands and environments, on loopback."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from devstack import procs, wheels
from devstack.paths import Layout
from devstack.postgres import SUPERUSER, free_port
from devstack.stack import Stack
from tests.production import support
from tests.production.support import ROOT, VALUES


@dataclass(frozen=True)
class House:
    """Where the servers are that stand for the services `postgres` and `valkey`."""

    postgres_port: int
    valkey_port: int
    programs: Path
    tree: Path
    superuser_password: str

    def environ(self, service: str) -> dict[str, str]:
        """What compose tells the service, with the addresses of here."""
        given = support.environment_of(service)
        given["DATABASE_URL"] = given["DATABASE_URL"].replace(
            "@postgres:5432/", f"@127.0.0.1:{self.postgres_port}/"
        )
        given["REDIS_URL"] = given["REDIS_URL"].replace(
            "@valkey:6379/", f"@127.0.0.1:{self.valkey_port}/"
        )
        # The image's user is nobody special; Celery would warn root of itself, and not in JSON.
        here = {
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONWARNINGS": "ignore:You're running the worker",
        }
        return {"PATH": os.environ["PATH"], **here, **given}

    def words(self, service: str) -> list[str]:
        """Its command, with the Python of here."""
        first, *rest = support.words_of(service)
        if first == "python":
            return [sys.executable, *rest]
        return [sys.executable, "-m", first, *rest]

    def manage(self, *words: str, service: str = "manage", **more: str) -> "Done":
        """manage.py as that service."""
        return subprocess.run(
            [sys.executable, "manage.py", *words], cwd=self.tree, env=self.environ(service) | more,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def roles(self, **more: str) -> "Done":
        """compose/roles.sh, as the image runs it."""
        told = {
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.postgres_port),
            "PGPASSWORD": self.superuser_password,
            "POSTGRES_USER": SUPERUSER,
        }
        passwords = {name: VALUES[name] for name in VALUES if name.startswith("ITB_")}
        return subprocess.run(
            ["sh", "compose/roles.sh"], cwd=ROOT, env=told | passwords | more,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip


Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What /app holds in the image: what .dockerignore lets in, and what the build makes of it."""
    made = tmp_path_factory.mktemp("app")
    for name in support.context():
        target = made / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    (build,) = [line for line in support.dockerfile() if "collectstatic" in line]
    command = build.removeprefix("RUN ").replace("/opt/venv/bin/python", sys.executable)
    command = command.replace("$(python ", f"$({sys.executable} ").replace("/app", str(made))
    done = subprocess.run(
        ["sh", "-c", command], cwd=made, env={"PATH": "/usr/bin:/bin"}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> Iterator[House]:
    """A new PostgreSQL with the roles of compose/roles.sh, a broker by compose/valkey.sh, and the
    schema by the release service."""
    stack = Stack(Layout(tmp_path_factory.mktemp("house") / "var"), durable=False, tied=True)
    stack.layout.make()
    try:
        server = stack.postgres.start(VALUES["POSTGRES_PASSWORD"])
        where = wheels.home(stack.layout)
        made = House(
            server.port,
            free_port(),
            wheels.postgres_programs(where),
            tree,
            VALUES["POSTGRES_PASSWORD"],
        )
        done = made.roles()
        assert done.returncode == 0, done.stderr
        broker = start_broker(wheels.valkey_server(where), made.valkey_port)
        try:
            release = made.manage(*support.words_of("release")[2:], service="release")
            assert release.returncode == 0, release.stderr
            yield made
        finally:
            broker.terminate()
            broker.wait()
    finally:
        stack.reset()


def start_broker(program: Path, port: int) -> subprocess.Popen[bytes]:
    """compose/valkey.sh on another port, with the wheel's program under its name."""
    script = (ROOT / "compose" / "valkey.sh").read_text()
    path = f"{program.parent}:/usr/bin:/bin"
    assert script.count("port 6379\n") == 1
    return subprocess.Popen(
        ["sh", "-c", script.replace("port 6379\n", f"port {port}\n")],
        env={"PATH": path, "VALKEY_PASSWORD": VALUES["VALKEY_PASSWORD"]},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
        preexec_fn=procs.die_with_parent(15),
    )  # fmt: skip


@pytest.fixture(autouse=True)
def clock() -> None:
    """The true one: processes of their own run beside these tests."""
