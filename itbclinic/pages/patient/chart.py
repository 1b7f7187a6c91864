"""Everything that a patient's page shows, gathered and put into words."""

import logging
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from accounts.models import AuditEvent, User
from accounts.policies import Action, may
from accounts.selectors import events_about
from alarms.domain.projection import ClockWarning, Known, project
from alarms.domain.status import Status
from alarms.models import Exclusion, Projection
from alarms.selectors.deadlines import dates_of
from alarms.selectors.inputs import PumpFacts, load_facts
from alarms.selectors.listed import NextAppointment, off_the_list
from alarms.selectors.pump_page import exclusions_of, listed_pump, running_exclusion, settlements_of
from core import words
from core.quantities import format_quantity
from dosing.selectors import boluses_of, programs_of
from itbclinic.pages.audit import words as audit_words
from itbclinic.pages.shared import bookings, dates_view, program_view, rows
from patients.models import Caregiver, Patient
from pumps.domain.path import path_ml
from pumps.models import Pump
from pumps.selectors import catheters_of, interrogations_of, pumps_of
from refills.models import Appointment
from refills.selectors import appointments_of, coming_appointments, fill_history
from rosters.selectors import last_row_about
from visits.selectors.encounters import visits_of

from .history import Event, History

logger = logging.getLogger(__name__)

NEXT_APPOINTMENT: Final = "Next Appt"  # headings of the clinic's spreadsheet
NOTES: Final = "Notes"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A date that a named person must settle, or has settled until a day."""

    settles: str
    why: str
    remedy: str
    settled: str = ""


@dataclass(frozen=True, slots=True)
class ChartWarning:
    """Something to know before relying on the dates."""

    tone: str
    title: str
    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the clinic's spreadsheet says in words that nobody computes with."""

    next_appointment: str
    notes: str
    source: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A patient's page, about one of the patient's pumps."""

    patient: Patient
    pump: Pump | None
    others: list[Pump]
    may_settle: bool
    may_record: bool
    may_device: bool
    may_correct: bool
    born: str
    today: date
    row: rows.Row | None = None
    exclusion: Exclusion | None = None
    explanted: str = ""
    residual: str = ""
    doubts: tuple[Doubt, ...] = ()
    warnings: tuple[ChartWarning, ...] = ()
    dates: tuple[dates_view.DateLine, ...] = ()
    program: program_view.ProgramView | None = None
    coming_programs: tuple[program_view.ProgramView, ...] = ()
    events: tuple[Event, ...] = ()
    device: tuple[tuple[str, str], ...] = ()
    appointments: tuple[bookings.Booked, ...] = ()
    may_book: bool = False
    sheet: Sheet | None = None
    audit: tuple[tuple[AuditEvent, str], ...] = ()

    @property
    def others_in_place(self) -> list[Pump]:
        """The patient's other pumps that are on the board too."""
        return [other for other in self.others if other.explant is None]

    @property
    def caregivers(self) -> list[Caregiver]:
        return list(self.patient.caregivers.all())

    @property
    def open_appointments(self) -> list[bookings.Booked]:
        """Those that still need somebody: to come, or past without an outcome; the next first."""
        return sorted((a for a in self.appointments if a.is_open), key=lambda a: a.day)

    @property
    def closed_appointments(self) -> list[bookings.Booked]:
        """Those that came to an end, the latest first."""
        return [a for a in self.appointments if not a.is_open]

    @property
    def to_come(self) -> bool:
        return self.next_to_come is not None

    @property
    def next_to_come(self) -> bookings.Booked | None:
        """The appointment that would be moved; at most one is open and to come."""
        return next((a for a in self.appointments if a.is_open and not a.past), None)

    @property
    def version(self) -> int:
        return self.pump.input_version if self.pump else 0


def build(user: User, patient: Patient, pump: Pump | None, now: datetime) -> Chart:
    """Gather the page. `pump` is the one to show: the patient's, or None where there is none."""
    pumps = pumps_of(patient)
    today = now.astimezone(patient.clinic.zone).date()
    bare = Chart(
        patient=patient,
        pump=pump,
        others=[other for other in pumps if pump and other.pk != pump.pk],
        may_settle=may(user, Action.SETTLE, patient.clinic_id),
        may_book=may(user, Action.BOOK, patient.clinic_id),
        may_record=may(user, Action.RECORD_VISIT, patient.clinic_id),
        may_device=may(user, Action.RECORD_DEVICE, patient.clinic_id),
        may_correct=may(user, Action.ADD_PATIENT, patient.clinic_id),
        born=words.birth(patient.date_of_birth, today),
        today=today,
        sheet=_sheet(patient),
        audit=tuple(
            (event, audit_words.words_of(event.event))
            for event in events_about(
                user, patient.clinic_id, [str(patient.uuid), *(str(pump.uuid) for pump in pumps)]
            )
        ),
    )
    return bare if pump is None else _with_pump(bare, pump, now, today)


def _with_pump(bare: Chart, pump: Pump, now: datetime, today: date) -> Chart:
    zone = pump.clinic.zone
    facts = load_facts([pump.pk])[pump.pk]
    dates = dates_of(pump)
    found = _computed(facts, now)
    appointments = coming_appointments(pump.pk, now)
    programs = [(row, _view(row, pump)) for row in programs_of(pump)]
    explant = pump.explant
    row = _row(pump, facts, appointments, now, today)
    return replace(
        bare,
        row=row,
        exclusion=running_exclusion(pump, now),
        explanted=words.instant(explant.at, zone) if explant else "",
        residual=_residual(found, pump, now),
        doubts=tuple(_doubts(pump, dates, today)),
        warnings=tuple(_warnings(pump, row, dates, found, today)),
        dates=tuple(dates_view.present(pump, dates, found, facts.fill, today)),
        program=_in_force(programs, now),
        coming_programs=tuple(
            view for row, view in programs if row.effective_at > now and not _corrected(row)
        ),
        events=tuple(_history(pump, programs)),
        device=tuple(_device(pump)),
        appointments=tuple(bookings.present(a, now) for a in appointments_of(pump)),
    )


def _computed(facts: PumpFacts, now: datetime) -> Known | None:
    """The calculation itself, for its sums. What fails here failed in the projection too."""
    try:
        found = project(facts.inputs(now))
    except Exception as error:  # a page without sums is better than no page
        logger.error("no sums: pump_id=%s %s", facts.pump.pk, type(error).__name__)
        return None
    return found if isinstance(found, Known) else None


def _row(
    pump: Pump, facts: PumpFacts, appointments: list[Appointment], now: datetime, today: date
) -> rows.Row:
    """The pump as the board shows it; one that is on no list gets the same words from its dates."""
    known = rows.Facts(
        fills={pump.pk: facts.fill} if facts.fill else {}, programs={pump.pk: facts.programs}
    )
    listed = listed_pump(pump, now)
    if listed is None:
        first = appointments[0] if appointments else None
        coming = NextAppointment(first.uuid, first.starts_at) if first else None
        listed = off_the_list(pump, today, coming)
    return rows.present(listed, known)


def _view(row: Any, pump: Pump) -> program_view.ProgramView:
    steps = sorted(row.steps.all(), key=lambda step: (step.start, step.pk))
    since = words.instant(row.effective_at, pump.clinic.zone)
    return program_view.present(row, steps, pump.model.min_ml_per_day, since)


def _corrected(row: Any) -> bool:
    return hasattr(row, "correction")


def _in_force(
    programs: list[tuple[Any, program_view.ProgramView]], now: datetime
) -> program_view.ProgramView | None:
    """The program that runs now: `programs` is newest first."""
    begun = (view for row, view in programs if row.effective_at <= now and not _corrected(row))
    return next(begun, None)


def _residual(found: Known | None, pump: Pump, now: datetime) -> str:
    if found is None:
        return ""
    left = format_quantity(found.residual_ml(now), "mL", 2)
    return f"about {left} of {format_quantity(pump.model.reservoir_ml, 'mL')}"


def _doubts(pump: Pump, dates: Projection, today: date) -> list[Doubt]:
    settlements = settlements_of(pump)
    found = []
    for reason in dates.attention:
        why, remedy = rows.explain_unknown(reason, dates, None, ())
        settled = [s for s in settlements if s.settles == reason and s.ends_on >= today]
        words_of = ""
        if settled:
            longest = max(settled, key=lambda row: row.ends_on)
            until = words.day(longest.ends_on)
            words_of = f"Settled by {longest.by.display_name} until {until}: “{longest.reason}”"
        found.append(Doubt(reason, why, remedy, words_of))
    return found


def _warnings(
    pump: Pump, row: rows.Row, dates: Projection, found: Known | None, today: date
) -> list[ChartWarning]:
    warnings = []
    percent = format_quantity(pump.model.flow_accuracy_percent, "%")
    fast = (
        f"The maker allows it to run {percent} faster than programmed, and then it would be empty "
        "that day. Do not count on the pump's own alarm."
    )
    warnings += [
        ChartWarning("stop" if flag.tone == Status.ALARM else "", flag.text, fast)
        for flag in rows.may_be_empty(row.status, dates, today)
    ]
    warnings += [_clock_warning(pump, warning) for warning in (found.warnings if found else ())]
    if pump.low_reservoir_alarm_assumed:
        volume = format_quantity(pump.low_reservoir_alarm_ml, "mL")
        text = "It is the catalogue's default; the alarm date hangs on it."
        title = f"Alarm volume assumed: {volume}"
        warnings.append(ChartWarning("warn", title, text, link="#record-volume"))
    return warnings


def _clock_warning(pump: Pump, warning: ClockWarning) -> ChartWarning:
    when = words.instant(warning.at, pump.clinic.zone)
    ours = program_view.offset(warning.clinic_offset_minutes)
    theirs = program_view.offset(warning.pump_offset_minutes)
    return ChartWarning(
        "warn",
        "The pump's clock differs from the clinic's",
        f"For the program of {when} the pump's clock is recorded as {theirs}; the clinic's was "
        f"{ours}. If nobody meant that, the offset was mistyped.",
    )


def _history(pump: Pump, programs: list[tuple[Any, program_view.ProgramView]]) -> list[Event]:
    history = History(pump.clinic.zone)
    history.add_visits(visits_of(pump))
    history.add_fills(fill_history(pump.pk))
    history.add_programs(programs)
    history.add_boluses(boluses_of(pump))
    history.add_interrogations(interrogations_of(pump))
    history.add_settlements(settlements_of(pump))
    history.add_exclusions(exclusions_of(pump))
    history.add_explants(pump)
    return history.newest_first()


def _device(pump: Pump) -> list[tuple[str, str]]:
    volume = format_quantity(pump.low_reservoir_alarm_ml, "mL")
    found = [
        ("Model", pump.model.name),
        ("Serial number", pump.serial_number or words.NOT_RECORDED),
        ("Implanted", words.day(pump.implanted_on)),
        ("Reservoir", format_quantity(pump.model.reservoir_ml, "mL")),
        ("Alarm volume", f"{volume} (assumed)" if pump.low_reservoir_alarm_assumed else volume),
    ]
    catheters = catheters_of(pump)
    for catheter in catheters:
        length = format_quantity(catheter.length_cm, "cm")
        path = path_ml(catheter.pump_tubing_ml, catheter.length_cm, catheter.ml_per_cm)
        found.append(
            (
                "Catheter",
                f"{catheter.catalogue_number} {length}, path {format_quantity(path, 'mL')}, "
                f"implanted {words.day(catheter.implanted_on)} ({catheter.source})".strip(),
            )
        )
    return found if catheters else [*found, ("Catheter", words.NOT_RECORDED)]


def _sheet(patient: Patient) -> Sheet | None:
    row = last_row_about(patient)
    if row is None:
        return None
    raw = row.raw if isinstance(row.raw, dict) else {}
    when = words.instant(row.run.started_at, patient.clinic.zone)
    return Sheet(
        next_appointment=str(raw.get(NEXT_APPOINTMENT) or ""),
        notes=str(raw.get(NOTES) or ""),
        source=f"Line {row.row} of the sheet imported {when}",
    )
