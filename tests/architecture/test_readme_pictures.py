"""The README shows what `make pictures` takes, and nothing else."""

import re
from pathlib import Path

from django.conf import settings

from devstack.pictures import FOLDER, NAMES

ROOT = Path(settings.BASE_DIR)


def test_the_readme_shows_the_pictures_that_the_command_takes() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    assert shown == [f"docs/pictures/{name}" for name in NAMES]
    assert {path.name for path in FOLDER.iterdir()} == set(NAMES)
    for path in FOLDER.iterdir():
        assert path.stat().st_size < 150_000, "a clone carries them for ever"
