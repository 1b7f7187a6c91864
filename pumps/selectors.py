"""Reads of the catalogue of pump models and of what a pump is called."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet

from accounts.models import Clinic, User
from accounts.policies import Action, clinic_ids
from patients.models import Patient

from .catalogue import FIGURES
from .domain.path import path_ml
from .models import Catheter, Explant, Interrogation, Pump, PumpModel

EDITABLE: Final = ("catalogue_number", "name", "family", "aliases", *FIGURES, "sources")


def taken_out(pump: str = "pk", **at: Any) -> Exists:
    """Whether a pump was taken out, and nobody took that back.

    Args:
        pump: the outer query's path to the pump.
        at: narrows it to explants at some time, for instance `at__lte=now`.
    """
    rows = Explant.objects.filter(pump=OuterRef(pump), withdrawal__isnull=True, **at)
    return Exists(rows)


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
            active=Count("pumps", filter=~taken_out("pumps")),
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
    return Pump.objects.filter(~taken_out(), clinic=clinic).count()


def highest_alarm_ml(model: PumpModel) -> Decimal | None:
    """The largest alarm volume, in mL, that a pump of this model has; None without pumps."""
    found: Decimal | None = Pump.objects.filter(~taken_out(), model=model).aggregate(
        most=Max("low_reservoir_alarm_ml")
    )["most"]
    return found


def patients_without_pump(
    of_clinics: Collection[int], *, search: str = "", never: bool = False
) -> QuerySet[Patient]:
    """Patients with no pump in place: on no list, and still to be found.

    Args:
        search: words of the name, the MRN or a serial number that was taken out.
        never: only those of whom no pump was ever recorded.
    """
    pumps = Pump.objects.filter(patient=OuterRef("pk"))
    rows = Patient.objects.filter(
        ~Exists(pumps if never else pumps.filter(~taken_out())), clinic_id__in=of_clinics
    )
    for word in search.split():
        rows = rows.filter(
            Q(family_name__icontains=word)
            | Q(given_name__icontains=word)
            | Q(mrn__icontains=word)
            | Exists(pumps.filter(serial_number__icontains=word))
        )
    found = rows.select_related("clinic").order_by("family_name", "given_name", "pk")
    return found.prefetch_related("pumps__explants__withdrawal")


def newest_alarm_reading(pump: Pump) -> Interrogation | None:
    """The newest readout with the alarm volume that counts; of two at one instant the last
    entered."""
    rows = Interrogation.objects.filter(
        pump=pump, low_reservoir_alarm_ml__isnull=False, correction__isnull=True
    )
    return rows.order_by("-at", "-id").first()


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


def pumps_of(patient: Patient) -> list[Pump]:
    """The patient's pumps, the latest implanted first; one that was taken out comes last."""
    pumps = patient.pumps.select_related("model", "clinic", "projection").prefetch_related(
        "explants__withdrawal__by", "explants__recorded_by"
    )
    return sorted(pumps.order_by("-implanted_on", "-pk"), key=lambda pump: bool(pump.explant))


def interrogations_of(pump: Pump) -> list[Interrogation]:
    """What the programmer showed, newest first."""
    return list(pump.interrogations.select_related("recorded_by").order_by("-at", "-id"))


def catheters_of(pump: Pump) -> list[Catheter]:
    """The catheter and its revisions, newest first."""
    return list(pump.catheters.select_related("recorded_by").order_by("-implanted_on", "-id"))
