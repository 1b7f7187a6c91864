"""What a nurse or a doctor decides about a pump on its page: settle a date, leave it off the list,
put it back, record the alarm volume that was read. A refused form comes back as it was typed."""

import uuid
from collections.abc import Callable
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.policies import Action
from alarms.selectors.pump_page import running_exclusion
from core import words
from core.rules import RuleViolation
from followup.services import settling
from itbclinic.pages.shared.access import find_pump, find_pump_for
from itbclinic.pages.shared.forms import RuledForm
from patients.models import Patient
from pumps.models import Pump
from pumps.selectors import newest_alarm_reading
from pumps.services import InterrogationEntry
from visits.services.visit import record_facts

from .settle_forms import AlarmVolumeForm, EndExclusionForm, ExcludeForm, SettleForm
from .views import show


@require_POST
def settle(request: HttpRequest, patient_uuid: uuid.UUID, pump_uuid: uuid.UUID) -> HttpResponse:
    """Let a doubtful date stand until a day."""
    patient, pump = _find(request, patient_uuid, pump_uuid)
    form = SettleForm(request.POST, doubt=request.POST.get("settles", ""))

    def act() -> str:
        values = form.cleaned_data
        settling.settle(pump=pump, by=_user(request), now=timezone.now(), **values)
        return f"Settled until {words.day(values['ends_on'])}."

    return _run(request, patient, pump, form, act)


@require_POST
def exclude(request: HttpRequest, patient_uuid: uuid.UUID, pump_uuid: uuid.UUID) -> HttpResponse:
    """Leave the pump off the lists until a day."""
    patient, pump = _find(request, patient_uuid, pump_uuid)
    form = ExcludeForm(request.POST)

    def act() -> str:
        values = form.cleaned_data
        settling.exclude(pump=pump, by=_user(request), now=timezone.now(), **values)
        return f"Left off the list until {words.day(values['ends_on'])}. It comes back by itself."

    return _run(request, patient, pump, form, act)


@require_POST
def end_exclusion(
    request: HttpRequest, patient_uuid: uuid.UUID, pump_uuid: uuid.UUID
) -> HttpResponse:
    """Put the pump back on the lists before its day."""
    patient, pump = _find(request, patient_uuid, pump_uuid)
    form = EndExclusionForm(request.POST)
    exclusion = running_exclusion(pump, timezone.now())
    if exclusion is None:
        messages.info(request, "This pump is on the list already.")
        return _back(patient, pump)

    def act() -> str:
        settling.end_exclusion(
            exclusion=exclusion, by=_user(request), now=timezone.now(), **form.cleaned_data
        )
        return "Back on the list."

    return _run(request, patient, pump, form, act)


@require_POST
def alarm_volume(
    request: HttpRequest, patient_uuid: uuid.UUID, pump_uuid: uuid.UUID
) -> HttpResponse:
    """Record the alarm volume that was read from the pump; its dates are computed anew."""
    patient, pump = _find(request, patient_uuid, pump_uuid)
    form = AlarmVolumeForm(request.POST, clinic=pump.clinic)

    def act() -> str:
        values, now = form.cleaned_data, timezone.now()
        volume = values["low_reservoir_alarm_ml"]
        if values["read_at"] > now:
            raise RuleViolation.of("read_at", "date_in_future", "This time is in the future.")
        record_facts(
            pump_id=pump.pk,
            at=values["read_at"],
            by=_user(request),
            now=now,
            interrogation=InterrogationEntry(
                source="Read from the pump", low_reservoir_alarm_ml=volume
            ),
            seen_version=values["seen_version"],
        )
        newest = newest_alarm_reading(pump)
        if newest is not None and newest.at > values["read_at"]:
            return "Alarm volume recorded. The pump was read after that; the later reading counts."
        return "Alarm volume recorded; the dates below count from it."

    return _run(request, patient, pump, form, act)


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _find(
    request: HttpRequest, patient_uuid: uuid.UUID, pump_uuid: uuid.UUID
) -> tuple[Patient, Pump]:
    """The pump, which the user must be allowed to decide about."""
    return find_pump_for(request, patient_uuid, pump_uuid, Action.SETTLE)


def _run(
    request: HttpRequest, patient: Patient, pump: Pump, form: RuledForm, act: Callable[[], str]
) -> HttpResponse:
    """Do it and go back to the page; or show the form again with what is wrong."""
    if form.is_valid():
        try:
            messages.success(request, act())
            return _back(patient, pump)
        except RuleViolation as violation:
            form.refuse(violation)
    current = find_pump(patient, str(pump.uuid))
    if current is not None:
        form.look_again(current.input_version)
    return show(request, patient, current, form)


def _back(patient: Patient, pump: Pump) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('patient', args=[patient.uuid])}?pump={pump.uuid}")
