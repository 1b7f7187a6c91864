"""`manage.py check_reminders`: the watchdog, for a timer that is neither Celery nor beat."""

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from itbclinic import watchdog


class Command(BaseCommand):
    help = "Checks the invariants of the reminders, prints each broken one, and then exits 1."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = watchdog.check(timezone.now())
        for one in broken:
            self.stdout.write(f"{one.invariant} is broken: {one.says}.")
            for place in one.found[: watchdog.MAX_SHOWN]:
                self.stdout.write(f"  {place}")
            if len(one.found) > watchdog.MAX_SHOWN:
                self.stdout.write(f"  and {len(one.found) - watchdog.MAX_SHOWN} more")
        if broken:
            sys.exit(1)
        self.stdout.write("All invariants hold.")
