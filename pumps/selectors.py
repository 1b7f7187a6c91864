"""Reads of the catalogue of pump models and of what a pump is called."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet

from accounts.models import Clinic, User
from accounts.policies import Action, clinic_ids
from patients.models import Patient

from .catalogue import FIGURES
from .domain.path import path_ml
from .models import Catheter, Pump, PumpModel

EDITABLE: Final = ("catalogue_number", "name", "family", "aliases", *FIGURES, "sources")


def values_of(model: PumpModel) -> dict[str, Any]:
    """Every figure of a model as JSON values, for the audit log and to tell what was seen."""
    values = {name: getattr(model, name) for name in EDITABLE}
    return {
        name: str(value) if isinstance(value, Decimal) else value for name, value in values.items()
    }


def pump_models(of_clinics: Collection[int]) -> QuerySet[PumpModel]:
    """The clinics' catalogues. `recorded` counts all pumps of a model, `active` those not taken
    out."""
    return (
        PumpModel.objects.filter(clinic_id__in=of_clinics)
        .annotate(
            recorded=Count("pumps"),
            active=Count("pumps", filter=Q(pumps__explant__isnull=True)),
        )
        .select_related("clinic")
        .order_by("clinic__name", "family", "reservoir_ml", "catalogue_number")
    )


def pump_model_for(user: User, action: Action, model_uuid: UUID) -> PumpModel | None:
    """The model, or None where the user may not do it in its clinic."""
    return pump_models(clinic_ids(user, action)).filter(uuid=model_uuid).first()


def families_of(clinic: Clinic) -> list[str]:
    """The pump families of the clinic's catalogue."""
    rows = PumpModel.objects.filter(clinic=clinic).order_by("family")
    return list(rows.values_list("family", flat=True).distinct())


def count_active(clinic: Clinic) -> int:
    """How many pumps of the clinic are in use."""
    return Pump.objects.filter(clinic=clinic, explant__isnull=True).count()


def highest_alarm_ml(model: PumpModel) -> Decimal | None:
    """The largest alarm volume, in mL, that a pump of this model has; None without pumps."""
    found: Decimal | None = Pump.objects.filter(model=model, explant__isnull=True).aggregate(
        most=Max("low_reservoir_alarm_ml")
    )["most"]
    return found


def path_volume_ml(pump: Pump) -> Decimal | None:
    """The volume from the reservoir to the catheter's tip, in mL; None where no catheter is
    recorded."""
    catheter = Catheter.objects.filter(pump=pump).order_by("-implanted_on", "-id").first()
    if catheter is None:
        return None
    return path_ml(catheter.pump_tubing_ml, catheter.length_cm, catheter.ml_per_cm)


def patients_of_subjects(
    of_clinics: Collection[int], uuids: Collection[UUID]
) -> dict[str, Patient]:
    """The patients that these patients' or pumps' uuids belong to, by that uuid."""
    found = {
        str(patient.uuid): patient
        for patient in Patient.objects.filter(clinic_id__in=of_clinics, uuid__in=uuids)
    }
    pumps = Pump.objects.filter(clinic_id__in=of_clinics, uuid__in=uuids)
    return found | {str(pump.uuid): pump.patient for pump in pumps.select_related("patient")}


def pump_uuids_of_patients(
    of_clinics: Collection[int], patient_uuids: Collection[UUID]
) -> list[UUID]:
    """The pumps of these patients, by uuid."""
    rows = Pump.objects.filter(clinic_id__in=of_clinics, patient__uuid__in=patient_uuids)
    return list(rows.order_by("pk").values_list("uuid", flat=True))


def names_of_models(uuids: Collection[UUID]) -> dict[str, str]:
    """What pump models are called, by uuid."""
    rows = PumpModel.objects.filter(uuid__in=uuids).values_list("uuid", "name")
    return {str(uuid): name for uuid, name in rows}
