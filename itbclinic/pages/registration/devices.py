"""Pumps come and go: an implant, a pump that was taken out, and taking that back."""

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.policies import Action
from alarms.selectors.pump_page import listed_pump
from core import words
from core.rules import RuleViolation
from followup.selectors import work
from itbclinic.pages.shared import access, rows
from itbclinic.pages.shared.access import find_patient, find_pump_for
from patients.models import Patient
from pumps.models import Pump
from pumps.selectors import pump_models, pumps_of
from refills.models import Appointment
from refills.selectors import open_appointments
from visits.services import devices

from .device_forms import LOCAL, ExplantForm, ImplantForm, TakeBackExplantForm

LATER = "before_the_last_visit"  # the question that a tick answers


@require_http_methods(["GET", "HEAD", "POST"])
def implant(request: HttpRequest, patient_uuid: uuid.UUID) -> HttpResponse:
    """Record a pump that was put in, the first one or a replacement."""
    patient = find_patient(request, patient_uuid)
    access.check_may(request, Action.RECORD_DEVICE, patient.clinic)
    models = pump_models([patient.clinic_id])
    form = ImplantForm(request.POST or None, models=models)
    now = timezone.now()
    if form.is_valid():
        try:
            pump = devices.implant(patient=patient, by=access.user_of(request), now=now,
                                   **form.cleaned_data)  # fmt: skip
        except RuleViolation as violation:
            form.refuse(violation)
        else:
            messages.success(
                request,
                "The implant is recorded, and the pump is on the board as unknown. Now record its "
                "first fill and dose: then it has dates.",
            )
            return HttpResponseRedirect(reverse("visit_record", args=[patient.uuid, pump.uuid]))
    context = _about(patient, now) | {
        "form": form,
        "in_place": [pump for pump in pumps_of(patient) if pump.explant is None],
        "no_models": not models,
    }
    status = 422 if form.errors else 200
    return access.page_about(
        request, patient, "devices/implant.html", context, now=now, status=status
    )


@require_http_methods(["GET", "HEAD", "POST"])
def taken_out(request: HttpRequest, patient_uuid: uuid.UUID, pump_uuid: uuid.UUID) -> HttpResponse:
    """Record that a pump was taken out; the page says first what follows from it."""
    patient, pump = _find(request, patient_uuid, pump_uuid)
    if request.method != "POST":
        if pump.explant is not None:
            messages.info(request, "This pump is recorded as taken out already.")
            return _back(patient, pump)
        now = timezone.now()
        local = now.astimezone(pump.clinic.zone).strftime(LOCAL)
        form = ExplantForm(clinic=pump.clinic, initial={"at": local, **_seen(pump)})
        return _show_taken_out(request, patient, pump, form)
    form = ExplantForm(request.POST, clinic=pump.clinic)
    asks = "confirmed" in request.POST
    if form.is_valid():
        try:
            cancelled = _take_out(request, pump, form)
        except RuleViolation as violation:
            form.refuse(violation)
            asks |= any(problem.code == LATER for problem in violation.problems)
        else:
            messages.success(request, f"Recorded: the pump is off the board.{cancelled}")
            return _back(patient, pump)
    form.look_again_at(_seen(pump))
    return _show_taken_out(request, patient, pump, form, asks=asks)


def _take_out(request: HttpRequest, pump: Pump, form: ExplantForm) -> str:
    """Do it; returns what is to be said of the appointments that were to come."""
    values, now = form.cleaned_data, timezone.now()
    coming = [row for row in open_appointments(pump) if row.starts_at > now]
    devices.take_out(
        pump_id=pump.pk,
        at=values["at"],
        reason=values["reason"],
        confirmed=values["confirmed"],
        seen_version=values["seen_version"],
        seen_appointments=_uuids(values["seen_appointments"]),
        by=access.user_of(request),
        now=now,
    )
    if not coming:
        return ""
    days = " and ".join(words.weekday_instant(row.starts_at, pump.clinic.zone) for row in coming)
    return f" The appointment of {days} is cancelled; tell the family."


@require_http_methods(["GET", "HEAD", "POST"])
def take_back(request: HttpRequest, patient_uuid: uuid.UUID, pump_uuid: uuid.UUID) -> HttpResponse:
    """Say that a pump was not taken out: it was entered in error."""
    patient, pump = _find(request, patient_uuid, pump_uuid)
    explant = pump.explant
    if explant is None:
        messages.info(request, "This pump is in place: there is nothing to take back.")
        return _back(patient, pump)
    form = TakeBackExplantForm(request.POST or None)
    now = timezone.now()
    if form.is_valid():
        try:
            devices.take_explant_back(
                explant=explant, reason=form.cleaned_data["reason"],
                by=access.user_of(request), now=now,
            )  # fmt: skip
        except RuleViolation as violation:
            form.refuse(violation)
        else:
            messages.success(
                request, "Taken back: the pump is on the board again. Look whether it is booked."
            )
            return _back(patient, pump)
    zone = pump.clinic.zone
    context = _about(patient, now) | {
        "pump": pump,
        "form": form,
        "explant": explant,
        "when": words.instant(explant.at, zone),
        "recorded": words.instant(explant.recorded_at, zone),
        "in_place": [
            other for other in pumps_of(patient) if other.explant is None and other != pump
        ],
    }
    return render(request, "devices/take_back.html", context, status=422 if form.errors else 200)


def _find(
    request: HttpRequest, patient_uuid: uuid.UUID, pump_uuid: uuid.UUID
) -> tuple[Patient, Pump]:
    """The pump, of which the user must be allowed to record such things."""
    return find_pump_for(request, patient_uuid, pump_uuid, Action.RECORD_DEVICE)


def _seen(pump: Pump) -> dict[str, Any]:
    """What the page shows that saving hangs on: the record's version, and what is booked."""
    current = " ".join(str(row.uuid) for row in open_appointments(pump))
    return {"seen_version": pump.input_version, "seen_appointments": current}


def _uuids(text: str) -> set[uuid.UUID]:
    found = set()
    for word in text.split():
        try:
            found.add(uuid.UUID(word))
        except ValueError:
            continue  # typed by hand: what is booked differs from it then
    return found


def _show_taken_out(
    request: HttpRequest, patient: Patient, pump: Pump, form: ExplantForm, *, asks: bool = False
) -> HttpResponse:
    now = timezone.now()
    booked = open_appointments(pump)
    listed = listed_pump(pump, now)
    context = _about(patient, now) | {
        "pump": pump,
        "form": form,
        "asks": asks,
        "row": rows.present(listed, rows.Facts()) if listed is not None else None,
        "coming": _days([row for row in booked if row.starts_at > now], pump),
        "past": _days([row for row in booked if row.starts_at <= now], pump),
        "tasks": [item.get_kind_display() for item in work.open_of_pump(pump, now)],
        "others": [other for other in pumps_of(patient) if other.explant is None and other != pump],
    }
    status = 422 if form.errors else 200
    return access.page_about(
        request, patient, "devices/taken_out.html", context, now=now, status=status
    )


def _days(appointments: list[Appointment], pump: Pump) -> list[str]:
    return [words.weekday_instant(row.starts_at, pump.clinic.zone) for row in appointments]


def _about(patient: Patient, now: datetime) -> dict[str, Any]:
    """What every page of these says of the patient."""
    today = now.astimezone(patient.clinic.zone).date()
    born = words.birth(patient.date_of_birth, today)
    return {"patient": patient, "clinic": patient.clinic, "today": today, "born": born}


def _back(patient: Patient, pump: Pump) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('patient', args=[patient.uuid])}?pump={pump.uuid}")
