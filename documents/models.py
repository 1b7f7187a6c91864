"""What every kind of paper keeps. The tables are the kinds' own, in the apps above."""

import uuid

from django.db import models
from django.db.models import F, Q

from accounts.models import Clinic, User
from core.append_only import AppendOnly
from core.leases import Leased, lease_has_a_holder


class Paper(Leased):
    """A paper that somebody takes home or files, as it stood when this version was made.

    `content` is written in the transaction of what it tells of and never changes; the worker makes
    the page and the PDF from it and keeps both, so that a reprint is identical whatever the
    template has become. What changes afterwards makes a new version.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Being made"
        READY = "ready", "Ready"
        FAILED = "failed", "Could not be made"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveSmallIntegerField(default=1)
    language = models.CharField(max_length=2, default="en")
    content = models.JSONField()
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
        abstract = True


class Print(AppendOnly):
    """Somebody printed a version of a paper; which one, the kind's table says."""

    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True


def to_make_index(kind: str) -> models.Index:
    """The index by which the worker finds what is due."""
    return models.Index(
        fields=["not_before", "id"], name=f"{kind}_to_render", condition=Q(state="pending")
    )


def paper_constraints(kind: str) -> list[models.BaseConstraint]:
    """What the database holds of every kind's table."""
    complete = Q(rendered_at__isnull=False) & ~Q(html="")
    has_pdf = Q(pdf__isnull=False, pdf_missing="") | (Q(pdf__isnull=True) & ~Q(pdf_missing=""))
    return [
        models.CheckConstraint(
            condition=Q(state__in=["pending", "ready", "failed"]), name=f"{kind}_state_is_known"
        ),
        models.CheckConstraint(
            condition=~Q(state="ready") | (complete & has_pdf),
            name=f"{kind}_ready_has_its_page_and_its_pdf_or_says_why_not",
        ),
        models.CheckConstraint(
            condition=~Q(state="failed") | ~Q(error_class=""), name=f"{kind}_failed_says_why"
        ),
        lease_has_a_holder(f"{kind}_lease_has_a_holder_and_a_pending_row", state="pending"),
        models.CheckConstraint(
            condition=Q(replaced_at__isnull=True) | Q(replaced_at__gte=F("created_at")),
            name=f"{kind}_is_replaced_after_it_is_made",
        ),
    ]
