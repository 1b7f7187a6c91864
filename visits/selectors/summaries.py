"""Reads of after-visit summaries: which are current, which wait, which were printed."""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from followup.models import WorkItem
from pumps.models import Pump
from pumps.selectors import taken_out
from refills.models import Appointment
from visits.models import AfterVisitSummary, SummaryPrint, Visit


def stale_summaries(limit: int) -> list[int]:
    """The pumps whose latest summary may tell what holds no longer: the dates or the appointments
    have moved since it was looked at. The longest unseen first."""
    moved = Appointment.objects.filter(pump=OuterRef("visit__pump")).filter(
        Q(created_at__gt=OuterRef("checked_at")) | Q(cancelled_at__gt=OuterRef("checked_at"))
    )
    rows = AfterVisitSummary.objects.filter(
        ~Exists(later_visits()),
        ~taken_out("visit__pump"),
        replaced_at__isnull=True,
        visit__withdrawal__isnull=True,
        visit__pump__projection__isnull=False,
    ).filter(
        Exists(moved)
        | Q(visit__pump__projection__computed_at__gt=F("checked_at"))
        | ~_same("alarm_date", "sort_alarm_date")
        | ~_same("refill_due_on", "refill_due_on")
    )
    return list(rows.order_by("checked_at").values_list("visit__pump_id", flat=True)[:limit])


def summaries_about(
    of_clinics: Collection[int], patients: Collection[uuid.UUID]
) -> list[uuid.UUID]:
    """Every after-visit summary of these patients, by uuid."""
    rows = AfterVisitSummary.objects.filter(
        clinic_id__in=of_clinics, visit__pump__patient__uuid__in=patients
    )
    return list(rows.order_by("pk").values_list("uuid", flat=True))


def _same(told: str, projected: str) -> Q:
    """Two dates are one, or neither is known."""
    column = f"visit__pump__projection__{projected}"
    return Q(**{told: F(column)}) | Q(**{f"{told}__isnull": True, f"{column}__isnull": True})


def summaries_of(of_clinics: Collection[int]) -> QuerySet[AfterVisitSummary]:
    """The summaries of these clinics with what a page shows of each."""
    return AfterVisitSummary.objects.filter(clinic_id__in=of_clinics).select_related(
        "clinic", "visit__pump__patient", "visit__recorded_by", "visit__withdrawal__by"
    )


def summary_of(of_clinics: Collection[int], summary_uuid: uuid.UUID) -> AfterVisitSummary | None:
    """The summary, or None where it is another clinic's."""
    return summaries_of(of_clinics).filter(uuid=summary_uuid).first()


def versions_of(summary: AfterVisitSummary) -> list[AfterVisitSummary]:
    """Every version of the visit's summary, newest first, each with its prints."""
    rows = AfterVisitSummary.objects.filter(visit_id=summary.visit_id).defer("pdf", "html")
    return list(rows.prefetch_related("prints__by").order_by("-version"))


def later_visits() -> QuerySet[Visit]:
    """Visits of the same pump that count and came after the outer summary's."""
    return Visit.objects.filter(pump=OuterRef("visit__pump"), withdrawal__isnull=True).filter(
        Q(at__gt=OuterRef("visit__at")) | Q(at=OuterRef("visit__at"), id__gt=OuterRef("visit_id"))
    )


def has_later_visit(summary: AfterVisitSummary) -> bool:
    """Whether a later visit that counts has a paper of its own, with newer dates."""
    return AfterVisitSummary.objects.filter(Exists(later_visits()), pk=summary.pk).exists()


def _paper(of_clinics: Collection[int]) -> QuerySet[Any]:
    """The current summaries of the latest visit of each pump in place, without their bytes;
    `printed_now` says whether this version was printed, `printed_before` whether any was."""
    this = SummaryPrint.objects.filter(summary=OuterRef("pk"))
    any_version = SummaryPrint.objects.filter(summary__visit=OuterRef("visit"))
    rows: QuerySet[Any] = summaries_of(of_clinics).filter(
        ~Exists(later_visits()),
        ~taken_out("visit__pump"),
        replaced_at__isnull=True,
        visit__withdrawal__isnull=True,
    )
    annotated: QuerySet[Any] = rows.defer("html", "pdf").annotate(
        printed_now=Exists(this), printed_before=Exists(any_version)
    )
    return annotated


def never_printed(of_clinics: Collection[int]) -> QuerySet[Any]:
    """Summaries of which no version was printed, the longest waiting first."""
    return _paper(of_clinics).filter(printed_before=False).order_by("visit__at", "id")


def changed_since_printed(of_clinics: Collection[int]) -> QuerySet[Any]:
    """Summaries of which an earlier version was printed and this one was not."""
    rows = _paper(of_clinics).filter(printed_before=True, printed_now=False)
    return rows.order_by("created_at", "id")


def changed_of_pump(pump: Pump) -> AfterVisitSummary | None:
    """The pump's summary that was printed and has changed since; None where its paper holds."""
    found: AfterVisitSummary | None = (
        changed_since_printed([pump.clinic_id]).filter(visit__pump=pump).first()
    )
    return found


def withdrawn_and_printed(of_clinics: Collection[int]) -> QuerySet[AfterVisitSummary]:
    """The printed summaries of visits that were taken back, while somebody must still call the
    family: until a new one is printed or the item is settled."""
    to_call = WorkItem.objects.filter(
        kind=WorkItem.Kind.PAPER_WITHDRAWN,
        clinic=OuterRef("clinic"),
        subject=Cast(OuterRef("visit__uuid"), CharField()),
        settled_at__isnull=True,
    )
    rows = summaries_of(of_clinics).filter(Exists(to_call), replaced_at__isnull=True)
    return rows.defer("html", "pdf").order_by("visit__withdrawal__at", "id")


def printed_since(of_clinics: Collection[int], since: datetime) -> QuerySet[Any]:
    """Summaries whose current version was printed since then, the latest visit first."""
    recent = SummaryPrint.objects.filter(summary=OuterRef("pk"), at__gte=since)
    return _paper(of_clinics).filter(Exists(recent)).order_by("-visit__at", "-id")


def prints_of(rows: Collection[AfterVisitSummary]) -> dict[int, list[SummaryPrint]]:
    """Every print of these visits' summaries, newest first, by visit."""
    found: dict[int, list[SummaryPrint]] = {row.visit_id: [] for row in rows}
    prints = SummaryPrint.objects.filter(summary__visit_id__in=found)
    for one in prints.select_related("by", "summary").order_by("-at", "-id"):
        found[one.summary.visit_id].append(one)
    return found


def prints_of_visit(visit: Visit) -> list[SummaryPrint]:
    """Every print of the visit's summaries, newest first."""
    rows = SummaryPrint.objects.filter(summary__visit=visit)
    return list(rows.select_related("by", "summary").defer("summary__html", "summary__pdf")
                .order_by("-at", "-id"))  # fmt: skip


def current_summary(visit: Visit) -> AfterVisitSummary | None:
    """What the family takes home from the visit, in its present version."""
    return visit.summaries.filter(replaced_at__isnull=True).defer("pdf", "html").first()
