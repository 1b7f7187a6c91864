"""After-visit summaries, in versions, and who printed them."""

from django.db import models
from django.db.models import Q

from documents.models import Paper, Print, paper_constraints, to_make_index

from .encounters import Visit


class AfterVisitSummary(Paper):
    """What the family takes home from a visit."""

    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="summaries")
    # When it was last found to say what a new version would.
    checked_at = models.DateTimeField()
    # The dates that it tells; another projection makes it out of date.
    alarm_date = models.DateField(null=True)
    refill_due_on = models.DateField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["clinic", "-id"], name="summary_by_clinic"),
            to_make_index("summary"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["visit", "version"], name="one_summary_per_version"),
            models.UniqueConstraint(
                fields=["visit"],
                condition=Q(replaced_at__isnull=True),
                name="one_current_summary_per_visit",
            ),
            *paper_constraints("summary"),
        ]


class SummaryPrint(Print):
    """Somebody printed a version of a summary."""

    summary = models.ForeignKey(AfterVisitSummary, on_delete=models.PROTECT, related_name="prints")

    class Meta:
        indexes = [models.Index(fields=["summary", "-at"], name="print_by_summary")]
