"""Patients who have no pump in place: on no list, but never out of reach."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from accounts.models import Clinic, User
from accounts.policies import Action, clinic_ids
from core import words
from patients.models import Patient
from pumps.selectors import patients_without_pump

MOST: Final = 10


@dataclass(frozen=True, slots=True)
class Person:
    """A patient without a pump in place."""

    uuid: UUID
    name: str
    born: str
    mrn: str
    clinic: str
    why: str
    may_implant: bool


@dataclass(frozen=True, slots=True)
class OffBoard:
    """The first of them, and how many there are."""

    people: list[Person] = field(default_factory=list)
    count: int = 0


def build(user: User, clinics: Sequence[Clinic], search: str) -> OffBoard:
    """Those whom a search finds; without one, those whose implant was never recorded."""
    found = patients_without_pump(
        [clinic.pk for clinic in clinics], search=search, never=not search
    )
    first = list(found[: MOST + 1])
    allowed = clinic_ids(user, Action.RECORD_DEVICE)
    people = [_person(patient, patient.clinic_id in allowed) for patient in first[:MOST]]
    return OffBoard(people, len(first) if len(first) <= MOST else found.count())


def _person(patient: Patient, may_implant: bool) -> Person:
    ends = [pump.explant.at for pump in patient.pumps.all() if pump.explant is not None]
    why = "No pump is recorded"
    if ends:
        why = f"Pump taken out {words.day(max(ends).astimezone(patient.clinic.zone).date())}"
    return Person(
        uuid=patient.uuid,
        name=patient.display_name,
        born=words.day(patient.date_of_birth),
        mrn=patient.mrn,
        clinic=patient.clinic.name,
        why=why,
        may_implant=may_implant,
    )
