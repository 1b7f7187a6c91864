"""A patient's page: the pump, its dates with their sums, its program, its history, whom to call."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import User
from itbclinic.pages.shared import board_query
from itbclinic.pages.shared.access import find_patient, find_pump, page_about
from itbclinic.pages.shared.forms import RuledForm
from patients.models import Patient
from pumps.models import Pump

from . import chart, people
from .settle_forms import AlarmVolumeForm, EndExclusionForm, ExcludeForm, SettleForm


@require_safe
def patient(request: HttpRequest, patient_uuid: uuid.UUID) -> HttpResponse:
    """The page; `?pump=` names one of several pumps."""
    found = find_patient(request, patient_uuid)
    return show(request, found, find_pump(found, request.GET.get("pump", "")))


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of the page; one that was refused stays as it was typed."""

    exclude: ExcludeForm
    end_exclusion: EndExclusionForm
    alarm_volume: AlarmVolumeForm
    settle: dict[str, SettleForm]


def show(
    request: HttpRequest, patient: Patient, pump: Pump | None, refused: RuledForm | None = None
) -> HttpResponse:
    """Render the page and record that it was read.

    Args:
        refused: a form that was not saved; it is shown as it was typed, with what is wrong.
    """
    now = timezone.now()
    user = cast(User, request.user)
    found = chart.build(user, patient, pump, now)
    forms = _forms(found, pump, now, refused) if pump and found.may_settle else None
    context = {
        "chart": found,
        "clinic": patient.clinic,
        "refused": refused,
        "forms": forms,
        "contacts": people.build(user, patient, pump, now, refused),
        "board_back": board_query.way_back(request.session),
        "doubts": [(d, forms.settle[d.settles] if forms else None) for d in found.doubts],
    }
    status = 422 if refused else 200
    return page_about(request, patient, "patient/page.html", context, now=now, status=status)


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
