"""The paper of a visit that was taken back after somebody printed it: the family goes by it."""

from datetime import datetime
from typing import Final

from followup.models import WorkItem
from followup.services.work_items import Wanted, open_work_item, settle_for_pump
from visits.models import SummaryPrint, Visit

KIND: Final = WorkItem.Kind.PAPER_WITHDRAWN
NEW_PAPER: Final = "A new summary of the pump was printed."


def tell_somebody(*, visit: Visit, now: datetime) -> bool:
    """Have the family called, where any version of the visit's summary was printed.

    Within the transaction that takes the visit back, under the pump's lock, which printing takes
    too: no print comes between the look and the end of the transaction.

    Returns:
        Whether an item was opened.
    """
    if not SummaryPrint.objects.filter(summary__visit=visit).exists():
        return False
    wanted = Wanted(
        clinic_id=visit.clinic_id,
        kind=KIND,
        subject=str(visit.uuid),
        today=now.astimezone(visit.pump.clinic.zone).date(),
        pump_id=visit.pump_id,
    )
    return open_work_item(wanted=wanted, now=now)


def settle_by_new_paper(*, pump_id: int, now: datetime) -> None:
    """A summary that counts was printed: it takes the wrong one's place."""
    settle_for_pump(kind=KIND, pump_id=pump_id, reason=NEW_PAPER, now=now)
