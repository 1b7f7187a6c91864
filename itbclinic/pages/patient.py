"""A patient's page: the pump, its dates with their sums, its program, its history, whom to call."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import audit
from accounts.models import User
from accounts.policies import Action
from alarms.forms import (
    AlarmVolumeForm,
    EndExclusionForm,
    ExcludeForm,
    RuledForm,
    SettleForm,
)
from patients.models import Patient
from patients.selectors import patient_for
from pumps.models import Pump

from . import access, board_query, chart, contacts, reads


@require_safe
def patient(request: HttpRequest, patient_uuid: uuid.UUID) -> HttpResponse:
    """The page; `?pump=` names one of several pumps."""
    found = find_patient(request, patient_uuid)
    return show(request, found, find_pump(found, request.GET.get("pump", "")))


def find_patient(request: HttpRequest, patient_uuid: uuid.UUID) -> Patient:
    """The patient, or 404 where the user may not see it: nobody learns that it exists."""
    found = patient_for(cast(User, request.user), patient_uuid)
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
    of = find_patient(request, patient_uuid)
    pump = find_pump(of, str(pump_uuid))
    if pump is None:
        raise Http404
    access.check_may(request, action, of.clinic)
    return of, pump


def find_pump(of: Patient, wanted: str) -> Pump | None:
    """The patient's pump of that uuid, by default the one in use; None where there is none.

    Raises:
        Http404: for a pump that is not this patient's.
    """
    pumps = reads.pumps_of(of)
    if not wanted:
        return pumps[0] if pumps else None
    for pump in pumps:
        if str(pump.uuid) == wanted:
            return pump
    raise Http404


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of the page; one that was refused stays as it was typed."""

    exclude: ExcludeForm
    end_exclusion: EndExclusionForm
    alarm_volume: AlarmVolumeForm
    settle: dict[str, SettleForm]


def show(
    request: HttpRequest, of: Patient, pump: Pump | None, refused: RuledForm | None = None
) -> HttpResponse:
    """Render the page and record that it was read.

    Args:
        refused: a form that was not saved; it is shown as it was typed, with what is wrong.
    """
    now = timezone.now()
    user = cast(User, request.user)
    found = chart.build(user, of, pump, now)
    audit.record(
        event="patient.read",
        by=user,
        at=now,
        clinic_id=of.clinic_id,
        subject_type="patient",
        subject_id=of.uuid,
    )
    forms = _forms(found, pump, now, refused) if pump and found.may_settle else None
    context = {
        "chart": found,
        "clinic": of.clinic,
        "refused": refused,
        "forms": forms,
        "contacts": contacts.build(user, of, pump, now, refused),
        "board_back": board_query.way_back(request.session),
        "doubts": [(d, forms.settle[d.settles] if forms else None) for d in found.doubts],
    }
    return render(request, "patient/page.html", context, status=422 if refused else 200)


def _forms(found: chart.Chart, pump: Pump, now: datetime, refused: RuledForm | None) -> Forms:
    forms = Forms(
        exclude=ExcludeForm(),
        end_exclusion=EndExclusionForm(),
        alarm_volume=AlarmVolumeForm(
            clinic=pump.clinic,
            initial=AlarmVolumeForm.opening_values(found.version, now, pump.clinic),
        ),
        settle={
            doubt.settles: SettleForm(
                doubt=doubt.settles,
                initial={"settles": doubt.settles, "seen_version": found.version},
            )
            for doubt in found.doubts
        },
    )
    match refused:
        case ExcludeForm():
            return replace(forms, exclude=refused)
        case EndExclusionForm():
            return replace(forms, end_exclusion=refused)
        case AlarmVolumeForm():
            return replace(forms, alarm_volume=refused)
        case SettleForm():
            return replace(forms, settle={**forms.settle, refused.doubt: refused})
    return forms
