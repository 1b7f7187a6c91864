"""Clinics and their settings, and the sequence that says a clinic's list has changed."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import F

from accounts import audit
from accounts.models import Clinic, User
from accounts.selectors import CLINIC_SETTINGS, CONTACT_SETTINGS, contact_settings_of, settings_of
from core.rules import Problem, RuleViolation, check_unchanged

MAX_LEAD_DAYS = 60
MIN_WINDOW_DAYS = 7  # shorter, and nobody has the time to book a family in
MAX_WINDOW_DAYS = 120
MIN_INTERVAL_DAYS = 14  # no clinic refills every pump more often
DATE_SETTINGS = frozenset({"refill_lead_days", "window_days", "max_interval_days"})


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
    """Change the clinic's settings. `followup.services.settings` recomputes the dates.

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
