"""Patients and pumps in the states that the pages show."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts import services as accounts
from accounts.models import Clinic, User
from dosing.domain import programs
from dosing.models import BolusKind, Program
from dosing.services import BolusEntry
from pumps.models import Pump
from pumps.services import InterrogationEntry
from refills.services import book
from rosters.models import ImportRow, ImportRun
from tests import corrections, factories
from visits.services import visit

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def address_of(pump: Pump) -> str:
    """The address of the pump's patient."""
    return f"/patients/{pump.patient.uuid}/"


def in_days(of: Clinic, days: int) -> date:
    """The clinic's calendar date in so many days."""
    return timezone.now().astimezone(of.zone).date() + timedelta(days=days)


def named(of: Clinic, family_name: str, days_to_alarm: int, **details: Any) -> Pump:
    """A pump of somebody with that name whose alarm comes in so many days."""
    now = timezone.now()
    return factories.due_in(of, days_to_alarm, now, family_name=family_name, **details)


def doubtful(of: Clinic, family_name: str = "Ito") -> Pump:
    """A pump whose printed alarm date is ten days after ours."""
    pump = named(of, family_name, 30)
    now = timezone.now()
    printed = (now + timedelta(days=40)).astimezone(of.zone).date()
    visit.record_facts(
        pump_id=pump.pk,
        at=now,
        by=accounts.system_user("system-import"),
        now=now,
        interrogation=InterrogationEntry(source="printout", printed_alarm_date=printed),
    )
    pump.refresh_from_db()
    return pump


def flex(pump: Pump, at: datetime, *, by: User) -> None:
    """A program of three steps, less at weekends."""

    def steps(*doses: tuple[int, str]) -> tuple[programs.Step, ...]:
        return tuple(
            programs.Step(start_minute=60 * hour, dose_mcg=Decimal(dose)) for hour, dose in doses
        )

    program = programs.Flex(
        effective_at=at,
        utc_offset_minutes=-420,
        concentration_mcg_per_ml=Decimal(2000),
        groups=(
            programs.DayGroup(days=WEEK[:5], steps=steps((0, "120"), (7, "330"), (19, "150"))),
            programs.DayGroup(days=WEEK[5:], steps=steps((0, "442"))),
        ),
    )
    visit.record_facts(pump_id=pump.pk, at=at, by=by, now=timezone.now(), program=program)


def bolus(pump: Pump, at: datetime, *, by: User) -> None:
    """A single bolus of 50 mcg."""
    entry = BolusEntry(BolusKind.SINGLE, at, Decimal(50), Decimal(20))
    visit.record_facts(pump_id=pump.pk, at=at, by=by, now=timezone.now(), boluses=[entry])


def corrected(pump: Pump, *, by: User) -> None:
    """The pump's program was entered in error and replaced."""
    row = Program.objects.get(pump=pump)
    corrections.correct_program(
        program=row,
        replacement=factories.simple(row.effective_at, "610"),
        reason="Typed from the wrong line",
        by=by,
        now=timezone.now(),
    )


def booked(pump: Pump, days: int, *, by: User) -> None:
    """A refill booked in so many days at noon, UTC."""
    now = timezone.now()
    starts_at = (now + timedelta(days=days)).replace(hour=12, minute=0, second=0, microsecond=0)
    book(pump=pump, starts_at=starts_at, by=by, now=now)


def refused_row(of: Clinic, *, by: User, row: int = 12) -> ImportRow:
    """A row of the roster that was not imported."""
    now = timezone.now()
    run = ImportRun.objects.create(
        clinic=of, by=by, as_of=now.date(), content_sha256="0" * 64, started_at=now
    )
    problem = {
        "column": "Daily Dose",
        "code": "dose_out_of_range",
        "message": "350,000 mcg/day is outside 10 to 3,000 mcg/day.",
    }
    return ImportRow.objects.create(
        run=run, clinic=of, row=row, mrn="719002", raw={}, outcome="refused", errors=[problem]
    )


def from_sheet(pump: Pump, *, by: User, next_appointment: str, notes: str) -> ImportRow:
    """The sheet's own words about the patient."""
    now = timezone.now()
    run = ImportRun.objects.create(
        clinic=pump.clinic, by=by, as_of=now.date(), content_sha256="1" * 64, started_at=now
    )
    return ImportRow.objects.create(
        run=run,
        clinic=pump.clinic,
        row=2,
        raw={"Next Appt": next_appointment, "Notes": notes},
        outcome="imported",
        patient=pump.patient,
    )


def second_pump(pump: Pump, *, by: User) -> Pump:
    """Another pump of the same patient."""
    return factories.implant(
        patient=pump.patient,
        model=pump.model,
        serial_number="NPX9999999H",
        implanted_on=None,
        low_reservoir_alarm_ml=Decimal(2),
        by=by,
        now=timezone.now(),
    )
