"""Imports of a clinic's spreadsheet: every run is kept with its raw rows."""

import uuid

from django.db import models
from django.db.models import F, Q

from accounts.models import Clinic, User
from core.leases import Leased, lease_has_a_holder
from patients.models import Patient

from .domain.uploads import MAX_BYTES, MAX_ROWS


class ImportRun(models.Model):
    """One reading of a spreadsheet."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="import_runs")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    as_of = models.DateField()
    content_sha256 = models.CharField(max_length=64)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    rows = models.PositiveIntegerField(default=0)
    imported = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "visits_importrun"  # it began in that app
        indexes = [models.Index(fields=["clinic", "-id"], name="import_run_by_clinic")]


class ImportRow(models.Model):
    """One row of a run, as it was typed, and what came of it.

    A refused row stays open, on top of the board, until a later row with the same content or
    identity is imported or a named person dismisses it with a reason.
    """

    class Outcome(models.TextChoices):
        IMPORTED = "imported", "Imported"
        UNCHANGED = "unchanged", "Nothing new"
        REFUSED = "refused", "Refused"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    run = models.ForeignKey(ImportRun, on_delete=models.PROTECT, related_name="import_rows")
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="import_rows")
    row = models.PositiveIntegerField()  # the line in the sheet, the heading being 1
    mrn = models.CharField(max_length=200, blank=True)  # as typed, cut to fit
    raw = models.JSONField()
    outcome = models.CharField(max_length=9, choices=Outcome)
    errors = models.JSONField(default=list)
    warnings = models.JSONField(default=list)
    patient = models.ForeignKey(
        Patient, on_delete=models.PROTECT, null=True, related_name="import_rows"
    )
    settled_by_row = models.ForeignKey("self", on_delete=models.PROTECT, null=True)
    dismissed_at = models.DateTimeField(null=True)
    dismissed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    dismiss_reason = models.TextField(blank=True)

    class Meta:
        db_table = "visits_importrow"  # it began in that app
        indexes = [
            models.Index(
                fields=["clinic", "row"],
                name="open_refused_rows",
                condition=Q(
                    outcome="refused", dismissed_at__isnull=True, settled_by_row__isnull=True
                ),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["run", "row"], name="one_outcome_per_row"),
            models.CheckConstraint(
                condition=Q(dismissed_at__isnull=True, dismissed_by__isnull=True, dismiss_reason="")
                | (
                    Q(dismissed_at__isnull=False, dismissed_by__isnull=False)
                    & ~Q(dismiss_reason="")
                ),
                name="import_row_dismissed_by_somebody_for_a_reason",
            ),
        ]


class RosterUpload(Leased):
    """A spreadsheet that somebody uploaded, on its way from the trial run into the record.

    The worker reads it under a lease. The file itself goes once it is imported or discarded: the
    rows are kept by its `ImportRun`. Its name is never kept, since it may hold a patient's.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for its check"
        CHECKING = "checking", "Being checked"
        CHECKED = "checked", "Checked: waits for you"
        IMPORTING = "importing", "Being imported"
        IMPORTED = "imported", "Imported"
        UNREADABLE = "unreadable", "Cannot be read"
        FAILED = "failed", "Stopped"
        DISCARDED = "discarded", "Discarded"

    WITHOUT_FILE = ("imported", "unreadable", "discarded")
    FOR_THE_WORKER = ("waiting", "checking", "importing")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="roster_uploads")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()
    uploaded_on = models.DateField()  # the clinic's date then
    as_of = models.DateField()
    suffix = models.CharField(max_length=5)
    content = models.BinaryField(null=True)
    content_sha256 = models.CharField(max_length=64)
    content_bytes = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    rows_done = models.PositiveIntegerField(default=0)
    rows_total = models.PositiveIntegerField()
    report = models.JSONField(default=list)  # what the trial run found, row by row
    refusal = models.TextField(blank=True)  # why it cannot be read, or why it stopped
    checked_at = models.DateTimeField(null=True)
    # The clinic's change sequence before the check looked at its first row.
    checked_sequence = models.BigIntegerField(null=True)
    import_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    run = models.OneToOneField(
        ImportRun, on_delete=models.PROTECT, null=True, related_name="upload"
    )
    ended_at = models.DateTimeField(null=True)
    moved_at = models.DateTimeField()  # when it last came forward
    error_class = models.CharField(max_length=60, blank=True)  # never a message: it has values

    class Meta:
        db_table = "visits_rosterupload"  # it began in that app
        indexes = [
            models.Index(fields=["clinic", "-id"], name="upload_by_clinic"),
            models.Index(
                fields=["id"],
                name="upload_for_the_worker",
                condition=Q(state__in=["waiting", "checking", "importing"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "content_sha256", "as_of"],
                condition=~Q(state__in=["imported", "unreadable", "discarded"]),
                name="one_open_upload_of_a_sheet",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "waiting", "checking", "checked", "importing", "imported", "unreadable",
                        "failed", "discarded",
                    ]
                ),
                name="upload_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["imported", "unreadable", "discarded"], content__isnull=True)
                | (
                    Q(content__isnull=False)
                    & ~Q(state__in=["imported", "unreadable", "discarded"])
                ),
                name="upload_keeps_its_file_until_it_ends",
            ),
            models.CheckConstraint(
                condition=Q(suffix__in=[".csv", ".xlsx"])
                & Q(content_bytes__gte=1, content_bytes__lte=MAX_BYTES)
                & Q(rows_total__gte=1, rows_total__lte=MAX_ROWS),
                name="upload_is_no_larger_than_a_roster",
            ),
            models.CheckConstraint(
                condition=Q(rows_done__lte=F("rows_total")), name="upload_progress_ends_at_its_rows"
            ),
            models.CheckConstraint(
                condition=Q(as_of__lte=F("uploaded_on")), name="upload_is_as_of_a_day_that_came"
            ),
            lease_has_a_holder(
                "upload_lease_has_a_holder_and_work", state__in=["checking", "importing"]
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["checked", "importing", "imported"])
                | Q(checked_at__isnull=False, checked_sequence__isnull=False),
                name="upload_is_checked_before_it_is_imported",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["importing", "imported"]) | Q(import_by__isnull=False),
                name="upload_is_imported_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state="imported") | Q(run__isnull=False, ended_at__isnull=False),
                name="upload_imported_has_its_run",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["unreadable", "failed"]) | ~Q(refusal=""),
                name="upload_that_stopped_says_why",
            ),
        ]  # fmt: skip
