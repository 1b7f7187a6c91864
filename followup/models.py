"""The scans that keep the dates true, and what a person must do because the system cannot."""

import uuid

from django.db import models
from django.db.models import F, Q

from accounts.models import Clinic, Role, User
from pumps.models import Pump


class ScanRun(models.Model):
    """One run of a scan: what it looked at, what it healed, and whether it came to its end.

    The delivery of messages has one row, which each of its runs moves on.
    """

    class Kind(models.TextChoices):
        DUE_SCAN = "due_scan", "Due scan"
        SWEEP = "sweep", "Sweep"
        DELIVERY = "delivery", "Delivery of messages"

    # Among a finding's fields: what is owed for the pump could not be worked out.
    NOT_PLANNED = "not planned"

    kind = models.CharField(max_length=8, choices=Kind)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    looked_at = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    refreshed = models.PositiveIntegerField(default=0)  # time passed: expected
    healed = models.PositiveIntegerField(default=0)  # it should not have differed: reported
    failed = models.PositiveIntegerField(default=0)
    # What was healed or failed, by pump id and field: {"pump": 7, "fields": [...]}; no values.
    findings = models.JSONField(default=list)

    class Meta:
        db_table = "alarms_scanrun"  # it began in that app
        indexes = [models.Index(fields=["kind", "-finished_at"], name="scan_run_by_kind")]
        constraints = [
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(finished_at__gte=F("started_at")),
                name="scan_run_ends_after_it_starts",
            ),
        ]


class WorkItem(models.Model):
    """Something that a person must do, because the system cannot or must not.

    Failures end here (docs/reliability.md, 4): each has an owner and a time, and when the time runs
    out it passes to the next person. `details` holds codes only.
    """

    class Kind(models.TextChoices):
        DELIVERY_FAILED = "delivery_failed", "A message could not be delivered"
        NOBODY_TO_TELL = "nobody_to_tell", "No nurse of the clinic has an e-mail address"
        CALL_FAMILY = "call_family", "Call the family about the appointment"
        UNBOOKED = "unbooked", "No refill is booked in time"
        DATE_UNKNOWN = "date_unknown", "The refill date is not known"
        NO_SHOW = "no_show", "The patient did not come"
        APPOINTMENT_WITHOUT_OUTCOME = (
            "appointment_without_outcome",
            "Nobody wrote down whether the patient came",
        )
        CHANNEL_FAILING = "channel_failing", "The mail server refuses our messages"
        SUMMARY_FAILED = "summary_failed", "An after-visit summary could not be made"
        PAPER_WITHDRAWN = "paper_withdrawn", "The family may hold a paper with wrong dates"

    # The reason with which the system settles; any other is a person's answer.
    NO_LONGER = "The facts have changed; it no longer applies."

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="work_items")
    pump = models.ForeignKey(Pump, on_delete=models.PROTECT, null=True, related_name="work_items")
    kind = models.CharField(max_length=32, choices=Kind)
    subject = models.CharField(max_length=100)  # a uuid of what it is about
    details = models.JSONField(default=dict)
    owner_role = models.CharField(max_length=16, choices=Role)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    escalated_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    settle_reason = models.TextField(blank=True)
    # Dismissed until this day: the same question opens no new item before.
    settled_until = models.DateField(null=True)
    # What that answered: the doubts about the date, and the first day on which the pump's alarm
    # came or it might be empty. Another doubt, or an earlier day, is another question.
    put_off_for = models.CharField(max_length=100, blank=True)
    put_off_before = models.DateField(null=True)

    class Meta:
        db_table = "alarms_workitem"  # it began in that app
        indexes = [
            models.Index(
                fields=["clinic", "due_at"],
                name="open_work_items",
                condition=Q(settled_at__isnull=True),
            ),
            models.Index(fields=["subject", "kind"], name="work_item_by_subject"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "kind", "subject"],
                condition=Q(settled_at__isnull=True),
                name="one_open_work_item",
            ),
            models.CheckConstraint(
                condition=Q(
                    settled_at__isnull=True,
                    settled_by__isnull=True,
                    settle_reason="",
                    settled_until__isnull=True,
                )
                | (Q(settled_at__isnull=False, settled_by__isnull=False) & ~Q(settle_reason="")),
                name="work_item_settled_by_somebody_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(put_off_for="", put_off_before__isnull=True)
                | Q(settled_at__isnull=False),
                name="work_item_put_off_by_who_settled_it",
            ),
            models.CheckConstraint(
                condition=Q(due_at__gte=F("opened_at")), name="work_item_is_due_after_it_opens"
            ),
        ]
