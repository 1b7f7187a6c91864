"""Imports of a clinic's spreadsheet: every run is kept with its raw rows."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Clinic, User
from patients.models import Patient


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
