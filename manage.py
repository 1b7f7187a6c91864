#!/usr/bin/env python3
"""Django's command line; without DATABASE_URL it uses the demo's own PostgreSQL."""

import importlib.util
import os
import sys
from pathlib import Path

VENV_PYTHON = Path(__file__).resolve().parent / ".venv" / "bin" / "python"


def use_installed_packages() -> None:
    """Started with a Python that has no Django, go on with the one of .venv."""
    if importlib.util.find_spec("django") is not None:
        return
    if not VENV_PYTHON.exists() or Path(sys.prefix) == VENV_PYTHON.parents[1]:
        sys.exit("manage.py: Django is not installed; run make setup")
    os.execv(VENV_PYTHON, [str(VENV_PYTHON), *sys.argv])  # noqa: S606 - the same program again


def main() -> None:
    """Settle which database this command uses, then run it."""
    use_installed_packages()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "itbclinic.settings")
    # The image has no devstack: there every process is told its database.
    if importlib.util.find_spec("devstack") is not None:
        from devstack import manage_env

        manage_env.prepare(sys.argv)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
