"""What one row of the roster changes in the record, or why it must not.

Runs inside the row's own transaction. A gap in the record is filled; a value that is on record is
never changed by a sheet: that takes a person and a reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from accounts.models import Clinic, User
from alarms.models import Projection
from patients.models import Patient
from patients.services import CaregiverEntry, register_patient
from pumps.domain.limits import PumpLimits
from pumps.models import Pump, PumpModel
from pumps.selectors import taken_out
from pumps.services import lock_pump
from pumps.services.devices import implant_pump
from refills.models import Fill
from rosters.domain.row_types import (
    CataloguePump,
    Identity,
    RosterRow,
    RowError,
    RowWarning,
)
from rosters.models import ImportRow
from visits.services import visit

from .compare import contact_warnings, same_refill_conflicts
from .entries import fill_entry, interrogation_entry, older_reading_warnings, with_dates
from .refills import last_recorded, read_in_another_zone, refill_taken_back, same_refill

CONFLICT: Final = "conflicts_with_record"
IMPORTED, UNCHANGED = ImportRow.Outcome.IMPORTED, ImportRow.Outcome.UNCHANGED


class RowRefusedError(Exception):
    """The record speaks against the row. Nothing of it was written."""

    def __init__(self, errors: Sequence[RowError]) -> None:
        super().__init__(", ".join(error.code for error in errors))
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of a row that is in the record now."""

    outcome: str
    patient: Patient
    projection: Projection | None
    warnings: tuple[RowWarning, ...]


@dataclass(frozen=True, slots=True)
class Recorder:
    """Who records what is imported, where and when."""

    clinic: Clinic
    by: User
    now: datetime

    def apply(self, row: RosterRow) -> Applied:
        """Bring the record up to the row.

        Raises:
            RowRefusedError: with each column that the record speaks against.
            RuleViolation: what the services refuse.
        """
        errors = identity_errors(self.clinic, row.identity)
        if errors:
            raise RowRefusedError(errors)
        patient = patient_of(self.clinic, row.identity)
        if patient is None:
            patient = self._register(row)
            pump = self._implant(row, patient)
            return self._fill(row, pump, patient)
        extra = contact_warnings(patient, row)
        row = replace(row, warnings=(*row.warnings, *extra))
        found = _active_pump(patient, row)
        if found is None:
            return self._fill(row, self._implant(row, patient), patient)
        locked = lock_pump(found.pk)
        if locked.explant is not None:  # somebody else was faster
            raise _taken_out()
        return self._on_record(row, locked, patient)

    def _on_record(self, row: RosterRow, pump: Pump, patient: Patient) -> Applied:
        _check_device(row, pump)
        fills = list(Fill.objects.filter(pump=pump, correction__isnull=True).order_by("at", "id"))
        same = same_refill(row, fills, self.clinic)
        taken_back = None if same else refill_taken_back(row, pump, patient, self.clinic)
        if taken_back is not None:
            raise RowRefusedError([taken_back])
        same = same or read_in_another_zone(row, fills, patient, self.clinic)
        if same is not None:
            return self._same_refill(_at(row, same, self.clinic), pump, patient, same)
        if fills:
            _check_later(row, fills[-1], self.clinic)
        return self._fill(row, pump, patient)

    def _register(self, row: RosterRow) -> Patient:
        contact = row.contact
        return register_patient(
            clinic=self.clinic,
            mrn=row.identity.mrn,
            family_name=row.identity.family_name,
            given_name=row.identity.given_name,
            date_of_birth=row.date_of_birth,
            language=row.language,
            diagnosis=row.diagnosis,
            caregivers=[
                CaregiverEntry(
                    relationship=contact.relationship,
                    name=contact.name,
                    phone=contact.phone,
                    email=contact.email,
                )
            ],
            by=self.by,
            at=self._instant(row),
        )

    def _implant(self, row: RosterRow, patient: Patient) -> Pump:
        """The pump alone: its dates come with its fill, in the same transaction."""
        return implant_pump(
            patient=patient,
            model=PumpModel.objects.get(clinic=self.clinic, catalogue_number=row.catalogue_number),
            serial_number=row.identity.serial_number,
            implanted_on=row.implanted_on,
            low_reservoir_alarm_ml=row.low_reservoir_alarm_ml,
            by=self.by,
            at=self._instant(row),
        )

    def _fill(self, row: RosterRow, pump: Pump, patient: Patient) -> Applied:
        """A refill that is not on record yet: the fill, its program, and what the sheet printed."""
        self._check_has_come(row)
        fill, warnings = fill_entry(row, pump)
        warnings = (*warnings, *older_reading_warnings(row, pump))
        projection = visit.record_facts(
            pump_id=pump.pk,
            at=row.refilled_at,
            by=self.by,
            now=self._instant(row, pump),
            fill=fill,
            program=row.program,
            interrogation=interrogation_entry(row, pump, row.printed_alarm_date is not None),
            reason="Roster import",
        )
        warnings = (*row.warnings, *warnings)
        return Applied(IMPORTED, patient, projection, with_dates(warnings, row, projection))

    def _same_refill(self, row: RosterRow, pump: Pump, patient: Patient, fill: Fill) -> Applied:
        """A refill that is on record: nothing changes but what was missing."""
        conflicts, gaps = same_refill_conflicts(row, pump, fill)
        if conflicts:
            raise RowRefusedError(conflicts)
        interrogation = interrogation_entry(row, pump, "Alarm Date" in gaps)
        if not gaps and interrogation is None:
            projection = Projection.objects.filter(pump=pump).first()
            warnings = with_dates(row.warnings, row, projection)
            return Applied(UNCHANGED, patient, projection, warnings)
        projection = visit.record_facts(
            pump_id=pump.pk,
            at=row.refilled_at,
            by=self.by,
            now=self._instant(row, pump),
            program=row.program if "program" in gaps else None,
            interrogation=interrogation,
            reason="Roster import",
        )
        return Applied(IMPORTED, patient, projection, with_dates(row.warnings, row, projection))

    def _check_has_come(self, row: RosterRow) -> None:
        """A refill at an hour of today that is still to come was not done yet.

        Raises:
            RowRefusedError: it is still to come. A later day is the reader's to refuse: no refill
                may be after the day of the import.
        """
        zone = self.clinic.zone
        at, clock = row.refilled_at.astimezone(zone), self.now.astimezone(zone)
        if clock < at and at.date() <= clock.date():
            raise RowRefusedError(
                [
                    RowError(
                        "Last Refill",
                        "date_in_future",
                        f"Last Refill is at {at:%H:%M} today, and it is {clock:%H:%M} in the "
                        "clinic: this refill is in the future. Correct the time, or import the "
                        "row once the pump is filled.",
                    )
                ]
            )

    def _instant(self, row: RosterRow, pump: Pump | None = None) -> datetime:
        """The instant of recording. A refill may be after the start of this import: another person
        recorded it since, or the import is made as of a day to come.

        It comes after all that is on record of the pump: the import came to the row after that, and
        who takes a visit back must see what was built on it.
        """
        known = last_recorded(pump) if pump is not None else []
        return max(self.now, row.refilled_at, *map(_just_after, known))


def _just_after(at: datetime) -> datetime:
    return at + timedelta(microseconds=1)


def catalogue_of(clinic: Clinic) -> tuple[CataloguePump, ...]:
    """The clinic's pump models as the readers take them."""
    return tuple(
        CataloguePump(
            catalogue_number=model.catalogue_number,
            names=(model.name, *model.aliases),
            limits=PumpLimits(
                reservoir_ml=model.reservoir_ml,
                low_reservoir_alarm_ml=model.default_low_reservoir_alarm_ml,
                min_ml_per_day=model.min_ml_per_day,
                max_ml_per_day=model.max_ml_per_day,
                flow_accuracy_percent=model.flow_accuracy_percent,
                allows_zero_flow=model.allows_zero_flow,
                max_steps=model.max_steps,
            ),
        )
        for model in PumpModel.objects.filter(clinic=clinic)
    )


def patient_of(clinic: Clinic, identity: Identity) -> Patient | None:
    """The patient who has this MRN, whoever that is."""
    if not identity.mrn:
        return None
    found = list(Patient.objects.filter(clinic=clinic, mrn__iexact=identity.mrn).order_by("pk"))
    exact = [patient for patient in found if patient.mrn == identity.mrn]
    return next(iter(exact or found), None)


def identity_of_patient(patient: Patient) -> Identity:
    return Identity(
        mrn=patient.mrn,
        family_name=patient.family_name,
        given_name=patient.given_name,
        date_of_birth=patient.date_of_birth,
        serial_number="",
    )


def identity_errors(clinic: Clinic, identity: Identity) -> list[RowError]:
    """An MRN or a serial number that the record has under somebody else."""
    errors = []
    patient = patient_of(clinic, identity)
    if patient is not None and not identity.same_person(identity_of_patient(patient)):
        errors.append(
            RowError(
                "MRN",
                "duplicate_mrn",
                "MRN belongs to a patient on record with another name or date of birth. Correct "
                "the wrong one, here or on that patient's page.",
            )
        )
    other = Pump.objects.filter(clinic=clinic, serial_number__iexact=identity.serial_number)
    if identity.serial_number and identity.mrn:
        other = other.exclude(patient__mrn__iexact=identity.mrn)
        if other.exists():
            errors.append(
                RowError(
                    "Pump Serial",
                    "duplicate_serial",
                    "Pump Serial is recorded under another MRN. Check both numbers.",
                )
            )
    return errors


def _active_pump(patient: Patient, row: RosterRow) -> Pump | None:
    """The patient's pump that the row speaks of; None when the record has no pump in place.

    Raises:
        RowRefusedError: the sheet and the record name different devices.
    """
    pumps = Pump.objects.filter(patient=patient).select_related("model").annotate(gone=taken_out())
    serial = row.identity.serial_number.casefold()
    named = [pump for pump in pumps if pump.serial_number.casefold() == serial]
    active = [pump for pump in pumps if not pump.gone]
    if named and named[0] not in active:
        raise _taken_out()
    if not named and active:
        raise _conflict(
            "Pump Serial",
            "Pump Serial is not that of the pump on record. If the pump was replaced, record on "
            "the patient's page that the old one was taken out, then import again; if not, "
            "correct the number.",
        )
    if not named:
        return None
    return named[0]


def _taken_out() -> RowRefusedError:
    return _conflict(
        "Pump Serial",
        "Pump Serial is a pump that was taken out. Write the serial number of the pump that the "
        "patient has now, or remove the row.",
    )


def _check_device(row: RosterRow, pump: Pump) -> None:
    """A pump keeps its model and the day of its implant.

    Raises:
        RowRefusedError: the sheet says otherwise than the record.
    """
    if pump.model.catalogue_number != row.catalogue_number:
        raise _conflict(
            "Pump Model",
            f"Pump Model is {pump.model.catalogue_number} on record, and a pump keeps its model. "
            "Check the model and the serial number.",
        )
    if row.implanted_on and pump.implanted_on and row.implanted_on != pump.implanted_on:
        raise _conflict(
            "Implanted",
            "Implanted is another day than the one on record for this pump. Correct the wrong one.",
        )


def _at(row: RosterRow, fill: Fill, clinic: Clinic) -> RosterRow:
    """The row at the instant that the record has for its refill."""
    if row.program is None:
        return replace(row, refilled_at=fill.at)
    offset = fill.at.astimezone(clinic.zone).utcoffset() or timedelta(0)
    program = replace(
        row.program,
        effective_at=fill.at,
        utc_offset_minutes=offset // timedelta(minutes=1),
    )
    return replace(row, refilled_at=fill.at, program=program)


def _conflict(column: str, message: str) -> RowRefusedError:
    return RowRefusedError([RowError(column, CONFLICT, message)])


def _check_later(row: RosterRow, newest: Fill, clinic: Clinic) -> None:
    """A refill must be later than the newest on record, and on another day.

    Raises:
        RowRefusedError: it is earlier, or it is the same day with another time.
    """
    recorded = newest.at.astimezone(clinic.zone)
    if row.refilled_at.astimezone(clinic.zone).date() == recorded.date():
        raise _conflict(
            "Last Refill",
            f"Last Refill is at another time of the day than the refill on record "
            f"({recorded:%H:%M}). Write that time, or correct the refill on the patient's page.",
        )
    if row.refilled_at < newest.at:
        raise _conflict(
            "Last Refill",
            "Last Refill is before the newest refill on record. Bring the sheet up to date, or "
            "correct the refill on the patient's page.",
        )
