"""Add a patient by hand. It leads to the implant, without which there is nothing to refill."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import audit
from accounts.models import Clinic
from accounts.policies import Action, may
from accounts.rules import RuleViolation
from accounts.selectors import clinics_for
from alarms.presenters import words
from patients.models import Patient
from patients.selectors import same_person, with_mrn
from patients.services import PatientEntry, add_patient

from . import access
from .forms.patient import PatientForm


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
        "known": [(one, words.day(one.date_of_birth)) for one in known],
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
        audit.record(
            event="patient.read", by=user, at=timezone.now(), clinic_id=clinic.pk,
            subject_type="patient", subject_id=one.uuid,
        )  # fmt: skip
    return found
