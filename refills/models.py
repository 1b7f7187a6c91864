"""The reservoir's history, and the refill calendar."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.append_only import AppendOnly
from accounts.models import User
from dosing.models import DrugProduct
from pumps.models import Pump


class Fill(AppendOnly):
    """What was in the reservoir after a refill. The dates are counted from here."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    pump = models.ForeignKey(Pump, on_delete=models.PROTECT, related_name="fills")
    at = models.DateTimeField()
    volume_ml = models.DecimalField(max_digits=6, decimal_places=3)
    concentration_mcg_per_ml = models.DecimalField(max_digits=9, decimal_places=3)
    product = models.ForeignKey(DrugProduct, on_delete=models.PROTECT, null=True, related_name="+")
    # Copied from the catalogue: what held on the day of the fill holds until the next one.
    stability_days = models.PositiveSmallIntegerField(null=True)
    use_by = models.DateField(null=True)
    aspirated_ml = models.DecimalField(max_digits=6, decimal_places=3, null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["pump", "-at", "-id"], name="fill_by_pump")]
        constraints = [
            models.CheckConstraint(
                condition=Q(volume_ml__gt=0) & Q(concentration_mcg_per_ml__gt=0),
                name="fill_is_positive",
            ),
            models.CheckConstraint(
                condition=Q(aspirated_ml__isnull=True) | Q(aspirated_ml__gte=0),
                name="fill_aspirated_is_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(stability_days__isnull=True) | Q(stability_days__gte=1),
                name="fill_stability_is_at_least_a_day",
            ),
        ]


class FillCorrection(AppendOnly):
    """The fill was entered in error; `replacement` is what it should have been, if anything."""

    fill = models.OneToOneField(Fill, on_delete=models.PROTECT, related_name="correction")
    replacement = models.ForeignKey(
        Fill, on_delete=models.PROTECT, null=True, related_name="corrects"
    )
    reason = models.TextField()
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="fill_correction_has_a_reason"),
        ]


class Appointment(models.Model):
    """A booked refill. Cancelling and outcomes are recorded on it, with who and when."""

    class Outcome(models.TextChoices):
        ARRIVED = "arrived", "Arrived"
        NO_SHOW = "no_show", "No-show"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    pump = models.ForeignKey(Pump, on_delete=models.PROTECT, related_name="appointments")
    starts_at = models.DateTimeField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    late_reason = models.TextField(blank=True)  # why it is after the alarm date
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    cancel_reason = models.TextField(blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome, blank=True)

    class Meta:
        indexes = [models.Index(fields=["pump", "starts_at"], name="appointment_by_pump")]
        constraints = [
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True, cancelled_by__isnull=True, cancel_reason="")
                | (
                    Q(cancelled_at__isnull=False, cancelled_by__isnull=False) & ~Q(cancel_reason="")
                ),
                name="appointment_cancelled_by_somebody_for_a_reason",
            ),
        ]
