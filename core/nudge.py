"""Asking the worker to look at once, since somebody waits. Beat rings all the same."""

import logging
from typing import Final

from celery import current_app

logger = logging.getLogger(__name__)

IMPATIENT: Final = {
    "max_retries": 1, "interval_start": 0, "socket_connect_timeout": 2, "socket_timeout": 2,
}  # fmt: skip


def nudge(task: str) -> None:
    """Send a task that carries nothing. A broker that is down changes nothing: what was saved is
    saved, and the scan looks too."""
    try:
        with current_app.connection_for_write(transport_options=IMPATIENT) as broker:
            current_app.send_task(task, expires=25, retry=False, connection=broker)
    except Exception as error:  # whatever the broker's fault is
        logger.warning("%s: the broker did not answer: %s", task, type(error).__name__)
