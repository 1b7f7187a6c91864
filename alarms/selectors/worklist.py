"""The worklist: every active pump, the most urgent first.

The page, the API and the exports all come from here, so they list the same pumps. The status is
worked out in the query from the stored dates and each clinic's own calendar date at `now`: it is
right with Celery, the broker and the mail server all dead (docs/reliability.md, 1).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    DateField,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from accounts.models import Clinic
from alarms.domain.status import BY_RANK, Status
from alarms.models import Exclusion, Reason
from patients.selectors.search import found_by
from pumps.models import Pump
from pumps.selectors import taken_out
from refills.models import Appointment

from .listed import NO_DATE, ListedPump, Position, Pumps, position_in, rows_of

ORDER: Final = ("rank", "by_alarm", "by_due", "pk")  # a `Position` is a place in it


@dataclass(frozen=True, slots=True)
class Filters:
    """What a user asked to see. Nothing set: every pump that is not `not_due`.

    `due_before` and `due_after` are clinic dates, both inclusive; `within_days` counts from each
    clinic's own today. Unknown pumps pass all three: they count as due.
    """

    due_before: date | None = None
    within_days: int | None = None
    due_after: date | None = None
    statuses: tuple[Status, ...] = ()
    unbooked: bool | None = None
    search: str = ""
    everything: bool = False  # also those that are not due


@dataclass(frozen=True, slots=True)
class Counts:
    """How many pumps there are: proof that a filter hides nothing in silence."""

    active: int
    listed: int
    excluded: int
    hidden_more_urgent: int
    by_status: dict[Status, int] = field(default_factory=dict)
    to_do: int = 0
    next_30_days: int = 0
    unbooked: int = 0


class ClinicDate(Func):
    """`timezone(clinic.timezone, instant)::date`: the clinic's date of an instant in a column."""

    template = "(timezone(%(expressions)s))::date"
    output_field = DateField()


def clinic_date(clinic_ids: Collection[int], now: datetime) -> Case:
    """Today in a row's clinic, by the same time zone rules that its dates were computed with.

    The database server has rules of its own, of another year.
    """
    names = Clinic.objects.filter(pk__in=clinic_ids).values_list("timezone", flat=True).distinct()
    dates = {name: now.astimezone(ZoneInfo(name)).date() for name in names}
    return Case(
        *(When(clinic__timezone=name, then=Value(day)) for name, day in dates.items()),
        default=Value(now.date()),
        output_field=DateField(),
    )


def active_pumps(clinic_ids: Collection[int], now: datetime) -> Pumps:
    """Pumps from implant to explant, with `today`: their clinic's date at `now`."""
    return (
        Pump.objects.filter(clinic_id__in=clinic_ids)
        .annotate(today=clinic_date(clinic_ids, now))
        .filter(~taken_out(at__lte=now))
    )


def _excluded() -> Exists:
    return Exists(
        Exclusion.objects.filter(
            pump=OuterRef("pk"), ends_on__gte=OuterRef("today"), end__isnull=True
        )
    )


def listed_pumps(clinic_ids: Collection[int], now: datetime) -> Pumps:
    """Active pumps that nobody excluded, with status, reason, sort dates and appointment."""
    return _with_appointment(_with_status(active_pumps(clinic_ids, now).filter(~_excluded())), now)


def excluded_pumps(clinic_ids: Collection[int], now: datetime) -> Pumps:
    """Active pumps that a named person excluded until a day that has not passed."""
    return active_pumps(clinic_ids, now).filter(_excluded())


def _with_status(pumps: Pumps) -> Pumps:
    stale = Q(projection__isnull=True) | ~Q(projection__input_version=F("input_version"))
    unsettled = Q(projection__attention__len__gt=0) & (
        Q(projection__attention_settled_until__isnull=True)
        | Q(projection__attention_settled_until__lt=F("today"))
    )
    reason = Case(
        When(stale, then=Value(Reason.RECALCULATING.value)),
        When(~Q(projection__unknown_reason=""), then=F("projection__unknown_reason")),
        When(unsettled, then=F("projection__attention__0")),
        default=Value(""),
        output_field=CharField(),
    )
    rank = Case(
        When(~Q(reason=""), then=Value(Status.UNKNOWN.rank)),
        When(projection__empty_date__lte=F("today"), then=Value(Status.EMPTY.rank)),
        When(projection__alarm_date__lte=F("today"), then=Value(Status.ALARM.rank)),
        When(projection__refill_due_on__lt=F("today"), then=Value(Status.OVERDUE.rank)),
        When(projection__window_opens_on__lte=F("today"), then=Value(Status.DUE.rank)),
        default=Value(Status.NOT_DUE.rank),
        output_field=IntegerField(),
    )

    def shown(name: str) -> Case:
        """A date as it sorts: one of another input version is no date at all."""
        return Case(
            When(stale, then=Value(NO_DATE)),
            default=Coalesce(F(f"projection__{name}"), Value(NO_DATE)),
            output_field=DateField(),
        )

    found: Pumps = pumps.annotate(reason=reason).annotate(
        rank=rank, by_alarm=shown("sort_alarm_date"), by_due=shown("refill_due_on")
    )
    return found


def _with_appointment(pumps: Pumps, now: datetime) -> Pumps:
    """The next appointment, and whether it makes the pump booked (docs/calculations.md, Status)."""
    coming = Appointment.objects.filter(
        pump=OuterRef("pk"), cancelled_at__isnull=True, outcome="", starts_at__gt=now
    ).order_by("starts_at", "id")
    found: Pumps = pumps.annotate(
        appointment_uuid=Subquery(coming.values("uuid")[:1]),
        appointment_at=Subquery(coming.values("starts_at")[:1]),
    ).annotate(
        booked=Case(
            When(
                Q(reason="")
                & Q(
                    projection__refill_due_on__gte=ClinicDate(
                        F("clinic__timezone"), F("appointment_at")
                    )
                ),
                then=Value(True),
            ),
            default=Value(False),
            output_field=BooleanField(),
        )
    )
    return found


def _due_within(days: int) -> Q:
    return Q(rank=Status.UNKNOWN.rank) | Q(
        projection__refill_due_on__lte=F("today") + timedelta(days=days)
    )


def matching(filters: Filters) -> Q:
    """The rows that a filter lets through."""
    found = Q()
    if filters.due_before is not None:
        found &= Q(rank=Status.UNKNOWN.rank) | Q(projection__refill_due_on__lte=filters.due_before)
    if filters.within_days is not None:
        found &= _due_within(filters.within_days)
    if not (filters.everything or filters.due_before or filters.within_days):
        found &= Q(rank__lt=Status.NOT_DUE.rank)
    if filters.due_after is not None:
        found &= Q(rank=Status.UNKNOWN.rank) | Q(projection__refill_due_on__gte=filters.due_after)
    if filters.statuses:
        found &= Q(rank__in=[status.rank for status in filters.statuses])
    if filters.unbooked is not None:
        found &= Q(booked=not filters.unbooked)
    if filters.search:
        found &= found_by(filters.search, patient="patient__", numbers=["serial_number"])
    return found


def page(
    pumps: Pumps, filters: Filters, *, size: int, after: Position | None = None
) -> list[ListedPump]:
    """Up to `size` rows in the order of urgency, each with its patient, model and projection."""
    rows = pumps.filter(matching(filters))
    if after is not None:
        rows = rows.filter(
            Q(rank__gt=after.rank)
            | Q(rank=after.rank, by_alarm__gt=after.alarm)
            | Q(rank=after.rank, by_alarm=after.alarm, by_due__gt=after.due)
            | Q(rank=after.rank, by_alarm=after.alarm, by_due=after.due, pk__gt=after.pump_id)
        )
    related = rows.select_related("patient", "model", "clinic", "projection")
    return rows_of(related.order_by(*ORDER)[:size])


def count(clinic_ids: Collection[int], filters: Filters, now: datetime) -> Counts:
    """All counts of the board in one query, and the excluded in another."""
    pumps = _with_match(listed_pumps(clinic_ids, now), filters)
    counted = (
        pumps.annotate(soon=_flag(_due_within(30)))
        .order_by()
        .values_list("rank", "matched", "soon", "booked")
        .annotate(n=Count("pk"))
    )
    groups = [_Group(*row) for row in counted]
    found = _sum_up(groups, excluded=excluded_pumps(clinic_ids, now).count())
    return replace(found, hidden_more_urgent=_hidden_more_urgent(pumps, groups))


class _Group(NamedTuple):
    """How many pumps are alike in what is counted."""

    rank: int
    matched: bool
    soon: bool
    booked: bool
    n: int


def _flag(condition: Q) -> Case:
    return Case(
        When(condition, then=Value(True)), default=Value(False), output_field=BooleanField()
    )


def _with_match(pumps: Pumps, filters: Filters) -> Pumps:
    found = matching(filters)
    matched = _flag(found) if found else Value(True, output_field=BooleanField())
    annotated: Pumps = pumps.annotate(matched=matched)
    return annotated


def _hidden_more_urgent(pumps: Pumps, groups: Sequence[_Group]) -> int:
    """How many pumps that need somebody a filter leaves out before the last one that it shows.

    What is not due yet counts as nobody's hurry; with nothing shown, everybody else counts.
    """
    last_rank = Status.NOT_DUE.rank
    least = max((group.rank for group in groups if group.matched), default=last_rank)
    left_out = [group for group in groups if not group.matched and group.rank < last_rank]
    hidden = sum(group.n for group in left_out if group.rank < least)
    if not any(group.rank == least for group in left_out):
        return hidden
    same = pumps.filter(Q(rank=least))
    last = position_in(same.filter(Q(matched=True)).order_by(*ORDER).reverse()[0])
    before = (
        Q(by_alarm__lt=last.alarm)
        | Q(by_alarm=last.alarm, by_due__lt=last.due)
        | Q(by_alarm=last.alarm, by_due=last.due, pk__lt=last.pump_id)
    )
    return hidden + same.filter(before, Q(matched=False)).count()


def _sum_up(groups: Sequence[_Group], *, excluded: int) -> Counts:
    by_status = dict.fromkeys(Status, 0)
    for group in groups:
        by_status[BY_RANK[group.rank]] += group.n
    active = sum(by_status.values())
    soon = [group for group in groups if group.soon]
    return Counts(
        active=active,
        listed=sum(group.n for group in groups if group.matched),
        excluded=excluded,
        hidden_more_urgent=0,
        by_status=by_status,
        to_do=active - by_status[Status.NOT_DUE],
        next_30_days=sum(group.n for group in soon),
        unbooked=sum(group.n for group in soon if not group.booked),
    )
