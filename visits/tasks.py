"""What beat and pages ring for. The tasks carry no data: each looks at the database."""

import logging
from typing import Any, Final

from celery import current_app, shared_task
from django.utils import timezone

from .services import rendering, summaries, upload_runs

logger = logging.getLogger(__name__)

# Somebody waits for the page.
_IMPATIENT: Final = {
    "max_retries": 1, "interval_start": 0, "socket_connect_timeout": 2, "socket_timeout": 2,
}  # fmt: skip

# --- uploaded spreadsheets ---


@shared_task(name="visits.run_uploads")
def run_uploads(**_: Any) -> None:
    """Check and import the spreadsheets that were uploaded. Every 30 seconds, and when rung."""
    if upload_runs.run_uploads(clock=timezone.now):
        ring_for_uploads()  # behind what else is to do


def ring_for_uploads() -> None:
    """Have the worker look at once. A broker that is down changes nothing: the scan looks too."""
    try:
        with current_app.connection_for_write(transport_options=_IMPATIENT) as broker:
            current_app.send_task("visits.run_uploads", expires=25, retry=False, connection=broker)
    except Exception as error:  # whatever the broker's fault is
        logger.warning("the broker was not reached: %s", type(error).__name__)


# --- after-visit summaries ---


@shared_task(name=summaries.TASK)
def render_summaries(**_: Any) -> None:
    """Make the after-visit summaries that are due. Every 30 seconds."""
    rendering.render_due(clock=timezone.now)


@shared_task(name="visits.renew_summaries")
def renew_summaries(**_: Any) -> None:
    """Renew the summaries whose dates or appointment have changed. Every minute."""
    summaries.refresh_changed(now=timezone.now())
