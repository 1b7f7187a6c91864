"""Pumps by the thousand for measuring: rows written in bulk, then computed by a sweep.

A third of the programs is flex, some with day groups; a fifth of the pumps had a dose change since
the fill. Nothing here is a patient.
"""

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Model

from accounts import services as accounts
from accounts.models import Clinic, User
from dosing.domain.programs import WEEK
from dosing.models import Program, Step
from patients.models import Patient
from pumps.models import Pump, PumpModel
from pumps.services import seed_pump_models
from refills.models import Fill

PUMPS_A_CLINIC = 200
BATCH = 2000


def make(pumps: int, now: datetime) -> User:
    """Write so many pumps in clinics of 200; returns who recorded them."""
    by = accounts.system_user("system-import")
    chance = random.Random(7)  # noqa: S311
    for number in range(0, pumps, PUMPS_A_CLINIC):
        size = min(PUMPS_A_CLINIC, pumps - number)
        _clinic(f"bench-{number}", size, by, now, chance)
    return by


def _clinic(slug: str, size: int, by: User, now: datetime, chance: random.Random) -> None:
    clinic = accounts.create_clinic(slug=slug, name=slug, timezone="America/Denver", by=by, at=now)
    seed_pump_models(clinic=clinic, by=by, at=now)
    model = PumpModel.objects.filter(clinic=clinic).order_by("catalogue_number")[1]
    patients = _write(Patient, (_patient(clinic, number) for number in range(size)))
    pumps = _write(Pump, (_pump(patient, model, by, now) for patient in patients))
    filled = {pump.pk: now - timedelta(days=chance.randrange(1, 60)) for pump in pumps}
    _write(Fill, (_fill(pump, filled[pump.pk], by) for pump in pumps))
    programs = [
        program for pump in pumps for program in _programs(pump, filled[pump.pk], by, now, chance)
    ]
    written = _write(Program, programs)
    flex = [program for program in written if program.mode == "flex"]
    _write(Step, (step for program in flex for step in _steps(program, chance)))


def _write(model: type[Model], rows: Any) -> Any:
    return model._default_manager.bulk_create(rows, batch_size=BATCH)


def _patient(clinic: Clinic, number: int) -> Patient:
    return Patient(
        clinic=clinic,
        mrn=f"B{number:06d}",
        family_name=f"Bench{number}",
        given_name="Row",
        date_of_birth=date(2014, 1, 1),
    )


def _pump(patient: Patient, model: PumpModel, by: User, now: datetime) -> Pump:
    return Pump(
        clinic_id=patient.clinic_id,
        patient=patient,
        model=model,
        serial_number=f"B{patient.pk}",
        implanted_on=date(2022, 1, 1),
        low_reservoir_alarm_ml=Decimal(2),
        recorded_at=now,
        recorded_by=by,
    )


def _fill(pump: Pump, at: datetime, by: User) -> Fill:
    return Fill(
        pump=pump,
        at=at,
        volume_ml=Decimal(40),
        concentration_mcg_per_ml=Decimal(2000),
        stability_days=180,
        recorded_at=at,
        recorded_by=by,
    )


def _programs(
    pump: Pump, filled_at: datetime, by: User, now: datetime, chance: random.Random
) -> Iterator[Program]:
    yield _program(pump, filled_at, by, chance)
    if chance.random() < 0.2:
        yield _program(pump, filled_at + (now - filled_at) / 2, by, chance)


def _program(pump: Pump, at: datetime, by: User, chance: random.Random) -> Program:
    flex = chance.random() < 1 / 3
    return Program(
        pump=pump,
        effective_at=at,
        mode="flex" if flex else "simple_continuous",
        concentration_mcg_per_ml=Decimal(2000),
        utc_offset_minutes=-420,
        daily_dose_mcg=None if flex else Decimal(chance.randrange(300, 1200)),
        recorded_at=at,
        recorded_by=by,
    )


def _steps(program: Program, chance: random.Random) -> Iterator[Step]:
    groups = [WEEK[:5], WEEK[5:]] if chance.random() < 0.3 else [WEEK]
    for days in groups:
        for hour in (0, 7, 19):
            dose = Decimal(chance.randrange(100, 400))
            yield Step(program=program, days=list(days), start=time(hour), dose_mcg=dose)
