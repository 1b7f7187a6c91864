"""What beat and pages ring for. The tasks carry no data: each looks at the database."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from .services import rendering, summaries


@shared_task(name=summaries.TASK)
def render_summaries(**_: Any) -> None:
    """Make the after-visit summaries that are due. Every 30 seconds."""
    rendering.render_due(clock=timezone.now)


@shared_task(name="visits.renew_summaries")
def renew_summaries(**_: Any) -> None:
    """Renew the summaries whose dates or appointment have changed. Every minute."""
    summaries.refresh_changed(now=timezone.now())
