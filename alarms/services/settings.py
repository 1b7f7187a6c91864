"""Changes of what many pumps are computed with: the catalogue and the clinic's own settings."""

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import services as accounts
from accounts.models import Clinic, User
from accounts.policies import Action, check_may
from accounts.services import contact
from pumps import services as pumps
from pumps.models import Pump, PumpModel

from .projection import resync
from .reminding import plan_for


@transaction.atomic
def save_pump_model(*, model: PumpModel, by: User, now: datetime, **figures: Any) -> int:
    """Make or change an entry of the catalogue and recompute its pumps.

    Returns:
        How many pumps were recomputed.
    """
    check_may(by, Action.EDIT_CATALOGUE, model.clinic)
    pump_ids = pumps.save_pump_model(model=model, by=by, at=now, **figures)
    resync(pump_ids, now=now)
    return len(pump_ids)


@transaction.atomic
def change_clinic_settings(*, clinic: Clinic, by: User, now: datetime, **settings: Any) -> int:
    """Change what the clinic's dates are computed with, and recompute all of its pumps.

    Returns:
        How many pumps were recomputed.
    """
    check_may(by, Action.MANAGE_CLINIC, clinic)
    pumps_in_use = Pump.objects.filter(clinic=clinic, explant__isnull=True)
    locked = pumps_in_use.select_for_update(of=("self",))
    pump_ids = list(locked.order_by("pk").values_list("pk", flat=True))
    accounts.change_clinic(clinic=clinic, by=by, at=now, **settings)
    pumps.bump_input_version(pump_ids)
    resync(pump_ids, now=now)
    return len(pump_ids)


@transaction.atomic
def change_contact_settings(
    *, clinic: Clinic, by: User, now: datetime, seen: str | None = None, **settings: Any
) -> None:
    """Change how families reach the clinic, and plan its reminders anew: without a phone number
    to call, no family is written to."""
    check_may(by, Action.MANAGE_CLINIC, clinic)
    pumps_in_use = Pump.objects.filter(clinic=clinic, explant__isnull=True)
    locked = pumps_in_use.select_for_update(of=("self",), no_key=True)
    pump_ids = list(locked.order_by("pk").values_list("pk", flat=True))
    contact.change_contact_settings(clinic=clinic, by=by, at=now, seen=seen, **settings)
    plan_for(pump_ids, now=now)
