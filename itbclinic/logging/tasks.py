"""One line for each Celery task that ended: its name, how it went, how long it took."""

import logging
import time
from typing import Any

from celery import signals

from itbclinic.logging.records import context

logger = logging.getLogger(__name__)
_started: dict[str, float] = {}  # by task id; a worker process runs one task at a time


@signals.setup_logging.connect
def leave_logging_alone(**_: Any) -> None:
    """Being connected is enough: Celery then adds no handlers and formats of its own."""


@signals.task_prerun.connect
def started(task_id: str, task: Any, **_: Any) -> None:
    """Every record of the task carries its name and id from now on."""
    _started[task_id] = time.monotonic()
    context.set({"task": task.name, "task_id": task_id})


@signals.task_failure.connect
def failed(exception: BaseException, **_: Any) -> None:
    """Type and place of the error; its text may quote a row."""
    failure = (type(exception), exception, exception.__traceback__)
    logger.error("task failed", exc_info=failure)


@signals.task_postrun.connect
def ended(task_id: str, state: str | None = None, **_: Any) -> None:
    """The task's line."""
    duration = time.monotonic() - _started.pop(task_id, time.monotonic())
    logger.info("task ended", extra={"state": state, "duration_ms": round(duration * 1000)})
    context.set(None)
