"""What beat and acts ring for. The task carries no data: it looks at the database."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from .services import rendering, versions


@shared_task(name=versions.TASK)
def render(**_: Any) -> None:
    """Make the papers that are due, of every kind. Every 30 seconds."""
    rendering.render_due(clock=timezone.now)
