"""Reads of messages and of where they go."""

import uuid
from collections.abc import Collection

from accounts.models import Membership, Role, User
from patients.models import Caregiver

from .domain.wording import CALL_US
from .models import DeliveryAttempt, OutboxMessage


def reachable_nurses(clinic_ids: Collection[int]) -> dict[int, list[str]]:
    """The clinics' active nurses who have an e-mail address, as recipient references."""
    rows = Membership.objects.filter(
        clinic_id__in=clinic_ids, role=Role.NURSE, user__is_active=True
    ).exclude(user__email="")
    found: dict[int, list[str]] = {}
    for clinic_id, ref in rows.order_by("user_id").values_list("clinic_id", "user__uuid"):
        found.setdefault(clinic_id, []).append(str(ref))
    return found


def address_of(message: OutboxMessage) -> str:
    """Where a message goes as of now; empty when the recipient has no address any more."""
    ref = uuid.UUID(message.recipient_ref)
    if message.template == CALL_US:
        return Caregiver.objects.filter(uuid=ref).values_list("email", flat=True).first() or ""
    nurses = User.objects.filter(uuid=ref, is_active=True)
    return nurses.values_list("email", flat=True).first() or ""


def rows_about(abouts: Collection[str]) -> dict[str, list[OutboxMessage]]:
    """Every message about these things, oldest first."""
    found: dict[str, list[OutboxMessage]] = {about: [] for about in abouts}
    for row in OutboxMessage.objects.filter(about__in=abouts).order_by("id"):
        found[row.about].append(row)
    return found


def workers_lost(message: OutboxMessage, lost: str) -> int:
    """How many of the message's attempts ended with the worker gone."""
    return DeliveryAttempt.objects.filter(message=message, error_class=lost).count()
