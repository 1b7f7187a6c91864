"""Who may act where, and who did what."""

import uuid
import zoneinfo
from datetime import time

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from core.append_only import AppendOnly
from core.local_time import known_timezones


def validate_one_line(value: str) -> None:
    """Refuse a line break in what goes into a message's header or its one sentence."""
    if "\r" in value or "\n" in value:
        raise ValidationError("Write this on one line.")


def validate_timezone(value: str) -> None:
    """Refuse a time zone that is not in the public list; the clinic's dates hang on it."""
    if value not in known_timezones():
        raise ValidationError(
            f"Time zone “{value}” is not known. Use a name such as America/Denver."
        )


class User(AbstractUser):
    """A person who signs in, or the named part of the system that recorded a fact."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # Somebody else has seen it: the person chooses another before anything else.
    password_was_given = models.BooleanField(default=False, db_default=False)

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.username


class Clinic(models.Model):
    """A clinic with the settings that its dates are computed with."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    timezone = models.CharField(max_length=64, validators=[validate_timezone])
    refill_lead_days = models.PositiveSmallIntegerField(default=7)
    window_days = models.PositiveSmallIntegerField(default=14)
    max_interval_days = models.PositiveSmallIntegerField(null=True, blank=True)
    # How a family reaches the clinic, and when the clinic leaves families in peace.
    phone_day = models.CharField(
        max_length=40, blank=True, default="", validators=[validate_one_line]
    )
    phone_night = models.CharField(
        max_length=40, blank=True, default="", validators=[validate_one_line]
    )
    reply_email = models.EmailField(blank=True, default="")
    # Where a family comes to, in one line, as summaries and messages name it.
    visit_place = models.CharField(
        max_length=120, blank=True, default="", validators=[validate_one_line]
    )
    quiet_from = models.TimeField(default=time(20))  # the clinic's clock; equal times: no quiet
    quiet_until = models.TimeField(default=time(8))
    # Moves with every change that a refill-due list could show (docs/contracts.md, REST).
    change_sequence = models.BigIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=~Q(timezone=""), name="clinic_has_a_timezone"),
            models.CheckConstraint(
                condition=Q(refill_lead_days__lte=60) & Q(window_days__lte=120),
                name="clinic_lead_and_window_are_plausible",
            ),
            models.CheckConstraint(
                condition=Q(max_interval_days__isnull=True) | Q(max_interval_days__gte=1),
                name="clinic_max_interval_is_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.timezone)


class Role(models.TextChoices):
    NURSE = "nurse", "Rehab nurse"
    DOCTOR = "doctor", "Rehabilitation doctor"
    STAFF = "staff", "Clinic staff"
    PHARMACIST = "pharmacist", "Pharmacist"
    AUDITOR = "auditor", "Auditor"
    ADMIN = "admin", "Administrator"


class Membership(models.Model):
    """What one user is in one clinic."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "clinic"], name="one_role_per_clinic"),
            models.CheckConstraint(
                condition=Q(role__in=[role.value for role in Role]), name="membership_role_is_known"
            ),
        ]


class Scope(models.TextChoices):
    DUE_READ = "due:read", "Refill-due lists"
    WHAT_IF = "what-if", "What-if projections"


class ApiClient(models.Model):
    """A program that reads over REST. Its token is shown once; only a hash is kept."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    clinics = models.ManyToManyField(Clinic, related_name="api_clients")
    scopes = ArrayField(models.CharField(max_length=32, choices=Scope))
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="api_client_expires_later"
            ),
        ]


class AuditEvent(AppendOnly):
    """Who did or read what, when. It has no foreign keys: it outlives what it speaks of."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=160)
    actor_id = models.BigIntegerField(null=True)
    clinic_id = models.BigIntegerField(null=True)
    event = models.CharField(max_length=64)
    subject_type = models.CharField(max_length=32)
    subject_id = models.CharField(max_length=64)
    reason = models.TextField(blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["clinic_id", "-id"], name="audit_by_clinic"),
            models.Index(fields=["subject_type", "subject_id", "-id"], name="audit_by_subject"),
        ]
