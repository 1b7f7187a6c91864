"""What beat and pages ring for. The tasks carry no data: each looks at the database."""

import logging
from typing import Any

from celery import shared_task
from django.utils import timezone

from .services import upload_runs

logger = logging.getLogger(__name__)

# --- uploaded spreadsheets ---


@shared_task(name="visits.run_uploads")
def run_uploads(**_: Any) -> None:
    """Check and import the spreadsheets that were uploaded. Every 30 seconds, and when rung."""
    upload_runs.run_uploads(clock=timezone.now)


def ring_for_uploads() -> None:
    """Have the worker look at once. A broker that is down changes nothing: the scan looks too."""
    try:
        run_uploads.apply_async(expires=25, retry=False)
    except Exception as error:  # whatever the broker's fault is
        logger.warning("the broker was not reached: %s", type(error).__name__)
