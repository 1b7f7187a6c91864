"""After-visit summaries: written with the visit, made into a page and a PDF by the worker."""

from datetime import datetime

from alarms.models import Projection
from visits.models import AfterVisitSummary, Visit


def issue(*, visit: Visit, projection: Projection, now: datetime) -> AfterVisitSummary:
    """Write what the family takes home, inside the transaction of the visit."""
    return AfterVisitSummary.objects.create(
        clinic_id=visit.clinic_id,
        visit=visit,
        content={},
        alarm_date=projection.sort_alarm_date,
        refill_due_on=projection.refill_due_on,
        created_at=now,
        not_before=now,
    )
