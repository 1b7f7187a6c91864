"""Writes of clinics, people and API clients."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import F

from accounts import audit
from accounts.models import Clinic, Membership, Role, User
from accounts.policies import Action, check_may
from accounts.selectors import CLINIC_SETTINGS, CONTACT_SETTINGS, contact_settings_of, settings_of
from core.rules import Problem, RuleViolation, check_unchanged

from .passwords import new_password

SYSTEM_USERS = {
    "system-import": "Roster import",
    "system-scan": "Scan",
    "system-sign-in": "Sign-in page",
}
MAX_LEAD_DAYS = 60
MIN_WINDOW_DAYS = 7  # shorter, and nobody has the time to book a family in
MAX_WINDOW_DAYS = 120
MIN_INTERVAL_DAYS = 14  # no clinic refills every pump more often
DATE_SETTINGS = frozenset({"refill_lead_days", "window_days", "max_interval_days"})


def system_user(username: str) -> User:
    """The account under which a named part of the system records facts; nobody can sign in."""
    user, _ = User.objects.get_or_create(
        username=username, defaults={"first_name": SYSTEM_USERS[username], "password": "!"}
    )
    return user


def check_clinic(clinic: Clinic, *, dates: bool = True) -> None:
    """Refuse clinic settings that dates cannot be computed with, or not as a clinic can mean them.

    Args:
        dates: False where what dates are computed with stays as it is.

    Raises:
        RuleViolation: with each field's sentence.
    """
    problems = _clinic_problems(clinic) if dates else []
    try:
        clinic.full_clean(exclude=["change_sequence"], validate_constraints=not problems)
    except ValidationError as error:
        named = {problem.field for problem in problems}
        problems += [
            Problem(field, "invalid", message)
            for field, messages in error.message_dict.items()
            for message in messages
            if field not in named
        ]
    if problems:
        raise RuleViolation(problems)


def _clinic_problems(clinic: Clinic) -> list[Problem]:
    limits = (
        ("refill_lead_days", 0, MAX_LEAD_DAYS),
        ("window_days", MIN_WINDOW_DAYS, MAX_WINDOW_DAYS),
    )
    problems = [
        Problem(name, "out_of_range", f"Write a number of days from {least} to {most}.")
        for name, least, most in limits
        if not least <= getattr(clinic, name) <= most
    ]
    longest = clinic.max_interval_days
    if longest is not None and longest < MIN_INTERVAL_DAYS:
        text = f"Write at least {MIN_INTERVAL_DAYS} days, or leave it empty for no such limit."
        problems.append(Problem("max_interval_days", "out_of_range", text))
    elif longest is not None and longest <= clinic.window_days and not problems:
        text = (
            f"Write more than {clinic.window_days} days, the refill window: otherwise every pump "
            "is due again on the day that it is filled."
        )
        problems.append(Problem("max_interval_days", "shorter_than_window", text))
    return problems


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
def change_clinic(
    *, clinic: Clinic, by: User, at: datetime, seen: str | None = None, **settings: Any
) -> Clinic:
    """Change the clinic's settings. `alarms.services.change_clinic_settings` recomputes the dates.

    Args:
        seen: the fingerprint of the settings that were shown; others than these are refused.
        settings: new values of `CLINIC_SETTINGS` and `CONTACT_SETTINGS`.
    """
    locked = Clinic.objects.select_for_update().get(pk=clinic.pk)
    before = settings_of(locked)
    check_unchanged(seen, before)
    before |= contact_settings_of(locked, settings)
    for name, value in settings.items():
        if name not in (*CLINIC_SETTINGS, *CONTACT_SETTINGS):
            raise TypeError(f"{name} is no clinic setting")
        setattr(locked, name, value)
    check_clinic(locked, dates=not DATE_SETTINGS.isdisjoint(settings))
    locked.save(update_fields=list(settings))
    audit.record(
        event="clinic.changed",
        by=by,
        at=at,
        clinic_id=locked.pk,
        subject_type="clinic",
        subject_id=locked.uuid,
        before=before,
        after=settings_of(locked) | contact_settings_of(locked, settings),
    )
    return locked


@transaction.atomic
def create_user(
    *,
    username: str,
    password: str,
    given_name: str,
    family_name: str,
    by: User,
    at: datetime,
    clinic: Clinic | None = None,
    email: str = "",
    password_was_given: bool = False,
) -> User:
    """Make an account. What the user may do comes with `grant_role`.

    Args:
        password_was_given: whether the user chooses another one before anything else.
        clinic: the clinic that it is made for, in whose audit log it is written.
        email: where reminders reach the user; empty: nowhere.
    """
    user = User.objects.create_user(
        username=username,
        password=password,
        first_name=given_name,
        last_name=family_name,
        email=email,
        password_was_given=password_was_given,
    )
    audit.record(
        event="user.created",
        by=by,
        at=at,
        clinic_id=clinic.pk if clinic else None,
        subject_type="user",
        subject_id=user.uuid,
    )
    return user


@transaction.atomic
def grant_role(*, user: User, clinic: Clinic, role: Role, by: User, at: datetime) -> Membership:
    """Give the user a role in the clinic, in place of the one held there."""
    held = Membership.objects.filter(user=user, clinic=clinic).values_list("role", flat=True)
    before = held.first()
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
        before={"role": before} if before else None,
        after={"role": role},
    )
    return membership


@transaction.atomic
def add_person(
    *,
    clinic: Clinic,
    username: str,
    given_name: str,
    family_name: str,
    role: Role,
    by: User,
    at: datetime,
) -> tuple[User, str | None]:
    """Give a person an account and a role in the clinic.

    Somebody who has an account already, from another clinic, keeps it and its password; the name
    must agree, so that no stranger gets in by a mistyped username.

    Returns:
        The account, and its first password, which is never shown again; None for an account that
        was there before.

    Raises:
        RuleViolation: not allowed, a name is missing, or the username is somebody else's.
    """
    check_may(by, Action.MANAGE_CLINIC, clinic)
    _check_person(username, given_name, family_name)
    user = User.objects.filter(username__iexact=username).first()
    if user is not None:
        _check_same_person(user, clinic, given_name, family_name)
        grant_role(user=user, clinic=clinic, role=role, by=by, at=at)
        return user, None
    password = new_password()
    user = create_user(
        username=username,
        password=password,
        password_was_given=True,
        given_name=given_name,
        family_name=family_name,
        by=by,
        at=at,
        clinic=clinic,
    )
    grant_role(user=user, clinic=clinic, role=role, by=by, at=at)
    return user, password


def _check_person(username: str, given_name: str, family_name: str) -> None:
    problems = [
        Problem(field, "missing", "Write the name by which colleagues know this person.")
        for field, value in (("given_name", given_name), ("family_name", family_name))
        if not value.strip()
    ]
    try:
        User(username=username).clean_fields(
            exclude=[field.name for field in User._meta.fields if field.name != "username"]
        )
    except ValidationError:
        text = "Write a username of letters, digits and . - _ without spaces."
        problems.append(Problem("username", "invalid", text))
    if problems:
        raise RuleViolation(problems)


def _check_same_person(user: User, clinic: Clinic, given_name: str, family_name: str) -> None:
    if Membership.objects.filter(user=user, clinic=clinic).exists():
        text = f"{user.display_name} has a role here already."
        raise RuleViolation.of("username", "already_member", text)
    typed = (given_name.strip().casefold(), family_name.strip().casefold())
    same = typed == (user.first_name.casefold(), user.last_name.casefold())
    if not same or not user.is_active or user.username in SYSTEM_USERS:
        raise RuleViolation.of(
            "username",
            "taken",
            "This username belongs to another account. Choose another one. If it is the same "
            "person, write the names exactly as that account has them.",
        )


@transaction.atomic
def change_role(*, user: User, clinic: Clinic, role: Role, by: User, at: datetime) -> Membership:
    """Give a member another role.

    Raises:
        RuleViolation: not allowed, no member any more, or the clinic's last administrator.
    """
    check_may(by, Action.MANAGE_CLINIC, clinic)
    membership = locked_member(user, clinic)
    if role != Role.ADMIN:
        _check_not_last_administrator(membership)
    return grant_role(user=user, clinic=clinic, role=role, by=by, at=at)


@transaction.atomic
def remove_role(*, user: User, clinic: Clinic, by: User, at: datetime) -> None:
    """Take a member's role away: from now on nothing of the clinic is open to them.

    The account stays, because what it recorded carries its name.

    Raises:
        RuleViolation: not allowed, no member any more, or the clinic's last administrator.
    """
    check_may(by, Action.MANAGE_CLINIC, clinic)
    membership = locked_member(user, clinic)
    _check_not_last_administrator(membership)
    before = {"role": membership.role}
    membership.delete()
    audit.record(
        event="user.role_removed",
        by=by,
        at=at,
        clinic_id=clinic.pk,
        subject_type="user",
        subject_id=user.uuid,
        before=before,
    )


def locked_member(user: User, clinic: Clinic) -> Membership:
    """The membership, with all of the clinic's locked: two administrators who remove each other at
    the same time take turns, and the second finds itself the last."""
    members = Membership.objects.select_for_update(of=("self",)).filter(clinic=clinic)
    for membership in members.select_related("user").order_by("pk"):
        if membership.user_id == user.pk:
            return membership
    text = "This person has no role here any more. Reload the page."
    raise RuleViolation.of("user", "not_a_member", text)


def _check_not_last_administrator(membership: Membership) -> None:
    same = Membership.objects.filter(clinic=membership.clinic_id, role=Role.ADMIN)
    others = same.filter(user__is_active=True).exclude(pk=membership.pk)
    if membership.role == Role.ADMIN and not others.exists():
        text = "This is the clinic's last administrator. Make somebody else an administrator first."
        raise RuleViolation.of("role", "last_administrator", text)


def keep_settings(clinic_id: int) -> None:
    """Have whoever changes the clinic's settings wait until the transaction ends.

    A key share: it stands in nobody else's way, so that a clinic's writers do not wait for each
    other.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM accounts_clinic WHERE id = %s FOR KEY SHARE", [clinic_id])


def bump_change_sequence(clinic_ids: Collection[int]) -> None:
    """Say that something a refill-due list shows has changed. Called last in a transaction.

    Clinics are locked in one order, after any pump, so that two writers never wait for each other.
    """
    ordered = Clinic.objects.select_for_update(no_key=True).filter(pk__in=clinic_ids)
    locked = [clinic.pk for clinic in ordered.order_by("pk").only("pk")]
    Clinic.objects.filter(pk__in=locked).update(change_sequence=F("change_sequence") + 1)
