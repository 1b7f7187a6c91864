"""The computed dates, what a person settled about them, and the scans that keep them true."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from accounts.append_only import AppendOnly
from accounts.models import Clinic, Role, User
from pumps.models import Pump


class Reason(models.TextChoices):
    """Why a pump's status is unknown (docs/calculations.md, Unknown)."""

    NO_FILL = "no_fill", "No fill is recorded"
    NO_PROGRAM = "no_program", "No program is recorded for the fill"
    CONCENTRATION_MISMATCH = "concentration_mismatch", "Program and fill differ in concentration"
    FILL_IN_FUTURE = "fill_in_future", "The fill is dated in the future"
    NO_DEADLINE = "no_deadline", "Nothing limits the interval"
    RECALCULATING = "recalculating", "Being recalculated"
    FAILED = "failed", "The calculation failed"
    PUMP_STOPPED = "pump_stopped", "The pump is stopped or at minimum rate"
    ALARM_DATE_MISMATCH = "alarm_date_mismatch", "The printed alarm date differs from ours"


ATTENTION = (Reason.PUMP_STOPPED, Reason.ALARM_DATE_MISMATCH)


class Projection(models.Model):
    """The dates of one pump, computed from its facts at `input_version`.

    Written by `alarms.services.reproject` and nothing else. A projection of another version than
    the pump's is shown as being recalculated, never as a date.
    """

    pump = models.OneToOneField(
        Pump, on_delete=models.CASCADE, primary_key=True, related_name="projection"
    )
    input_version = models.BigIntegerField()
    unknown_reason = models.CharField(max_length=24, choices=Reason, blank=True)
    failure = models.CharField(max_length=120, blank=True)  # an error's type, never its values
    # A known date that a person must settle first; see ATTENTION and `Settlement`.
    attention = ArrayField(models.CharField(max_length=24, choices=Reason), default=list)
    attention_settled_until = models.DateField(null=True)
    alarm_at = models.DateTimeField(null=True)
    alarm_date = models.DateField(null=True)
    empty_at = models.DateTimeField(null=True)
    empty_date = models.DateField(null=True)
    earliest_empty_date = models.DateField(null=True)
    stability_date = models.DateField(null=True)
    refill_due_on = models.DateField(null=True)
    window_opens_on = models.DateField(null=True)
    binding_clock = models.CharField(max_length=16, blank=True)
    printed_alarm_date = models.DateField(null=True)
    # The earlier of the printed and the computed alarm date: what the list sorts by.
    sort_alarm_date = models.DateField(null=True)
    flags = ArrayField(models.CharField(max_length=32), default=list)
    mode = models.CharField(max_length=20, blank=True)
    daily_dose_mcg = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    daily_dose_min_mcg = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    daily_volume_ml = models.DecimalField(max_digits=14, decimal_places=9, null=True)
    concentration_mcg_per_ml = models.DecimalField(max_digits=9, decimal_places=3, null=True)
    # When the passing of time alone will change this row: a later program, a fill to come.
    recheck_at = models.DateTimeField(null=True)
    computed_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["recheck_at"],
                name="projection_to_recheck",
                condition=Q(recheck_at__isnull=False),
            ),
            # What the scan of every minute looks for: an open window, a date that is missing.
            models.Index(fields=["window_opens_on"], name="projection_window_opens"),
            models.Index(fields=["earliest_empty_date"], name="projection_earliest_empty"),
            models.Index(
                fields=["pump"], name="projection_unknown", condition=~Q(unknown_reason="")
            ),
            models.Index(fields=["pump"], name="projection_doubtful", condition=~Q(attention=[])),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(unknown_reason="") | Q(refill_due_on__isnull=False),
                name="known_projection_has_a_due_date",
            ),
            models.CheckConstraint(
                condition=Q(unknown_reason="") | Q(refill_due_on__isnull=True),
                name="unknown_projection_has_no_due_date",
            ),
            models.CheckConstraint(
                condition=Q(window_opens_on__isnull=True)
                | Q(window_opens_on__lte=F("refill_due_on")),
                name="window_opens_before_it_closes",
            ),
        ]


class Settlement(AppendOnly):
    """A named person looked at what made a date doubtful, and says why it may stand until a day."""

    pump = models.ForeignKey(Pump, on_delete=models.PROTECT, related_name="settlements")
    input_version = models.BigIntegerField()  # new facts ask the question anew
    settles = models.CharField(max_length=24, choices=Reason)
    reason = models.TextField()
    ends_on = models.DateField()
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["pump", "input_version"], name="settlement_by_pump")]
        constraints = [
            models.CheckConstraint(
                condition=Q(settles__in=[reason.value for reason in ATTENTION]),
                name="settlement_settles_an_attention",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="settlement_has_a_reason"),
        ]


class Exclusion(AppendOnly):
    """A named person took a pump off the lists, with a reason, until a day."""

    pump = models.ForeignKey(Pump, on_delete=models.PROTECT, related_name="exclusions")
    reason = models.TextField()
    ends_on = models.DateField()
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["pump", "ends_on"], name="exclusion_by_pump")]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="exclusion_has_a_reason"),
        ]


class ExclusionEnd(AppendOnly):
    """An exclusion that was ended before its day."""

    exclusion = models.OneToOneField(Exclusion, on_delete=models.PROTECT, related_name="end")
    reason = models.TextField()
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="exclusion_end_has_a_reason"),
        ]


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
