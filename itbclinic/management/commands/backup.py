"""`manage.py backup FILE`: the whole database into one file, checked to its end."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from itbclinic import archives


class Command(BaseCommand):
    help = "Writes a backup of the whole database to a new file, as the database's owner."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a new file, on encrypted storage")

    def handle(self, *args: Any, **options: Any) -> None:
        target: Path = options["file"].absolute()
        try:
            with archives.said_plainly("No backup was made."):
                held = archives.dump(target)
        except archives.ArchiveError as problem:
            raise CommandError(str(problem)) from problem
        size = target.stat().st_size / 1_000_000
        self.stdout.write(f"{target}: {held}; {size:.1f} MB, read back to its end.")
