"""The outbox's other end: look again, send, record; and a failure becomes somebody's task."""

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from accounts.models import Clinic, User
from accounts.services import system_user
from followup.domain import plan
from followup.models import ScanRun, WorkItem
from followup.selectors.reminding import facts_for
from pumps.models import Pump
from reminders import transports
from reminders.domain.retry import Outcome
from reminders.domain.wording import BOARD, CALL_US
from reminders.models import OutboxMessage
from reminders.selectors import address_of
from reminders.services import delivery
from reminders.services.delivery import Attempt

from .work_items import (
    Wanted,
    open_or_put_off,
    open_work_item,
    open_work_items,
    settle_for_clinics,
)

logger = logging.getLogger(__name__)

Kind = WorkItem.Kind
State = OutboxMessage.State
Send = Callable[[transports.Letter], transports.Answer]
# Shorter than the time between two rings: a slow mail server must not take the scans' worker.
SLICE_SECONDS: Final = 20
# So many letters in a row of which nobody knows whether they arrived: it is the server, not they.
UNKNOWN_IN_A_ROW: Final = 3
A_MOMENT: Final = timedelta(minutes=1)


@dataclass(slots=True)
class Delivered:
    """What one run did."""

    sent: int = 0
    failed: int = 0
    held_back: int = 0
    unknown_in_a_row: int = 0
    channel_fails: bool = False
    clinics_failed: set[int] = field(default_factory=set)


def deliver(
    *,
    clock: Callable[[], datetime],
    send: Send = transports.send,
    ticks: Callable[[], float] = time.monotonic,
) -> Delivered:
    """Send what is due, a row at a time, for some seconds; what is left stays due, and the next
    ring takes it. Any number of these may run at once.

    When the mail server refuses us, rather than a recipient, the run stops: the rows wait, and
    one work item tells each clinic that has some.

    Args:
        ticks: seconds that only go forward.
    """
    started, until = clock(), ticks() + SLICE_SECONDS
    recover(clock=clock)
    done, by = Delivered(), system_user("system-scan")
    while not done.channel_fails and ticks() < until:
        worker = uuid.uuid4().hex
        rows = delivery.claim(worker=worker, limit=1)
        if not rows:
            break
        _deliver_one(rows[0], worker, by, done, clock, send)
    _tell_of_channel(done, clock())
    _note(started, clock())
    if done.sent or done.failed or done.held_back:
        logger.info(
            "deliver: sent=%d failed=%d held_back=%d", done.sent, done.failed, done.held_back
        )
    return done


def _note(started: datetime, ended: datetime) -> None:
    """That somebody delivers: one row that moves on, since it is news only when nobody does."""
    times = {"started_at": started, "finished_at": max(started, ended)}
    if not ScanRun.objects.filter(kind=ScanRun.Kind.DELIVERY).update(**times):
        ScanRun.objects.create(kind=ScanRun.Kind.DELIVERY, **times)


def recover(*, clock: Callable[[], datetime]) -> int:
    """Free what a killed worker held; what killed too many of them becomes a person's task.

    Returns:
        How many died of it.
    """
    now, by = clock(), system_user("system-scan")
    delivery.hold_nothing_from_the_future(now=now)

    def free(message_id: int) -> OutboxMessage | None:
        return delivery.recover_lease(message_id=message_id, by=by, now=now)

    return _end_each(delivery.lost_leases(), free, now)


def end_expired(*, now: datetime) -> int:
    """Make what nobody sent in its time a person's task, also while nobody delivers at all.

    Returns:
        How many.
    """
    by = system_user("system-scan")

    def end(message_id: int) -> OutboxMessage | None:
        return delivery.end_without_time(message_id=message_id, by=by, now=now)

    return _end_each(delivery.without_time(now=now), end, now)


def _end_each(
    message_ids: list[int], act: Callable[[int], OutboxMessage | None], now: datetime
) -> int:
    """Do it to each row, with its task if it died: one that cannot be ended stops no other."""
    dead = 0
    for message_id in message_ids:
        try:
            with transaction.atomic():
                row = act(message_id)
                if row is not None and row.state == State.DEAD:
                    _tell_somebody(row, now)
                    dead += 1
        except Exception as error:  # it is tried again at the next ring, and the watchdog tells
            logger.error("not ended: message_id=%d %s", message_id, type(error).__name__)
    return dead


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
        later = max(quiet_until, now + A_MOMENT)  # never at once: it would be claimed for ever
        delivery.put_back(message=row, worker=worker, not_before=later)
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
    return plan.why_not(facts, row.promise)


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
        done.unknown_in_a_row = 0
        return
    done.failed += 1
    done.unknown_in_a_row = done.unknown_in_a_row + 1 if answer.outcome == Outcome.UNKNOWN else 0
    if answer.channel or done.unknown_in_a_row >= UNKNOWN_IN_A_ROW:
        done.channel_fails = True
        done.clinics_failed.add(row.clinic_id)
    if now_is is not None and now_is.state == State.DEAD:
        _tell_somebody(now_is, ended)


def _tell_of_channel(done: Delivered, now: datetime) -> None:
    """Every clinic whose messages wait is told that the mail server does not take them; when it
    takes some again, nobody needs to look any more."""
    if done.channel_fails:
        waiting = OutboxMessage.objects.filter(state=State.PENDING, not_before__lte=now)
        clinic_ids = done.clinics_failed | set(waiting.values_list("clinic_id", flat=True))
        wanted = [
            Wanted(one.pk, Kind.CHANNEL_FAILING, str(one.uuid), now.astimezone(one.zone).date())
            for one in Clinic.objects.filter(pk__in=clinic_ids).order_by("pk")
        ]
        open_work_items(wanted=wanted, now=now)
    elif done.sent:
        told = WorkItem.objects.filter(open_or_put_off(now), kind=Kind.CHANNEL_FAILING)
        clinic_ids = set(told.values_list("clinic_id", flat=True))
        if clinic_ids:
            settle_for_clinics(kind=Kind.CHANNEL_FAILING, clinic_ids=clinic_ids, now=now)


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
