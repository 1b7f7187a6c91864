"""Writes of API clients and their tokens."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from accounts import audit
from accounts.models import ApiClient, Clinic, Scope, User
from accounts.policies import Action, check_may
from accounts.tokens import hash_token, new_token
from core.rules import Problem, RuleViolation

TOKEN_LIFETIME = timedelta(days=90)


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
def issue_api_client(
    *, clinic: Clinic, name: str, scopes: Collection[Scope], by: User, at: datetime
) -> tuple[ApiClient, str]:
    """Make an API client of one clinic, as its administrator does.

    Returns:
        The client with its token, which is never shown again.

    Raises:
        RuleViolation: not allowed, no name, no scope, or a name that a running client has.
    """
    check_may(by, Action.MANAGE_CLINIC, clinic)
    problems = []
    name = " ".join(name.split())
    clients = ApiClient.objects.filter(clinics=clinic, name__iexact=name)
    running = clients.filter(revoked_at__isnull=True, expires_at__gt=at)
    if not name:
        problems.append(Problem("name", "missing", "Write which program this is for."))
    elif running.exists():
        text = "A client of this name is in use. Choose another name, or revoke that one first."
        problems.append(Problem("name", "duplicate", text))
    if not scopes:
        problems.append(Problem("scopes", "missing", "Choose what the program may read."))
    if problems:
        raise RuleViolation(problems)
    return create_api_client(name=name, clinics=[clinic], scopes=scopes, by=by, at=at)


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
