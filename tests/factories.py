"""Test data, made through the services as the application makes it."""

import itertools
import uuid
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone as django_timezone

from accounts import services as accounts
from accounts.models import ApiClient, Clinic, Role, Scope, User
from accounts.services import clients
from dosing.domain import programs
from dosing.services import seed_drug_products
from followup import services as followup
from patients.models import Patient
from patients.services import CaregiverEntry, register_patient
from pumps.models import Pump, PumpModel
from pumps.services import seed_pump_models
from pumps.services.devices import implant_pump
from refills.services import FillEntry
from visits.models import Visit
from visits.services import visit
from visits.services.encounter import VisitEntry, complete_visit

numbers = itertools.count(1)
PASSWORD = "correct horse battery staple"


def clinic(slug: str = "wasatch", timezone: str = "America/Denver") -> Clinic:
    by, now = accounts.system_user("system-import"), django_timezone.now()
    made = accounts.create_clinic(
        slug=slug, name=slug.title() + " Clinic", timezone=timezone, by=by, at=now
    )
    seed_pump_models(clinic=made, by=by, at=now)
    seed_drug_products(clinic=made, by=by, at=now)
    return made


def user(username: str, of: Clinic | None = None, role: str = "nurse") -> User:
    by, now = accounts.system_user("system-import"), django_timezone.now()
    made = accounts.create_user(
        username=username, password=PASSWORD, given_name="Rowan", family_name=username,
        by=by, at=now,
    )  # fmt: skip
    if of is not None:
        accounts.grant_role(user=made, clinic=of, role=Role(role), by=by, at=now)
    return made


def api_client(*clinics: Clinic, scopes: tuple[Scope, ...] = tuple(Scope)) -> tuple[ApiClient, str]:
    by = accounts.system_user("system-import")
    return clients.create_api_client(
        name="Integration", clinics=clinics, scopes=scopes, by=by, at=django_timezone.now()
    )


def patient(of: Clinic, **details: Any) -> Patient:
    number = next(numbers)
    values: dict[str, Any] = {
        "mrn": f"M{number:05d}",
        "family_name": f"Tester{number}",
        "given_name": "Sofía",
        "date_of_birth": date(2014, 3, 9),
        "language": "English",
        "caregivers": [CaregiverEntry(relationship="Mother", phone="801-555-0101")],
    }
    by = accounts.system_user("system-import")
    return register_patient(clinic=of, by=by, at=django_timezone.now(), **{**values, **details})


@transaction.atomic
def implant(*, now: datetime, **values: Any) -> Pump:
    """A pump put in by whoever is named: no role is asked for."""
    made = implant_pump(at=now, **values)
    followup.resync([made.pk], now=now)
    return made


def pump(of: Clinic, *, model: str = "8637-20", alarm_ml: str | None = "2", **details: Any) -> Pump:
    """An implanted pump without a fill."""
    return implant(
        patient=patient(of, **details),
        model=PumpModel.objects.get(clinic=of, catalogue_number=model),
        serial_number=f"NPX{next(numbers):07d}H",
        implanted_on=date(2023, 5, 2),
        low_reservoir_alarm_ml=None if alarm_ml is None else Decimal(alarm_ml),
        by=accounts.system_user("system-import"),
        now=django_timezone.now(),
    )


def fill(volume_ml: str = "20", concentration: str = "2000", **details: Any) -> FillEntry:
    return FillEntry(
        volume_ml=Decimal(volume_ml),
        concentration_mcg_per_ml=Decimal(concentration),
        **{"stability_days": 180, **details},
    )


def simple(at: datetime, dose: str = "350", concentration: str = "2000") -> Any:
    return programs.SimpleContinuous(
        effective_at=at,
        utc_offset_minutes=-420,
        concentration_mcg_per_ml=Decimal(concentration),
        daily_dose_mcg=Decimal(dose),
    )


def filled_pump(
    of: Clinic,
    at: datetime,
    *,
    dose: str = "350",
    now: datetime | None = None,
    model: str = "8637-20",
    alarm_ml: str | None = "2",
    **details: Any,
) -> Pump:
    """A pump filled with 20 mL of 2,000 mcg/mL at `at`, running at `dose` mcg/day."""
    made = pump(of, model=model, alarm_ml=alarm_ml, **details)
    visit.record_facts(
        pump_id=made.pk,
        at=at,
        by=accounts.system_user("system-import"),
        now=now or django_timezone.now(),
        fill=fill(),
        program=simple(at, dose),
    )
    made.refresh_from_db()
    return made


def due_in(of: Clinic, days: int, now: datetime, **details: Any) -> Pump:
    """A pump whose alarm comes `days` days after `now`: 18 mL to the alarm in 60 days."""
    return filled_pump(of, now - timedelta(days=60 - days), dose="600", now=now, **details)


def visit_of(of: Pump, at: datetime, volume_ml: str = "20") -> Visit:
    """A plain refill of the pump at `at`, by a nurse of its clinic."""
    nurse = user(f"nurse-of-{next(numbers)}", of.clinic, "nurse")
    entry = VisitEntry(key=uuid.uuid4(), at=at, fill=fill(volume_ml), concern_reason="Looked at")
    return complete_visit(pump_id=of.pk, entry=entry, by=nurse, now=at)
