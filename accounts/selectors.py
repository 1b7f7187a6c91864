"""Reads of clinics, people and API clients, scoped to what a user may see."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, QuerySet

from .models import ApiClient, AuditEvent, Clinic, Membership, User
from .policies import Action, clinic_ids
from .tokens import hash_token


def clinics_for(user: User, action: Action) -> QuerySet[Clinic]:
    """The clinics in which the user may do it, by name."""
    return Clinic.objects.filter(pk__in=clinic_ids(user, action))


def active_api_client(token: str, now: datetime) -> ApiClient | None:
    """The client that this token belongs to, unless it is revoked or expired."""
    return (
        ApiClient.objects.filter(
            Q(revoked_at__isnull=True) | Q(revoked_at__gt=now),
            token_hash=hash_token(token),
            expires_at__gt=now,
        )
        .prefetch_related("clinics")
        .first()
    )


def members_of(clinic: Clinic) -> QuerySet[Membership]:
    """The people of a clinic, by role and name."""
    return (
        Membership.objects.filter(clinic=clinic)
        .select_related("user")
        .order_by("role", "user__last_name", "user__username")
    )


def api_clients_of(clinic: Clinic) -> QuerySet[ApiClient]:
    """The API clients that may read this clinic, revoked ones last."""
    return ApiClient.objects.filter(clinics=clinic).order_by("revoked_at", "name")


def audit_events(of_clinics: Sequence[int]) -> QuerySet[AuditEvent]:
    """What was done and read in these clinics, newest first."""
    return AuditEvent.objects.filter(clinic_id__in=of_clinics)
