"""Writes of clinics, people and API clients."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F

from . import audit
from .models import ApiClient, Clinic, Membership, Role, Scope, User
from .rules import Problem, RuleViolation
from .tokens import hash_token, new_token

SYSTEM_USERS = {"system-import": "Roster import", "system-scan": "Scan"}
TOKEN_LIFETIME = timedelta(days=90)
CLINIC_SETTINGS = ("name", "timezone", "refill_lead_days", "window_days", "max_interval_days")


def system_user(username: str) -> User:
    """The account under which a named part of the system records facts; nobody can sign in."""
    user, _ = User.objects.get_or_create(
        username=username, defaults={"first_name": SYSTEM_USERS[username], "password": "!"}
    )
    return user


def check_clinic(clinic: Clinic) -> None:
    """Refuse clinic settings that dates cannot be computed with.

    Raises:
        RuleViolation: with each field's sentence.
    """
    try:
        clinic.full_clean(exclude=["change_sequence"])
    except ValidationError as error:
        raise RuleViolation(
            [
                Problem(field, "invalid", message)
                for field, messages in error.message_dict.items()
                for message in messages
            ]
        ) from error


@transaction.atomic
def create_clinic(*, slug: str, name: str, timezone: str, by: User, at: datetime) -> Clinic:
    """Make an empty clinic with the default settings."""
    clinic = Clinic(slug=slug, name=name, timezone=timezone)
    check_clinic(clinic)
    clinic.save()
    audit.record(
        event="clinic.created",
        by=by,
        at=at,
        clinic_id=clinic.pk,
        subject_type="clinic",
        subject_id=clinic.uuid,
        after={"slug": slug, "timezone": timezone},
    )
    return clinic


@transaction.atomic
def change_clinic(*, clinic: Clinic, by: User, at: datetime, **settings: Any) -> Clinic:
    """Change the clinic's settings. `alarms.services.change_clinic_settings` recomputes the dates.

    Args:
        settings: new values of `CLINIC_SETTINGS`.
    """
    locked = Clinic.objects.select_for_update().get(pk=clinic.pk)
    before = {name: getattr(locked, name) for name in CLINIC_SETTINGS}
    for name, value in settings.items():
        if name not in CLINIC_SETTINGS:
            raise TypeError(f"{name} is no clinic setting")
        setattr(locked, name, value)
    check_clinic(locked)
    locked.save(update_fields=list(settings))
    audit.record(
        event="clinic.changed",
        by=by,
        at=at,
        clinic_id=locked.pk,
        subject_type="clinic",
        subject_id=locked.uuid,
        before=before,
        after={name: getattr(locked, name) for name in CLINIC_SETTINGS},
    )
    return locked


@transaction.atomic
def create_user(
    *, username: str, password: str, given_name: str, family_name: str, by: User, at: datetime
) -> User:
    """Make an account. What the user may do comes with `grant_role`."""
    user = User.objects.create_user(
        username=username, password=password, first_name=given_name, last_name=family_name
    )
    audit.record(
        event="user.created",
        by=by,
        at=at,
        clinic_id=None,
        subject_type="user",
        subject_id=user.uuid,
    )
    return user


@transaction.atomic
def grant_role(*, user: User, clinic: Clinic, role: Role, by: User, at: datetime) -> Membership:
    """Give the user a role in the clinic, in place of the one held there."""
    membership, _ = Membership.objects.update_or_create(
        user=user, clinic=clinic, defaults={"role": role}
    )
    audit.record(
        event="user.role_granted",
        by=by,
        at=at,
        clinic_id=clinic.pk,
        subject_type="user",
        subject_id=user.uuid,
        after={"role": role},
    )
    return membership


@transaction.atomic
def create_api_client(
    *,
    name: str,
    clinics: Collection[Clinic],
    scopes: Collection[Scope],
    by: User,
    at: datetime,
    token: str | None = None,
) -> tuple[ApiClient, str]:
    """Make an API client; returns it with its token, which is never shown again.

    Args:
        token: a token made elsewhere (the demo's); by default a new one is made.
    """
    token = token or new_token()
    client = ApiClient.objects.create(
        name=name,
        token_hash=hash_token(token),
        scopes=sorted(scopes),
        created_at=at,
        created_by=by,
        expires_at=at + TOKEN_LIFETIME,
    )
    client.clinics.set(clinics)
    for clinic in clinics:
        audit.record(
            event="api_client.created",
            by=by,
            at=at,
            clinic_id=clinic.pk,
            subject_type="api_client",
            subject_id=client.uuid,
            after={"scopes": sorted(scopes)},
        )
    return client, token


@transaction.atomic
def revoke_api_client(*, client: ApiClient, by: User, at: datetime) -> None:
    """Revoke a client's token at once."""
    ApiClient.objects.filter(pk=client.pk, revoked_at__isnull=True).update(revoked_at=at)
    for clinic in client.clinics.all():
        audit.record(
            event="api_client.revoked",
            by=by,
            at=at,
            clinic_id=clinic.pk,
            subject_type="api_client",
            subject_id=client.uuid,
        )


def touch_api_client(*, client: ApiClient, now: datetime) -> None:
    """Remember when a token was last used, to the minute: not one write for each request."""
    if client.last_used_at is None or now - client.last_used_at > timedelta(minutes=1):
        ApiClient.objects.filter(pk=client.pk).update(last_used_at=now)


def bump_change_sequence(clinic_ids: Collection[int]) -> None:
    """Say that something a refill-due list shows has changed. Called last in a transaction.

    Clinics are locked in one order, after any pump, so that two writers never wait for each other.
    """
    ordered = Clinic.objects.select_for_update(no_key=True).filter(pk__in=clinic_ids)
    locked = [clinic.pk for clinic in ordered.order_by("pk").only("pk")]
    Clinic.objects.filter(pk__in=locked).update(change_sequence=F("change_sequence") + 1)
