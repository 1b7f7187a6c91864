"""What beat rings for. The tasks carry no data: each looks at the database."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from .services import delivering, scans


@shared_task(name="followup.due_scan")
def due_scan(**_: Any) -> None:
    """Recompute what the passing of time changed. Every minute."""
    scans.due_scan(clock=timezone.now)


@shared_task(name="followup.sweep")
def sweep(**_: Any) -> None:
    """Recompute every active pump and heal what differs. Every ten minutes."""
    scans.sweep(clock=timezone.now)


@shared_task(name="followup.deliver")
def deliver(**_: Any) -> None:
    """Send the messages that are due. Every 30 seconds."""
    delivering.deliver(clock=timezone.now)


@shared_task(name="followup.recover")
def recover(**_: Any) -> None:
    """Free the messages that a killed worker held. Every minute."""
    delivering.recover(clock=timezone.now)
