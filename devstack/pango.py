"""Pango and a font, which the PDFs of the after-visit summaries need; installed when allowed."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess

from .chromium import as_root
from .paths import StackError

LIBRARIES = ("libpango-1.0.so.0", "libpangoft2-1.0.so.0")
PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "fonts-dejavu-core")


def found() -> bool:
    """Whether a PDF can be made here."""
    try:
        for name in LIBRARIES:
            ctypes.CDLL(name)
    except OSError:
        return False
    return True


def install() -> bool:
    """Have the libraries, by apt if need be; False where that is not allowed or does not work."""
    if found():
        return True
    apt, sudo = shutil.which("apt-get"), as_root()
    if apt is None or sudo is None:
        return False
    print(f"installing {' '.join(PACKAGES)} with apt-get ...", flush=True)
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    arguments = ["install", "-y", "-q", "--no-install-recommends", *PACKAGES]
    for words in (["update", "-q"], arguments):
        subprocess.run(
            [*sudo, apt, *words], env=environ, check=False, stdout=subprocess.DEVNULL, timeout=300
        )
    return found()


def ensure() -> None:
    """The same for the tests, which prove the PDF and do not run without it."""
    if not install():
        raise StackError(
            "the tests need Pango, which is missing and cannot be installed from here: "
            f"as root run `apt-get install {' '.join(PACKAGES)}`"
        )


def missing_line() -> str:
    """What the demo says where it goes on without; empty where PDFs are made."""
    if install():
        return ""
    return f"no PDFs here: Pango is missing ({' '.join(PACKAGES)}); summaries print as pages"
