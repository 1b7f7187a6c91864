"""What beat and pages ring for. The tasks carry no data: each looks at the database."""

from typing import Any, Final

from celery import shared_task
from django.utils import timezone

from .services import doorbell, rendering, summaries, upload_runs

UPLOADS: Final = "visits.run_uploads"

# --- uploaded spreadsheets ---


@shared_task(name=UPLOADS)
def run_uploads(**_: Any) -> None:
    """Check and import the spreadsheets that were uploaded. Every 30 seconds, and when rung."""
    if upload_runs.run_uploads(clock=timezone.now):
        ring_for_uploads()  # behind what else is to do


def ring_for_uploads() -> None:
    """Ask the worker to look at what was uploaded."""
    doorbell.ring(UPLOADS)


# --- after-visit summaries ---


@shared_task(name=summaries.TASK)
def render_summaries(**_: Any) -> None:
    """Make the after-visit summaries that are due. Every 30 seconds."""
    rendering.render_due(clock=timezone.now)


@shared_task(name="visits.renew_summaries")
def renew_summaries(**_: Any) -> None:
    """Renew the summaries whose dates or appointment have changed. Every minute."""
    summaries.refresh_changed(now=timezone.now())
