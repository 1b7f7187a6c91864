"""Who may see which address, by its name."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from accounts.models import Clinic
from accounts.policies import Action
from dosing.models import DrugProduct
from patients.models import Patient
from pumps.models import Pump, PumpModel
from tests import factories

# Sign-in and health: without patient data.
STRANGERS = {
    "account_login", "account_logout", "account_signup", "account_inactive",
    "account_reset_password", "account_reset_password_done", "account_reset_password_from_key",
    "account_reset_password_from_key_done", "account_confirm_email",
    "account_email_verification_sent", "account_confirm_login_code", "mfa_authenticate",
    "healthz", "readyz",
}  # fmt: skip
EVERYBODY_SIGNED_IN = {
    "home", "account_change_password", "account_set_password", "account_email",
    "account_reauthenticate", "mfa_index", "mfa_activate_totp", "mfa_deactivate_totp",
    "mfa_reauthenticate", "mfa_generate_recovery_codes", "mfa_view_recovery_codes",
    "mfa_download_recovery_codes",
}  # fmt: skip
API = {
    "api_refills_due": "/api/v1/refills-due/",
    "api_what_if": "/api/v1/projections/what-if/",
    "api_schema": "/api/v1/schema/",
    "api_docs": "/api/v1/docs/",
}
BY_ACTION = {
    "board": Action.READ_LIST,
    "board_csv": Action.READ_LIST,
    "board_search": Action.READ_LIST,
    "patient": Action.READ_CHART,
    "pump_settle": Action.SETTLE,
    "pump_exclude": Action.SETTLE,
    "pump_end_exclusion": Action.SETTLE,
    "pump_alarm_volume": Action.SETTLE,
}
POST_ONLY = {
    "api_what_if", "board_search", "pump_settle", "pump_exclude", "pump_end_exclusion",
    "pump_alarm_volume",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Objects:
    """One of everything that an address can name, of one clinic."""

    clinic: Clinic
    patient: Patient
    pump: Pump
    model: PumpModel
    product: DrugProduct

    @classmethod
    def make(cls, clinic: Clinic, now: datetime) -> "Objects":
        pump = factories.due_in(clinic, 4, now)
        return cls(
            clinic=clinic,
            patient=pump.patient,
            pump=pump,
            model=pump.model,
            product=DrugProduct.objects.filter(clinic=clinic)[0],
        )


def url_of(name: str, objects: Objects) -> str:
    """The address of that name, for these objects where it names any."""
    choices: list[dict[str, Any]] = [
        {},
        {"patient_uuid": objects.patient.uuid},
        {"patient_uuid": objects.patient.uuid, "pump_uuid": objects.pump.uuid},
        {"slug": objects.clinic.slug},
        {"model_uuid": objects.model.uuid},
        {"product_uuid": objects.product.uuid},
    ]
    for arguments in choices:
        try:
            return reverse(name, kwargs=arguments)
        except Exception:  # noqa: S112  # the next choice
            continue
    raise AssertionError(f"{name} names an object that this test does not know")
