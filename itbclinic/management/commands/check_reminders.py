"""`manage.py check_reminders`: the watchdog, for a timer that is neither Celery nor beat."""

import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, connection
from django.utils import timezone

from itbclinic import watchdog


class Command(BaseCommand):
    help = "Checks the invariants of the reminders, prints each broken one, and then exits 1."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--every", type=int, metavar="SECONDS", help="go on checking; a container of its own"
        )
        parser.add_argument(
            "--touch", type=Path, metavar="FILE", help="touched after each check that found nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        while True:
            clean = self._check()
            if clean and options["touch"]:
                options["touch"].touch()
            if not options["every"]:
                break
            time.sleep(options["every"])
        if not clean:
            sys.exit(1)

    def _check(self) -> bool:
        try:
            broken = watchdog.check(timezone.now())
        except DatabaseError as error:  # it says so, and looks again when there is a database
            connection.close()
            self.stdout.write(f"The database does not answer: {type(error).__name__}.")
            return False
        for one in broken:
            self.stdout.write(f"{one.invariant} is broken: {one.says}.")
            for place in one.found[: watchdog.MAX_SHOWN]:
                self.stdout.write(f"  {place}")
            if len(one.found) > watchdog.MAX_SHOWN:
                self.stdout.write(f"  and {len(one.found) - watchdog.MAX_SHOWN} more")
        if not broken:
            self.stdout.write("All invariants hold.")
        return not broken
