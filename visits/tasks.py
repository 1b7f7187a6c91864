"""What beat rings for. The task carries no data: it looks at the database."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from .services import summaries


@shared_task(name="visits.renew_summaries")
def renew_summaries(**_: Any) -> None:
    """Renew the summaries whose dates or appointment have changed. Every minute."""
    summaries.refresh_changed(now=timezone.now())
