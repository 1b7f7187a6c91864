"""After-visit summaries: written with the visit, made into a page and a PDF by `documents`.

Nothing here ever fails a visit: what cannot be written becomes a failed row and somebody's task.
"""

import logging
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from accounts.models import User
from accounts.policies import Action, check_may
from accounts.services import system_user
from alarms.domain.explain import at_clinic
from alarms.models import Projection
from core.rules import RuleViolation
from documents.services import versions
from pumps import services as pumps
from visits.models import AfterVisitSummary, SummaryPrint, Visit, VisitWithdrawal
from visits.selectors.summaries import has_later_visit, stale_summaries

from . import withdrawn_paper
from .summary_content import content_of
from .summary_paper import SUMMARY, settle_told, tell_somebody

logger = logging.getLogger(__name__)

State = AfterVisitSummary.State
BATCH: Final = 50


def issue(*, visit: Visit, projection: Projection, now: datetime) -> AfterVisitSummary:
    """Write what the family takes home, inside the transaction of the visit."""
    return _add(visit, projection, now, version=1)


def _add(visit: Visit, projection: Projection, now: datetime, *, version: int) -> AfterVisitSummary:
    content, error = _written(visit, projection, now)
    return versions.add(
        SUMMARY,
        content=content,
        error=error,
        now=now,
        clinic_id=visit.clinic_id,
        visit=visit,
        version=version,
        alarm_date=projection.sort_alarm_date,
        refill_due_on=projection.refill_due_on,
        checked_at=now,
    )


def _written(visit: Visit, projection: Projection, now: datetime) -> tuple[dict[str, Any], str]:
    def write() -> dict[str, Any]:
        return content_of(visit=visit, projection=projection, now=now)

    return versions.written(SUMMARY, write, f"visit {visit.uuid}")


@transaction.atomic
def refresh_for_pump(pump_id: int, now: datetime) -> AfterVisitSummary | None:
    """Make a new version of the pump's latest summary if it would say something else by now.

    To be called where the next appointment or the dates change, within that transaction.

    Returns:
        The new version; None where the paper still holds.
    """
    # The pump first, as everywhere: what it tells of, an appointment too, moves under this lock.
    pumps.lock_pump(pump_id)
    row = _current_of_latest_visit(pump_id)
    projection = Projection.objects.filter(pump_id=pump_id).first()
    if row is None or projection is None:
        return None
    content, error = _written(row.visit, projection, now)
    if not error and content == row.content:
        AfterVisitSummary.objects.filter(pk=row.pk).update(
            checked_at=now,
            alarm_date=projection.sort_alarm_date,
            refill_due_on=projection.refill_due_on,
        )
        return None
    return _replace(row, projection, now)


def _current_of_latest_visit(pump_id: int) -> AfterVisitSummary | None:
    """The current summary of the pump's latest visit that counts, locked."""
    visits = Visit.objects.filter(pump_id=pump_id, withdrawal__isnull=True).order_by("-at", "-id")
    latest = visits.first()
    if latest is None:
        return None
    rows = AfterVisitSummary.objects.select_for_update(of=("self",)).select_related(
        "clinic", "visit__pump__patient", "visit__pump__model", "visit__clinic"
    )
    return rows.filter(visit=latest, replaced_at__isnull=True).first()


def _replace(row: AfterVisitSummary, projection: Projection, now: datetime) -> AfterVisitSummary:
    versions.retire(row, now)
    new = _add(row.visit, projection, now, version=row.version + 1)
    versions.record(SUMMARY, new, "renewed", by=system_user("system-scan"), now=now)
    return new


def refresh_changed(*, now: datetime, limit: int = BATCH) -> int:
    """Renew the summaries whose dates or appointments have changed since they were looked at."""
    renewed = 0
    for pump_id in stale_summaries(limit):
        try:
            renewed += refresh_for_pump(pump_id, now) is not None
        except Exception as error:  # this pump must not stop the others
            logger.error("summary not renewed: pump_id=%s %s", pump_id, type(error).__name__)
    return renewed


def resume_for_pump(pump_id: int, now: datetime) -> None:
    """The pump was not taken out after all: its paper counts again, by what is booked and due now.

    Within the transaction that takes the explant back.
    """
    if refresh_for_pump(pump_id, now) is not None:
        return
    row = _current_of_latest_visit(pump_id)
    if row is not None and row.state == State.FAILED:
        tell_somebody(row, now)


def withdraw_for(*, visit: Visit, now: datetime) -> None:
    """The visit was entered in error: its summary is made and printed no more.

    Within the transaction that withdraws the visit. The pump's visit before it becomes the latest,
    and the scan renews that one's summary by the new dates.
    """
    rows = AfterVisitSummary.objects.select_for_update(of=("self",)).filter(
        visit=visit, replaced_at__isnull=True
    )
    for row in rows.select_related("visit"):
        settle_told(row, now)
    rows.filter(state=State.PENDING).update(lease_until=None, lease_by="")


def check_printable(row: AfterVisitSummary, *, as_old: bool = False) -> None:
    """Refuse to print what must not reach a family.

    Args:
        as_old: the page said that this version is out of date, and it is wanted all the same.

    Raises:
        RuleViolation: the visit was withdrawn, the version replaced, or there is no page yet.
    """
    if VisitWithdrawal.objects.filter(visit_id=row.visit_id).exists():
        raise RuleViolation.of(
            "summary",
            "withdrawn",
            "The visit was entered in error and taken back: its summary must not be given out. "
            "Record the visit anew; it makes a summary of its own.",
        )
    explant = row.visit.pump.explant
    if explant is not None:
        raise RuleViolation.of(
            "summary",
            "taken_out",
            f"The pump was taken out {at_clinic(explant.at, row.clinic.zone)}: the dates on this "
            "paper no longer apply, and it must not be given out.",
        )
    if has_later_visit(row):
        raise RuleViolation.of(
            "summary",
            "later_visit",
            "A later visit has a paper of its own, with newer dates: print that one.",
        )
    versions.check_printable(SUMMARY, row, as_old=as_old)


@transaction.atomic
def record_print(
    *, summary: AfterVisitSummary, by: User, now: datetime, as_old: bool = False
) -> SummaryPrint:
    """Somebody prints this version; the bytes are those that were made once.

    Args:
        as_old: see `check_printable`.

    Raises:
        RuleViolation: not allowed, withdrawn, replaced, or not made yet.
    """
    check_may(by, Action.PRINT_SUMMARY, summary.clinic)
    # Whoever takes the visit back holds the pump too, and must see this print or be seen by it.
    pumps.lock_pump(summary.visit.pump_id)
    # Locked: what replaces this version at this moment is waited for.
    check_printable(_locked(summary), as_old=as_old)
    row = SummaryPrint.objects.create(summary=summary, at=now, by=by)
    versions.record(SUMMARY, summary, "printed", by=by, now=now)
    newer = AfterVisitSummary.objects.filter(visit=summary.visit_id, version__gt=summary.version)
    if not newer.exists():
        withdrawn_paper.settle_by_new_paper(pump_id=summary.visit.pump_id, now=now)
    return row


@transaction.atomic
def try_again(*, summary: AfterVisitSummary, by: User, now: datetime) -> AfterVisitSummary:
    """Make a failed summary once more, from the facts as they stand.

    Raises:
        RuleViolation: not allowed, withdrawn, replaced, or not failed.
    """
    check_may(by, Action.PRINT_SUMMARY, summary.clinic)
    pumps.lock_pump(summary.visit.pump_id)
    row = _locked(summary)
    versions.check_can_be_tried_again(SUMMARY, row)
    if VisitWithdrawal.objects.filter(visit_id=row.visit_id).exists():
        raise RuleViolation.of(
            "summary", "withdrawn", "The visit was taken back: it needs no summary."
        )
    versions.record(SUMMARY, row, "tried_again", by=by, now=now)
    return _replace(row, Projection.objects.get(pump_id=row.visit.pump_id), now)


def _locked(summary: AfterVisitSummary) -> AfterVisitSummary:
    rows = AfterVisitSummary.objects.select_for_update(of=("self",)).select_related(
        "clinic", "visit__pump__patient", "visit__pump__model", "visit__clinic"
    )
    return rows.get(pk=summary.pk)
