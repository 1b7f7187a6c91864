"""Who to call about a patient, and whether a family may be written to, as the page shows it."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from accounts.policies import Action, may
from core import words
from followup.selectors import work as selectors
from itbclinic.pages.shared import messages
from itbclinic.pages.shared.forms import RuledForm
from patients.models import Caregiver, ContactConsent, Patient
from patients.selectors import running_consents
from pumps.models import Pump

from .contact_forms import CaregiverForm, ConsentForm, RemoveForm


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to call, with the forms that change it where the user may."""

    caregiver: Caregiver
    agreed: str
    form: CaregiverForm | None
    consent_form: ConsentForm | None
    remove_form: RemoveForm | None


@dataclass(frozen=True, slots=True)
class Contacts:
    """The panels about contacts and reminders."""

    people: list[Person]
    add: CaregiverForm | None
    reminders: list[messages.MessageLine]


def build(
    user: User, patient: Patient, pump: Pump | None, now: datetime, refused: RuledForm | None
) -> Contacts:
    """What the patient's page shows about contacts; a refused form stays as it was typed."""
    allowed = may(user, Action.CONTACT, patient.clinic_id)
    consents = running_consents(patient, now)
    people = [
        _person(person, consents.get(person.pk), patient, allowed, refused)
        for person in patient.caregivers.all()
    ]
    add = CaregiverForm() if allowed else None
    if isinstance(refused, CaregiverForm) and refused.about is None:
        add = refused
    rows = selectors.messages_about(pump.uuid) if pump else []
    names = selectors.names_of_recipients([row.recipient_ref for row in rows]) if rows else {}
    return Contacts(
        people, add, [messages.message(row, names, patient.clinic.zone) for row in rows]
    )


def _person(
    person: Caregiver,
    consent: ContactConsent | None,
    patient: Patient,
    allowed: bool,
    refused: RuledForm | None,
) -> Person:
    agreed = ""
    if consent is not None:
        agreed = f"Agreed to e-mail {words.instant(consent.valid_from, patient.clinic.zone)}"
        agreed += f": “{consent.agreed}”" if consent.agreed else ""
    if not allowed:
        return Person(person, agreed, None, None, None)
    form = CaregiverForm(initial=CaregiverForm.opening_values(person), caregiver=person)
    asks = ConsentForm(caregiver=person) if person.email and consent is None else None
    removes = RemoveForm(caregiver=person)
    if isinstance(refused, CaregiverForm) and refused.about == person:
        form = refused
    elif isinstance(refused, RemoveForm) and refused.about == person:
        removes = refused
    elif isinstance(refused, ConsentForm) and refused.about == person:
        asks = refused
    return Person(person, agreed, form, asks, removes)
