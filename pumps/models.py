"""The device: its model, the implanted pump, its catheter, and what it reported."""

import uuid
from datetime import timedelta
from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from accounts.models import Clinic, User
from core.append_only import AppendOnly
from patients.models import EARLIEST, Patient


class DateInGreenwich(models.Func):
    """The calendar date of an instant, whatever the session's time zone: fit for a constraint."""

    template = "(timezone('UTC', %(expressions)s))::date"
    output_field = models.DateField()


class PumpModel(models.Model):
    """A pump model with the figures that its dates are computed with, and their sources.

    Each clinic has its own catalogue: a figure that one clinic corrects moves no other's dates.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="pump_models")
    catalogue_number = models.CharField(max_length=32)
    name = models.CharField(max_length=80)
    family = models.CharField(max_length=40)
    aliases = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    reservoir_ml = models.DecimalField(max_digits=6, decimal_places=3)
    default_low_reservoir_alarm_ml = models.DecimalField(max_digits=6, decimal_places=3)
    min_ml_per_day = models.DecimalField(max_digits=8, decimal_places=5)
    max_ml_per_day = models.DecimalField(max_digits=8, decimal_places=5)
    flow_accuracy_percent = models.DecimalField(max_digits=5, decimal_places=2)
    allows_zero_flow = models.BooleanField(default=False)
    max_steps = models.PositiveSmallIntegerField(default=13)
    sources = models.JSONField(default=dict)

    class Meta:
        ordering = ["family", "reservoir_ml", "catalogue_number"]
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "catalogue_number"], name="one_entry_per_pump_model"
            ),
            models.CheckConstraint(condition=Q(reservoir_ml__gt=0), name="reservoir_is_positive"),
            models.CheckConstraint(
                condition=Q(default_low_reservoir_alarm_ml__gte=0)
                & Q(default_low_reservoir_alarm_ml__lt=F("reservoir_ml")),
                name="default_alarm_is_below_reservoir",
            ),
            models.CheckConstraint(
                condition=Q(min_ml_per_day__gte=0) & Q(max_ml_per_day__gt=F("min_ml_per_day")),
                name="flow_limits_are_ordered",
            ),
            models.CheckConstraint(
                condition=Q(flow_accuracy_percent__gte=0) & Q(flow_accuracy_percent__lt=100),
                name="flow_accuracy_is_a_percentage",
            ),
            models.CheckConstraint(
                condition=Q(max_steps__gte=1) & Q(max_steps__lte=48), name="max_steps_is_plausible"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Pump(models.Model):
    """An implanted pump. It is active until an `Explant` that counts says otherwise."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="pumps")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="pumps")
    model = models.ForeignKey(PumpModel, on_delete=models.PROTECT, related_name="pumps")
    serial_number = models.CharField(max_length=40)
    implanted_on = models.DateField(null=True, blank=True)  # null: not recorded, still active
    low_reservoir_alarm_ml = models.DecimalField(max_digits=6, decimal_places=3)
    # The catalogue's default until somebody reads the setting from the pump.
    low_reservoir_alarm_assumed = models.BooleanField(default=False)
    # Bumped by every change of what the dates are computed from (docs/reliability.md, 2).
    input_version = models.BigIntegerField(default=1, editable=False)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["clinic", "id"], name="pump_by_clinic")]
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "serial_number"],
                condition=~Q(serial_number=""),
                name="one_pump_per_serial_number",
            ),
            models.CheckConstraint(
                condition=Q(low_reservoir_alarm_ml__gte=0), name="pump_alarm_is_not_negative"
            ),
            # The clinic's day of recording may be a day ahead of the one in Greenwich.
            models.CheckConstraint(
                condition=Q(implanted_on__isnull=True)
                | Q(
                    implanted_on__gte=EARLIEST,
                    implanted_on__lte=DateInGreenwich(F("recorded_at") + timedelta(days=1)),
                ),
                name="pump_implant_is_not_in_the_future",
            ),
        ]

    def __str__(self) -> str:
        return f"pump {self.uuid}"

    @property
    def explant(self) -> "Explant | None":
        """That it was taken out, where nobody took that back. For many pumps prefetch
        `explants__withdrawal`; a query is asked with `selectors.taken_out`."""
        counting = [row for row in self.explants.all() if not hasattr(row, "withdrawal")]
        return counting[-1] if counting else None


class Explant(AppendOnly):
    """The pump was taken out; from that instant it is no longer active, unless it is withdrawn.

    A pump has one explant that counts. The first one follows nothing; a later one names the
    withdrawal of the one before it, so the database itself lets no second one in.
    """

    pump = models.ForeignKey(Pump, on_delete=models.PROTECT, related_name="explants")
    follows = models.OneToOneField(
        "ExplantWithdrawal", on_delete=models.PROTECT, null=True, related_name="followed_by"
    )
    at = models.DateTimeField()
    reason = models.TextField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pump"],
                condition=Q(follows__isnull=True),
                name="one_explant_of_a_pump_counts",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="explant_has_a_reason"),
            models.CheckConstraint(
                condition=Q(at__lte=F("recorded_at")), name="explant_is_not_in_the_future"
            ),
        ]


class ExplantWithdrawal(AppendOnly):
    """The explant was entered in error: the pump is where it was, and active again."""

    explant = models.OneToOneField(Explant, on_delete=models.PROTECT, related_name="withdrawal")
    reason = models.TextField()
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="explant_withdrawal_has_a_reason"),
        ]


class Catheter(AppendOnly):
    """A catheter as implanted; a revision is a new row. The path volume comes from it."""

    pump = models.ForeignKey(Pump, on_delete=models.PROTECT, related_name="catheters")
    implanted_on = models.DateField()
    catalogue_number = models.CharField(max_length=32, blank=True)
    length_cm = models.DecimalField(max_digits=6, decimal_places=2)
    ml_per_cm = models.DecimalField(max_digits=7, decimal_places=5)
    pump_tubing_ml = models.DecimalField(max_digits=6, decimal_places=4, default=Decimal(0))
    source = models.CharField(max_length=200)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(length_cm__gt=0) & Q(ml_per_cm__gt=0) & Q(pump_tubing_ml__gte=0),
                name="catheter_volumes_are_positive",
            ),
        ]


class Interrogation(AppendOnly):
    """What the pump's programmer showed or printed: the second clock that ours is held against."""

    pump = models.ForeignKey(Pump, on_delete=models.PROTECT, related_name="interrogations")
    at = models.DateTimeField()
    printed_alarm_date = models.DateField(null=True)
    low_reservoir_alarm_ml = models.DecimalField(max_digits=6, decimal_places=3, null=True)
    reservoir_volume_ml = models.DecimalField(max_digits=6, decimal_places=3, null=True)
    source = models.CharField(max_length=60)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["pump", "-at", "-id"], name="interrogation_by_pump")]
        constraints = [
            models.CheckConstraint(
                condition=Q(printed_alarm_date__isnull=False)
                | Q(low_reservoir_alarm_ml__isnull=False)
                | Q(reservoir_volume_ml__isnull=False),
                name="interrogation_reported_something",
            ),
            models.CheckConstraint(
                condition=Q(reservoir_volume_ml__isnull=True) | Q(reservoir_volume_ml__gte=0),
                name="interrogation_volume_is_not_negative",
            ),
        ]


class InterrogationCorrection(AppendOnly):
    """What the programmer showed was entered in error; it does not count any more."""

    interrogation = models.OneToOneField(
        Interrogation, on_delete=models.PROTECT, related_name="correction"
    )
    reason = models.TextField()
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(reason=""), name="interrogation_correction_has_a_reason"
            ),
        ]
