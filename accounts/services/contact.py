"""Writes of how a clinic and its people are reached. No date hangs on them."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from accounts import audit
from accounts.models import Clinic, User
from accounts.policies import Action, check_may
from accounts.selectors import CONTACT_SETTINGS, contact_settings_of
from core.rules import Problem, RuleViolation, check_phone, check_unchanged

from .clinics import change_clinic
from .people import locked_member


@transaction.atomic
def change_contact_settings(
    *, clinic: Clinic, by: User, at: datetime, seen: str | None = None, **settings: Any
) -> Clinic:
    """Change how families reach the clinic. No date hangs on it.

    Args:
        seen: the fingerprint of the settings that were shown; others than these are refused.

    Raises:
        RuleViolation: not allowed, changed meanwhile, or a phone that nobody could call.
    """
    check_may(by, Action.MANAGE_CLINIC, clinic)
    locked = Clinic.objects.select_for_update().get(pk=clinic.pk)
    check_unchanged(seen, contact_settings_of(locked))
    if not set(settings) <= set(CONTACT_SETTINGS):
        raise TypeError("these are no contact settings")
    _check_phones(settings)
    return change_clinic(clinic=locked, by=by, at=at, **settings)


def _check_phones(settings: dict[str, Any]) -> None:
    problems: list[Problem] = []
    for name in ("phone_day", "phone_night"):
        try:
            check_phone(name, settings.get(name, ""))
        except RuleViolation as violation:
            problems.extend(violation.problems)
    if problems:
        raise RuleViolation(problems)


@transaction.atomic
def change_email(*, user: User, clinic: Clinic, email: str, by: User, at: datetime) -> User:
    """Set where a member gets reminders; empty: nowhere. The address itself is not audited.

    Raises:
        RuleViolation: not allowed, no member any more, or no address.
    """
    check_may(by, Action.MANAGE_CLINIC, clinic)
    member = locked_member(user, clinic).user
    if email:
        try:
            validate_email(email)
        except ValidationError as error:
            text = "Write an address such as name@example.org."
            raise RuleViolation.of("email", "invalid", text) from error
    had = bool(member.email)
    member.email = email
    member.save(update_fields=["email"])
    audit.record(
        event="user.email_changed",
        by=by,
        at=at,
        clinic_id=clinic.pk,
        subject_type="user",
        subject_id=member.uuid,
        before={"email": "recorded" if had else ""},
        after={"email": "recorded" if email else ""},
    )
    return member
