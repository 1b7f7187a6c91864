"""Changes of what many pumps are computed with: the catalogue and the clinic's own settings."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import services as accounts
from accounts.models import Clinic, User
from accounts.policies import Action, check_may
from accounts.services import contact
from pumps import services as pumps
from pumps.models import Pump, PumpModel
from pumps.selectors import taken_out

from .reminding import plan_for
from .resyncing import resync


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
    pump_ids = _changed(
        clinic, lambda: accounts.change_clinic(clinic=clinic, by=by, at=now, **settings)
    )
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
    pump_ids = _changed(
        clinic,
        lambda: contact.change_contact_settings(
            clinic=clinic, by=by, at=now, seen=seen, **settings
        ),
    )
    plan_for(pump_ids, now=now)


def _changed(clinic: Clinic, change: Callable[[], object]) -> list[int]:
    """Change the clinic and lock all of its pumps, in the order of all writers: the pumps first.

    `change` waits for whoever implants a pump, which comes to light only then. It is locked without
    waiting, since whoever holds it may wait for the clinic: then the change is undone, so that
    they go on, and done again after them.

    Returns:
        The pumps in use, locked.
    """
    in_use = Pump.objects.filter(~taken_out(), clinic=clinic).order_by("pk")
    while True:
        locked = in_use.select_for_update(of=("self",), no_key=True)
        pump_ids = list(locked.values_list("pk", flat=True))
        with transaction.atomic():
            change()
            appeared = set(in_use.values_list("pk", flat=True)).difference(pump_ids)
            free = Pump.objects.select_for_update(no_key=True, skip_locked=True)
            if len(free.filter(pk__in=appeared).values_list("pk")) == len(appeared):
                return sorted([*pump_ids, *appeared])
            transaction.set_rollback(True)
