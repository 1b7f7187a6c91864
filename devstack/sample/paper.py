"""Visits of today, so that the print queue has paper: some to print, some printed."""

import uuid
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import Clinic, User
from documents.services import rendering
from pumps.models import Pump
from refills.services import FillEntry
from visits.selectors.summaries import never_printed
from visits.services import summaries
from visits.services.encounter import VisitEntry, complete_visit


def refill(*, pump: Pump, by: User, now: datetime) -> None:
    """The same fill once more, an hour ago."""
    last = pump.fills.get()
    entry = VisitEntry(
        key=uuid.uuid5(pump.uuid, "demo"),
        at=now - timedelta(hours=1),
        fill=FillEntry(
            volume_ml=last.volume_ml,
            concentration_mcg_per_ml=last.concentration_mcg_per_ml,
            stability_days=last.stability_days,
        ),
        concern_reason="The family asked to come today",
    )
    complete_visit(pump_id=pump.pk, entry=entry, by=by, now=now)


def print_some(*, clinic: Clinic, by: User) -> None:
    """Make the paper, as the worker does, and print half of it."""
    rendering.render_due(clock=timezone.now)
    made = list(never_printed([clinic.pk]).filter(rendered_at__isnull=False))
    for row in made[: len(made) // 2]:
        summaries.record_print(summary=row, by=by, now=timezone.now())
