"""Invented pumps in every state, with dates made from the present instant backwards.

A pump's state follows from its facts only, so each recipe says how many days ahead the alarm is
to be, and the fill is dated back from there.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from accounts.models import Clinic, User
from dosing.domain import programs
from followup import services as followup
from followup.services.reminding import record_consent
from followup.services.settling import exclude
from patients.models import Patient
from patients.services import register_patient
from pumps.models import Pump, PumpModel
from pumps.services import InterrogationEntry
from refills.services import FillEntry, book
from visits.services import booking, devices, visit

from . import paper
from .people import invent

ALARM_ML: Final = Decimal(2)
STABILITY_DAYS: Final = 180


@dataclass(frozen=True, slots=True)
class Recipe:
    """One kind of demo pump: how many there are, and how far the alarm is ahead, in days."""

    name: str
    count: int
    days_to_alarm: tuple[int, int] = (20, 100)
    booked: float = 0
    visit: str = ""  # an appointment of today or before: `waiting`, `without_outcome`, `no_show`


RECIPES: Final = (
    Recipe("no_fill", 1),
    Recipe("no_program", 2),
    Recipe("other_concentration", 1),
    Recipe("stopped", 1),
    Recipe("minimum_rate", 1),
    Recipe("printed_date_differs", 2, (15, 60)),
    Recipe("plain", 1, (-16, -14)),  # empty
    Recipe("plain", 3, (-4, 0)),  # alarm
    Recipe("plain", 4, (2, 6), booked=0.5),  # overdue
    Recipe("plain", 12, (8, 21), booked=0.6),  # due
    Recipe("plain", 2, (9, 16), visit="waiting"),
    Recipe("plain", 1, (9, 16), visit="without_outcome"),
    Recipe("plain", 1, (9, 16), visit="no_show"),
    Recipe("plain", 34, (22, 44), booked=0.4),
    Recipe("plain", 38, (45, 110), booked=0.1),
    Recipe("changed", 8, (10, 80)),
    Recipe("periodic", 3, (12, 60)),
    Recipe("excluded", 2, (5, 30)),
    Recipe("explanted", 2, (5, 30)),
    Recipe("visited", 5, (20, 60)),
)


@dataclass(slots=True)
class Maker:
    """Makes the pumps of one clinic."""

    clinic: Clinic
    by: User
    now: datetime
    chance: random.Random
    first_mrn: int

    def make(self, share: float) -> Iterator[Pump]:
        """Every recipe, scaled by `share`; at least one pump of each."""
        number = self.first_mrn
        for recipe in RECIPES:
            for _ in range(max(1, round(recipe.count * share))):
                number += 1
                yield self.one(recipe, number)

    def one(self, recipe: Recipe, number: int) -> Pump:
        """One pump with its patient."""
        pump = self._implanted(number)
        days = self.chance.randint(*recipe.days_to_alarm)
        KINDS[recipe.name](self, pump, days)
        if recipe.visit:
            self._visit_of_today(pump, recipe.visit)
        elif self.chance.random() < recipe.booked:
            self._book(pump, days)
        return pump

    def _implanted(self, number: int) -> Pump:
        today = self.now.astimezone(self.zone).date()
        person = invent(self.chance, number % 10_000, today)
        patient: Patient = register_patient(
            clinic=self.clinic,
            mrn=str(number),
            family_name=person.family_name,
            given_name=person.given_name,
            date_of_birth=person.date_of_birth,
            language=person.language,
            diagnosis=person.diagnosis,
            caregivers=[person.caregiver],
            by=self.by,
            at=self.now,
        )
        if person.caregiver.email and number % 2:
            [family] = patient.caregivers.all()
            record_consent(caregiver=family, by=self.by, now=self.now, agreed="Asked at a visit")
        models = PumpModel.objects.filter(clinic=self.clinic).order_by("catalogue_number")
        return devices.implant(
            patient=patient,
            model=self.chance.choice(list(models)),
            serial_number=f"NGV{number:07d}H",
            implanted_on=today - timedelta(days=self.chance.randrange(300, 2000)),
            low_reservoir_alarm_ml=None if number % 9 == 0 else ALARM_ML,
            by=self.by,
            now=self.now,
        )

    @property
    def zone(self) -> ZoneInfo:
        return self.clinic.zone

    def fill_for(self, pump: Pump, days_to_alarm: int) -> tuple[datetime, FillEntry, Decimal]:
        """A fill dated back so that the alarm comes in that many days, and its daily dose."""
        volume_ml = pump.model.reservoir_ml
        usable_ml = volume_ml - pump.low_reservoir_alarm_ml
        length = self.chance.randint(max(25, -days_to_alarm + 25), 110)
        passed = max(1, length - days_to_alarm)
        concentration = Decimal(self.chance.choice((500, 1000, 2000)))
        days = passed + days_to_alarm
        dose = (usable_ml * concentration / days).quantize(Decimal("0.1"))
        local = (self.now - timedelta(days=passed)).astimezone(self.zone)
        at = local.replace(hour=self.chance.randint(8, 15), minute=30, second=0, microsecond=0)
        at = min(at.astimezone(self.now.tzinfo), self.now - timedelta(hours=1))
        entry = FillEntry(
            volume_ml=volume_ml,
            concentration_mcg_per_ml=concentration,
            stability_days=STABILITY_DAYS,
        )
        return at, entry, dose

    def header(self, at: datetime, concentration: Decimal) -> dict[str, Any]:
        """What every program begins with; the pump's clock is set to the clinic's."""
        offset = at.astimezone(self.zone).utcoffset() or timedelta()
        return {
            "effective_at": at,
            "utc_offset_minutes": int(offset.total_seconds() // 60),
            "concentration_mcg_per_ml": concentration,
        }

    def visit(self, pump: Pump, at: datetime, **what: Any) -> None:
        visit.record_facts(
            pump_id=pump.pk,
            at=at,
            by=self.by,
            now=self.now,
            **what,
        )

    def _visit_of_today(self, pump: Pump, kind: str) -> None:
        """An appointment of today that is still to come, or one that has passed."""
        local = self.now.astimezone(self.zone)
        if kind == "waiting":
            # The demo is made at any hour; late in the evening it is in the day's last second.
            end = local.replace(hour=23, minute=59, second=59, microsecond=0)
            starts_at = max(
                min(self.now + timedelta(hours=2), end), self.now + timedelta(seconds=1)
            )
            book(pump=pump, starts_at=starts_at, by=self.by, now=self.now)
        else:
            day = local - timedelta(days=1 if kind == "no_show" else 3)
            starts_at = day.replace(hour=10, minute=0, second=0, microsecond=0)
            booked_at = starts_at - timedelta(days=12)
            row = book(pump=pump, starts_at=starts_at, by=self.by, now=booked_at)
            if kind == "no_show":
                booking.mark_no_show(appointment=row, by=self.by, now=self.now)
        followup.refresh([pump.pk], now=self.now)

    def _book(self, pump: Pump, days_to_alarm: int) -> None:
        local = self.now.astimezone(self.zone) + timedelta(days=max(1, days_to_alarm - 9))
        starts_at = local.replace(hour=9, minute=30, second=0, microsecond=0)
        book(pump=pump, starts_at=starts_at, by=self.by, now=self.now)


def _program(maker: Maker, at: datetime, concentration: Decimal, dose: Decimal) -> programs.Program:
    """Simple continuous, flex over the day, or flex with quieter weekends."""
    header = maker.header(at, concentration)
    kind = maker.chance.randrange(3)
    if kind == 0:
        return programs.SimpleContinuous(**header, daily_dose_mcg=dose)
    whole = dose.quantize(Decimal(1))
    groups: list[tuple[tuple[str, ...], tuple[tuple[int, Decimal], ...]]]
    if kind == 1:
        night, day = (whole / 5).quantize(Decimal("0.1")), (whole / 2).quantize(Decimal("0.1"))
        steps = ((0, night), (7 * 60, day), (19 * 60 + 30, whole - night - day))
        groups = [(WEEK, steps)]
    else:
        groups = [(WEEK[:5], ((0, whole),)), (WEEK[5:], ((0, whole * Decimal("0.8")),))]
    return programs.Flex(
        **header,
        groups=tuple(
            programs.DayGroup(
                days=days,
                steps=tuple(programs.Step(start_minute=start, dose_mcg=d) for start, d in steps),
            )
            for days, steps in groups
        ),
    )


WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _plain(maker: Maker, pump: Pump, days: int) -> None:
    at, fill, dose = maker.fill_for(pump, days)
    program = _program(maker, at, fill.concentration_mcg_per_ml, dose)
    maker.visit(pump, at, fill=fill, program=program)


def _no_fill(maker: Maker, pump: Pump, days: int) -> None:
    """Implanted, and nothing recorded since."""


def _no_program(maker: Maker, pump: Pump, days: int) -> None:
    at, fill, _ = maker.fill_for(pump, days)
    maker.visit(pump, at, fill=fill)


def _other_concentration(maker: Maker, pump: Pump, days: int) -> None:
    at, fill, dose = maker.fill_for(pump, days)
    other = fill.concentration_mcg_per_ml * 2
    program = programs.SimpleContinuous(
        **maker.header(at, other),
        daily_dose_mcg=max(dose, Decimal(300)),
    )
    maker.visit(pump, at, fill=fill, program=program)


def _stopped(maker: Maker, pump: Pump, days: int) -> None:
    _plain(maker, pump, days)
    at = maker.now - timedelta(days=1)
    concentration = pump.fills.get().concentration_mcg_per_ml
    program = programs.Stopped(**maker.header(at, concentration))
    maker.visit(pump, at, program=program)


def _minimum_rate(maker: Maker, pump: Pump, days: int) -> None:
    at, fill, _ = maker.fill_for(pump, days)
    header = maker.header(at, fill.concentration_mcg_per_ml)
    program = programs.MinimumRate(**header)
    maker.visit(pump, at, fill=fill, program=program)


def _printed_date_differs(maker: Maker, pump: Pump, days: int) -> None:
    at, fill, dose = maker.fill_for(pump, days)
    printed = (maker.now + timedelta(days=days + 11)).astimezone(maker.zone).date()
    maker.visit(
        pump,
        at,
        fill=fill,
        program=_program(maker, at, fill.concentration_mcg_per_ml, dose),
        interrogation=InterrogationEntry(source="printout", printed_alarm_date=printed),
    )


def _changed(maker: Maker, pump: Pump, days: int) -> None:
    at, fill, dose = maker.fill_for(pump, days)
    concentration = fill.concentration_mcg_per_ml
    program = programs.SimpleContinuous(
        **maker.header(at, concentration),
        daily_dose_mcg=dose,
    )
    maker.visit(pump, at, fill=fill, program=program)
    changed_at = at + (maker.now - at) / 2
    raised = (dose * Decimal("1.1")).quantize(Decimal("0.1"))
    program = programs.SimpleContinuous(
        **maker.header(changed_at, concentration),
        daily_dose_mcg=raised,
    )
    maker.visit(pump, changed_at, program=program, reason="More spasms in the evening")


def _periodic(maker: Maker, pump: Pump, days: int) -> None:
    at, fill, dose = maker.fill_for(pump, days)
    program = programs.PeriodicBolus(
        **maker.header(at, fill.concentration_mcg_per_ml),
        basal_mcg_per_hour=(dose / 48).quantize(Decimal("0.1")),
        bolus_mcg=(dose / 8).quantize(Decimal("0.1")),
        bolus_minutes=10,
        interval_minutes=360,
        first_minute=120,
        basal_suspended=False,
    )
    maker.visit(pump, at, fill=fill, program=program)


def _excluded(maker: Maker, pump: Pump, days: int) -> None:
    _plain(maker, pump, days)
    exclude(
        pump=pump,
        reason="In hospital elsewhere; that team refills until discharge",
        ends_on=(maker.now + timedelta(days=6)).astimezone(maker.zone).date(),
        by=maker.by,
        now=maker.now,
    )


def _explanted(maker: Maker, pump: Pump, days: int) -> None:
    _plain(maker, pump, days)
    devices.take_out(
        pump_id=pump.pk,
        at=maker.now - timedelta(days=3),
        reason="Pump pocket infection",
        by=maker.by,
        now=maker.now,
    )


def _visited(maker: Maker, pump: Pump, days: int) -> None:
    _plain(maker, pump, days)
    paper.refill(pump=pump, by=maker.by, now=maker.now)


KINDS: Final[dict[str, Callable[[Maker, Pump, int], None]]] = {
    "plain": _plain,
    "no_fill": _no_fill,
    "no_program": _no_program,
    "other_concentration": _other_concentration,
    "stopped": _stopped,
    "minimum_rate": _minimum_rate,
    "printed_date_differs": _printed_date_differs,
    "changed": _changed,
    "periodic": _periodic,
    "excluded": _excluded,
    "explanted": _explanted,
    "visited": _visited,
}
