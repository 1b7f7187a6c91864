"""The after-visit summary as a kind of paper: what `documents` makes it from, and whose task it is
when that fails."""

from datetime import datetime
from typing import Any, Final

from django.db.models import Exists, OuterRef, QuerySet

from documents.kinds import ContentIsIncomplete, Kind
from followup.models import WorkItem
from followup.services.work_items import NO_LONGER, Wanted, open_work_item, settle_by_system
from visits.domain import summary_words as words
from visits.domain.summary import lacks
from visits.models import AfterVisitSummary, VisitWithdrawal


class Summary(Kind[AfterVisitSummary]):
    """What the family takes home from a visit."""

    code = "summary"
    model = AfterVisitSummary
    template = "summary/document.html"
    # A new look is a new file: papers that were made before keep theirs.
    stylesheet = "summary-3.css"
    sizes = ("avs-large", "avs-middle", "")
    related = ("clinic", "visit")

    def context(self, row: AfterVisitSummary) -> dict[str, Any]:
        if lacks(row.content):
            raise ContentIsIncomplete  # an empty paper, or half of one, must never be printed
        made_at = row.created_at.astimezone(row.clinic.zone)
        return {"made_at": f"{words.day(made_at.date())} at {words.time_of(made_at)}"}

    def wanted(self, rows: QuerySet[AfterVisitSummary]) -> QuerySet[AfterVisitSummary]:
        """A visit that was entered in error has no paper."""
        return rows.filter(~Exists(VisitWithdrawal.objects.filter(visit=OuterRef("visit"))))

    def on_failed(self, row: AfterVisitSummary, now: datetime) -> None:
        tell_somebody(row, now)

    def on_made(self, row: AfterVisitSummary, now: datetime) -> None:
        settle_told(row, now)


SUMMARY: Final = Summary()


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
