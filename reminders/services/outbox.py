"""What is to be sent: new rows, and the end of those that nobody wants any more."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.models import User
from reminders.domain.promises import PromiseKey
from reminders.models import OutboxMessage

State = OutboxMessage.State
Key = tuple[PromiseKey, str, str]
NOT_WANTED = "not_wanted"


@dataclass(frozen=True, slots=True)
class Planned:
    """A message that is owed now. With `superseded` it is put on record, but a later one goes."""

    clinic_id: int
    about: str
    promise: PromiseKey
    date_version: str
    kind: str
    template: str
    language: str
    not_before: datetime
    expires_at: datetime
    superseded: str = ""
    channel: str = OutboxMessage.Channel.EMAIL

    @property
    def key(self) -> Key:
        return (self.promise, self.date_version, self.channel)


def key_of(row: OutboxMessage) -> Key:
    """The row's key: the promise that it keeps."""
    return (row.promise, row.date_version, row.channel)


@dataclass(frozen=True, slots=True)
class Synced:
    """How many rows came and went."""

    inserted: int
    superseded: int


@transaction.atomic
def sync(*, abouts: Collection[str], plan: Sequence[Planned], by: User, now: datetime) -> Synced:
    """Make the outbox hold what the plan says about these things.

    New promises become rows; a promise that has a row already, whatever became of it, gets no
    second one. Pending rows that the plan does not want are superseded: they are never deleted.
    A row that is being sent at this moment is superseded too; its holder finds the fence closed.

    Args:
        abouts: all that the plan speaks of, and all whose plan is empty.
    """
    OutboxMessage.objects.bulk_create(
        (_row(planned, now) for planned in plan), ignore_conflicts=True
    )
    wanted = {planned.key for planned in plan if not planned.superseded}
    reasons = {planned.key: planned.superseded for planned in plan if planned.superseded}
    pending = OutboxMessage.objects.select_for_update().filter(
        about__in=abouts, state=State.PENDING
    )
    unwanted = [row for row in pending.order_by("id") if key_of(row) not in wanted]
    for row in unwanted:
        row.state, row.reason = State.SUPERSEDED, reasons.get(key_of(row), NOT_WANTED)
        row.settled_at, row.lease_until, row.lease_by = now, None, ""
        record_end(row, by=by, now=now)
    OutboxMessage.objects.bulk_update(
        unwanted, ["state", "reason", "settled_at", "lease_until", "lease_by"]
    )
    return Synced(inserted=len(plan), superseded=len(unwanted))


def _row(planned: Planned, now: datetime) -> OutboxMessage:
    made = uuid.uuid4()
    ended = bool(planned.superseded)
    return OutboxMessage(
        uuid=made,
        clinic_id=planned.clinic_id,
        about=planned.about,
        obligation=planned.promise.obligation.text,
        stamp=planned.promise.stamp,
        date_version=planned.date_version,
        milestone=planned.promise.milestone,
        channel=planned.channel,
        recipient_ref=planned.promise.recipient,
        kind=planned.kind,
        template=planned.template,
        language=planned.language,
        created_at=now,
        not_before=planned.not_before,
        expires_at=planned.expires_at,
        message_id=f"<{made}@{settings.MESSAGE_ID_DOMAIN}>",
        state=State.SUPERSEDED if ended else State.PENDING,
        reason=planned.superseded,
        settled_at=now if ended else None,
    )


def record_end(row: OutboxMessage, *, by: User, now: datetime) -> None:
    """The audit event of a row that came to its end."""
    audit.record(
        event=f"reminder.{row.state}",
        by=by,
        at=now,
        clinic_id=row.clinic_id,
        subject_type="reminder",
        subject_id=row.uuid,
        reason=row.reason,
        after={"kind": row.kind, "milestone": row.milestone, "attempts": row.attempts},
    )
