"""Whom to call about a patient, and whether a family may be written to: added, changed, agreed
and withdrawn on the patient's page."""

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.policies import Action
from core.rules import RuleViolation
from followup.services import reminding
from itbclinic.pages.shared import access
from itbclinic.pages.shared.forms import RuledForm
from patients.models import Caregiver, Patient

from . import views
from .contact_forms import CaregiverForm, ConsentForm, RemoveForm


@require_POST
def add(request: HttpRequest, patient_uuid: uuid.UUID) -> HttpResponse:
    """Add somebody to call."""
    patient = _find(request, patient_uuid)
    form = CaregiverForm(request.POST)

    def act() -> str:
        reminding.add_caregiver(
            patient=patient, entry=form.entry(), by=access.user_of(request), now=timezone.now()
        )
        return "Added."

    return _run(request, patient, form, act)


@require_POST
def change(
    request: HttpRequest, patient_uuid: uuid.UUID, caregiver_uuid: uuid.UUID
) -> HttpResponse:
    """Change somebody to call. A consent holds for the address that it was given for."""
    patient, person = _find_person(request, patient_uuid, caregiver_uuid)
    form = CaregiverForm(request.POST, caregiver=person)

    def act() -> str:
        ended = reminding.change_caregiver(
            caregiver=person, entry=form.entry(), by=access.user_of(request), now=timezone.now()
        )
        again = " The address is another one: ask for the consent to e-mail again."
        return f"Saved.{again if ended else ''}"

    return _run(request, patient, form, act)


@require_POST
def remove(
    request: HttpRequest, patient_uuid: uuid.UUID, caregiver_uuid: uuid.UUID
) -> HttpResponse:
    """Take somebody off the people to call, with the reason."""
    patient, person = _find_person(request, patient_uuid, caregiver_uuid)
    form = RemoveForm(request.POST, caregiver=person)

    def act() -> str:
        reminding.remove_caregiver(
            caregiver=person,
            reason=form.cleaned_data["remove_reason"],
            by=access.user_of(request),
            now=timezone.now(),
        )
        return "Removed: they are not called or written to any more."

    return _run(request, patient, form, act)


@require_POST
def consent(
    request: HttpRequest, patient_uuid: uuid.UUID, caregiver_uuid: uuid.UUID
) -> HttpResponse:
    """Record that somebody agreed to e-mail."""
    patient, person = _find_person(request, patient_uuid, caregiver_uuid)
    form = ConsentForm(request.POST, caregiver=person)

    def act() -> str:
        reminding.record_consent(
            caregiver=person,
            agreed=form.cleaned_data["agreed"],
            by=access.user_of(request),
            now=timezone.now(),
        )
        return "Consent recorded."

    return _run(request, patient, form, act)


@require_POST
def withdraw(
    request: HttpRequest, patient_uuid: uuid.UUID, caregiver_uuid: uuid.UUID
) -> HttpResponse:
    """Record that a consent was taken back; it is obeyed at once."""
    patient, person = _find_person(request, patient_uuid, caregiver_uuid)
    ended = reminding.withdraw_all(caregiver=person, by=access.user_of(request), now=timezone.now())
    if ended:
        messages.success(request, "Withdrawn. No more e-mail; the clinic calls instead.")
    else:
        messages.info(request, "There is no consent to withdraw.")
    return _back(patient)


def _find(request: HttpRequest, patient_uuid: uuid.UUID) -> Patient:
    """The patient, whose contacts the user must be allowed to keep."""
    patient = access.find_patient(request, patient_uuid)
    access.check_may(request, Action.CONTACT, patient.clinic)
    return patient


def _find_person(
    request: HttpRequest, patient_uuid: uuid.UUID, caregiver_uuid: uuid.UUID
) -> tuple[Patient, Caregiver]:
    patient = _find(request, patient_uuid)
    for person in patient.caregivers.all():
        if person.uuid == caregiver_uuid:
            return patient, person
    raise Http404


def _run(
    request: HttpRequest, patient: Patient, form: RuledForm, act: Callable[[], str]
) -> HttpResponse:
    if form.is_valid():
        try:
            messages.success(request, act())
            return _back(patient)
        except RuleViolation as violation:
            form.refuse(violation)
    return views.show(request, patient, access.find_pump(patient, ""), form)


def _back(patient: Patient) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('patient', args=[patient.uuid])}#contacts")
