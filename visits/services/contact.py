"""How families reach the clinic: on the reminders, and on the papers that are not given out yet."""

from datetime import UTC, datetime
from typing import Any, Final

from django.db import transaction

from accounts.models import Clinic, User
from followup.services import settings as alarms
from visits.models import AfterVisitSummary

NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@transaction.atomic
def change_contact_settings(
    *, clinic: Clinic, by: User, now: datetime, seen: str | None = None, **settings: Any
) -> None:
    """Change them as `alarms.services.settings.change_contact_settings`, and have every summary
    that tells of them looked at again: the next scan makes a new version where it would differ."""
    alarms.change_contact_settings(clinic=clinic, by=by, now=now, seen=seen, **settings)
    current = AfterVisitSummary.objects.filter(clinic=clinic, replaced_at__isnull=True)
    current.update(checked_at=NEVER)
