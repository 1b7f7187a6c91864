"""A backup comes back as it was; a broken one changes nothing. On a real PostgreSQL."""

import json
import re
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2  # type: ignore[import-untyped, unused-ignore]
import pytest

from tests.devstack.support import query
from tests.production.conftest import Done, House
from tests.production.support import ROOT

ROSTER = ROOT / "tests" / "data" / "clinic-roster.csv"
AS_OF = json.loads(ROSTER.with_suffix(".expected.json").read_text())["as_of"]
LIST = """
    SELECT jsonb_agg(to_jsonb(p) - 'computed_at' || jsonb_build_object('mrn', a.mrn, 'uuid', u.uuid)
                     ORDER BY p.pump_id)
      FROM alarms_projection p JOIN pumps_pump u ON u.id = p.pump_id
      JOIN patients_patient a ON a.id = u.patient_id
"""
REFUSED = "SELECT count(*) FROM visits_importrow WHERE outcome = 'refused'"


@dataclass(frozen=True)
class Databases:
    """Two databases of the owner: the one that is backed up, and an empty one."""

    house: House
    original: str
    other: str

    def manage(self, url: str, *words: str) -> Done:
        return self.house.manage(*words, DATABASE_URL=url)


@pytest.fixture(scope="module")
def databases(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    some_rows = tmp_path_factory.mktemp("roster") / "roster.csv"
    some_rows.write_bytes(b"\n".join(ROSTER.read_bytes().splitlines()[:81]))
    owner = house.environ("release")["DATABASE_URL"]
    superuser = re.sub(r"//[^@]+@", f"//itb_superuser:{house.superuser_password}@", owner)
    for name in ("original", "other"):
        query(superuser, f"create database {name} owner itb_owner")
    made = Databases(
        house, *(re.sub(r"/itb$", f"/{name}", owner) for name in ("original", "other"))
    )
    for words in (
        ["release", "-v", "0"],
        ["seed_clinic", "--slug", "wasatch", "--timezone", "America/Denver"],
        ["import_roster", str(some_rows), "--clinic", "wasatch", "--as-of", AS_OF],
        ["sweep"],
    ):
        done = made.manage(made.original, *words)
        assert done.returncode == 0 or words[0] == "import_roster", done.stderr
    yield made
    for name in ("original", "other"):
        query(superuser, f"drop database {name} with (force)")


@pytest.fixture
def archive(databases: Databases, tmp_path: Path) -> Path:
    made = tmp_path / "itb-20261122.dump"
    done = databases.manage(databases.original, "backup", str(made))
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(autouse=True)
def empty_other(databases: Databases) -> None:
    query(databases.other, "drop schema if exists public cascade",
          "create schema public authorization pg_database_owner")  # fmt: skip


def state_of(url: str) -> tuple[Any, Any]:
    return query(url, LIST), query(url, REFUSED)


def test_a_round_trip_brings_back_every_date(databases: Databases, archive: Path) -> None:
    original, refused = state_of(databases.original)
    assert len(original) > 50
    assert refused > 0
    assert [row for row in original if row["alarm_date"]]
    done = databases.manage(databases.other, "restore", str(archive))
    assert done.returncode == 0, done.stderr
    assert state_of(databases.other) == (original, refused)
    assert f"After: 1 clinics, {len(original)} patients, {len(original)} pumps" in done.stdout
    assert "Before: 0 clinics, 0 patients, 0 pumps, 0 fills." in done.stdout
    assert re.search(rf"{len(original)} pumps in .*: {len(original)} unchanged", done.stdout)


def test_a_restored_database_protects_its_facts(databases: Databases, archive: Path) -> None:
    assert databases.manage(databases.other, "restore", str(archive)).returncode == 0
    app = databases.house.environ("web")["DATABASE_URL"]
    app = re.sub(r"/itb$", "/other", app)
    assert query(app, "select count(*) from refills_fill") > 0
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(app, "update refills_fill set volume_ml = 1")
    with pytest.raises(psycopg2.Error, match="append"):
        query(databases.other, "update refills_fill set volume_ml = 1")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(app, "create table mine (n int)")


def test_a_backup_says_what_it_holds_and_is_private(databases: Databases, tmp_path: Path) -> None:
    made = tmp_path / "one.dump"
    done = databases.manage(databases.original, "backup", str(made))
    pumps = query(databases.original, "select count(*) from pumps_pump")
    assert f"{pumps} pumps" in done.stdout
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [made], "something was left beside it"
    again = databases.manage(databases.original, "backup", str(made))
    assert again.returncode == 1
    assert "replaces no other" in again.stderr


def test_a_backup_that_fails_leaves_no_file(databases: Databases, tmp_path: Path) -> None:
    superuser = re.sub(r"//[^@]+@", f"//itb_superuser:{databases.house.superuser_password}@",
                       databases.other)  # fmt: skip
    assert databases.manage(databases.other, "release", "-v", "0").returncode == 0
    query(superuser, "create table public.of_somebody_else (n int)")
    done = databases.manage(databases.other, "backup", str(tmp_path / "one.dump"))
    assert done.returncode == 1
    assert "pg_dump failed" in done.stderr
    assert list(tmp_path.iterdir()) == []
    query(superuser, "drop table public.of_somebody_else")


def test_only_the_owner_makes_one(databases: Databases, tmp_path: Path) -> None:
    app = re.sub(r"/itb$", "/original", databases.house.environ("web")["DATABASE_URL"])
    done = databases.manage(app, "backup", str(tmp_path / "one.dump"))
    assert done.returncode == 1
    assert "belongs to itb_owner" in done.stderr or "Permission" in done.stderr


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.98])
def test_a_truncated_file_is_refused_and_changes_nothing(
    databases: Databases, archive: Path, keep: float
) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * keep)])
    before = state_of(databases.original)
    done = databases.manage(databases.original, "restore", str(archive), "--replace")
    assert done.returncode == 1
    assert "is not a whole backup: it is cut short or broken" in done.stderr
    assert "Nothing was changed." in done.stderr
    assert state_of(databases.original) == before


def test_a_full_database_is_not_overwritten_without_being_asked(
    databases: Databases, archive: Path
) -> None:
    before = state_of(databases.original)
    done = databases.manage(databases.original, "restore", str(archive))
    assert done.returncode == 1
    assert "add --replace" in done.stderr
    assert state_of(databases.original) == before
    done = databases.manage(databases.original, "restore", str(archive), "--replace")
    assert done.returncode == 0, done.stderr
    assert state_of(databases.original) == before


def test_it_waits_until_nobody_is_at_work(databases: Databases, archive: Path) -> None:
    session = psycopg2.connect(databases.original)
    try:
        done = databases.manage(databases.original, "restore", str(archive), "--replace")
    finally:
        session.close()
    assert done.returncode == 1
    assert "1 other sessions use this database" in done.stderr


def test_what_is_not_ours_or_of_a_newer_version_is_refused(
    databases: Databases, tmp_path: Path
) -> None:
    foreign, newer = tmp_path / "foreign.dump", tmp_path / "newer.dump"
    query(databases.other, "create table public.songs (n int)")
    dump(databases.house, databases.other, foreign)
    done = databases.manage(databases.other, "restore", str(foreign))
    assert "is not a backup of this application" in done.stderr
    query(databases.original, "insert into django_migrations (app, name, applied)"
                              " values ('alarms', '0999_of_next_year', now())")  # fmt: skip
    try:
        dump(databases.house, databases.original, newer)
    finally:
        query(databases.original, "delete from django_migrations where name like '0999%'")
    done = databases.manage(databases.other, "restore", str(newer))
    assert "made by a newer version of the application (it has alarms.0999" in done.stderr
    missing = databases.manage(databases.other, "restore", str(tmp_path / "none.dump"))
    assert "There is no file" in missing.stderr


def dump(house: House, url: str, target: Path) -> None:
    """An archive that our command had no part in."""
    program = house.programs / "pg_dump"
    subprocess.run([program, "--format=custom", f"--file={target}", url], check=True)


def test_an_error_in_the_middle_changes_nothing(databases: Databases, tmp_path: Path) -> None:
    """The archive is whole, but holds a function that only a superuser may make."""
    superuser = re.sub(r"//[^@]+@", f"//itb_superuser:{databases.house.superuser_password}@",
                       databases.original)  # fmt: skip
    query(superuser, "create function public.f() returns float8 language internal as 'dpi'")
    made = tmp_path / "one.dump"
    done = databases.manage(databases.original, "backup", str(made))
    assert done.returncode == 0, done.stderr
    before = state_of(databases.original)
    done = databases.manage(databases.original, "restore", str(made), "--replace")
    assert done.returncode == 1
    assert "permission denied for language internal. Nothing was changed." in done.stderr
    assert state_of(databases.original) == before
    query(superuser, "drop function public.f()")


def test_an_archive_that_breaks_while_it_is_read_is_rolled_back(
    databases: Databases, archive: Path
) -> None:
    """As when the storage fails between the check and the loading."""
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * 0.9)])
    before = state_of(databases.original)
    imports = "from pathlib import Path; from itbclinic import archives"
    code = f"{imports}; archives.load(Path({str(archive)!r}))"
    done = databases.manage(databases.original, "shell", "--no-imports", "-c", code)
    assert "ArchiveError" in done.stderr
    assert state_of(databases.original) == before
    archive.write_bytes(content)
    assert databases.manage(databases.original, "shell", "--no-imports", "-c", code).returncode == 0
    assert state_of(databases.original) == before


def test_what_came_after_the_backup_is_gone(databases: Databases, archive: Path) -> None:
    query(databases.original, "create table public.more (n int)")
    done = databases.manage(databases.original, "restore", str(archive), "--replace")
    assert done.returncode == 0, done.stderr
    assert query(databases.original, "select to_regclass('public.more')") is None


def one_sentence(done: Done) -> str:
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_a_folder_that_is_not_there_is_named(databases: Databases, tmp_path: Path) -> None:
    target = tmp_path / "missing" / "itb.dump"
    said = one_sentence(databases.manage(databases.original, "backup", str(target)))
    assert f"There is no folder {target.parent}." in said
    assert said.endswith("No backup was made.")


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_database_that_is_down_is_said_in_one_sentence(
    databases: Databases, archive: Path, tmp_path: Path, command: str
) -> None:
    down = re.sub(r":\d+/", ":1/", databases.original)
    assert down != databases.original
    file = archive if command == "restore" else tmp_path / "new.dump"
    said = one_sentence(databases.manage(down, command, str(file)))
    assert "The database does not answer." in said
    assert not (tmp_path / "new.dump").exists()


def test_restore_says_how_many_messages_wait(databases: Databases, archive: Path) -> None:
    waiting = "select count(*) from reminders_outboxmessage where state = 'pending'"
    number = query(databases.original, waiting)
    done = databases.manage(databases.other, "restore", str(archive))
    assert done.returncode == 0, done.stderr
    assert f"{number} messages waited when the backup was made" in done.stdout
