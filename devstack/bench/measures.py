"""What is measured, each against its floor on the same database and the same rows."""

import json
import time
import uuid
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.test import Client

from accounts.models import Clinic, Scope, User
from accounts.services.clients import create_api_client
from alarms.domain.infusion import prepare
from alarms.domain.projection import ProjectionInputs, Settings, project_prepared
from alarms.models import Projection
from documents.services import rendering
from dosing.domain.programs import WEEK, DayGroup, Flex, Step
from followup.services import scans
from pumps.domain.limits import PumpLimits
from pumps.models import Pump
from refills.domain.reservoir import Fill
from visits.models import Visit
from visits.services import summaries
from visits.services.summary_paper import SUMMARY

from .figures import Figure, figure, median_seconds
from .letters import deliver
from .visits import complete_visits


def project_one() -> list[Figure]:
    """One projection from a prepared program: flex with 7 day groups of 12 steps."""
    at = datetime(2025, 1, 15, 10, tzinfo=UTC)
    groups = tuple(
        DayGroup(
            days=(day,),
            steps=tuple(Step(start_minute=120 * k, dose_mcg=Decimal(20 + k)) for k in range(12)),
        )
        for day in WEEK
    )
    program = Flex(effective_at=at, utc_offset_minutes=-420, groups=groups)
    limits = PumpLimits(
        Decimal(20),
        Decimal(2),
        Decimal("0.048"),
        Decimal(24),
        flow_accuracy_percent=Decimal("14.5"),
    )
    settings = Settings(ZoneInfo("America/Denver"))
    found = []
    # The concentration sets the length: 20 mL last about three weeks, or about three years.
    for name, concentration in (("3_weeks", 320), ("3_years", 16_500)):
        fill = Fill(at, Decimal(20), Decimal(concentration), 180)
        inputs = ProjectionInputs(settings, limits, fill, [program])
        prepared = [prepare(program, fill.concentration_mcg_per_ml, limits.min_ml_per_day)]

        def work(inputs: Any = inputs, prepared: Any = prepared) -> None:
            for _ in range(500):
                project_prepared(inputs, prepared)

        micros = median_seconds(work, 7) / 500 * 1_000_000
        found.append(Figure(f"project_one_{name}", micros, "us", None, None, 1))
    return found


# The input columns of a sweep in one query, and nothing computed: the floor.
INPUT_COLUMNS = """
SELECT p.id, p.input_version, p.low_reservoir_alarm_ml, m.reservoir_ml, m.min_ml_per_day,
       m.max_ml_per_day, m.flow_accuracy_percent, c.timezone, c.refill_lead_days, f.at, f.volume_ml,
       f.concentration_mcg_per_ml, f.stability_days, g.effective_at, g.mode, g.daily_dose_mcg,
       g.utc_offset_minutes, s.days, s.start, s.dose_mcg, j.*
FROM pumps_pump p
JOIN pumps_pumpmodel m ON m.id = p.model_id JOIN accounts_clinic c ON c.id = p.clinic_id
JOIN refills_fill f ON f.pump_id = p.id JOIN dosing_program g ON g.pump_id = p.id
LEFT JOIN dosing_step s ON s.program_id = g.id
JOIN alarms_projection j ON j.pump_id = p.id ORDER BY p.id
"""


def _read_inputs() -> None:
    with connection.cursor() as cursor:
        cursor.execute(INPUT_COLUMNS)
        while cursor.fetchmany(5000):
            pass


def sweep(n: int, now: datetime, runs: int) -> list[Figure]:
    """The sweep that finds nothing changed, and the one that writes every projection."""
    started = time.perf_counter()
    scans.sweep(clock=lambda: now)
    changed = time.perf_counter() - started
    unchanged = median_seconds(lambda: scans.sweep(clock=lambda: now), runs)
    floor = median_seconds(_read_inputs, runs)
    return [
        figure("sweep_first", changed, None, n),
        figure("sweep_unchanged", unchanged, floor, n),
    ]


def due_scan(n: int, now: datetime, runs: int) -> Figure:
    """The scan of every minute when nothing is due, against one indexed SELECT."""

    def select() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pump_id FROM alarms_projection WHERE recheck_at <= %s LIMIT 200", [now]
            )
            cursor.fetchall()

    seconds = median_seconds(lambda: scans.due_scan(clock=lambda: now), runs)
    return figure("due_scan_idle", seconds, median_seconds(select, runs), n)


def refills_due(n: int, now: datetime, by: User, runs: int) -> Figure:
    """One page of 100 rows of one clinic, in process, against one hand-written query and dumps."""
    clinic = Clinic.objects.order_by("pk")[0]
    _, token = create_api_client(
        name="bench", clinics=[clinic], scopes=[Scope.DUE_READ], by=by, at=now
    )
    client = Client(headers={"Authorization": f"Bearer {token}"})
    day = (now + timedelta(days=400)).date()

    def call() -> None:
        url = f"/api/v1/refills-due/?page_size=100&due_before={day}"
        assert len(client.get(url).json()["results"]) == 100

    def floor() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT j.*, t.mrn, t.family_name, t.given_name, t.date_of_birth, p.serial_number"
                " FROM pumps_pump p JOIN alarms_projection j ON j.pump_id = p.id"
                " JOIN patients_patient t ON t.id = p.patient_id"
                " WHERE p.clinic_id = %s ORDER BY j.alarm_date LIMIT 100",
                [clinic.pk],
            )
            json.dumps(cursor.fetchall(), default=str)

    return figure("refills_due_in_process", median_seconds(call, runs),
                  median_seconds(floor, runs), n)  # fmt: skip


def summary_pdf(now: datetime, by: User, runs: int) -> Figure:
    """One after-visit summary to HTML and PDF, as the worker makes it."""
    pump = Pump.objects.filter(programs__isnull=False).order_by("pk")[0]
    visit = Visit.objects.create(
        key=uuid.uuid4(), clinic_id=pump.clinic_id, pump=pump, at=now,
        fill=pump.fills.first(), recorded_at=now, recorded_by=by,
    )  # fmt: skip
    row = summaries.issue(visit=visit, projection=Projection.objects.get(pump=pump), now=now)

    def work() -> None:
        assert rendering.render(SUMMARY, row).pdf

    return figure("summary_pdf", median_seconds(work, max(runs, 5)), None, 1)


def all_figures(n: int, now: datetime, by: User, runs: int) -> list[dict[str, Any]]:
    """Every figure, as JSON values."""
    found = [*project_one(), *sweep(n, now, runs), due_scan(n, now, runs)]
    assert Projection.objects.filter(unknown_reason="").count() == n
    found.append(refills_due(n, now, by, runs))
    found.append(complete_visits(n, now, by, runs))
    found.append(summary_pdf(now, by, runs))
    found.append(deliver(n, now, by))
    return [asdict(one) for one in found]
