"""What the plan of reminders is made from, and which pumps need one: a query each, for many."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import (
    Case,
    CharField,
    DateField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Cast, Concat

from accounts.models import Clinic, Membership, Role
from alarms.domain.status import Status
from alarms.models import Projection
from alarms.selectors import worklist
from alarms.selectors.deadlines import deadlines_in
from alarms.selectors.listed import ListedPump, Pumps, rows_of
from followup.domain import plan
from followup.models import WorkItem
from patients.selectors import contacts_for_reminders
from pumps.models import Pump
from refills.models import Appointment, Fill
from reminders.domain.promises import prefix_of
from reminders.domain.wording import ENGLISH, language_code
from reminders.models import OutboxMessage
from reminders.selectors import reachable_nurses

# How long after its hour an appointment without an outcome becomes somebody's question.
GRACE: Final = timedelta(hours=4)
# A pump is unknown between its implant and its first fill, and that is no news yet.
NEW: Final = timedelta(minutes=20)
CANDIDATES: Final = 2000
_LIVE: Final = ("pending", "sent", "dead")


def facts_for(pumps: Collection[Pump], now: datetime) -> dict[int, plan.Facts]:
    """The plan's facts of the pumps that are on the list; the others are left out."""
    listed = (
        worklist.listed_pumps({pump.clinic_id for pump in pumps}, now)
        .filter(pk__in=[pump.pk for pump in pumps])
        .annotate(open_end=Exists(_unresolved().filter(pump=OuterRef("pk"))))
        .select_related("projection", "clinic")
        .order_by("pk")
    )
    found = list(listed)
    rows = rows_of(found)
    nurses, family = _nurses(rows, now), _families(rows, now)
    open_ends = _open_ends([pump.pk for pump in found if pump.open_end])
    return {
        row.pump.pk: _facts(
            row,
            nurses.get(row.pump.clinic_id, ()),
            family.get(row.pump.patient_id, ()) if row.clinic.phone_day else (),
            open_ends.get(row.pump.pk, ()),
            now,
        )
        for row in rows
    }


def _facts(
    row: ListedPump,
    nurses: Sequence[plan.Recipient],
    family: Sequence[plan.Recipient],
    open_ends: Sequence[Appointment],
    now: datetime,
) -> plan.Facts:
    dates, limit = row.dates, deadlines_in(row.dates).limit
    past = [one for one in open_ends if one.starts_at <= now - GRACE and one.outcome == ""]
    missed = [one for one in open_ends if one.outcome == Appointment.Outcome.NO_SHOW]
    return plan.Facts(
        pump=str(row.pump.uuid),
        input_version=row.pump.input_version,
        today=row.today,
        status=row.status,
        reason=row.reason,
        refill_due_on=dates.refill_due_on,
        runs_out_on=_runs_out_on(dates),
        doubts=_doubts(row),
        limit_on=limit.day if limit else None,
        may_be_empty_on=dates.earliest_empty_date,
        booked=row.booked,
        new=_is_new(row, now),
        coming=_coming(row),
        nurses=nurses,
        family=family,
        without_outcome=tuple(str(one.uuid) for one in past),
        no_shows=() if row.appointment else tuple(str(one.uuid) for one in missed),
    )


def _nurses(rows: Collection[ListedPump], now: datetime) -> dict[int, tuple[plan.Recipient, ...]]:
    """Whom to tell in each clinic that has something to tell; no query where none has."""
    clinic_ids = {row.pump.clinic_id for row in rows if _may_concern_nurses(row, now)}
    refs = reachable_nurses(clinic_ids) if clinic_ids else {}
    return {pk: tuple(plan.Recipient(ref, ENGLISH) for ref in found) for pk, found in refs.items()}


def _may_concern_nurses(row: ListedPump, now: datetime) -> bool:
    """Whether the clinic's nurses are worth a query."""
    if row.status == Status.UNKNOWN:
        return not _is_new(row, now)
    last = _runs_out_on(row.dates)
    return row.status != Status.NOT_DUE or (last is not None and last <= row.today)


def _families(rows: Collection[ListedPump], now: datetime) -> dict[int, tuple[plan.Recipient, ...]]:
    """Whom to tell of each patient who has an appointment; no query where nobody has."""
    patient_ids = {row.pump.patient_id for row in rows if row.appointment}
    contacts = contacts_for_reminders(patient_ids, now) if patient_ids else {}
    return {
        pk: tuple(plan.Recipient(one.ref, language_code(one.language)) for one in found)
        for pk, found in contacts.items()
    }


def _runs_out_on(dates: Projection) -> date | None:
    """The earlier of the alarm date and the earliest empty date (docs/calculations.md)."""
    found = (dates.alarm_date, dates.earliest_empty_date)
    return min((day for day in found if day is not None), default=None)


def _doubts(row: ListedPump) -> str:
    """All of them: the list names the first only."""
    attention = row.dates.attention
    return ",".join(sorted(attention)) if row.reason in attention else str(row.reason)


def _is_new(row: ListedPump, now: datetime) -> bool:
    return row.pump.recorded_at > now - NEW


def _coming(row: ListedPump) -> plan.Coming | None:
    coming = row.appointment
    if coming is None:
        return None
    day = coming.starts_at.astimezone(row.clinic.zone).date()
    return plan.Coming(str(coming.uuid), coming.starts_at, day)


def _refilled_since() -> Exists:
    """A fill on the day of the appointment or later: the patient was seen, whatever was ticked."""
    return Exists(
        Fill.objects.filter(
            pump=OuterRef("pump"),
            correction__isnull=True,
            at__gte=OuterRef("starts_at") - timedelta(days=1),
        )
    )


def _unresolved() -> QuerySet[Appointment]:
    """Appointments after which something is open: no outcome, or a no-show."""
    return Appointment.objects.filter(
        ~_refilled_since(), cancelled_at__isnull=True, outcome__in=["", "no_show"]
    )


def _open_ends(pump_ids: Collection[int]) -> dict[int, list[Appointment]]:
    """Those appointments of each pump, the earliest first."""
    found: dict[int, list[Appointment]] = defaultdict(list)
    if not pump_ids:
        return found
    for row in _unresolved().filter(pump_id__in=pump_ids).order_by("starts_at"):
        found[row.pump_id].append(row)
    return found


def pumps_to_plan(now: datetime, *, after: int, size: int) -> list[int]:
    """Pumps that owe a message or a task which has no row yet, by id.

    Indexes find those that are due or have an appointment near; only they are asked the rest, so
    the cost follows what is due and not how many pumps there are.
    """
    pumps = worklist.listed_pumps(Clinic.objects.values_list("pk", flat=True), now)
    found: list[int] = []
    while len(found) < size and (candidates := _candidates(now, after=after, size=CANDIDATES)):
        owing = _annotated(pumps.filter(pk__in=candidates)).filter(_owes_something(now))
        found += owing.order_by("pk").values_list("pk", flat=True)[: size - len(found)]
        after = candidates[-1]
    return found


def _candidates(now: datetime, *, after: int, size: int) -> list[int]:
    """The next pumps, by id, of which something may be owed: each part is one indexed query."""
    tomorrow = (now + timedelta(days=1)).date()  # in whatever zone, today is not later
    dates = Projection.objects.filter(pump_id__gt=after)
    booked = Appointment.objects.filter(pump_id__gt=after, cancelled_at__isnull=True)
    soon = now + timedelta(days=plan.FAMILY_DAYS + 2)
    parts = (
        dates.filter(window_opens_on__lte=tomorrow),
        dates.filter(earliest_empty_date__lte=tomorrow + plan.SOON),
        dates.exclude(unknown_reason=""),
        dates.exclude(attention=[]),
        booked.filter(outcome="", starts_at__gt=now, starts_at__lte=soon),
        _without_item(now).filter(pump_id__gt=after, starts_at__lte=now),
    )
    first, *others = (part.order_by().values_list("pump_id", flat=True) for part in parts)
    return list(first.union(*others).order_by("pump_id")[:size])


# Whichever of the two comes first is the last rung of the ladder (docs/calculations.md, Status).
_RUNS_OUT: Final = Q(projection__alarm_date__lte=F("today")) | Q(
    projection__earliest_empty_date__lte=F("today")
)


def _annotated(pumps: Pumps) -> Pumps:
    """With the milestone, the stamp and the obligation as the plan would write them."""
    text = CharField()
    return pumps.exclude(Q(reason=plan.PASSING)).annotate(
        key=Cast("uuid", text),
        milestone=Case(
            When(rank=Status.UNKNOWN.rank, then=Value(plan.UNKNOWN)),
            When(_RUNS_OUT, then=Value(plan.ALARM)),
            When(rank=Status.OVERDUE.rank, then=Value(plan.OVERDUE)),
            default=Value(plan.WINDOW),
            output_field=text,
        ),
        stamp=Case(
            When(rank=Status.UNKNOWN.rank, then=F("reason")),
            default=Cast("projection__refill_due_on", text),
            output_field=text,
        ),
        visit=Concat(
            Value(prefix_of(plan.VISIT)), Cast("appointment_uuid", text), output_field=text
        ),
        visit_day=worklist.ClinicDate(F("clinic__timezone"), F("appointment_at")),
        has_nurse=Exists(
            Membership.objects.filter(
                clinic=OuterRef("clinic"), role=Role.NURSE, user__is_active=True
            ).exclude(user__email="")
        ),
        nobody=Exists(
            WorkItem.objects.filter(
                clinic=OuterRef("clinic"), kind="nobody_to_tell", settled_at__isnull=True
            )
        ),
    )


def _owes_something(now: datetime) -> Q:
    live = OutboxMessage.objects.filter(state__in=_LIVE)
    told = Exists(
        live.filter(about=OuterRef("key"), milestone=OuterRef("milestone"), stamp=OuterRef("stamp"))
    )
    invited = Exists(live.filter(obligation=OuterRef("visit")))
    called = Exists(
        _answered(now).filter(
            kind="call_family", subject=Cast(OuterRef("appointment_uuid"), CharField())
        )
    )
    unknown = Q(rank=Status.UNKNOWN.rank, recorded_at__lte=now - NEW)
    unbooked = Q(rank__gt=Status.UNKNOWN.rank, booked=False)
    late = unbooked & (
        Q(projection__refill_due_on__lte=F("today"))
        | Q(projection__earliest_empty_date__lte=F("today") + plan.SOON)
        | _RUNS_OUT
    )
    reached = Q(rank__lt=Status.NOT_DUE.rank) | _RUNS_OUT
    soon = Q(visit_day__lte=F("today") + timedelta(days=plan.FAMILY_DAYS))
    return (
        (
            (unknown & Q(has_nurse=True))
            | (unbooked & reached & (Q(has_nurse=True) | Q(nobody=False)))
        )
        & ~Q(told)
        | (unknown & ~Q(_asked("date_unknown")))
        | (late & ~Q(_asked("unbooked")))
        | (soon & ~Q(invited) & ~Q(called))
        | Q(Exists(_without_item(now).filter(pump=OuterRef("pk"), starts_at__lte=now - GRACE)))
    )


def _asked(kind: str) -> Exists:
    """A task about the pump that is open, or dismissed until a day that has not passed."""
    return Exists(
        WorkItem.objects.filter(
            Q(settled_at__isnull=True) | Q(settled_until__gte=Cast(OuterRef("today"), DateField())),
            kind=kind,
            subject=OuterRef("key"),
        )
    )


def _answered(now: datetime) -> QuerySet[WorkItem]:
    """Tasks that need no further one: open, put off until a day to come, or answered by a person.
    One that was settled because the facts had changed is none: they may have changed back."""
    latest_today = (now + timedelta(hours=14)).date()  # in whatever zone
    return WorkItem.objects.filter(
        Q(settled_at__isnull=True)
        | Q(settled_until__gte=latest_today)
        | (Q(settled_until__isnull=True) & ~Q(settle_reason=WorkItem.NO_LONGER))
    )


def _without_item(now: datetime) -> QuerySet[Appointment]:
    """Appointments that nobody was asked about yet."""
    return _unresolved().filter(
        ~Exists(
            _answered(now).filter(
                subject=Cast(OuterRef("uuid"), CharField()),
                kind__in=["appointment_without_outcome", "no_show"],
            )
        )
    )
