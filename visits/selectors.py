"""Reads of visits and their summaries, and of imports with the rows that nobody settled yet."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from accounts.models import User
from accounts.policies import Action, clinic_ids
from refills.models import Appointment

from .models import AfterVisitSummary, ImportRow, ImportRun, RosterUpload, SummaryPrint, Visit


def _open(of_clinics: Collection[int]) -> QuerySet[ImportRow]:
    return ImportRow.objects.filter(
        clinic_id__in=of_clinics,
        outcome=ImportRow.Outcome.REFUSED,
        dismissed_at__isnull=True,
        settled_by_row__isnull=True,
    )


def open_refused_rows(clinic_ids: Collection[int]) -> list[ImportRow]:
    """Refused rows that are neither imported since nor dismissed, by clinic and line."""
    rows = _open(clinic_ids).select_related("run", "clinic")
    return list(rows.order_by("clinic_id", "row", "id"))


def count_open_refused(clinic_ids: Collection[int]) -> dict[int, int]:
    """How many such rows each clinic has; clinics without any are left out."""
    rows = _open(clinic_ids).values("clinic_id").annotate(open_rows=Count("pk")).order_by()
    return {row["clinic_id"]: row["open_rows"] for row in rows}


def refused_row_for(user: User, row_uuid: uuid.UUID) -> ImportRow | None:
    """The open refused row, or None where the user may not resolve imports: nobody learns of it."""
    allowed = clinic_ids(user, Action.RESOLVE_IMPORT)
    return _open(allowed).select_related("run", "clinic").filter(uuid=row_uuid).first()


def import_runs(clinic_ids: Collection[int]) -> QuerySet[ImportRun]:
    """The clinics' imports, newest first. One without an end was interrupted."""
    return ImportRun.objects.filter(clinic_id__in=clinic_ids).select_related("by").order_by("-id")


def rows_of(run: ImportRun) -> QuerySet[ImportRow]:
    """Every row of an import, by line."""
    return run.import_rows.select_related("patient", "dismissed_by").order_by("row")


def refused_rows(of_clinics: Collection[int], state: str) -> QuerySet[ImportRow]:
    """Refused rows by what became of them: `open`, `settled` by a later row, or `dismissed`."""
    if state == "open":
        rows = _open(of_clinics)
    else:
        rows = ImportRow.objects.filter(
            clinic_id__in=of_clinics,
            outcome=ImportRow.Outcome.REFUSED,
            dismissed_at__isnull=state == "settled",
        )
        if state == "settled":
            rows = rows.filter(settled_by_row__isnull=False)
    return rows.select_related(
        "clinic", "run__by", "patient", "dismissed_by", "settled_by_row__run"
    ).order_by("id")


def count_refused(of_clinics: Collection[int]) -> dict[str, int]:
    """How many refused rows are open, settled and dismissed."""
    return ImportRow.objects.filter(
        clinic_id__in=of_clinics, outcome=ImportRow.Outcome.REFUSED
    ).aggregate(
        open=Count("pk", filter=Q(dismissed_at__isnull=True, settled_by_row__isnull=True)),
        settled=Count("pk", filter=Q(dismissed_at__isnull=True, settled_by_row__isnull=False)),
        dismissed=Count("pk", filter=Q(dismissed_at__isnull=False)),
    )


def import_row_of(of_clinics: Collection[int], row_uuid: uuid.UUID) -> ImportRow | None:
    """A refused row of these clinics, whatever became of it."""
    rows = ImportRow.objects.filter(
        clinic_id__in=of_clinics, outcome=ImportRow.Outcome.REFUSED, uuid=row_uuid
    )
    return rows.select_related(
        "clinic", "run__by", "patient", "dismissed_by", "settled_by_row__run"
    ).first()


def lines_of_rows(uuids: Collection[uuid.UUID]) -> dict[str, str]:
    """The lines in their sheets that rows stood on, by the row's uuid."""
    rows = ImportRow.objects.filter(uuid__in=uuids).values_list("uuid", "row")
    return {str(key): f"line {row}" for key, row in rows}


def visit_for(user: User, visit_uuid: uuid.UUID) -> Visit | None:
    """The visit, or None where the user may not open that clinic's charts: nobody learns of it."""
    rows = Visit.objects.filter(clinic_id__in=clinic_ids(user, Action.READ_CHART), uuid=visit_uuid)
    return rows.select_related(
        "pump__patient", "pump__model", "pump__clinic", "fill__product", "fill__discrepancy",
        "program", "interrogation", "recorded_by", "ordered_by", "withdrawal__by",
    ).first()  # fmt: skip


# --- uploaded spreadsheets -----------------------------------------------------------------------

STUCK_AFTER = timedelta(minutes=10)


def uploads_of(of_clinics: Collection[int]) -> QuerySet[RosterUpload]:
    """The clinics' uploads, newest first, without their files and reports."""
    return (
        RosterUpload.objects.filter(clinic_id__in=of_clinics)
        .select_related("clinic", "by", "import_by", "run")
        .defer("content", "report")
        .order_by("-id")
    )


def upload_of(of_clinics: Collection[int], upload_uuid: uuid.UUID) -> RosterUpload | None:
    """An upload of these clinics, without its file."""
    rows = RosterUpload.objects.filter(clinic_id__in=of_clinics, uuid=upload_uuid)
    return rows.select_related("clinic", "by", "import_by", "run").defer("content").first()


def unfinished_uploads(of_clinics: Collection[int], now: datetime) -> list[RosterUpload]:
    """Uploads that a person must look at: checked and not imported, stopped, or left lying by the
    worker. The oldest first."""
    lying = Q(state__in=RosterUpload.FOR_THE_WORKER, moved_at__lt=now - STUCK_AFTER)
    rows = uploads_of(of_clinics).filter(Q(state__in=["checked", "failed"]) | lying)
    return list(rows.order_by("id"))


def outcomes_of(run: ImportRun) -> dict[int, str]:
    """What came of each row of an import, by its line."""
    return dict(run.import_rows.values_list("row", "outcome"))


def count_open_of(run: ImportRun) -> int:
    """How many refused rows of an import are still to settle."""
    return _open([run.clinic_id]).filter(run=run).count()


# --- after-visit summaries -----------------------------------------------------------------------


def stale_summaries(limit: int) -> list[int]:
    """The pumps whose latest summary may tell what holds no longer: the dates or the appointments
    have moved since it was looked at. The longest unseen first."""
    moved = Appointment.objects.filter(pump=OuterRef("visit__pump")).filter(
        Q(created_at__gt=OuterRef("checked_at")) | Q(cancelled_at__gt=OuterRef("checked_at"))
    )
    rows = AfterVisitSummary.objects.filter(
        ~Exists(later_visits()),
        replaced_at__isnull=True,
        visit__withdrawal__isnull=True,
        visit__pump__explant__isnull=True,
        visit__pump__projection__isnull=False,
    ).filter(
        Exists(moved)
        | Q(visit__pump__projection__computed_at__gt=F("checked_at"))
        | ~_same("alarm_date", "sort_alarm_date")
        | ~_same("refill_due_on", "refill_due_on")
    )
    return list(rows.order_by("checked_at").values_list("visit__pump_id", flat=True)[:limit])


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
    """The current summaries of each pump's latest visit that counts, without their bytes;
    `printed_now` says whether this version was printed, `printed_before` whether any was."""
    this = SummaryPrint.objects.filter(summary=OuterRef("pk"))
    any_version = SummaryPrint.objects.filter(summary__visit=OuterRef("visit"))
    rows: QuerySet[Any] = summaries_of(of_clinics).filter(
        ~Exists(later_visits()), replaced_at__isnull=True, visit__withdrawal__isnull=True
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


WAITS_TOO_LONG = timedelta(minutes=10)


def summaries_wait(now: datetime) -> bool:
    """Whether one that counts is not made though it was written more than ten minutes ago."""
    rows = AfterVisitSummary.objects.filter(
        state=AfterVisitSummary.State.PENDING,
        replaced_at__isnull=True,
        visit__withdrawal__isnull=True,
        created_at__lt=now - WAITS_TOO_LONG,
    )
    return rows.exists()


def pdf_is_missing() -> bool:
    """Whether the summary made last has no PDF: the worker can't make any."""
    last = (
        AfterVisitSummary.objects.filter(rendered_at__isnull=False)
        .order_by("-rendered_at")
        .values_list("pdf_missing", flat=True)
        .first()
    )
    return bool(last)
