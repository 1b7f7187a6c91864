"""Who sends a message, and what came of it.

A row is claimed for a time (`core.leases`), sent outside every transaction, and recorded behind a
fence: only the holder of the lease may say what came of it.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from core import leases
from core.retry import next_attempt
from reminders.domain import retry
from reminders.domain.retry import Outcome
from reminders.domain.wording import BOARD
from reminders.models import DeliveryAttempt, OutboxMessage
from reminders.selectors import workers_lost
from reminders.services.outbox import record_end

State = OutboxMessage.State
# Longer than one attempt can take: nine waits on the server of EMAIL_TIMEOUT each.
LEASE: Final = timedelta(seconds=120)
LOST_WORKER: Final = "WorkerLost"
FUTURE: Final = timedelta(minutes=1)  # by so much two machines' clocks may differ


@dataclass(frozen=True, slots=True)
class Attempt:
    """What happened in one try."""

    started_at: datetime
    ended_at: datetime
    outcome: Outcome
    smtp_code: int | None = None
    error_class: str = ""
    channel: bool = False  # the fault is ours, and every message's


def _pending() -> QuerySet[OutboxMessage]:
    return OutboxMessage.objects.filter(state=State.PENDING)


def claim(*, worker: str, limit: int, lease: timedelta = LEASE) -> list[OutboxMessage]:
    """Take up to `limit` rows that are due, for the length of the lease."""
    due = _pending().filter(leases.FREE, leases.DUE).order_by("not_before", "id")
    ids = leases.claim(due, worker=worker, lease=lease, limit=limit)
    rows = OutboxMessage.objects.filter(pk__in=ids).select_related("clinic")
    return list(rows.order_by("not_before", "id"))


def hold(*, message: OutboxMessage, worker: str, lease: timedelta = LEASE) -> bool:
    """Lengthen the lease right before sending; False when it is lost, and nothing may be sent."""
    return leases.hold(message, worker=worker, lease=lease)


@transaction.atomic
def record_outcome(
    *, message: OutboxMessage, worker: str, attempt: Attempt, by: User
) -> OutboxMessage | None:
    """Record an attempt, and what it means for the row if the worker still holds it.

    The attempt is a fact and is kept in any case; the fence guards the row alone.

    Returns:
        The row as it stands now, or None when somebody else decides about it.
    """
    _add_attempt(message, worker, attempt)
    row = _fenced(message, worker)
    if row is None:
        return None
    _apply(row, attempt)
    _save(row, by=by, now=attempt.ended_at)
    if row.state == State.SENT and row.template == BOARD:
        _carry(row, worker, attempt, by=by)
    return row


def _add_attempt(message: OutboxMessage, worker: str, attempt: Attempt) -> None:
    DeliveryAttempt.objects.create(
        message=message,
        started_at=attempt.started_at,
        ended_at=attempt.ended_at,
        outcome=attempt.outcome,
        smtp_code=attempt.smtp_code,
        error_class=attempt.error_class,
        lease_by=worker,
    )


def _fenced(message: OutboxMessage, worker: str) -> OutboxMessage | None:
    try:  # late: what has left has left, and would leave again if nobody said so
        return leases.fenced(_pending(), message.pk, worker=worker, late=True)
    except leases.LeaseLostError:
        return None


def _apply(row: OutboxMessage, attempt: Attempt) -> None:
    row.let_go()
    if attempt.outcome == Outcome.ACCEPTED:
        row.state, row.settled_at = State.SENT, attempt.ended_at
        return
    if attempt.outcome == Outcome.PERMANENT:
        _end(row, State.DEAD, "refused", attempt.ended_at)
        return
    row.not_before = next_attempt(attempt.ended_at, row.attempts, random.randrange(1000))  # noqa: S311 - spreads load, guards nothing
    if retry.is_too_late(row.not_before, row.expires_at):
        _end(row, State.DEAD, "no_time_left", attempt.ended_at)


def _end(row: OutboxMessage, state: State, reason: str, now: datetime) -> None:
    row.state, row.reason, row.settled_at = state, reason, now
    row.let_go()


def _save(row: OutboxMessage, *, by: User, now: datetime) -> None:
    row.save(
        update_fields=[
            "state", "reason", "settled_at", "lease_until", "lease_by", "not_before", "attempts",
        ]
    )  # fmt: skip
    if row.state != State.PENDING:
        record_end(row, by=by, now=now)


def _carry(sent: OutboxMessage, worker: str, attempt: Attempt, *, by: User) -> None:
    """One e-mail tells a nurse to look at the board: it says the same as every other such message
    that was due for that nurse when it left. Each keeps its own record of that."""
    others = (
        OutboxMessage.objects.select_for_update(skip_locked=True)
        .filter(
            clinic=sent.clinic_id,
            template=BOARD,
            recipient_ref=sent.recipient_ref,
            state=State.PENDING,
            not_before__lte=attempt.started_at,
            created_at__lte=attempt.started_at,
            lease_by__in=["", worker],
        )
        .order_by("id")
    )
    for row in others:
        row.attempts += 1
        row.carried_by = sent
        _end(row, State.SENT, "", attempt.ended_at)
        row.save()
        _add_attempt(row, worker, attempt)
        record_end(row, by=by, now=attempt.ended_at)


@transaction.atomic
def end_unsent(
    *, message: OutboxMessage, worker: str, state: State, reason: str, by: User, now: datetime
) -> OutboxMessage | None:
    """End a row without sending: held back, or too late. None when it is no longer ours."""
    row = _fenced(message, worker)
    if row is not None:
        _end(row, state, reason, now)
        _save(row, by=by, now=now)
    return row


@transaction.atomic
def put_back(*, message: OutboxMessage, worker: str, not_before: datetime) -> None:
    """Give a claimed row back untried: it is night for a family."""
    row = _fenced(message, worker)
    if row is not None:
        row.let_go()
        row.attempts -= 1
        row.not_before = not_before
        row.save(update_fields=["lease_until", "lease_by", "attempts", "not_before"])


def lost_leases() -> list[int]:
    """Rows whose worker is gone, by id."""
    return leases.lost(_pending())


@transaction.atomic
def recover_lease(*, message_id: int, by: User, now: datetime) -> OutboxMessage | None:
    """Free a row whose worker is gone, with an attempt of unknown outcome. A row that loses its
    worker again and again dies of it.

    Returns:
        The row as it stands now; None when somebody else has freed it.
    """
    row = leases.lock_lost(_pending().select_related("clinic"), message_id)
    if row is None:
        return None
    ended = max(now, row.lease_until or now)
    attempt = Attempt(
        started_at=min(now, (row.lease_until or now) - LEASE),
        ended_at=ended,
        outcome=Outcome.UNKNOWN,
        error_class=LOST_WORKER,
    )
    _add_attempt(row, row.lease_by, attempt)
    row.let_go()
    if workers_lost(row, LOST_WORKER) >= retry.WORKERS_LOST:
        _end(row, State.DEAD, "worker_lost", now)
    _save(row, by=by, now=now)
    return row


def without_time(*, now: datetime) -> list[int]:
    """Rows that nobody sent in their time and that nobody holds, by id."""
    rows = OutboxMessage.objects.filter(
        state=State.PENDING, expires_at__lte=now, lease_until__isnull=True
    )
    return list(rows.order_by("id").values_list("pk", flat=True)[:200])


@transaction.atomic
def end_without_time(*, message_id: int, by: User, now: datetime) -> OutboxMessage | None:
    """End a row whose time is over. None when somebody has taken it meanwhile."""
    rows = OutboxMessage.objects.select_for_update(of=("self",), skip_locked=True).filter(
        pk=message_id, state=State.PENDING, lease_until__isnull=True
    )
    row = rows.select_related("clinic").first()
    if row is not None:
        _end(row, State.DEAD, "no_time_left", now)
        _save(row, by=by, now=now)
    return row


def hold_nothing_from_the_future(*, now: datetime) -> int:
    """Let leave what was planned while a clock was ahead, and would wait until then."""
    rows = OutboxMessage.objects.filter(
        state=State.PENDING, lease_until__isnull=True, attempts=0, created_at__gt=now + FUTURE
    )
    return rows.filter(not_before__gt=now).update(not_before=now)
