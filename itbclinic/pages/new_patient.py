"""Add a patient by hand. It leads to the implant, without which there is nothing to refill."""

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
from patients.services import add_patient

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
    codes: set[str] = set()
    if form.is_valid():
        try:
            return _added(request, form)
        except RuleViolation as violation:
            codes = {problem.code for problem in violation.problems}
            form.refuse(violation)
    return _show(request, clinics, form, codes)


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
    codes: set[str] | None = None,
) -> HttpResponse:
    """The form, with those who are on record already where that is what is wrong."""
    known = _known(request, form, codes or set())
    context: dict[str, Any] = {
        "form": form,
        "several": len(clinics) > 1,
        "only": clinics[0],
        "known": known,
        "asks_another": "same_person" in (codes or ()) or form["another_person"].value(),
    }
    return render(request, "devices/patient.html", context, status=422 if form.errors else 200)


def _known(request: HttpRequest, form: PatientForm, codes: set[str]) -> list[tuple[Patient, str]]:
    """Who has that MRN, or that name and date of birth, where the user may open the chart."""
    if not codes & {"duplicate_mrn", "same_person"}:
        return []
    clinic, entry = form.cleaned_data["clinic"], form.entry()
    user = access.user_of(request)
    if not may(user, Action.READ_CHART, clinic.pk):
        return []
    found = same_person(clinic, entry.family_name, entry.given_name, entry.date_of_birth)
    same = with_mrn(clinic, entry.mrn)
    if "duplicate_mrn" in codes:
        found = [same] if same else []
    for one in found:
        audit.record(
            event="patient.read", by=user, at=timezone.now(), clinic_id=clinic.pk,
            subject_type="patient", subject_id=one.uuid,
        )  # fmt: skip
    return [(one, words.day(one.date_of_birth)) for one in found]
