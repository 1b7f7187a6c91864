"""Visits as the clinic records them, for the tests of their summaries."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Clinic, User
from pumps.models import Pump
from tests import factories
from visits.models import AfterVisitSummary, Visit
from visits.services.encounter import VisitEntry, complete_visit


def settings_of(clinic: Clinic, **changes: Any) -> None:
    values = {
        "phone_day": "801-555-0142",
        "phone_night": "801-555-0100",
        "visit_place": "Rehabilitation Clinic, floor 1",
    }
    Clinic.objects.filter(pk=clinic.pk).update(**{**values, **changes})
    clinic.refresh_from_db()


def doctor_of(clinic: Clinic) -> User:
    """The clinic's doctor, who orders what a nurse records."""
    found = User.objects.filter(
        username=f"doctor-{clinic.slug}", memberships__clinic=clinic, memberships__role="doctor"
    ).first()
    return found or factories.user(f"doctor-{clinic.slug}", clinic, "doctor")


def entry(clinic: Clinic, at: datetime, dose: str = "600", **changes: Any) -> VisitEntry:
    values: dict[str, Any] = {
        "key": uuid.uuid4(),
        "at": at,
        "fill": factories.fill(),
        "program": factories.simple(at, dose),
        "reason": "More tone",
        "ordered_by": doctor_of(clinic),
        "concern_reason": "Looked at with the doctor",
    }
    return VisitEntry(**{**values, **changes})


def visited(
    clinic: Clinic, by: User, now: datetime, *, dose: str = "600", pump: Pump | None = None,
    **changes: Any,
) -> Visit:  # fmt: skip
    """A refill with a changed dose an hour ago, of a pump that ran at 350 mcg a day."""
    entries = {name: changes.pop(name) for name in list(changes) if name in VisitEntry.__slots__}
    pump = pump or factories.filled_pump(clinic, now - timedelta(days=60), now=now, **changes)
    at = entries.pop("at", now - timedelta(hours=1))
    return complete_visit(pump_id=pump.pk, entry=entry(clinic, at, dose, **entries), by=by, now=now)


def summary_of(visit: Visit) -> AfterVisitSummary:
    """The current one."""
    return AfterVisitSummary.objects.get(visit=visit, replaced_at__isnull=True)


def flex(at: datetime, *groups: tuple[tuple[str, ...], tuple[tuple[int, str], ...]]) -> Any:
    from dosing.domain import programs

    return programs.Flex(
        effective_at=at,
        utc_offset_minutes=-420,
        concentration_mcg_per_ml=Decimal(2000),
        groups=tuple(
            programs.DayGroup(
                days=days,
                steps=tuple(programs.Step(start_minute=m, dose_mcg=Decimal(d)) for m, d in steps),
            )
            for days, steps in groups
        ),
    )
