"""The people whose pumps are kept from running dry, and those who care for them."""

import uuid
from datetime import date, timedelta
from typing import Final

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Clinic, User
from core.append_only import AppendOnly

EARLIEST: Final = date(1900, 1, 1)  # no patient is born before, and no pump implanted


class Patient(models.Model):
    """A patient of one clinic. The MRN is the clinic's own number and may be corrected."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="patients")
    mrn = models.CharField(max_length=32)
    family_name = models.CharField(max_length=120)
    given_name = models.CharField(max_length=120)
    date_of_birth = models.DateField()
    language = models.CharField(max_length=40, blank=True)
    diagnosis = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clinic", "mrn"], name="one_patient_per_mrn"),
            models.CheckConstraint(condition=~Q(mrn=""), name="patient_has_an_mrn"),
            models.CheckConstraint(
                condition=~Q(family_name="") | ~Q(given_name=""), name="patient_has_a_name"
            ),
            # A day is left for clinics whose date is ahead of the server's.
            models.CheckConstraint(
                condition=Q(date_of_birth__gte=EARLIEST)
                & Q(date_of_birth__lte=Now() + timedelta(days=1)),
                name="patient_is_born_and_not_before_1900",
            ),
        ]

    def __str__(self) -> str:
        return f"patient {self.uuid}"  # never the name: this reaches logs

    @property
    def display_name(self) -> str:
        """`DÍAZ, Sofía`, as clinic staff write it."""
        return f"{self.family_name.upper()}, {self.given_name}"


class Everyone(models.Manager["Caregiver"]):
    """With those who were removed, to say who they were."""


class PeopleToCall(models.Manager["Caregiver"]):
    """Those who were not removed: nobody is called or written to by oversight."""

    def get_queryset(self) -> models.QuerySet["Caregiver"]:
        return super().get_queryset().filter(removed_at__isnull=True)


class Caregiver(models.Model):
    """Someone whom the clinic may call about a patient. Consent is recorded apart.

    Who was removed stays on record, since messages name them: `everyone` has them too.
    """

    # What a message row names in place of an address. The database's default fills old rows.
    uuid = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="caregivers")
    relationship = models.CharField(max_length=60, blank=True)
    name = models.CharField(max_length=120, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField(blank=True)
    removed_at = models.DateTimeField(null=True)
    removed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    remove_reason = models.CharField(max_length=300, blank=True, default="", db_default="")

    objects = PeopleToCall()
    everyone = Everyone()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True, removed_by__isnull=True, remove_reason="")
                | (Q(removed_at__isnull=False, removed_by__isnull=False) & ~Q(remove_reason="")),
                name="caregiver_is_removed_by_somebody_for_a_reason",
            ),
            models.CheckConstraint(
                condition=~(Q(relationship="") & Q(name="") & Q(phone="") & Q(email="")),
                name="caregiver_is_somebody",
            ),
        ]


class ContactConsent(AppendOnly):
    """A caregiver agreed to be written to by one channel, from an instant until another."""

    class Channel(models.TextChoices):
        EMAIL = "email", "E-mail"

    caregiver = models.ForeignKey(Caregiver, on_delete=models.PROTECT, related_name="consents")
    channel = models.CharField(max_length=8, choices=Channel)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)  # exclusive; null: until it is withdrawn
    agreed = models.CharField(max_length=300, blank=True, default="")  # how, and to what
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["caregiver", "channel"], name="consent_by_caregiver")]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="consent_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(channel__in=["email"]), name="consent_channel_is_known"
            ),
        ]


class ConsentWithdrawal(AppendOnly):
    """The consent was taken back; from this instant it does not count."""

    consent = models.OneToOneField(
        ContactConsent, on_delete=models.PROTECT, related_name="withdrawal"
    )
    at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
