"""The browser of the tests: Debian's Chromium, installed when that is allowed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from .paths import StackError

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PACKAGES = ("chromium", "fonts-dejavu-core")


def find() -> Path | None:
    """The browser on this machine: ITB_CHROMIUM, or one of the usual names."""
    chosen = os.environ.get("ITB_CHROMIUM")
    if chosen:
        if not os.access(chosen, os.X_OK):
            raise StackError(f"ITB_CHROMIUM is {chosen}, which is not a program")
        return Path(chosen)
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return Path(found) if found else None


def ensure() -> Path:
    """The browser, installed by apt if need be; the tests do not run without one."""
    found = find()
    if found is not None:
        return found
    apt, sudo = shutil.which("apt-get"), as_root()
    if apt is None or sudo is None:
        raise StackError(
            "the tests need Chromium, which is missing and cannot be installed from here: "
            f"as root run `apt-get install {' '.join(PACKAGES)}`, or set ITB_CHROMIUM"
        )
    print(f"installing {' '.join(PACKAGES)} with apt-get ...", flush=True)
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["install", "-y", "-q", "--no-install-recommends", *PACKAGES]
    for arguments in (["update", "-q"], install):
        subprocess.run([*sudo, apt, *arguments], env=environ, check=False)
    found = find()
    if found is None:
        raise StackError("apt-get could not install Chromium; see above")
    return found


def as_root() -> list[str] | None:
    """What to put before a command so that it runs as root, or None if we may not."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo is None:
        return None
    allowed = subprocess.run([sudo, "-n", "true"], capture_output=True, check=False)
    return [sudo, "-n"] if allowed.returncode == 0 else None
