"""Passwords that are handed over: given by an administrator, and changed before anything else."""

import secrets
from datetime import datetime
from typing import Final

from django.db import transaction

from accounts import audit
from accounts.models import Clinic, Membership, User
from accounts.policies import Action, check_may, clinic_ids
from core.rules import RuleViolation

from .sign_in import record_in_clinics_of

_PLAIN_SIGNS: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # nobody confuses these when read aloud


def new_password() -> str:
    """A random password that can be read out: four groups of five plain signs."""
    return "-".join("".join(secrets.choice(_PLAIN_SIGNS) for _ in range(5)) for _ in range(4))


@transaction.atomic
def give_password(*, user: User, clinic: Clinic, by: User, at: datetime) -> str:
    """Give a member a new password in place of a forgotten one; whoever is signed in with the old
    one is signed out.

    Who could sign in as a person of another clinic would see that clinic's patients: only an
    administrator of all the person's clinics may.

    Returns:
        The password, which is never shown again.

    Raises:
        RuleViolation: not allowed, nobody of this clinic, or the person works elsewhere too.
    """
    check_may(by, Action.MANAGE_CLINIC, clinic)
    row = User.objects.select_for_update().get(pk=user.pk)
    works_in = set(Membership.objects.filter(user=row).values_list("clinic_id", flat=True))
    if clinic.pk not in works_in:
        text = "This person has no role here any more. Reload the page."
        raise RuleViolation.of("user", "not_a_member", text)
    if row.pk == by.pk:
        text = "Change your own password under your name on the upper right."
        raise RuleViolation.of("user", "own_password", text)
    if row.is_superuser or works_in - set(clinic_ids(by, Action.MANAGE_CLINIC)):
        text = (
            f"{row.display_name} has rights beyond your clinics. Whoever runs this system can set "
            "a new password."
        )
        raise RuleViolation.of("user", "works_elsewhere", text)
    password = new_password()
    row.set_password(password)
    row.password_was_given = True
    row.save(update_fields=["password", "password_was_given"])
    _audit("user.password_given", row, by, at, clinic.pk)
    return password


@transaction.atomic
def password_chosen(*, user: User, at: datetime) -> None:
    """The person has chosen a password: nobody else knows it."""
    User.objects.filter(pk=user.pk).update(password_was_given=False)
    user.password_was_given = False
    record_in_clinics_of("user.password_changed", user, by=user, at=at)


def _audit(event: str, user: User, by: User, at: datetime, clinic_id: int) -> None:
    audit.record(
        event=event,
        by=by,
        at=at,
        clinic_id=clinic_id,
        subject_type="user",
        subject_id=user.uuid,
    )
