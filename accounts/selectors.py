"""Reads of clinics, people and API clients, scoped to what a user may see."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import F, Q, QuerySet, Sum

from .models import ApiClient, AuditEvent, Clinic, Membership, Role, User
from .policies import Action, clinic_ids
from .tokens import hash_token

CLINIC_SETTINGS: Final = (
    "name", "timezone", "refill_lead_days", "window_days", "max_interval_days",
)  # fmt: skip

# How the clinic is reached. No date hangs on them: a change recomputes nothing.
CONTACT_SETTINGS: Final = (
    "phone_day", "phone_night", "reply_email", "visit_place", "quiet_from", "quiet_until",
)  # fmt: skip


def contact_settings_of(clinic: Clinic, only: Collection[str] = CONTACT_SETTINGS) -> dict[str, str]:
    """How the clinic is reached, and its quiet hours as `20:00`, by name."""
    values = {name: getattr(clinic, name) for name in CONTACT_SETTINGS if name in only}
    return {
        name: value.isoformat("minutes") if isinstance(value, time) else value
        for name, value in values.items()
    }


def settings_of(clinic: Clinic) -> dict[str, Any]:
    """The settings that the clinic's dates are computed with, by name."""
    return {name: getattr(clinic, name) for name in CLINIC_SETTINGS}


def clinics_for(user: User, action: Action) -> QuerySet[Clinic]:
    """The clinics in which the user may do it, by name."""
    return Clinic.objects.filter(pk__in=clinic_ids(user, action))


def clinic_named(slug: str) -> Clinic | None:
    """The clinic of that slug, for a command that an operator runs."""
    return Clinic.objects.filter(slug=slug).first()


def username_is_taken(username: str) -> bool:
    """Whether somebody signs in with that name, however it is written."""
    return User.objects.filter(username__iexact=username).exists()


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


def roles_present(of_clinics: Collection[int]) -> dict[int, set[str]]:
    """The roles that somebody who may sign in has, by clinic."""
    found: dict[int, set[str]] = {clinic_id: set() for clinic_id in of_clinics}
    rows = Membership.objects.filter(clinic__in=of_clinics, user__is_active=True)
    for clinic_id, role in rows.values_list("clinic_id", "role"):
        found[clinic_id].add(role)
    return found


def doctors_of(clinic: Clinic) -> QuerySet[User]:
    """The clinic's doctors who may sign in, by name."""
    rows = User.objects.filter(
        memberships__clinic=clinic, memberships__role=Role.DOCTOR, is_active=True
    )
    return rows.order_by("last_name", "first_name", "username")


def api_clients_of(clinic: Clinic) -> QuerySet[ApiClient]:
    """The API clients that may read this clinic, revoked ones last."""
    rows = ApiClient.objects.filter(clinics=clinic).select_related("created_by")
    return rows.prefetch_related("clinics").order_by(F("revoked_at").desc(nulls_first=True), "name")


def user_of(clinic: Clinic, user_uuid: UUID) -> User | None:
    """A member of the clinic."""
    return User.objects.filter(memberships__clinic=clinic, uuid=user_uuid).first()


def api_client_of(clinic: Clinic, client_uuid: UUID) -> ApiClient | None:
    """An API client that may read this clinic."""
    return ApiClient.objects.filter(clinics=clinic, uuid=client_uuid).first()


def audit_events(of_clinics: Sequence[int]) -> QuerySet[AuditEvent]:
    """What was done and read in these clinics, newest first."""
    return AuditEvent.objects.filter(clinic_id__in=of_clinics)


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """Which events to show. Days are the calendar days of each event's own clinic.

    `reads` is True for reads only, False for changes only. `person` is an account; `programs` asks
    for what API clients did. `subject_ids` are uuids or keys as the events hold them; None asks for
    every subject.
    """

    event: str = ""
    reads: bool | None = None
    person: User | None = None
    programs: bool = False
    subject_type: str = ""
    subject_ids: tuple[str, ...] | None = None
    first_day: date | None = None
    last_day: date | None = None


READ_EVENTS: Final = Q(event__endswith=".read") | Q(event__endswith=".exported")


def matching_audit_events(
    clinics: Collection[Clinic], filters: AuditFilters
) -> QuerySet[AuditEvent]:
    """The clinics' events that the filters let through, newest first."""
    rows = AuditEvent.objects.filter(_within_days(clinics, filters)).order_by("-id")
    if filters.event:
        rows = rows.filter(event=filters.event)
    if filters.reads is not None:
        rows = rows.filter(READ_EVENTS if filters.reads else ~READ_EVENTS)
    if filters.person is not None:
        rows = rows.filter(actor_id=filters.person.pk)
    if filters.programs:
        rows = rows.filter(actor_id__isnull=True)
    if filters.subject_type:
        rows = rows.filter(subject_type=filters.subject_type)
    if filters.subject_ids is not None:
        rows = rows.filter(subject_id__in=filters.subject_ids)
    return rows


def _within_days(clinics: Collection[Clinic], filters: AuditFilters) -> Q:
    if filters.first_day is None and filters.last_day is None:
        return Q(clinic_id__in=[clinic.pk for clinic in clinics])
    found = Q(pk__in=[])
    for clinic in clinics:
        of_clinic = Q(clinic_id=clinic.pk)
        if filters.first_day:
            of_clinic &= Q(at__gte=_midnight(filters.first_day, clinic))
        if filters.last_day and filters.last_day < date.max:  # no day comes after that one
            of_clinic &= Q(at__lt=_midnight(filters.last_day + timedelta(days=1), clinic))
        found |= of_clinic
    return found


def _midnight(day: date, clinic: Clinic) -> datetime:
    return datetime.combine(day, time(0), tzinfo=clinic.zone)


def people_in_audit(clinics: Collection[Clinic]) -> QuerySet[User]:
    """Everybody who has or had a role in these clinics, and the system's own accounts, by name."""
    ids = [clinic.pk for clinic in clinics]
    given = AuditEvent.objects.filter(subject_type="user", clinic_id__in=ids)
    keys = given.order_by().values_list("subject_id", flat=True).distinct()
    ever = [UUID(text) for text in keys]
    return (
        User.objects.filter(
            Q(memberships__clinic__in=ids) | Q(uuid__in=ever) | Q(username__startswith="system-")
        )
        .distinct()
        .order_by("last_name", "first_name", "username")
    )


def names_of_accounts(uuids: Collection[UUID]) -> dict[str, str]:
    """What to call people, clinics and API clients that audit events speak of, by uuid."""
    found = {str(user.uuid): user.display_name for user in User.objects.filter(uuid__in=uuids)}
    for model in (Clinic, ApiClient):
        rows = model.objects.filter(uuid__in=uuids).values_list("uuid", "name")
        found.update({str(uuid): name for uuid, name in rows})
    return found


def last_event(subject_type: str, subject_id: object) -> AuditEvent | None:
    """The newest event about something."""
    rows = AuditEvent.objects.filter(subject_type=subject_type, subject_id=str(subject_id))
    return rows.exclude(READ_EVENTS).order_by("-id").first()


def change_sequence(clinic_ids: Sequence[int]) -> int:
    """A number that moves with every change that a list of these clinics could show."""
    total = Clinic.objects.filter(pk__in=clinic_ids).aggregate(total=Sum("change_sequence"))
    return total["total"] or 0


def events_about(user: User, clinic_id: int, subject_ids: Collection[str]) -> list[AuditEvent]:
    """Who did and read what about these records, newest first; empty for who may not see it."""
    if clinic_id not in clinic_ids(user, Action.READ_AUDIT):
        return []
    return list(audit_events([clinic_id]).filter(subject_id__in=subject_ids)[:100])


def audit_events_before(
    clinics: Collection[Clinic], filters: AuditFilters, before: int | None, most: int
) -> list[AuditEvent]:
    """Up to `most` events older than a key, the newest first; from the newest where none is named.

    By key and not by place: an event that is written meanwhile moves nothing.
    """
    rows = matching_audit_events(clinics, filters)
    return list((rows.filter(id__lt=before) if before else rows)[:most])


def audit_events_after(
    clinics: Collection[Clinic], filters: AuditFilters, after: int, most: int
) -> list[AuditEvent]:
    """Up to `most` events newer than a key, the oldest first."""
    rows = matching_audit_events(clinics, filters).filter(id__gt=after)
    return list(rows.order_by("id")[:most])
