"""Who may open a page: another clinic's object is not found; a role is told what it may not do."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from accounts import audit
from accounts.models import Clinic, User
from accounts.policies import Action, clinic_ids, may
from accounts.selectors import clinics_for
from patients.models import Patient
from patients.selectors import patient_for
from pumps.models import Pump
from pumps.selectors import pumps_of


def user_of(request: HttpRequest) -> User:
    """Who is signed in; the login middleware lets nobody else through."""
    return cast(User, request.user)


def clinics_or_refuse(request: HttpRequest, action: Action) -> list[Clinic]:
    """The clinics in which the user may do it, by name.

    Raises:
        PermissionDenied: there is none.
    """
    clinics = list(clinics_for(user_of(request), action))
    if not clinics:
        raise PermissionDenied(f"It does not let you {action.value}. {way_out(request)}")
    return clinics


def check_may(request: HttpRequest, action: Action, clinic: Clinic) -> None:
    """Refuse what the role in that clinic does not allow.

    Raises:
        PermissionDenied: with a sentence for the page.
    """
    if not may(user_of(request), action, clinic.pk):
        raise PermissionDenied(
            f"Your role at {clinic.name} does not let you {action.value}. {way_out(request)}"
        )


def way_out(request: HttpRequest) -> str:
    """Whom to ask; an administrator is told where roles are given."""
    if clinic_ids(user_of(request), Action.MANAGE_CLINIC):
        return "You give people their roles under Clinic: ask somebody whose role is for it."
    return "Ask a clinic administrator if it should."


def choose(clinics: list[Clinic], slug: str) -> list[Clinic]:
    """The clinic of that slug alone, or all where none is named.

    Raises:
        Http404: the user has no clinic of that slug here.
    """
    if not slug:
        return clinics
    chosen = [clinic for clinic in clinics if clinic.slug == slug]
    if not chosen:
        raise Http404
    return chosen


def find_patient(request: HttpRequest, patient_uuid: uuid.UUID) -> Patient:
    """The patient, or 404 where the user may not see it: nobody learns that it exists."""
    found = patient_for(user_of(request), patient_uuid)
    if found is None:
        raise Http404
    return found


def find_pump_for(
    request: HttpRequest, patient_uuid: uuid.UUID, pump_uuid: uuid.UUID, action: Action
) -> tuple[Patient, Pump]:
    """The pump in a page's address, about which the user must be allowed to do this.

    Raises:
        Http404: the user may not see it, or there is none.
        PermissionDenied: the role does not allow it.
    """
    patient = find_patient(request, patient_uuid)
    pump = find_pump(patient, str(pump_uuid))
    if pump is None:
        raise Http404
    check_may(request, action, patient.clinic)
    return patient, pump


def find_pump(patient: Patient, wanted: str) -> Pump | None:
    """The patient's pump of that uuid, by default the one in use; None where there is none.

    Raises:
        Http404: for a pump that is not this patient's.
    """
    pumps = pumps_of(patient)
    if not wanted:
        return pumps[0] if pumps else None
    for pump in pumps:
        if str(pump.uuid) == wanted:
            return pump
    raise Http404


def page_about(
    request: HttpRequest,
    patient: Patient,
    template: str,
    context: Mapping[str, Any],
    *,
    now: datetime,
    status: int = 200,
) -> HttpResponse:
    """A page that shows a patient, and the record that it was read. Every such page is made here.

    What was read is known only where the page is made: a form that is saved leads on without
    showing anything, and a role that may not open the page has read nothing.
    """
    record_read(request, patient, now)
    return render(request, template, dict(context), status=status)


def record_read(request: HttpRequest, patient: Patient, now: datetime) -> None:
    """Write into the audit log that the user saw something of this patient's chart."""
    audit.record(
        event="patient.read",
        by=user_of(request),
        at=now,
        clinic_id=patient.clinic_id,
        subject_type="patient",
        subject_id=patient.uuid,
    )
