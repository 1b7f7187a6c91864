"""After-visit summaries: written with the visit, made into a page and a PDF by the worker.

Nothing here ever fails a visit: what cannot be written becomes a failed row and somebody's task.
"""

import logging
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.policies import Action, check_may
from accounts.services import system_user
from alarms.domain.explain import at_clinic
from alarms.models import Projection
from core.nudge import nudge
from core.rules import RuleViolation
from followup.models import WorkItem
from followup.services.work_items import (
    NO_LONGER,
    Wanted,
    open_work_item,
    settle_by_system,
)
from pumps import services as pumps
from visits.models import AfterVisitSummary, SummaryPrint, Visit, VisitWithdrawal
from visits.selectors.summaries import has_later_visit, stale_summaries

from . import withdrawn_paper
from .summary_content import content_of

logger = logging.getLogger(__name__)

State = AfterVisitSummary.State
TASK: Final = "visits.render_summaries"
BATCH: Final = 50


def issue(*, visit: Visit, projection: Projection, now: datetime) -> AfterVisitSummary:
    """Write what the family takes home, inside the transaction of the visit."""
    return _add(visit, projection, now, version=1)


def _add(visit: Visit, projection: Projection, now: datetime, *, version: int) -> AfterVisitSummary:
    content, error = _written(visit, projection, now)
    row = AfterVisitSummary.objects.create(
        clinic_id=visit.clinic_id,
        visit=visit,
        version=version,
        content=content,
        alarm_date=projection.sort_alarm_date,
        refill_due_on=projection.refill_due_on,
        created_at=now,
        checked_at=now,
        not_before=now,
        state=State.FAILED if error else State.PENDING,
        error_class=error,
    )
    if error:
        tell_somebody(row, now)
    else:
        transaction.on_commit(ring)
    return row


def _written(visit: Visit, projection: Projection, now: datetime) -> tuple[dict[str, Any], str]:
    """The content, or the type of what went wrong: behind a savepoint, so that not even a failed
    query harms the visit."""
    try:
        with transaction.atomic():
            return content_of(visit=visit, projection=projection, now=now), ""
    except Exception as error:  # whatever it is, the visit is saved and a person is told
        # The type only: an error's message may hold a patient's values.
        logger.error("summary not written: visit %s %s", visit.uuid, type(error).__name__)
        return {}, type(error).__name__[:60]


def ring() -> None:
    """Ask the worker to make what waits."""
    nudge(TASK)


def tell_somebody(row: AfterVisitSummary, now: datetime) -> None:
    """A summary that could not be made is somebody's task: the family has gone home without it.

    Not while the pump counts as taken out: then nobody needs it.
    """
    if row.visit.pump.explant is not None:
        return
    wanted = Wanted(
        clinic_id=row.clinic_id,
        kind=WorkItem.Kind.SUMMARY_FAILED,
        subject=str(row.visit.uuid),
        today=now.astimezone(row.clinic.zone).date(),
        pump_id=row.visit.pump_id,
        details=(("error", row.error_class), ("summary", str(row.uuid))),
    )
    open_work_item(wanted=wanted, now=now)


def settle_told(row: AfterVisitSummary, now: datetime) -> None:
    """It was made after all, or nobody needs it any more."""
    kind, subject = WorkItem.Kind.SUMMARY_FAILED, str(row.visit.uuid)
    settle_by_system(kind=kind, subject=subject, reason=NO_LONGER, now=now)


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
    row.replaced_at = max(now, row.created_at)
    row.lease_until, row.lease_by = None, ""  # a worker that holds it records nothing any more
    row.save(update_fields=["replaced_at", "lease_until", "lease_by"])
    new = _add(row.visit, projection, now, version=row.version + 1)
    audit.record(
        event="summary.renewed",
        by=system_user("system-scan"),
        at=now,
        clinic_id=row.clinic_id,
        subject_type="summary",
        subject_id=new.uuid,
        after={"version": new.version},
    )
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
    if row.replaced_at is not None and not as_old:
        raise RuleViolation.of(
            "summary",
            "replaced",
            "This version was replaced after you opened the page: something on it has changed. "
            "Open the newest version and print that one.",
        )
    if not row.html:
        raise RuleViolation.of(
            "summary", "not_ready", "The summary is not made yet. Look again in a minute."
        )


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
    audit.record(
        event="summary.printed",
        by=by,
        at=now,
        clinic_id=summary.clinic_id,
        subject_type="summary",
        subject_id=summary.uuid,
        after={"version": summary.version},
    )
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
    without_pdf = row.state == State.READY and row.pdf_missing
    if row.replaced_at or not (row.state == State.FAILED or without_pdf):
        raise RuleViolation.of(
            "summary", "not_failed", "Somebody has tried it again already. Reload the page."
        )
    if VisitWithdrawal.objects.filter(visit_id=row.visit_id).exists():
        raise RuleViolation.of(
            "summary", "withdrawn", "The visit was taken back: it needs no summary."
        )
    audit.record(
        event="summary.tried_again",
        by=by,
        at=now,
        clinic_id=row.clinic_id,
        subject_type="summary",
        subject_id=row.uuid,
        after={"version": row.version},
    )
    return _replace(row, Projection.objects.get(pump_id=row.visit.pump_id), now)


def _locked(summary: AfterVisitSummary) -> AfterVisitSummary:
    rows = AfterVisitSummary.objects.select_for_update(of=("self",)).select_related(
        "clinic", "visit__pump__patient", "visit__pump__model", "visit__clinic"
    )
    return rows.get(pk=summary.pk)
