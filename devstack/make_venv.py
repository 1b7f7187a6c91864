"""Makes .venv from requirements.lock, or does nothing when nothing changed.

It runs with the system's Python before anything is installed, and perhaps with one that is too
old: so only the standard library, no import from this package, and syntax that old ones read.
"""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "complete"  # written last: a venv without it is half made
PYTHON = VENV / "bin" / "python"
LIST = "import importlib.metadata as m; print(*(d.metadata['Name'] for d in m.distributions()))"


def refuse_unfit_python() -> None:
    """Say in one line what the machine lacks."""
    if sys.version_info < (3, 11):  # noqa: UP036 - it runs before anything checked that
        found = platform.python_version()
        sys.exit("make setup: Python 3.11 or newer is needed, and this is " + found
                 + "; name another one: make PYTHON=python3.12 ...")  # fmt: skip
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        sys.exit("make setup: this Python has no venv module; on Debian: apt-get install "
                 "python3-venv")  # fmt: skip


def this_python() -> str:
    """The Python that runs this script, as the stamp names it."""
    return f"{platform.python_implementation()} {platform.python_version()}"


def lock_digest() -> str:
    """What changes when requirements.lock does."""
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def normalised(name: str) -> str:
    """The name under which pip knows a package."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pip(*arguments: str) -> None:
    """Run the venv's pip; end with one line if it fails, below what pip itself said."""
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "-q"]
    # A pip.conf that demands a venv or a user install is meant for other uses of pip.
    environ = dict(os.environ, PIP_USER="0")
    if subprocess.run([*command, *arguments], cwd=str(ROOT), env=environ).returncode != 0:
        sys.exit("make setup: pip " + arguments[0] + " failed; see above")


def remove_unlisted() -> None:
    """Remove what the lock no longer names, or a forgotten dependency would go unnoticed."""
    listed = re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", LOCK.read_text(), re.MULTILINE)
    keep = set(map(normalised, listed)) | {"pip", "setuptools"}
    there = subprocess.run([str(PYTHON), "-c", LIST], stdout=subprocess.PIPE, check=True).stdout
    gone = sorted({name for name in there.decode().split() if normalised(name) not in keep})
    if gone:
        pip("uninstall", "-y", *gone)


def make(chosen: bool) -> None:
    """Bring .venv to what the lock says; its Python stays, unless another one was chosen."""
    stamp = STAMP.read_text() if STAMP.exists() else ""
    python, _, digest = stamp.strip().rpartition(" ")
    fits = bool(python) and PYTHON.exists() and (python == this_python() or not chosen)
    if fits and digest == lock_digest():
        return
    if not fits:
        refuse_unfit_python()
    print("making .venv from requirements.lock ...", flush=True)
    STAMP.unlink(missing_ok=True)
    if not fits:
        python = this_python()
        shutil.rmtree(str(VENV), ignore_errors=True)
        if subprocess.run([sys.executable, "-m", "venv", str(VENV)]).returncode != 0:
            sys.exit("make setup: the venv could not be made; see above")
    pip("install", "--require-hashes", "-r", str(LOCK))
    remove_unlisted()
    STAMP.write_text(f"{python} {lock_digest()}\n")


def main() -> None:
    """Make the venv, one process at a time."""
    handle = os.open(str(ROOT), os.O_RDONLY)  # the folder itself is the lock: no file is needed
    fcntl.flock(handle, fcntl.LOCK_EX)
    make(chosen="--this-python" in sys.argv)


if __name__ == "__main__":
    main()
