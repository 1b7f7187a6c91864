"""The outbox's other end: look again, send, record; and a failure becomes somebody's task."""

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import transaction

from accounts.models import User
from accounts.services import system_user
from alarms.domain import plan
from alarms.models import WorkItem
from alarms.selectors.reminding import facts_for
from pumps.models import Pump
from reminders import transports
from reminders.domain.retry import Outcome
from reminders.domain.wording import BOARD, CALL_US
from reminders.models import OutboxMessage
from reminders.selectors import address_of
from reminders.services import delivery
from reminders.services.delivery import Attempt

from .work_items import Wanted, open_work_item, settle_for_clinics

logger = logging.getLogger(__name__)

Kind = WorkItem.Kind
State = OutboxMessage.State
Send = Callable[[transports.Letter], transports.Answer]
BATCH: Final = 10
MAX_BATCHES: Final = 100  # leftovers stay due; the next ring takes them


@dataclass(slots=True)
class Delivered:
    """What one run did."""

    sent: int = 0
    failed: int = 0
    held_back: int = 0
    channel_fails: bool = False
    clinics_reached: set[int] = field(default_factory=set)


def deliver(
    *, clock: Callable[[], datetime], send: Send = transports.send, batch: int = BATCH
) -> Delivered:
    """Send what is due. Any number of these may run at once.

    When the mail server refuses us, rather than a recipient, the run stops: the rows wait, and
    one work item a clinic tells of it.
    """
    recover(clock=clock)
    done, by = Delivered(), system_user("system-scan")
    for _ in range(MAX_BATCHES):
        worker = uuid.uuid4().hex
        rows = delivery.claim(worker=worker, limit=batch)
        for row in rows:
            if done.channel_fails:
                delivery.put_back(message=row, worker=worker)
            else:
                _deliver_one(row, worker, by, done, clock, send)
        if not rows or done.channel_fails:
            break
    if done.clinics_reached and not done.channel_fails:
        settle_for_clinics(kind=Kind.CHANNEL_FAILING, clinic_ids=done.clinics_reached, now=clock())
    if done.sent or done.failed or done.held_back:
        logger.info(
            "deliver: sent=%d failed=%d held_back=%d", done.sent, done.failed, done.held_back
        )
    return done


def recover(*, clock: Callable[[], datetime]) -> int:
    """Free what a killed worker held; what killed too many of them becomes a person's task."""
    now = clock()
    with transaction.atomic():
        dead = delivery.recover_leases(by=system_user("system-scan"), now=now)
        for row in dead:
            _tell_somebody(row, now)
    return len(dead)


def _deliver_one(
    row: OutboxMessage,
    worker: str,
    by: User,
    done: Delivered,
    clock: Callable[[], datetime],
    send: Send,
) -> None:
    try:
        to = _ready(row, worker, by, done, clock())
        if not to or not delivery.hold(message=row, worker=worker):
            return
        letter = transports.letter_for(row, to)
    except Exception as error:  # this row must not stop the others; its lease runs out and counts
        logger.error("not delivered: message %s %s", row.uuid, type(error).__name__)
        done.failed += 1
        return
    started = clock()
    answer = send(letter)
    _record(row, worker, by, done, started, clock(), answer)


def _ready(row: OutboxMessage, worker: str, by: User, done: Delivered, now: datetime) -> str:
    """The address to send to now; empty when the row was ended or put back instead."""
    reason = why_not_wanted(row, now)
    if reason:
        _hold_back(row, worker, by, done, State.SUPPRESSED, reason, now)
        return ""
    if now >= row.expires_at:
        _hold_back(row, worker, by, done, State.DEAD, "no_time_left", now)
        return ""
    quiet_until = _quiet_until(row, now)
    if quiet_until is not None and quiet_until >= row.expires_at:
        _hold_back(row, worker, by, done, State.DEAD, "no_time_left", now)
        return ""
    if quiet_until is not None:
        delivery.put_back(message=row, worker=worker, not_before=quiet_until)
        return ""
    to = address_of(row)
    if not to:
        _hold_back(row, worker, by, done, State.DEAD, "no_address", now)
    return to


def why_not_wanted(row: OutboxMessage, now: datetime) -> str:
    """Why a message should not leave any more, as a code; empty while it should.

    Asked of the facts themselves: refilled, rebooked, excluded, taken out, consent withdrawn.
    """
    pumps = list(Pump.objects.filter(uuid=row.about))
    facts = facts_for(pumps, now).get(pumps[0].pk) if pumps else None
    return plan.why_not(facts, row.obligation, row.stamp, row.milestone, row.recipient_ref)


def _quiet_until(row: OutboxMessage, now: datetime) -> datetime | None:
    """Families are not woken; a nurse's mailbox may get a message at any hour."""
    if row.template != CALL_US:
        return None
    clinic = row.clinic
    return plan.end_of_quiet(now.astimezone(clinic.zone), clinic.quiet_from, clinic.quiet_until)


@transaction.atomic
def _hold_back(
    row: OutboxMessage,
    worker: str,
    by: User,
    done: Delivered,
    state: State,
    reason: str,
    now: datetime,
) -> None:
    ended = delivery.end_unsent(
        message=row, worker=worker, state=state, reason=reason, by=by, now=now
    )
    done.held_back += 1
    if ended is not None and ended.state == State.DEAD:
        _tell_somebody(ended, now)


@transaction.atomic
def _record(
    row: OutboxMessage,
    worker: str,
    by: User,
    done: Delivered,
    started: datetime,
    ended: datetime,
    answer: transports.Answer,
) -> None:
    attempt = Attempt(
        started_at=started,
        ended_at=max(started, ended),
        outcome=answer.outcome,
        smtp_code=answer.smtp_code,
        error_class=answer.error_class,
        channel=answer.channel,
    )
    now_is = delivery.record_outcome(message=row, worker=worker, attempt=attempt, by=by)
    if answer.outcome == Outcome.ACCEPTED:
        done.sent += 1
        done.clinics_reached.add(row.clinic_id)
        return
    done.failed += 1
    if answer.channel:
        done.channel_fails = True
        _tell_of_channel(row, ended)
    if now_is is not None and now_is.state == State.DEAD:
        _tell_somebody(now_is, ended)


def _tell_of_channel(row: OutboxMessage, now: datetime) -> None:
    today = now.astimezone(row.clinic.zone).date()
    wanted = Wanted(row.clinic_id, Kind.CHANNEL_FAILING, str(row.clinic.uuid), today)
    open_work_item(wanted=wanted, now=now)


def _tell_somebody(row: OutboxMessage, now: datetime) -> None:
    """A message that could not be delivered: one item for a nurse who can't be reached, whatever
    the number of messages, and one for each family's message, which somebody must say by phone."""
    pump_id = Pump.objects.filter(uuid=row.about).values_list("pk", flat=True).first()
    to_nurse = row.template == BOARD
    wanted = Wanted(
        clinic_id=row.clinic_id,
        kind=Kind.DELIVERY_FAILED,
        subject=row.recipient_ref if to_nurse else str(row.uuid),
        today=now.astimezone(row.clinic.zone).date(),
        pump_id=None if to_nurse else pump_id,
        due_by=None if to_nurse else max(now, row.expires_at),
        details=(("reason", row.reason), ("message", str(row.uuid))),
    )
    open_work_item(wanted=wanted, now=now)
