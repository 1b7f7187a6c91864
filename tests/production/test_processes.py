"""Each service, started with the command and the environment that docker-compose.yml gives it."""

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from devstack import procs
from devstack.postgres import free_port
from itbclinic import settings
from tests.devstack.support import query
from tests.production import support
from tests.production.conftest import House
from tests.production.support import APPLICATION, ROOT, VALUES

_spec = importlib.util.spec_from_file_location("health", ROOT / "compose" / "healthcheck.py")
assert _spec is not None
assert _spec.loader is not None
healthcheck = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(healthcheck)

HTTPS = {"Host": "itb.example.org", "X-Forwarded-Proto": "https"}
SHOW = """
import json
from itbclinic.celery import app
from django.conf import settings
print(json.dumps({name: [e["task"], e["schedule"]] for name, e in app.conf.beat_schedule.items()}))
"""


@contextmanager
def running(house: House, name: str, tmp_path: Path, *, port: int = 0) -> Iterator[Path]:
    """The service, until the block ends; gives the file of what it writes."""
    log = tmp_path / f"{name}.log"
    words = [word.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for word in house.words(name)]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            words, cwd=house.tree, env=house.environ(name), stdout=stream, stderr=stream,
            start_new_session=True, preexec_fn=procs.die_with_parent(15),
        )  # fmt: skip
        try:
            yield log
        finally:
            process.terminate()
            try:
                code = process.wait(timeout=30)
            finally:
                procs.send_group(process.pid, 9)
            assert code == 0, log.read_text()


def lines_of(log: Path) -> list[dict[str, object]]:
    """Everything a service wrote; a line that is no JSON fails here."""
    # Celery says this one past all logging, when it was asked to end.
    said = log.read_text().replace("\nworker: Warm shutdown (MainProcess)\n", "")
    return [json.loads(line) for line in said.splitlines()]


@pytest.mark.parametrize("name", APPLICATION)
def test_settings_load_with_what_compose_gives(name: str, house: House) -> None:
    done = house.manage("check", "--deploy", "--fail-level", "WARNING", service=name)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS",
                                  "ITB_BASE_URL"])  # fmt: skip
@pytest.mark.parametrize("service", APPLICATION)
def test_without_one_of_them_it_ends_with_one_clear_line(
    service: str, name: str, house: House
) -> None:
    assert name in support.environment_of(service)
    words = house.words(service)
    if service == "web":  # gunicorn would say it from each of its children
        words = [sys.executable, "-c", "import itbclinic.wsgi"]
    done = subprocess.run(
        words, cwd=house.tree, env=house.environ(service) | {name: ""}, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert name in done.stderr


def test_the_script_makes_roles_without_any_right_beyond_their_work(house: House) -> None:
    for service in ("release", "web", "worker"):
        url = house.environ(service)["DATABASE_URL"]
        assert query(url, "select current_user") == support.ROLE[service]
        rights = "rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls"
        assert query(url, f"select {rights} from pg_roles where rolname = current_user") is False
    app, owner = (house.environ(name)["DATABASE_URL"] for name in ("web", "release"))
    for refused in ("update refills_fill set volume_ml = 1", "truncate refills_fill",
                    "create table mine (n int)", "set role itb_owner"):  # fmt: skip
        with pytest.raises(Exception, match="permission denied"):
            query(app, refused)
    with pytest.raises(Exception, match="permission denied"):
        query(re.sub(r"/itb$", "/postgres", owner), "select 1")


def test_the_script_runs_again_and_sets_passwords(house: House) -> None:
    url = house.environ("web")["DATABASE_URL"]
    assert house.roles(ITB_APP_PASSWORD="n" * 24).returncode == 0
    try:
        with pytest.raises(Exception, match="password"):
            query(url, "select 1")
    finally:
        assert house.roles().returncode == 0
    assert query(url, "select count(*) from patients_patient") == 0


@pytest.mark.parametrize("password", ["", "short", "with@sign/" + "x" * 24])
def test_the_scripts_refuse_a_weak_or_breaking_password(password: str, house: House) -> None:
    done = house.roles(ITB_SCAN_PASSWORD=password)
    assert done.returncode != 0
    assert "ITB_SCAN_PASSWORD" in done.stderr
    broker = subprocess.run(
        ["sh", "compose/valkey.sh"], cwd=ROOT, env={"VALKEY_PASSWORD": password, "PATH": "/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert broker.returncode != 0
    assert "VALKEY_PASSWORD" in broker.stderr
    if password:
        assert password not in done.stderr + broker.stderr


def test_the_broker_keeps_nothing_and_drops_nothing(house: House) -> None:
    client = redis.Redis.from_url(house.environ("web")["REDIS_URL"])
    assert client.ping()
    wanted = {"maxmemory-policy": "noeviction", "save": "", "appendonly": "no"}
    for name, value in wanted.items():
        assert client.config_get(name) == {name: value}
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=house.valkey_port).ping()


def test_the_web_answers_behind_a_proxy_and_logs_only_json(house: House, tmp_path: Path) -> None:
    port = free_port()
    with running(house, "web", tmp_path, port=port) as log:
        assert procs.wait_until(lambda: answer(port, "/healthz", {})[0] != 0, 30, 0.1)
        assert answer(port, "/healthz", {"Host": "itb.example.org"})[0] == 200
        assert answer(port, "/healthz", {})[0] == 400, "any host name is believed"
        status, headers = answer(port, "/?search=Tester", HTTPS)
        assert (status, headers["Location"]) == (302, "/accounts/login/?next=/%3Fsearch%3DTester")
        status, headers = answer(port, "/accounts/login/", HTTPS)
        assert status == 200
        assert "Secure" in headers["Set-Cookie"]
        assert "includeSubDomains" in headers["Strict-Transport-Security"]
        plain = answer(port, "/accounts/login/", {"Host": "itb.example.org"})
        assert plain[0] == 301
        assert plain[1]["Location"].startswith("https://itb.example.org/")
        assert answer(port, "/static/itb.css", HTTPS)[0] == 200
    lines = lines_of(log)
    assert {"gunicorn.error", "itbclinic.logging.requests"} <= {line["logger"] for line in lines}
    (board,) = [line for line in lines if line.get("path") == "/"]
    assert board["status"] == 302
    assert board["request_id"]
    assert "Tester" not in log.read_text()


def test_sign_in_attempts_are_counted_by_the_caller_s_own_address(house: House) -> None:
    code = (
        "from django.test import RequestFactory as F;"
        "from allauth.core.internal.httpkit import get_client_ip as ip;"
        "print(ip(F().get('/', headers={'X-Forwarded-For': '6.6.6.6, 10.1.2.3'})))"
    )
    done = house.manage("shell", "--no-imports", "-c", code, service="web")
    assert done.stdout.strip() == "10.1.2.3", "a caller may choose the first, not the last"


def answer(port: int, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    """Status and headers, without following; 0 while nobody listens."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object, **__: object) -> None:
            return None

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay())
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with opener.open(request, timeout=10) as response:
            return response.status, dict(response.headers)
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers)
    except OSError:
        return 0, {}


@pytest.mark.slow
def test_worker_and_beat_scan_and_log_only_json(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = house.environ("worker")["DATABASE_URL"]
    monkeypatch.setenv("DATABASE_URL", url)
    query(house.environ("release")["DATABASE_URL"], "delete from alarms_scanrun")
    assert "no due_scan ended" in healthcheck.worker(), "a worker that did nothing looks healthy"
    done = "select count(distinct kind) from alarms_scanrun where finished_at is not null"
    with running(house, "worker", tmp_path) as worker, running(house, "beat", tmp_path) as beat:
        assert procs.wait_until(lambda: query(url, done) == 3, 60, 0.2), worker.read_text()
        assert healthcheck.worker() == ""
        time.sleep(0.5)  # the line after the scan
    ended = [line for line in lines_of(worker) if line.get("state") == "SUCCESS"]
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {"followup.due_scan", "followup.sweep"} <= {line["task"] for line in ended} <= scheduled
    assert all(isinstance(line["duration_ms"], int) for line in ended)
    assert lines_of(beat)
    secrets = [value for name, value in VALUES.items() if "PASSWORD" in name or "KEY" in name]
    for log in (worker, beat):
        assert not [value for value in secrets if value in log.read_text()]


def test_an_old_scan_turns_the_worker_unhealthy(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = house.environ("release")["DATABASE_URL"]
    monkeypatch.setenv("DATABASE_URL", house.environ("worker")["DATABASE_URL"])
    query(owner, "delete from alarms_scanrun")
    for kind, minutes, problem in (
        ("due_scan", 0, "no delivery"), ("delivery", 6, "no delivery"), ("delivery", 4, "no sweep"),
        ("sweep", 16, "no sweep"), ("sweep", -60, "no sweep"), ("sweep", 14, ""),
        ("due_scan", 6, "no due_scan"), ("due_scan", -60, "no due_scan"),
    ):  # fmt: skip
        query(owner, f"delete from alarms_scanrun where kind = '{kind}'",
              "insert into alarms_scanrun (kind, started_at, finished_at, looked_at, unchanged,"
              f" refreshed, healed, failed, findings) select '{kind}', t, t, 0, 0, 0, 0, 0, '[]'"
              f" from (select now() - interval '{minutes} minutes' as t)")  # fmt: skip
        assert healthcheck.worker().startswith(problem)
        assert bool(healthcheck.worker()) == bool(problem), (kind, minutes)
    assert settings.SWEEP_STALE_AFTER_SECONDS == healthcheck.SWEEP_STALE_AFTER_SECONDS


def test_the_clinic_and_its_first_administrator_are_made_as_the_runbook_says(house: House) -> None:
    page = (ROOT / "docs" / "runbooks" / "deploy.md").read_text()
    lines = [
        shlex.split(line.split("manage.py ")[1])
        for line in page.splitlines()
        if line.startswith("docker compose run --rm web python manage.py ")
    ]
    assert [words[0] for words in lines] == ["seed_clinic", "add_administrator"]
    url = house.environ("web")["DATABASE_URL"]
    done = house.manage(*lines[0], service="web")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    for typed, said in (("short\nshort\n", "too short"), ("Correct-horse-9\nother\n", "differ")):
        done = typing(house, lines[1], typed)
        assert done.returncode != 0
        assert said in done.stderr
        assert query(url, "select count(*) from accounts_membership") == 0
    done = typing(house, lines[1], "Correct-horse-9\nCorrect-horse-9\n")
    assert done.returncode == 0, done.stderr
    assert query(url, "select role from accounts_membership") == "admin"
    again = typing(house, lines[1], "Correct-horse-9\nCorrect-horse-9\n")
    assert "already" in again.stderr


def typing(house: House, words: list[str], typed: str) -> subprocess.CompletedProcess[str]:
    """A command that asks for a password, without a terminal: it is read from standard input."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", *words], cwd=house.tree,
        env=house.environ("web"), input=typed, capture_output=True, text=True, timeout=60,
        check=False, start_new_session=True,
    )  # fmt: skip


def test_the_watchdog_is_healthy_only_while_its_checks_come_out_clean(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = tmp_path / "clean"
    monkeypatch.setattr(healthcheck, "CLEAN", clean)
    words = house.words("watchdog")
    assert words[-2:] == ["--touch", "/tmp/clean"]  # noqa: S108
    once = [*words[:-4], "--touch", str(clean)]
    owner = house.environ("release")["DATABASE_URL"]

    def check() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            once, cwd=house.tree, env=house.environ("watchdog"), capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip

    query(owner, "delete from alarms_scanrun")
    done = check()
    assert (done.returncode, done.stdout.split()[0]) == (1, "I6")
    assert healthcheck.watchdog(), "healthy without a single clean check"
    query(owner, "insert into alarms_scanrun (kind, started_at, finished_at, looked_at, unchanged,"
          " refreshed, healed, failed, findings) values ('sweep', now(), now(), 0, 0, 0, 0, 0,"
          " '[]')")  # fmt: skip
    done = check()
    assert done.returncode == 0, done.stdout
    assert healthcheck.watchdog() == ""
    long_ago = clean.stat().st_mtime - healthcheck.CLEAN_STALE_AFTER_SECONDS - 60
    os.utime(clean, (long_ago, long_ago))
    assert healthcheck.watchdog()


def test_beat_s_schedule_is_the_one_of_the_settings(house: House) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOW], cwd=house.tree, env=house.environ("beat"),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    entries: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE
    wanted = {name: [entry["task"], entry["schedule"]] for name, entry in entries.items()}
    assert json.loads(done.stdout) == wanted
    shortest = min(entry["schedule"] for entry in entries.values())
    assert 3 * shortest <= healthcheck.SCAN_STALE_AFTER_SECONDS
