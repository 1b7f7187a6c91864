"""What every change of a pump's facts begins and ends with: its lock, its version, its audit."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import F

from accounts import audit
from accounts.models import User
from pumps.models import Pump


def lock_pump(pump_id: int) -> Pump:
    """The pump, locked until the transaction ends. Every change of its facts starts here.

    The pump's row only: with the clinic's, every visit of a clinic would wait for every other.
    """
    # No key changes under it: a work item or a message that names the pump need not wait, and so
    # cannot wait in a circle.
    Pump.objects.select_for_update(no_key=True).only("pk").get(pk=pump_id)
    # A second statement: after a wait, the first one has the pump as it is now, but whatever it
    # joins as it was before the wait.
    return Pump.objects.select_related("model", "clinic").get(pk=pump_id)


def bump_input_version(pump_ids: Collection[int]) -> None:
    """Say that what the dates of these pumps are computed from has changed."""
    Pump.objects.filter(pk__in=pump_ids).update(input_version=F("input_version") + 1)


def audit_pump(
    pump: Pump,
    event: str,
    by: User,
    at: datetime,
    reason: str = "",
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write an audit event about a pump, in the transaction of what it tells of."""
    audit.record(
        event=event,
        by=by,
        at=at,
        clinic_id=pump.clinic_id,
        subject_type="pump",
        subject_id=pump.uuid,
        reason=reason.strip(),
        before=before,
        after=after,
    )
