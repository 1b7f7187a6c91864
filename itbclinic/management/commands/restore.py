"""`manage.py restore FILE`: a backup in the place of the database, then release and a sweep."""

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from itbclinic import archives


class Command(BaseCommand):
    help = "Puts a backup in the place of the database: all of it, or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="made by `manage.py backup`")
        parser.add_argument(
            "--replace", action="store_true", help="even if the database holds clinics or patients"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with archives.said_plainly("Nothing was changed."):
                self._load(options["file"].absolute(), replace=options["replace"])
        except archives.ArchiveError as problem:
            raise CommandError(str(problem)) from problem
        waiting = archives.waiting()
        call_command("release", verbosity=0, stdout=self.stdout)
        call_command("sweep", stdout=self.stdout)
        self.stdout.write(f"After: {archives.counts()}. Compare it with what the backup said.")
        self.stdout.write(
            f"{waiting} messages waited when the backup was made, and leave as soon as the worker "
            "runs. Start web alone, enter what happened since, and only then worker and beat."
        )

    def _load(self, archive: Path, *, replace: bool) -> None:
        archives.check_owner()
        archives.check_archive(archive)
        before = archives.counts()
        if not (before.nothing or replace):
            raise archives.ArchiveError(
                f"The database holds {before}. To put the backup in their place, add --replace. "
                "Nothing was changed."
            )
        others = archives.others_at_work()
        if others:
            raise archives.ArchiveError(
                f"{others} other sessions use this database. Stop web, worker and beat first. "
                "Nothing was changed."
            )
        self.stdout.write(f"Before: {before}.")
        archives.load(archive)
