"""What one visit costs, against the same rows inserted by hand in one transaction."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import cycle
from typing import Any

from django.db import connection, models, transaction

from accounts import services as accounts
from accounts.models import AuditEvent, Clinic, Role, User
from alarms.models import Projection
from dosing.domain.programs import SimpleContinuous
from dosing.models import Program
from pumps.models import Pump
from refills.models import Fill
from refills.services import FillEntry
from visits.models import AfterVisitSummary, Visit
from visits.services.encounter import VisitEntry, complete_visit

from .figures import Figure, figure, median_seconds

CONCENTRATION = Decimal(2000)


def complete_visits(n: int, now: datetime, by: User, runs: int) -> Figure:
    """A refill with a dose change: facts, projection, plan, summary and audit in one commit."""
    clinic = Clinic.objects.order_by("pk")[0]
    accounts.grant_role(user=by, clinic=clinic, role=Role.DOCTOR, by=by, at=now)
    pump_ids = list(Pump.objects.filter(clinic=clinic).order_by("pk").values_list("pk", flat=True))
    turn = cycle(pump_ids)

    def visit() -> None:
        complete_visit(pump_id=next(turn), entry=_entry(now), by=by, now=now)

    seconds = median_seconds(visit, 30 * runs)
    rows = _rows_of_last_visit()
    return figure("complete_visit", seconds, median_seconds(lambda: _insert(rows), 30 * runs), n)


def _entry(now: datetime) -> VisitEntry:
    return VisitEntry(
        key=uuid.uuid4(),
        at=now,
        fill=FillEntry(Decimal(40), CONCENTRATION, stability_days=180),
        program=SimpleContinuous(
            effective_at=now,
            utc_offset_minutes=-420,
            concentration_mcg_per_ml=CONCENTRATION,
            daily_dose_mcg=Decimal(600),
        ),
        reason="Measured",
        concern_reason="Measured",
    )


def _rows_of_last_visit() -> list[models.Model]:
    """What a visit wrote: its facts, its dates, its summary, its audit events."""
    visit = Visit.objects.order_by("-pk")[0]
    found: list[models.Model] = [visit]
    found += Fill.objects.filter(visit=visit)
    found += Program.objects.filter(visit=visit)
    found += AfterVisitSummary.objects.filter(visit=visit)
    found += AuditEvent.objects.filter(subject_id=str(visit.pump.uuid)).order_by("-pk")[:3]
    found += Projection.objects.filter(pump=visit.pump_id)
    return found


def _insert(rows: Sequence[models.Model]) -> None:
    """The same rows by hand-written SQL into tables without constraints, committed once."""
    with transaction.atomic(), connection.cursor() as cursor:
        for row in rows:
            table = f"bench_{row._meta.db_table}"
            fields = row._meta.concrete_fields
            cursor.execute(f"CREATE TABLE IF NOT EXISTS {table} (LIKE {row._meta.db_table})")
            names = ", ".join(f'"{field.column}"' for field in fields)
            values = [_stored(field, row) for field in fields]
            marks = ", ".join(["%s"] * len(fields))
            cursor.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)


def _stored(field: Any, row: models.Model) -> Any:
    return field.get_db_prep_save(getattr(row, field.attname), connection)
