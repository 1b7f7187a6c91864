"""Reads of imports, the rows that nobody settled yet, and uploaded spreadsheets."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from patients.models import Patient

from .models import ImportRow, ImportRun, RosterUpload

STUCK_AFTER = timedelta(minutes=10)


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


def import_runs(clinic_ids: Collection[int]) -> QuerySet[ImportRun]:
    """The clinics' imports, newest first. One without an end was interrupted."""
    return (
        ImportRun.objects.filter(clinic_id__in=clinic_ids)
        .select_related("by", "clinic")
        .order_by("-id")
    )


def is_on_its_way(run: ImportRun) -> bool:
    """Whether the worker imports it now, or will go on with it. An import from the command line
    that has no end may have been interrupted: nobody goes on with that one."""
    return RosterUpload.objects.filter(run=run, state=RosterUpload.State.IMPORTING).exists()


def rows_of(run: ImportRun) -> QuerySet[ImportRow]:
    """Every row of an import, by line."""
    return run.import_rows.select_related("patient", "dismissed_by").order_by("row")


def refused_rows(of_clinics: Collection[int], state: str, after: int = 0) -> QuerySet[ImportRow]:
    """Refused rows by what became of them: `open`, `settled` by a later row, or `dismissed`; those
    after a key, where the page before ended."""
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
    return (
        rows.filter(id__gt=after)
        .select_related("clinic", "run__by", "patient", "dismissed_by", "settled_by_row__run")
        .order_by("id")
    )


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


def rows_about(of_clinics: Collection[int], patients: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Every row that surely speaks of these patients, by uuid."""
    rows = ImportRow.objects.filter(clinic_id__in=of_clinics, patient__uuid__in=patients)
    return list(rows.order_by("pk").values_list("uuid", flat=True))


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


def last_row_about(patient: Patient) -> ImportRow | None:
    """The last row of the clinic's spreadsheet that spoke of the patient."""
    rows = patient.import_rows.select_related("run").order_by("-id")
    return rows.first()
