"""Accounts and the roles that people hold in clinics."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit
from accounts.models import Clinic, Membership, Role, User
from accounts.policies import Action, check_may
from core.rules import Problem, RuleViolation

from .passwords import new_password

SYSTEM_USERS = {
    "system-import": "Roster import",
    "system-scan": "Scan",
    "system-sign-in": "Sign-in page",
}


def system_user(username: str) -> User:
    """The account under which a named part of the system records facts; nobody can sign in."""
    user, _ = User.objects.get_or_create(
        username=username, defaults={"first_name": SYSTEM_USERS[username], "password": "!"}
    )
    return user


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
