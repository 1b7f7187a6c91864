"""The plan of reminders, brought into the outbox and the work items.

`plan_for` runs inside the transaction that changed what it depends on (`resync` calls it), and
from the due scan for what only the passing of time brings. Whoever calls it holds the pumps' locks.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef
from django.db.models.functions import Cast

from accounts.models import User
from accounts.policies import Action, check_may
from accounts.services import system_user
from alarms.domain.status import Status
from followup.domain import plan
from followup.models import WorkItem
from followup.selectors.reminding import facts_for, pumps_to_plan
from patients import services as patients
from patients.models import Caregiver, ConsentWithdrawal, ContactConsent, Patient
from pumps.models import Pump
from reminders.domain.wording import BOARD, CALL_US
from reminders.models import OutboxMessage
from reminders.selectors import reachable_nurses, rows_about
from reminders.services.outbox import Planned, sync

from .work_items import (
    Wanted,
    open_or_put_off,
    open_work_items,
    settle_for_clinics,
    settle_gone,
)

Kind = WorkItem.Kind
State = OutboxMessage.State
CHUNK: Final = 500
# A nurse who could not be told within this time is told by a person.
NURSE_LIMIT: Final = timedelta(days=1)
# How long a pump that nothing is booked for may wait for somebody, once it has run out or may have.
HOURS: Final = {Status.EMPTY: timedelta(hours=2), Status.ALARM: timedelta(hours=4)}
MAY_BE_EMPTY: Final = timedelta(hours=4)


def plan_for(pump_ids: Collection[int], *, now: datetime) -> None:
    """Make the outbox and the work items say what is owed for these pumps now."""
    there = _what_is_there(pump_ids, now)
    found = facts_for(there.pumps.values(), now)
    rows = {str(pump.uuid): list[OutboxMessage]() for pump in there.pumps.values()}
    rows |= rows_about(there.with_rows) if there.with_rows else {}
    messages: list[Planned] = []
    items: list[Wanted] = []
    for pump_id, facts in found.items():
        pump = there.pumps[pump_id]
        late = _add_messages(messages, pump, facts, rows[facts.pump], now)
        items += _items(pump, facts, late, now)
    if messages or any(rows.values()):
        sync(abouts=list(rows), plan=messages, by=system_user("system-scan"), now=now)
    open_work_items(wanted=items, now=now)
    if there.with_items:
        wanted = {(item.kind, item.subject) for item in items}
        settle_gone(pump_ids=there.with_items, wanted=wanted, now=now)


@dataclass(frozen=True, slots=True)
class _There:
    """The pumps by id, and which of them have messages, and tasks that are open or put off, at
    all: most have neither."""

    pumps: dict[int, Pump]
    with_rows: list[str]  # their uuids
    with_items: list[int]


def _what_is_there(pump_ids: Collection[int], now: datetime) -> _There:
    open_items = WorkItem.objects.filter(open_or_put_off(now), pump=OuterRef("pk"))
    messages = OutboxMessage.objects.filter(about=Cast(OuterRef("uuid"), CharField()))
    found = list(
        Pump.objects.filter(pk__in=pump_ids)
        .select_related("clinic")
        .annotate(has_items=Exists(open_items), has_rows=Exists(messages))
    )
    return _There(
        pumps={pump.pk: pump for pump in found},
        with_rows=[str(pump.uuid) for pump in found if pump.has_rows],
        with_items=[pump.pk for pump in found if pump.has_items],
    )


def _add_messages(
    messages: list[Planned],
    pump: Pump,
    facts: plan.Facts,
    rows: list[OutboxMessage],
    now: datetime,
) -> bool:
    """Add what is owed; True when a family's message could not leave before the appointment."""
    known = [_as_sent(row) for row in rows]
    too_late = False
    for promise in plan.promises(facts):
        version = plan.version_for(promise, facts.input_version, known)
        if version is None:
            continue
        planned = _planned(pump, facts, promise, version, now)
        if planned.not_before >= planned.expires_at:
            too_late = True
        else:
            messages.append(planned)
    return too_late


def _as_sent(row: OutboxMessage) -> plan.Sent:
    return plan.Sent(
        promise=row.promise,
        date_version=row.date_version,
        live=row.state not in (State.SUPERSEDED, State.SUPPRESSED),
        pending=row.state == State.PENDING,
    )


def _planned(
    pump: Pump, facts: plan.Facts, promise: plan.Promise, version: str, now: datetime
) -> Planned:
    not_before, expires_at = now, now + NURSE_LIMIT
    if promise.to_family and facts.coming is not None:
        clinic = pump.clinic
        local = now.astimezone(clinic.zone)
        not_before = plan.end_of_quiet(local, clinic.quiet_from, clinic.quiet_until) or now
        expires_at = facts.coming.starts_at
    return Planned(
        clinic_id=pump.clinic_id,
        about=facts.pump,
        promise=promise.key,
        date_version=version,
        kind=plan.APPOINTMENT_SOON if promise.to_family else plan.REFILL,
        template=CALL_US if promise.to_family else BOARD,
        language=promise.language,
        not_before=not_before,
        expires_at=expires_at,
        superseded=promise.superseded,
    )


def _items(pump: Pump, facts: plan.Facts, too_late: bool, now: datetime) -> list[Wanted]:
    found = plan.tasks(facts)
    if too_late and facts.coming is not None:
        found.append(plan.Task("call_family", facts.coming.ref))
    items = [
        Wanted(
            clinic_id=pump.clinic_id,
            kind=Kind(task.kind),
            subject=task.subject,
            today=facts.today,
            pump_id=pump.pk,
            doubts=task.doubts,
            before=task.before,
            due_by=_due_by(task, facts, now),
        )
        for task in found
    ]
    if not facts.nurses and _someone_should_know(facts):
        items.append(
            Wanted(pump.clinic_id, Kind.NOBODY_TO_TELL, f"{pump.clinic.uuid}", facts.today)
        )
    return items


def _due_by(task: plan.Task, facts: plan.Facts, now: datetime) -> datetime | None:
    """The time of a task that cannot have the time of its kind."""
    if task.kind == "call_family" and facts.coming is not None:
        return facts.coming.starts_at
    if task.kind != "unbooked":
        return None
    given = HOURS.get(facts.status)
    if given is None and plan.rung_of(facts) == len(plan.LADDER):
        given = MAY_BE_EMPTY
    return None if given is None else now + given


def _someone_should_know(facts: plan.Facts) -> bool:
    """A pump without a date has a work item of its own already."""
    return not facts.booked and plan.rung_of(facts) > 0


def plan_due(*, now: datetime, chunk: int = CHUNK) -> int:
    """Plan what the passing of time brought: a window that opened, an appointment that came near.

    Returns:
        How many pumps were planned.
    """
    _settle_reachable(now)
    last, planned = 0, 0
    while pump_ids := pumps_to_plan(now, after=last, size=chunk):
        _plan_locked(pump_ids, now)
        last, planned = pump_ids[-1], planned + len(pump_ids)
    return planned


@transaction.atomic
def _plan_locked(pump_ids: list[int], now: datetime) -> None:
    locked = Pump.objects.select_for_update(no_key=True).filter(pk__in=pump_ids)
    plan_for(list(locked.order_by("pk").values_list("pk", flat=True)), now=now)


def _settle_reachable(now: datetime) -> None:
    """Clinics that have a nurse to tell again."""
    waiting = WorkItem.objects.filter(open_or_put_off(now), kind=Kind.NOBODY_TO_TELL)
    clinic_ids = list(waiting.values_list("clinic_id", flat=True))
    reachable = list(reachable_nurses(clinic_ids)) if clinic_ids else []
    if reachable:
        settle_for_clinics(kind=Kind.NOBODY_TO_TELL, clinic_ids=reachable, now=now)


@transaction.atomic
def record_consent(
    *,
    caregiver: Caregiver,
    by: User,
    now: datetime,
    valid_until: datetime | None = None,
    agreed: str = "",
) -> ContactConsent:
    """Record a family's consent to e-mail, and plan its reminders."""
    check_may(by, Action.CONTACT, caregiver.patient.clinic)
    consent = patients.record_consent(
        caregiver=caregiver,
        channel=ContactConsent.Channel.EMAIL,
        by=by,
        now=now,
        valid_until=valid_until,
        agreed=agreed,
    )
    _plan_patient(caregiver.patient_id, now)
    return consent


@transaction.atomic
def withdraw_consent(*, consent: ContactConsent, by: User, now: datetime) -> ConsentWithdrawal:
    """Obey a withdrawal at once: what waits is taken back, and the clinic calls instead."""
    check_may(by, Action.CONTACT, consent.caregiver.patient.clinic)
    row = patients.withdraw_consent(consent=consent, by=by, now=now)
    _plan_patient(consent.caregiver.patient_id, now)
    return row


@transaction.atomic
def withdraw_all(*, caregiver: Caregiver, by: User, now: datetime) -> int:
    """Obey at once that somebody wants no e-mail any more. Returns how many consents ended."""
    check_may(by, Action.CONTACT, caregiver.patient.clinic)
    ended = patients.withdraw_all(caregiver=caregiver, by=by, now=now)
    _plan_patient(caregiver.patient_id, now)
    return ended


@transaction.atomic
def add_caregiver(
    *, patient: Patient, entry: patients.CaregiverEntry, by: User, now: datetime
) -> Caregiver:
    """Add somebody to call about a patient."""
    check_may(by, Action.CONTACT, patient.clinic)
    return patients.add_caregiver(patient=patient, entry=entry, by=by, now=now)


@transaction.atomic
def change_caregiver(
    *, caregiver: Caregiver, entry: patients.CaregiverEntry, by: User, now: datetime
) -> bool:
    """Change somebody to call; with another address the consent ends, and the plan follows.

    Returns:
        Whether a consent ended by it.
    """
    check_may(by, Action.CONTACT, caregiver.patient.clinic)
    ended = patients.change_caregiver(caregiver=caregiver, entry=entry, by=by, now=now)
    _plan_patient(caregiver.patient_id, now)
    return ended


@transaction.atomic
def remove_caregiver(*, caregiver: Caregiver, reason: str, by: User, now: datetime) -> Caregiver:
    """Take somebody off the people to call; what waits for them is taken back."""
    check_may(by, Action.CONTACT, caregiver.patient.clinic)
    row = patients.remove_caregiver(caregiver=caregiver, reason=reason, by=by, now=now)
    _plan_patient(caregiver.patient_id, now)
    return row


def _plan_patient(patient_id: int, now: datetime) -> None:
    locked = Pump.objects.select_for_update(no_key=True).filter(patient_id=patient_id)
    plan_for(list(locked.order_by("pk").values_list("pk", flat=True)), now=now)
