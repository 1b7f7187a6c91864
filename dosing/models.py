"""What the pump was told to deliver. A program, a step or a bolus is a fact: never edited."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from accounts.models import Clinic, User
from core.append_only import AppendOnly
from pumps.models import Pump

MOST_STABILITY_DAYS = 730  # two years: beyond it somebody has typed hours, or a wrong figure


class DrugProduct(models.Model):
    """A drug in one concentration, in the clinic's own catalogue."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="drug_products")
    name = models.CharField(max_length=80)
    concentration_mcg_per_ml = models.DecimalField(max_digits=9, decimal_places=3)
    source = models.CharField(max_length=300)

    class Meta:
        ordering = ["name", "concentration_mcg_per_ml"]
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "name", "concentration_mcg_per_ml"],
                name="one_entry_per_drug_product",
            ),
            models.CheckConstraint(
                condition=Q(concentration_mcg_per_ml__gt=0),
                name="product_concentration_is_positive",
            ),
            models.CheckConstraint(condition=~Q(source=""), name="product_has_a_source"),
        ]


class StabilityLimit(models.Model):
    """How long a drug may stay in one family of pumps, with the source of the figure."""

    product = models.ForeignKey(DrugProduct, on_delete=models.CASCADE, related_name="limits")
    pump_family = models.CharField(max_length=40)
    stability_days = models.PositiveSmallIntegerField()
    source = models.CharField(max_length=300)

    class Meta:
        ordering = ["pump_family"]
        constraints = [
            models.UniqueConstraint(
                fields=["product", "pump_family"], name="one_limit_per_pump_family"
            ),
            models.CheckConstraint(
                condition=Q(stability_days__gte=1), name="stability_is_at_least_a_day"
            ),
            models.CheckConstraint(
                condition=Q(stability_days__lte=MOST_STABILITY_DAYS), name="stability_is_plausible"
            ),
            models.CheckConstraint(condition=~Q(source=""), name="stability_limit_has_a_source"),
        ]


class Mode(models.TextChoices):
    SIMPLE_CONTINUOUS = "simple_continuous", "Simple continuous"
    FLEX = "flex", "Flex"
    PERIODIC_BOLUS = "periodic_bolus", "Periodic bolus"
    MINIMUM_RATE = "minimum_rate", "Minimum rate"
    STOPPED = "stopped", "Stopped"


BOLUS_FIELDS = ("basal_mcg_per_hour", "bolus_mcg", "bolus_minutes", "interval_minutes", "first_at")


def _all_null(*names: str) -> Q:
    return Q(**{f"{name}__isnull": True for name in names})


def _all_set(*names: str) -> Q:
    return Q(**{f"{name}__isnull": False for name in names})


class Program(AppendOnly):
    """A program as recorded on the pump, from `effective_at` until the next one."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    pump = models.ForeignKey(Pump, on_delete=models.PROTECT, related_name="programs")
    effective_at = models.DateTimeField()
    mode = models.CharField(max_length=20, choices=Mode)
    concentration_mcg_per_ml = models.DecimalField(max_digits=9, decimal_places=3)
    utc_offset_minutes = models.SmallIntegerField()  # of the pump's own clock
    daily_dose_mcg = models.DecimalField(max_digits=10, decimal_places=4, null=True)
    basal_mcg_per_hour = models.DecimalField(max_digits=10, decimal_places=4, null=True)
    bolus_mcg = models.DecimalField(max_digits=10, decimal_places=4, null=True)
    bolus_minutes = models.PositiveSmallIntegerField(null=True)
    interval_minutes = models.PositiveSmallIntegerField(null=True)
    first_at = models.TimeField(null=True)
    basal_suspended = models.BooleanField(default=False)
    reason = models.TextField(blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["pump", "-effective_at", "-id"], name="program_by_pump")]
        constraints = [
            models.CheckConstraint(
                condition=Q(concentration_mcg_per_ml__gt=0),
                name="program_concentration_is_positive",
            ),
            models.CheckConstraint(
                condition=Q(utc_offset_minutes__gte=-1080) & Q(utc_offset_minutes__lte=1080),
                name="program_clock_offset_is_plausible",
            ),
            models.CheckConstraint(
                condition=(
                    # A comparison with NULL is not false, and would let the row through.
                    Q(mode="simple_continuous", daily_dose_mcg__gte=0)
                    & _all_set("daily_dose_mcg")
                    & _all_null(*BOLUS_FIELDS)
                )
                | (
                    Q(mode="periodic_bolus", basal_mcg_per_hour__gte=0, bolus_mcg__gt=0)
                    & _all_set(*BOLUS_FIELDS)
                    & Q(bolus_minutes__gte=1, bolus_minutes__lte=F("interval_minutes"))
                    & _all_null("daily_dose_mcg")
                )
                | (
                    Q(mode__in=["flex", "minimum_rate", "stopped"])
                    & _all_null("daily_dose_mcg", *BOLUS_FIELDS)
                ),
                name="program_has_the_figures_of_its_mode",
            ),
        ]


class Step(AppendOnly):
    """One step of a flex program: the whole dose from its start until the next step's start."""

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="steps")
    days = ArrayField(models.CharField(max_length=3))
    start = models.TimeField()
    dose_mcg = models.DecimalField(max_digits=10, decimal_places=4)

    class Meta:
        indexes = [models.Index(fields=["program"], name="step_by_program")]
        constraints = [
            models.CheckConstraint(condition=Q(dose_mcg__gte=0), name="step_dose_is_not_negative"),
            models.UniqueConstraint(
                fields=["program", "days", "start"], name="one_step_per_start_and_days"
            ),
        ]


class BolusKind(models.TextChoices):
    SINGLE = "single", "Single bolus"
    PRIMING = "priming", "Priming bolus"
    BRIDGE = "bridge", "Bridge bolus"


class Bolus(AppendOnly):
    """A bolus that the pump gave or gives, on top of the program or in its place."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    pump = models.ForeignKey(Pump, on_delete=models.PROTECT, related_name="boluses")
    kind = models.CharField(max_length=8, choices=BolusKind)
    at = models.DateTimeField()
    dose_mcg = models.DecimalField(max_digits=10, decimal_places=4)
    minutes = models.DecimalField(max_digits=9, decimal_places=3)
    replaces_program = models.BooleanField(default=False)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name_plural = "boluses"
        indexes = [models.Index(fields=["pump", "at"], name="bolus_by_pump")]
        constraints = [
            models.CheckConstraint(
                condition=Q(dose_mcg__gt=0) & Q(minutes__gt=0), name="bolus_is_positive"
            ),
            models.CheckConstraint(
                condition=Q(kind="bridge", replaces_program=True)
                | (~Q(kind="bridge") & Q(replaces_program=False)),
                name="only_a_bridge_bolus_replaces_the_program",
            ),
        ]


class ProgramCorrection(AppendOnly):
    """The program was entered in error; `replacement` is what it should have been, if anything."""

    program = models.OneToOneField(Program, on_delete=models.PROTECT, related_name="correction")
    replacement = models.ForeignKey(
        Program, on_delete=models.PROTECT, null=True, related_name="corrects"
    )
    reason = models.TextField()
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="program_correction_has_a_reason"),
        ]


class BolusCorrection(AppendOnly):
    """The bolus was entered in error."""

    bolus = models.OneToOneField(Bolus, on_delete=models.PROTECT, related_name="correction")
    replacement = models.ForeignKey(
        Bolus, on_delete=models.PROTECT, null=True, related_name="corrects"
    )
    reason = models.TextField()
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="bolus_correction_has_a_reason"),
        ]
