"""A version of a paper: written with what it tells of, replaced when that changes, printed.

Nothing here ever fails the act that a paper tells of: what cannot be written becomes a failed row
and a person's task.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from accounts import audit
from accounts.models import User
from core.nudge import nudge
from core.rules import RuleViolation
from documents.kinds import Kind, P
from documents.models import Paper

logger = logging.getLogger(__name__)

State = Paper.State
TASK: Final = "documents.render"

Write = Callable[[], dict[str, Any]]


def ring() -> None:
    """Ask the worker to make what waits."""
    nudge(TASK)


def written(kind: Kind[Any], write: Write, subject: object) -> tuple[dict[str, Any], str]:
    """The content, or the type of what went wrong: behind a savepoint, so that not even a failed
    query harms the act.

    Args:
        subject: what it tells of, for the log: a key, and nothing of a patient.
    """
    try:
        with transaction.atomic():
            return write(), ""
    except Exception as error:  # whatever it is, the act is saved and a person is told
        # The type only: an error's message may hold a patient's values.
        logger.error("%s not written: %s %s", kind.code, subject, type(error).__name__)
        return {}, type(error).__name__[:60]


def add(kind: Kind[P], *, content: dict[str, Any], error: str, now: datetime, **columns: Any) -> P:
    """Add a version, inside the transaction of what it tells of; the worker makes it next.

    Args:
        content, error: as `written` answers.
        columns: the clinic, the version and the kind's own.
    """
    row = kind.model._base_manager.create(
        content=content,
        created_at=now,
        not_before=now,
        state=State.FAILED if error else State.PENDING,
        error_class=error,
        **columns,
    )
    if error:
        kind.on_failed(row, now)
    else:
        transaction.on_commit(ring)
    return row


def retire(row: Paper, now: datetime) -> None:
    """A newer version takes its place. A worker that holds it records nothing any more."""
    row.replaced_at = max(now, row.created_at)
    row.let_go()
    row.save(update_fields=["replaced_at", "lease_until", "lease_by"])


def check_printable(kind: Kind[P], row: P, *, as_old: bool = False) -> None:
    """Refuse to print what was replaced, or is not made yet.

    Args:
        as_old: the page said that this version is out of date, and it is wanted all the same.

    Raises:
        RuleViolation: with the way out.
    """
    if row.replaced_at is not None and not as_old:
        raise RuleViolation.of(
            kind.code,
            "replaced",
            "This version was replaced after you opened the page: something on it has changed. "
            "Open the newest version and print that one.",
        )
    if not row.html:
        raise RuleViolation.of(
            kind.code, "not_ready", f"The {kind.code} is not made yet. Look again in a minute."
        )


def check_can_be_tried_again(kind: Kind[P], row: P) -> None:
    """Refuse to make anew what is neither failed nor without a PDF.

    Raises:
        RuleViolation: somebody was faster.
    """
    without_pdf = row.state == State.READY and row.pdf_missing
    if row.replaced_at or not (row.state == State.FAILED or without_pdf):
        raise RuleViolation.of(
            kind.code, "not_failed", "Somebody has tried it again already. Reload the page."
        )


def record(kind: Kind[P], row: P, done: str, *, by: User, now: datetime) -> None:
    """Write who did what with a version: the event `<name>.<done>`."""
    audit.record(
        event=f"{kind.code}.{done}",
        by=by,
        at=now,
        clinic_id=row.clinic_id,
        subject_type=kind.code,
        subject_id=row.uuid,
        after={"version": row.version},
    )
