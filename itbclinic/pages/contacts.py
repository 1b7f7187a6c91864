"""Whom to call about a patient, and whether a family may be written to: added, changed, agreed
and withdrawn on the patient's page."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.policies import Action, may
from alarms.forms import RuledForm
from alarms.presenters import work as presenters
from alarms.selectors import work as selectors
from alarms.services import reminding
from core import words
from core.rules import RuleViolation
from patients.models import Caregiver, ContactConsent, Patient
from patients.selectors import running_consents
from pumps.models import Pump

from . import access, patient
from .forms.contacts import CaregiverForm, ConsentForm, RemoveForm


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
    reminders: list[presenters.MessageLine]


def build(
    user: User, of: Patient, pump: Pump | None, now: datetime, refused: RuledForm | None
) -> Contacts:
    """What the patient's page shows about contacts; a refused form stays as it was typed."""
    allowed = may(user, Action.CONTACT, of.clinic_id)
    consents = running_consents(of, now)
    people = [
        _person(person, consents.get(person.pk), of, allowed, refused)
        for person in of.caregivers.all()
    ]
    add = CaregiverForm() if allowed else None
    if isinstance(refused, CaregiverForm) and refused.about is None:
        add = refused
    rows = selectors.messages_about(pump.uuid) if pump else []
    names = selectors.names_of_recipients([row.recipient_ref for row in rows]) if rows else {}
    return Contacts(people, add, [presenters.message(row, names, of.clinic.zone) for row in rows])


def _person(
    person: Caregiver,
    consent: ContactConsent | None,
    of: Patient,
    allowed: bool,
    refused: RuledForm | None,
) -> Person:
    agreed = ""
    if consent is not None:
        agreed = f"Agreed to e-mail {words.instant(consent.valid_from, of.clinic.zone)}"
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


@require_POST
def add(request: HttpRequest, patient_uuid: uuid.UUID) -> HttpResponse:
    """Add somebody to call."""
    of = _find(request, patient_uuid)
    form = CaregiverForm(request.POST)

    def act() -> str:
        reminding.add_caregiver(
            patient=of, entry=form.entry(), by=access.user_of(request), now=timezone.now()
        )
        return "Added."

    return _run(request, of, form, act)


@require_POST
def change(
    request: HttpRequest, patient_uuid: uuid.UUID, caregiver_uuid: uuid.UUID
) -> HttpResponse:
    """Change somebody to call. A consent holds for the address that it was given for."""
    of, person = _find_person(request, patient_uuid, caregiver_uuid)
    form = CaregiverForm(request.POST, caregiver=person)

    def act() -> str:
        ended = reminding.change_caregiver(
            caregiver=person, entry=form.entry(), by=access.user_of(request), now=timezone.now()
        )
        again = " The address is another one: ask for the consent to e-mail again."
        return f"Saved.{again if ended else ''}"

    return _run(request, of, form, act)


@require_POST
def remove(
    request: HttpRequest, patient_uuid: uuid.UUID, caregiver_uuid: uuid.UUID
) -> HttpResponse:
    """Take somebody off the people to call, with the reason."""
    of, person = _find_person(request, patient_uuid, caregiver_uuid)
    form = RemoveForm(request.POST, caregiver=person)

    def act() -> str:
        reminding.remove_caregiver(
            caregiver=person,
            reason=form.cleaned_data["remove_reason"],
            by=access.user_of(request),
            now=timezone.now(),
        )
        return "Removed: they are not called or written to any more."

    return _run(request, of, form, act)


@require_POST
def consent(
    request: HttpRequest, patient_uuid: uuid.UUID, caregiver_uuid: uuid.UUID
) -> HttpResponse:
    """Record that somebody agreed to e-mail."""
    of, person = _find_person(request, patient_uuid, caregiver_uuid)
    form = ConsentForm(request.POST, caregiver=person)

    def act() -> str:
        reminding.record_consent(
            caregiver=person,
            agreed=form.cleaned_data["agreed"],
            by=access.user_of(request),
            now=timezone.now(),
        )
        return "Consent recorded."

    return _run(request, of, form, act)


@require_POST
def withdraw(
    request: HttpRequest, patient_uuid: uuid.UUID, caregiver_uuid: uuid.UUID
) -> HttpResponse:
    """Record that a consent was taken back; it is obeyed at once."""
    of, person = _find_person(request, patient_uuid, caregiver_uuid)
    ended = reminding.withdraw_all(caregiver=person, by=access.user_of(request), now=timezone.now())
    if ended:
        messages.success(request, "Withdrawn. No more e-mail; the clinic calls instead.")
    else:
        messages.info(request, "There is no consent to withdraw.")
    return _back(of)


def _find(request: HttpRequest, patient_uuid: uuid.UUID) -> Patient:
    """The patient, whose contacts the user must be allowed to keep."""
    of = patient.find_patient(request, patient_uuid)
    access.check_may(request, Action.CONTACT, of.clinic)
    return of


def _find_person(
    request: HttpRequest, patient_uuid: uuid.UUID, caregiver_uuid: uuid.UUID
) -> tuple[Patient, Caregiver]:
    of = _find(request, patient_uuid)
    for person in of.caregivers.all():
        if person.uuid == caregiver_uuid:
            return of, person
    raise Http404


def _run(
    request: HttpRequest, of: Patient, form: RuledForm, act: Callable[[], str]
) -> HttpResponse:
    if form.is_valid():
        try:
            messages.success(request, act())
            return _back(of)
        except RuleViolation as violation:
            form.refuse(violation)
    return patient.show(request, of, patient.find_pump(of, ""), form)


def _back(of: Patient) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('patient', args=[of.uuid])}#contacts")
