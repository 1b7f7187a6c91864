"""What beat and pages ask for. The task carries no data: it looks at the database."""

from typing import Any, Final

from celery import shared_task
from django.utils import timezone

from core.nudge import nudge
from rosters.services import upload_runs

UPLOADS: Final = "rosters.run_uploads"


@shared_task(name=UPLOADS)
def run_uploads(**_: Any) -> None:
    """Check and import the spreadsheets that were uploaded. Every 30 seconds, and when asked."""
    if upload_runs.run_uploads(clock=timezone.now):
        nudge_uploads()  # behind what else is to do


def nudge_uploads() -> None:
    """Ask the worker to look at what was uploaded."""
    nudge(UPLOADS)
