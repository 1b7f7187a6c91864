"""After-visit summaries, in versions, and who printed them."""

import uuid

from django.db import models
from django.db.models import F, Q

from accounts.models import Clinic, User
from core.append_only import AppendOnly
from core.leases import Leased, lease_has_a_holder

from .encounters import Visit


class AfterVisitSummary(Leased):
    """What the family takes home from a visit, as it stood when this version was made.

    `content` is written in the transaction of the visit and never changes; the worker makes the
    page and the PDF from it and keeps both, so that a reprint is identical whatever the template
    has become. What changes afterwards (an appointment, a date) makes a new version.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Being made"
        READY = "ready", "Ready"
        FAILED = "failed", "Could not be made"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="summaries")
    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="summaries")
    version = models.PositiveSmallIntegerField(default=1)
    language = models.CharField(max_length=2, default="en")
    content = models.JSONField()
    # When it was last found to say what a new version would.
    checked_at = models.DateTimeField()
    # The dates that it tells; another projection makes it out of date.
    alarm_date = models.DateField(null=True)
    refill_due_on = models.DateField(null=True)
    created_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True)  # a newer version exists
    state = models.CharField(max_length=7, choices=State, default=State.PENDING)
    not_before = models.DateTimeField()
    error_class = models.CharField(max_length=60, blank=True)  # never a message: it has values
    html = models.TextField(blank=True)
    pdf = models.BinaryField(null=True)
    pdf_missing = models.CharField(max_length=60, blank=True)  # why there is a page and no PDF
    rendered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["clinic", "-id"], name="summary_by_clinic"),
            models.Index(
                fields=["not_before", "id"], name="summary_to_render", condition=Q(state="pending")
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["visit", "version"], name="one_summary_per_version"),
            models.UniqueConstraint(
                fields=["visit"],
                condition=Q(replaced_at__isnull=True),
                name="one_current_summary_per_visit",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "ready", "failed"]), name="summary_state_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="ready")
                | (
                    Q(rendered_at__isnull=False)
                    & ~Q(html="")
                    & (
                        Q(pdf__isnull=False, pdf_missing="")
                        | (Q(pdf__isnull=True) & ~Q(pdf_missing=""))
                    )
                ),
                name="summary_ready_has_its_page_and_its_pdf_or_says_why_not",
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | ~Q(error_class=""), name="summary_failed_says_why"
            ),
            lease_has_a_holder("summary_lease_has_a_holder_and_a_pending_row", state="pending"),
            models.CheckConstraint(
                condition=Q(replaced_at__isnull=True) | Q(replaced_at__gte=F("created_at")),
                name="summary_is_replaced_after_it_is_made",
            ),
        ]


class SummaryPrint(AppendOnly):
    """Somebody printed a version of a summary."""

    summary = models.ForeignKey(AfterVisitSummary, on_delete=models.PROTECT, related_name="prints")
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["summary", "-at"], name="print_by_summary")]
