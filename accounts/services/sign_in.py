"""Who signed in, failed to, and signed out: one audit event in each clinic of the person, so that
each clinic's auditor sees them."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from accounts import audit
from accounts.models import AuditEvent, Membership, User

# Whoever tries on is held off all the same; the log says it once in that time.
ONCE_IN: Final = timedelta(minutes=5)
HELD_OFF: Final = "user.sign_in_held_off"


def signed_in(*, user: User, at: datetime) -> None:
    """The person has signed in, with the second factor where there is one."""
    record_in_clinics_of("user.signed_in", user, by=user, at=at)


def signed_out(*, user: User, at: datetime) -> None:
    """The person has signed out."""
    record_in_clinics_of("user.signed_out", user, by=user, at=at)


def sign_in_failed(*, username: str, by: User, at: datetime) -> None:
    """Somebody gave a wrong password. A name that is nobody's is not kept: it may be a password.

    Args:
        by: the system's account for the sign-in page; who it was is not known.
    """
    user = _known(username)
    if user is not None:
        record_in_clinics_of("user.sign_in_failed", user, by=by, at=at)


def sign_in_held_off(*, username: str, by: User, at: datetime) -> None:
    """There were too many wrong passwords: for some minutes not even the right one is taken."""
    user = _known(username)
    if user is None:
        return
    lately = AuditEvent.objects.filter(
        subject_type="user", subject_id=str(user.uuid), event=HELD_OFF, at__gt=at - ONCE_IN
    )
    if not lately.exists():
        record_in_clinics_of(HELD_OFF, user, by=by, at=at)


def _known(username: str) -> User | None:
    return User.objects.filter(username__iexact=username).order_by("pk").first()


@transaction.atomic
def record_in_clinics_of(event: str, user: User, *, by: User, at: datetime) -> None:
    """An event about a person, in each of their clinics; of no clinic where they have none."""
    rows = Membership.objects.filter(user=user).order_by("clinic_id")
    clinics: list[int | None] = list(rows.values_list("clinic_id", flat=True))
    for clinic_id in clinics or [None]:
        audit.record(
            event=event, by=by, at=at, clinic_id=clinic_id, subject_type="user",
            subject_id=user.uuid,
        )  # fmt: skip
