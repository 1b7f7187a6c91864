"""The reservoir's history, and the refill calendar."""

import uuid
from datetime import timedelta

from django.db import models
from django.db.models import F, Q

from accounts.models import User
from core.append_only import AppendOnly
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
    lot_number = models.CharField(max_length=40, blank=True, default="")
    expires_on = models.DateField(null=True)  # as printed on the vial; the last good day
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


class Discrepancy(AppendOnly):
    """What was aspirated at a refill against what the program before it should have left.

    `difference_ml` is aspirated − expected: positive means that less was delivered than programmed.
    """

    fill = models.OneToOneField(Fill, on_delete=models.PROTECT, related_name="discrepancy")
    expected_ml = models.DecimalField(max_digits=12, decimal_places=6)
    aspirated_ml = models.DecimalField(max_digits=6, decimal_places=3)
    difference_ml = models.DecimalField(max_digits=12, decimal_places=6)
    programmed_ml = models.DecimalField(max_digits=12, decimal_places=6)  # since the fill before
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "discrepancies"
        constraints = [
            models.CheckConstraint(
                condition=Q(expected_ml__gte=0) & Q(aspirated_ml__gte=0) & Q(programmed_ml__gte=0),
                name="discrepancy_volumes_are_not_negative",
            ),
        ]


class Appointment(models.Model):
    """A booked refill. Cancelling and outcomes are recorded on it, with who and when.

    One that is rebooked is cancelled, and `replaced_by` names the new one.
    """

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
    replaced_by = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, related_name="replaces"
    )
    outcome = models.CharField(max_length=8, choices=Outcome, blank=True)
    outcome_at = models.DateTimeField(null=True)
    outcome_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["pump", "starts_at"], name="appointment_by_pump"),
            # What is to come soon, and what nobody said the outcome of.
            models.Index(
                fields=["starts_at"],
                name="appointment_open_end",
                condition=Q(cancelled_at__isnull=True, outcome__in=["", "no_show"]),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True, cancelled_by__isnull=True, cancel_reason="")
                | (
                    Q(cancelled_at__isnull=False, cancelled_by__isnull=False) & ~Q(cancel_reason="")
                ),
                name="appointment_cancelled_by_somebody_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(outcome="", outcome_at__isnull=True, outcome_by__isnull=True)
                | Q(
                    outcome__in=["arrived", "no_show"],
                    outcome_at__isnull=False,
                    outcome_by__isnull=False,
                ),
                name="appointment_outcome_has_somebody_and_a_time",
            ),
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True) | Q(outcome=""),
                name="appointment_is_cancelled_or_has_an_outcome",
            ),
            models.CheckConstraint(
                condition=Q(replaced_by__isnull=True) | Q(cancelled_at__isnull=False),
                name="appointment_replaced_is_cancelled",
            ),
            models.UniqueConstraint(
                fields=["pump", "starts_at"],
                condition=Q(cancelled_at__isnull=True),
                name="one_appointment_of_a_pump_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__gt=F("created_at"))
                & Q(starts_at__lte=F("created_at") + timedelta(days=367)),
                name="appointment_is_booked_ahead_within_a_year",
            ),
            models.CheckConstraint(
                condition=Q(late_reason="") | Q(late_reason__regex=r"\S+\s+\S+\s+\S+"),
                name="appointment_late_reason_is_a_few_words",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="no_show") | Q(outcome_at__gte=F("starts_at")),
                name="appointment_no_show_is_known_after_its_time",
            ),
        ]
