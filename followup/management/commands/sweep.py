"""`manage.py sweep`: the scan that beat runs, once, for a timer outside Celery."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from followup.services import scans


class Command(BaseCommand):
    help = "Recomputes every active pump, heals what differs and reports it."

    def handle(self, *args: Any, **options: Any) -> None:
        run = scans.sweep(clock=timezone.now)
        assert run.finished_at is not None
        seconds = (run.finished_at - run.started_at).total_seconds()
        self.stdout.write(
            f"{run.looked_at} pumps in {seconds:.1f} s: {run.unchanged} unchanged, "
            f"{run.refreshed} refreshed, {run.healed} healed, {run.failed} failed."
        )
        for finding in run.findings:
            self.stdout.write(
                f"pump {finding['pump']}: {', '.join(finding['fields'])} {finding['failure']}"
            )
