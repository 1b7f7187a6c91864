"""After a change of facts: the dates anew, then what to remind of. The one verb for both.

`resync` runs inside the transaction that changed a pump's inputs. `refresh` is for the scans: it
recomputes under the pump's lock what a look without locks found different.
"""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from accounts.services import bump_change_sequence
from alarms.models import Projection
from alarms.services.projection import reproject
from pumps.models import Pump

from .reminding import plan_for


def resync(pump_ids: Collection[int], *, now: datetime) -> dict[int, Projection]:
    """Recompute pumps whose facts the running transaction changed, and what to remind of.

    Must be called inside that transaction, after the pumps were locked; the clinics' change
    sequences move last.
    """
    rows = reproject(pump_ids, now=now)
    plan_for(pump_ids, now=now)
    clinics = Pump.objects.filter(pk__in=pump_ids).values_list("clinic_id", flat=True)
    bump_change_sequence(set(clinics))
    return rows


@transaction.atomic
def refresh(pump_ids: Collection[int], *, now: datetime) -> dict[int, Projection]:
    """Lock the pumps, in one order, and recompute them."""
    locked = Pump.objects.select_for_update(no_key=True).filter(pk__in=pump_ids)
    return resync(list(locked.order_by("pk").values_list("pk", flat=True)), now=now)
