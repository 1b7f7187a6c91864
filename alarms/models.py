"""The computed dates, and what a person settled about them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from accounts.models import User
from core.append_only import AppendOnly
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

    Written by `alarms.services.projection.reproject` and nothing else. A projection of another
    version than the pump's is shown as being recalculated, never as a date.
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
