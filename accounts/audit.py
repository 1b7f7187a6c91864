"""The one way to write an audit event, in the transaction of what it tells of."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .models import ApiClient, AuditEvent, User


def record(
    *,
    event: str,
    by: User | ApiClient,
    at: datetime,
    clinic_id: int | None,
    subject_type: str,
    subject_id: object,
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write who did or read what.

    `before` and `after` hold JSON values (quantities as strings). `subject_id` is a uuid or a key,
    never a name or an MRN.
    """
    AuditEvent.objects.create(
        at=at,
        actor=by.display_name if isinstance(by, User) else f"API client {by.name}",
        actor_id=by.pk if isinstance(by, User) else None,
        clinic_id=clinic_id,
        event=event,
        subject_type=subject_type,
        subject_id=str(subject_id),
        reason=reason,
        before=before,
        after=after,
    )
