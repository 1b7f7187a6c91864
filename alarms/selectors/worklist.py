"""The worklist: every active pump, the most urgent first.

The page, the API and the exports all come from here, so they list the same pumps. The status is
worked out in the query from the stored dates and each clinic's own calendar date at `now`: it is
right with Celery, the broker and the mail server all dead (docs/reliability.md, 1).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
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
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from accounts.models import Clinic
from alarms.models import Exclusion, Reason
from patients.selectors.search import found_by
from pumps.models import Pump
from pumps.selectors import taken_out
from refills.models import Appointment

RANKS: Final = ("unknown", "empty", "alarm", "overdue", "due", "not_due")
UNKNOWN, EMPTY, ALARM, OVERDUE, DUE, NOT_DUE = range(len(RANKS))
# Pumps with what the query works out on each: `today`, `reason`, `rank`, `booked` and the rest.
Pumps = QuerySet[Any]
NO_DATE: Final = date(1, 1, 1)  # sorts before every date: no date comes first


@dataclass(frozen=True, slots=True)
class Filters:
    """What a user asked to see. Nothing set: every pump that is not `not_due`.

    `due_before` and `due_after` are clinic dates, both inclusive; `within_days` counts from each
    clinic's own today. Unknown pumps pass all three: they count as due.
    """

    due_before: date | None = None
    within_days: int | None = None
    due_after: date | None = None
    statuses: tuple[str, ...] = ()
    unbooked: bool | None = None
    search: str = ""
    everything: bool = False  # also those that are not due


@dataclass(frozen=True, slots=True)
class Position:
    """The place of one row in the order of the list: where the next page goes on."""

    rank: int
    alarm: date
    due: date
    pump_id: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many pumps there are: proof that a filter hides nothing in silence."""

    active: int
    listed: int
    excluded: int
    hidden_more_urgent: int
    by_status: dict[str, int] = field(default_factory=dict)
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
        When(~Q(reason=""), then=Value(UNKNOWN)),
        When(projection__empty_date__lte=F("today"), then=Value(EMPTY)),
        When(projection__alarm_date__lte=F("today"), then=Value(ALARM)),
        When(projection__refill_due_on__lt=F("today"), then=Value(OVERDUE)),
        When(projection__window_opens_on__lte=F("today"), then=Value(DUE)),
        default=Value(NOT_DUE),
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
    return Q(rank=UNKNOWN) | Q(projection__refill_due_on__lte=F("today") + timedelta(days=days))


def matching(filters: Filters) -> Q:
    """The rows that a filter lets through."""
    found = Q()
    if filters.due_before is not None:
        found &= Q(rank=UNKNOWN) | Q(projection__refill_due_on__lte=filters.due_before)
    if filters.within_days is not None:
        found &= _due_within(filters.within_days)
    if not (filters.everything or filters.due_before or filters.within_days):
        found &= Q(rank__lt=NOT_DUE)
    if filters.due_after is not None:
        found &= Q(rank=UNKNOWN) | Q(projection__refill_due_on__gte=filters.due_after)
    if filters.statuses:
        found &= Q(rank__in=[RANKS.index(status) for status in filters.statuses])
    if filters.unbooked is not None:
        found &= Q(booked=not filters.unbooked)
    if filters.search:
        found &= found_by(filters.search, patient="patient__", numbers=["serial_number"])
    return found


def page(pumps: Pumps, filters: Filters, *, size: int, after: Position | None = None) -> list[Any]:
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
    return list(related.order_by("rank", "by_alarm", "by_due", "pk")[:size])


def position_of(row: Any) -> Position:
    """Where a row of `page` stands."""
    return Position(row.rank, row.by_alarm, row.by_due, row.pk)


def count(clinic_ids: Collection[int], filters: Filters, now: datetime) -> Counts:
    """All counts of the board in one query, and the excluded in another."""
    pumps = _with_match(listed_pumps(clinic_ids, now), filters)
    groups: Any = (
        pumps.annotate(soon=_flag(_due_within(30)))
        .order_by()
        .values("rank", "matched", "soon", "booked")
        .annotate(n=Count("pk"))
    )
    found = _sum_up(list(groups), excluded=excluded_pumps(clinic_ids, now).count())
    return replace(found, hidden_more_urgent=_hidden_more_urgent(pumps, list(groups)))


def _flag(condition: Q) -> Case:
    return Case(
        When(condition, then=Value(True)), default=Value(False), output_field=BooleanField()
    )


def _with_match(pumps: Pumps, filters: Filters) -> Pumps:
    found = matching(filters)
    matched = _flag(found) if found else Value(True, output_field=BooleanField())
    annotated: Pumps = pumps.annotate(matched=matched)
    return annotated


def _hidden_more_urgent(pumps: Pumps, groups: Sequence[dict[str, Any]]) -> int:
    """How many pumps that need somebody a filter leaves out before the last one that it shows.

    What is not due yet counts as nobody's hurry; with nothing shown, everybody else counts.
    """
    least = max((group["rank"] for group in groups if group["matched"]), default=NOT_DUE)
    left_out = [group for group in groups if not group["matched"] and group["rank"] < NOT_DUE]
    hidden = sum(int(group["n"]) for group in left_out if group["rank"] < least)
    if not any(group["rank"] == least for group in left_out):
        return hidden
    same: Pumps = pumps.filter(rank=least)
    last = same.filter(matched=True).order_by("-by_alarm", "-by_due", "-pk")[0]
    before = (
        Q(by_alarm__lt=last.by_alarm)
        | Q(by_alarm=last.by_alarm, by_due__lt=last.by_due)
        | Q(by_alarm=last.by_alarm, by_due=last.by_due, pk__lt=last.pk)
    )
    return hidden + int(same.filter(before, matched=False).count())


def _sum_up(groups: Sequence[dict[str, Any]], *, excluded: int) -> Counts:
    def total(**wanted: Any) -> int:
        return sum(
            group["n"]
            for group in groups
            if all(group[name] == value for name, value in wanted.items())
        )

    return Counts(
        active=total(),
        listed=total(matched=True),
        excluded=excluded,
        hidden_more_urgent=0,
        by_status={status: total(rank=rank) for rank, status in enumerate(RANKS)},
        to_do=total() - total(rank=NOT_DUE),
        next_30_days=total(soon=True),
        unbooked=total(soon=True, booked=False),
    )
