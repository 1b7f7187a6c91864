"""Add a patient by hand, which leads to the implant, and correct who a patient is."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.models import Clinic
from accounts.policies import Action, may
from accounts.selectors import clinics_for
from core import words
from core.rules import RuleViolation, fingerprint
from itbclinic.pages.shared import access
from itbclinic.pages.shared.access import find_patient
from patients.models import Patient
from patients.selectors import same_person, with_mrn
from patients.services import PatientEntry, add_patient, values_of
from visits.services import identity

from .identity_forms import CorrectPatientForm, PatientForm


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """The form; `?clinic=` is the clinic that the board shows."""
    clinics = access.clinics_or_refuse(request, Action.ADD_PATIENT)
    chosen = access.choose(clinics, request.GET.get("clinic", ""))
    choices = clinics_for(access.user_of(request), Action.ADD_PATIENT)
    if request.method != "POST":
        initial = {"clinic": chosen[0].slug} if len(chosen) == 1 else {}
        return _show(request, clinics, PatientForm(clinics=choices, initial=initial))
    form = PatientForm(request.POST, clinics=choices)
    known: list[Patient] = []
    if form.is_valid():
        clinic, entry = form.cleaned_data["clinic"], form.entry()
        try:
            return _added(request, form)
        except RuleViolation as violation:
            codes = {problem.code for problem in violation.problems}
            known = _known(request, clinic, entry, codes)
            form.refuse(violation)
    return _show(request, clinics, form, known)


@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: HttpRequest, patient_uuid: uuid.UUID) -> HttpResponse:
    """Correct MRN, name, date of birth, language or diagnosis."""
    patient = find_patient(request, patient_uuid)
    access.check_may(request, Action.ADD_PATIENT, patient.clinic)
    form = CorrectPatientForm(
        request.POST or None, initial=CorrectPatientForm.opening_values(patient)
    )
    now, user = timezone.now(), access.user_of(request)
    context: dict[str, Any] = {"form": form, "patient": patient, "known": []}
    if form.is_valid():
        entry = form.entry()
        try:
            identity.correct_patient(
                patient=patient, entry=entry, by=user, now=now, seen=form.cleaned_data["seen"]
            )
        except RuleViolation as violation:
            codes = {problem.code for problem in violation.problems}
            form.refuse(violation)
            if "stale" in codes:
                context["on_record"] = values_of(patient)
                form.show_seen(fingerprint(values_of(patient)))
            context["known"] = _with_days(_known(request, patient.clinic, entry, codes))
        else:
            messages.success(request, "Saved: the list, the paper and the letters go by it.")
            return HttpResponseRedirect(reverse("patient", args=[patient.uuid]))
    status = 422 if form.errors else 200
    return access.page_about(
        request, patient, "devices/correct.html", context, now=now, status=status
    )


def _with_days(found: Sequence[Patient]) -> list[tuple[Patient, str]]:
    return [(one, words.day(one.date_of_birth)) for one in found]


def _added(request: HttpRequest, form: PatientForm) -> HttpResponse:
    clinic, user = form.cleaned_data["clinic"], access.user_of(request)
    made = add_patient(
        clinic=clinic,
        entry=form.entry(),
        caregiver=form.caregiver(),
        another_person=form.cleaned_data["another_person"],
        by=user,
        now=timezone.now(),
    )
    if may(user, Action.RECORD_DEVICE, clinic.pk):
        messages.success(request, "The patient is added. Now record the pump that was implanted.")
        return HttpResponseRedirect(reverse("implant", args=[made.uuid]))
    messages.success(
        request, "The patient is added. A nurse or a doctor records the pump that was implanted."
    )
    return HttpResponseRedirect(reverse("patient", args=[made.uuid]))


def _show(
    request: HttpRequest,
    clinics: list[Clinic],
    form: PatientForm,
    known: Sequence[Patient] = (),
) -> HttpResponse:
    """The form, with those who are on record already where that is what is wrong."""
    asks = bool(form["another_person"].errors or form["another_person"].value())
    context: dict[str, Any] = {
        "form": form,
        "several": len(clinics) > 1,
        "only": clinics[0],
        "known": _with_days(known),
        "asks_another": asks,
    }
    return render(request, "devices/patient.html", context, status=422 if form.errors else 200)


def _known(
    request: HttpRequest, clinic: Clinic, entry: PatientEntry, codes: set[str]
) -> list[Patient]:
    """Who has that MRN, or that name and date of birth, where the user may open the chart."""
    user = access.user_of(request)
    found: list[Patient] = []
    if not may(user, Action.READ_CHART, clinic.pk):
        return found
    if "duplicate_mrn" in codes:
        same = with_mrn(clinic, entry.mrn)
        found = [same] if same else []
    elif "same_person" in codes:
        found = same_person(clinic, entry.family_name, entry.given_name, entry.date_of_birth)
    for one in found:
        access.record_read(request, one, timezone.now())
    return found
