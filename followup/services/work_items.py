"""Work items: where every failure ends at a person, with an owner and a time."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from accounts import audit
from accounts.models import Role, User
from accounts.policies import Action, check_may
from accounts.selectors import roles_present
from accounts.services import system_user
from core.rules import RuleViolation
from core.words import format_date
from followup.domain.plan import tasks
from followup.models import WorkItem
from followup.selectors.reminding import facts_for
from pumps.services import lock_pump

from .reasons import LONGEST, SHORT, check_reason_and_end

Kind = WorkItem.Kind
# Whose it is first, and how long that person has.
OWNERS: Final = {
    Kind.DELIVERY_FAILED: (Role.NURSE, timedelta(hours=4)),
    Kind.NOBODY_TO_TELL: (Role.NURSE, timedelta(hours=24)),
    Kind.CALL_FAMILY: (Role.STAFF, timedelta(hours=24)),
    Kind.UNBOOKED: (Role.NURSE, timedelta(hours=24)),
    Kind.DATE_UNKNOWN: (Role.NURSE, timedelta(hours=4)),
    Kind.NO_SHOW: (Role.NURSE, timedelta(hours=4)),
    Kind.APPOINTMENT_WITHOUT_OUTCOME: (Role.STAFF, timedelta(hours=24)),
    Kind.CHANNEL_FAILING: (Role.NURSE, timedelta(hours=2)),
    Kind.SUMMARY_FAILED: (Role.STAFF, timedelta(hours=4)),
    Kind.PAPER_WITHDRAWN: (Role.NURSE, timedelta(hours=4)),
}
LADDER: Final = (Role.STAFF, Role.NURSE, Role.DOCTOR)
STEP: Final = timedelta(hours=24)
# What stays true until the facts change can only be put off, never ticked off.
STANDING: Final = {
    Kind.UNBOOKED, Kind.DATE_UNKNOWN, Kind.NOBODY_TO_TELL, Kind.CHANNEL_FAILING,
}  # fmt: skip
# Put off for days only, and for its question only: the pump may run dry meanwhile.
RUNS_DRY: Final = (Kind.UNBOOKED, Kind.DATE_UNKNOWN)
# A family goes by it until somebody calls: there is nothing to wait for.
NEVER_WAITS: Final = {Kind.PAPER_WITHDRAWN}
# What the plan itself opens, and settles when the facts have changed.
BY_PLAN: Final = {
    Kind.UNBOOKED, Kind.DATE_UNKNOWN, Kind.CALL_FAMILY, Kind.NO_SHOW,
    Kind.APPOINTMENT_WITHOUT_OUTCOME,
}  # fmt: skip
NO_LONGER: Final = WorkItem.NO_LONGER


@dataclass(frozen=True, slots=True)
class Wanted:
    """A work item that should be open."""

    clinic_id: int
    kind: Kind
    subject: str
    today: date
    pump_id: int | None = None
    due_by: datetime | None = None  # at the latest then
    details: tuple[tuple[str, str], ...] = ()
    doubts: str = ""
    before: date | None = None  # see plan.Task


def open_work_item(*, wanted: Wanted, now: datetime) -> bool:
    """Open an item unless the same question is open, put off, or was answered.

    Returns:
        Whether a new one was opened.
    """
    return bool(open_work_items(wanted=[wanted], now=now))


@transaction.atomic
def open_work_items(*, wanted: Collection[Wanted], now: datetime) -> int:
    """The same for many, in a fixed number of queries when there is nothing new."""
    if not wanted:
        return 0
    known = list(WorkItem.objects.filter(subject__in={one.subject for one in wanted}))
    by_key: dict[tuple[int, str, str], list[WorkItem]] = {}
    for item in known:
        by_key.setdefault((item.clinic_id, item.kind, item.subject), []).append(item)
    unasked = [
        one
        for one in wanted
        if not any(
            _stands(item, one) for item in by_key.get((one.clinic_id, one.kind, one.subject), [])
        )
    ]
    present = roles_present({one.clinic_id for one in unasked}) if unasked else {}
    new = [_item(one, present[one.clinic_id], now) for one in unasked]
    # Another process may open the same one at this moment: the unique index lets one in.
    WorkItem.objects.bulk_create(new, ignore_conflicts=True)
    opened = list(WorkItem.objects.filter(uuid__in=[item.uuid for item in new]) if new else [])
    for item in opened:
        _audit("work_item.opened", item, system_user("system-scan"), now)
    _bring_forward(wanted, known, now)
    return len(opened)


def _bring_forward(wanted: Collection[Wanted], known: Collection[WorkItem], now: datetime) -> None:
    """Give an open item the shorter time that it is wanted by now: its pump has run empty since.

    One that was passed on already keeps the time of the person who has it.
    """
    by = {(one.clinic_id, one.kind, one.subject): one.due_by for one in wanted if one.due_by}
    for item in known:
        due_by = by.get((item.clinic_id, Kind(item.kind), item.subject))
        if due_by is None or item.settled_at is not None or item.escalated_at is not None:
            continue
        if max(now, due_by) >= item.due_at:
            continue
        waiting = WorkItem.objects.filter(
            pk=item.pk, settled_at__isnull=True, escalated_at__isnull=True
        )
        if waiting.update(due_at=max(now, due_by)):
            _audit("work_item.brought_forward", item, system_user("system-scan"), now)


def _stands(item: WorkItem, wanted: Wanted) -> bool:
    """Whether an item that exists makes a new one needless."""
    if item.settled_at is None:
        return True
    if item.settled_until is not None:
        return item.settled_until >= wanted.today and _is_answered(item, wanted)
    # Done by a person, about one appointment: that is not asked again.
    answered = item.settle_reason != NO_LONGER
    return answered and wanted.kind in BY_PLAN - STANDING


def _is_answered(item: WorkItem, wanted: Wanted) -> bool:
    """Whether it was put off for this question: the same doubts, and no earlier day."""
    if item.put_off_for != wanted.doubts:
        return False
    before = item.put_off_before
    return wanted.before is None or (before is not None and before <= wanted.before)


def _item(one: Wanted, present: Collection[str], now: datetime) -> WorkItem:
    first, given = OWNERS[one.kind]
    owner = first if first in present else next_owner(first, present)
    due_at = now + given
    if one.due_by is not None:
        due_at = max(now, min(due_at, one.due_by))
    return WorkItem(
        clinic_id=one.clinic_id,
        pump_id=one.pump_id,
        kind=one.kind,
        subject=one.subject,
        details=dict(one.details),
        owner_role=owner,
        opened_at=now,
        due_at=due_at,
    )


@transaction.atomic
def settle_work_item(
    *, item: WorkItem, reason: str, by: User, now: datetime, ends_on: date | None = None
) -> WorkItem:
    """Say what was done about it; what still stands can only be put off until a day.

    Raises:
        RuleViolation: no reason, no end where one is needed or one too late, or settled already.
    """
    if item.pump_id is not None:
        lock_pump(item.pump_id)  # what it is put off for is asked of the facts that stand
    locked = WorkItem.objects.select_for_update(of=("self",)).select_related("clinic", "pump")
    row = locked.get(pk=item.pk)
    check_may(by, Action.BOOK, row.clinic)
    today = now.astimezone(row.clinic.zone).date()
    if row.settled_at is not None:
        raise RuleViolation.of("item", "already_settled", "Somebody has settled this already.")
    if not reason.strip():
        raise RuleViolation.of("reason", "missing", "Write what was done about it.")
    if ends_on is not None and row.kind in NEVER_WAITS:
        raise RuleViolation.of(
            "ends_on", "cannot_wait", "This cannot wait: call the family, then say what was agreed."
        )
    if ends_on is not None or row.kind in STANDING:
        if ends_on is None:
            raise RuleViolation.of(
                "ends_on", "missing", "This still stands: write until when it may wait."
            )
        check_reason_and_end(reason, ends_on, today, longest_wait(row.kind))
        _put_off_for_its_question(row, ends_on, today, now)
    _settle(row, reason.strip(), by, now, ends_on)
    return row


def _put_off_for_its_question(row: WorkItem, ends_on: date, today: date, now: datetime) -> None:
    """Note what is put off, which must be back before the pump may run dry."""
    if row.pump is None or row.kind not in RUNS_DRY:
        return
    asked = [task for facts in facts_for([row.pump], now).values() for task in tasks(facts)]
    for task in asked:
        if (task.kind, task.subject) == (row.kind, row.subject):
            check_back_in_time(ends_on, task.before, today)
            row.put_off_for, row.put_off_before = task.doubts, task.before


def check_back_in_time(ends_on: date, before: date | None, today: date) -> None:
    """Refuse to put off past the day before a pump's alarm comes or it may be empty. Until
    tomorrow is always possible.

    Raises:
        RuleViolation: `back_too_late`.
    """
    if before is None:
        return
    latest = max(today, before - timedelta(days=2)) + timedelta(days=1)
    if ends_on > latest:
        raise RuleViolation.of(
            "ends_on",
            "back_too_late",
            f"This pump's alarm comes, or it may be empty, on {format_date(before)}: put it off "
            f"until {format_date(latest)} at the latest. It can be put off again then.",
        )


def longest_wait(kind: str) -> timedelta:
    """For how long an item of that kind may be put off."""
    return SHORT if kind in RUNS_DRY else LONGEST


def settle_gone(
    *, pump_ids: Collection[int], wanted: Collection[tuple[str, str]], now: datetime
) -> int:
    """Settle what the plan opened for these pumps and does not want any more; what was put off is
    put off no longer, or the next question of its kind would wait for an answer of the last.

    Called within the transaction that planned.
    """
    rows = WorkItem.objects.select_for_update().filter(
        open_or_put_off(now), pump_id__in=pump_ids, kind__in=BY_PLAN
    )
    gone = [
        row
        for row in rows.order_by("id")
        if (row.kind, row.subject) not in wanted
        and (row.settled_at is None or row.kind in STANDING)
    ]
    _end(gone, now)
    return len(gone)


@transaction.atomic
def settle_for_clinics(*, kind: Kind, clinic_ids: Collection[int], now: datetime) -> None:
    """Settle a clinic's own item: it has a nurse to tell again, or its mail leaves again."""
    rows = WorkItem.objects.select_for_update().filter(
        open_or_put_off(now), kind=kind, clinic_id__in=clinic_ids
    )
    _end(list(rows.order_by("id")), now)


@transaction.atomic
def settle_all_of_pump(*, pump_id: int, now: datetime) -> int:
    """Settle whatever waits about a pump that was taken out, put off or not."""
    rows = WorkItem.objects.select_for_update().filter(open_or_put_off(now), pump_id=pump_id)
    waiting = list(rows.order_by("id"))
    _end(waiting, now)
    return len(waiting)


@transaction.atomic
def settle_by_system(*, kind: Kind, subject: str, reason: str, now: datetime) -> bool:
    """Settle the open item about one subject: what it spoke of has come right by itself."""
    rows = WorkItem.objects.select_for_update().filter(
        kind=kind, subject=subject, settled_at__isnull=True
    )
    for row in rows:
        _settle(row, reason, system_user("system-scan"), now, None)
        return True
    return False


@transaction.atomic
def settle_for_pump(*, kind: Kind, pump_id: int, reason: str, now: datetime) -> int:
    """Settle a pump's open items of a kind: what they asked for was done in another place."""
    rows = WorkItem.objects.select_for_update().filter(
        kind=kind, pump_id=pump_id, settled_at__isnull=True
    )
    found = list(rows.order_by("id"))
    for row in found:
        _settle(row, reason, system_user("system-scan"), now, None)
    return len(found)


def open_or_put_off(now: datetime) -> Q:
    """What waits for somebody, now or when its day has come in whatever zone."""
    return Q(settled_at__isnull=True) | Q(settled_until__gte=(now - timedelta(days=1)).date())


def _end(rows: Collection[WorkItem], now: datetime) -> None:
    """The cause is gone: an open item is settled, one that was put off keeps its person's reason
    and waits for no day any more."""
    by = system_user("system-scan")
    for row in rows:
        if row.settled_at is None:
            _settle(row, NO_LONGER, by, now, None)
        else:
            row.settled_until = None
            row.save(update_fields=["settled_until"])
            _audit("work_item.put_off_ended", row, by, now, NO_LONGER)


def _settle(row: WorkItem, reason: str, by: User, now: datetime, ends_on: date | None) -> None:
    row.settled_at, row.settled_by, row.settle_reason = now, by, reason
    row.settled_until = ends_on
    row.save()
    _audit("work_item.settled", row, by, now, reason)


def next_owner(role: str, present: Collection[str]) -> Role:
    """Who has an item after this role: the next one on the ladder that somebody of the clinic
    has, else the highest that somebody has, else the administrator, who gives roles."""
    there = [one for one in LADDER if one in present]
    start = LADDER.index(Role(role)) + 1 if role in LADDER else 0
    above = [one for one in there if one in LADDER[start:]]
    return (above or there[-1:] or [Role.ADMIN])[0]


@transaction.atomic
def escalate_overdue(*, now: datetime, limit: int = 500) -> int:
    """Pass on what its owner did not settle in time, to the next person; and what went to the
    administrator for want of anybody, as soon as somebody is there."""
    rows = WorkItem.objects.select_for_update(skip_locked=True).filter(
        Q(due_at__lt=now) | Q(owner_role=Role.ADMIN), settled_at__isnull=True
    )
    found = list(rows.order_by("due_at", "id")[:limit])
    present = roles_present({row.clinic_id for row in found}) if found else {}
    overdue = [row for row in found if row.due_at < now or present[row.clinic_id] & {*LADDER}]
    for row in overdue:
        row.owner_role = next_owner(row.owner_role, present[row.clinic_id])
        row.escalated_at, row.due_at = now, now + STEP
        row.save(update_fields=["owner_role", "escalated_at", "due_at"])
        _audit("work_item.escalated", row, system_user("system-scan"), now)
    return len(overdue)


def _audit(event: str, row: WorkItem, by: User, now: datetime, reason: str = "") -> None:
    after: dict[str, Any] = {"kind": row.kind, "owner_role": row.owner_role}
    audit.record(
        event=event,
        by=by,
        at=now,
        clinic_id=row.clinic_id,
        subject_type="work_item",
        subject_id=row.uuid,
        reason=reason,
        after=after,
    )
