"""The rows of the print queue, in the words that staff read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet

from core import words
from visits.models import AfterVisitSummary, SummaryPrint
from visits.selectors import summaries

State = AfterVisitSummary.State
SHOWN: Final = 100  # of what is to be printed; the oldest first, and the page says how many more
LATELY: Final = timedelta(days=7)
LATELY_SHOWN: Final = 50
TAKEN_BACK: Final = (
    "The visit was taken back: the paper must not be used. Call the family. It leaves this list "
    "when a new summary is printed, or when somebody settles the call under Work."
)


@dataclass(frozen=True, slots=True)
class Row:
    """One summary as the queue shows it."""

    clinic_id: int
    uuid: Any
    patient_uuid: Any
    name: str
    born: str
    clinic: str
    visit_at: str
    by: str
    state: str
    problem: str
    ready: bool
    has_pdf: bool
    again: bool
    interpreter: str
    no_phone: bool
    version: int
    prints: list[str]
    taken_back: str  # where the visit was: what must be done about the paper that is out
    visit_uuid: Any


@dataclass(frozen=True, slots=True)
class Group:
    """One part of the queue; `count` is of all, `rows` of those shown."""

    title: str
    help: str
    rows: list[Row]
    count: int
    to_do: bool
    taken_back: int = 0  # so many of them are papers that must not be used any more

    @property
    def hidden(self) -> int:
        return self.count - len(self.rows)


def groups(of_clinics: Collection[int], now: datetime) -> list[Group]:
    """Not printed, changed since, printed lately: in a fixed number of queries."""
    fresh = summaries.never_printed(of_clinics)
    changed = summaries.changed_since_printed(of_clinics)
    lately = summaries.printed_since(of_clinics, now - LATELY)
    withdrawn = _group("", "", summaries.withdrawn_and_printed(of_clinics), now, SHOWN)
    return [
        _group(
            "To print",
            "Nobody has printed these yet.",
            fresh, now, SHOWN,
        ),
        _with_withdrawn(withdrawn, _group(
            "Changed since it was printed",
            "The family has a paper that no longer holds. Print the new one, hand or send it over, "
            "and tell them by phone what is new.",
            changed, now, SHOWN,
        )),
        _group(
            "Printed in the last 7 days",
            "A reprint is the same paper, to the letter.",
            lately, now, LATELY_SHOWN, to_do=False,
        ),
    ]  # fmt: skip


def _group(
    title: str,
    text: str,
    rows: QuerySet[AfterVisitSummary],
    now: datetime,
    most: int,
    *,
    to_do: bool = True,
) -> Group:
    found = list(rows[:most])
    count = len(found) if len(found) < most else rows.count()
    prints = summaries.prints_of(found)
    shown = [row_of(row, prints[row.visit_id], now) for row in found]
    return Group(title, text, shown, count, to_do)


def _with_withdrawn(withdrawn: Group, group: Group) -> Group:
    """Papers of visits that were taken back stand first: nothing on them counts."""
    return replace(
        group,
        rows=[*withdrawn.rows, *group.rows],
        count=withdrawn.count + group.count,
        taken_back=withdrawn.count,
    )


def may_be_tried_again(row: AfterVisitSummary) -> bool:
    """A failed one, or one without a PDF, that is still the current one."""
    failed = row.state == State.FAILED or (row.state == State.READY and bool(row.pdf_missing))
    return failed and row.replaced_at is None and not hasattr(row.visit, "withdrawal")


def row_of(row: AfterVisitSummary, prints: Sequence[SummaryPrint], now: datetime) -> Row:
    """The row in words."""
    patient, zone = row.visit.pump.patient, row.clinic.zone
    today = now.astimezone(zone).date()
    withdrawal = getattr(row.visit, "withdrawal", None)
    ready = row.rendered_at is not None and withdrawal is None
    return Row(
        clinic_id=row.clinic_id,
        uuid=row.uuid,
        patient_uuid=patient.uuid,
        name=patient.display_name,
        born=words.birth(patient.date_of_birth, today),
        clinic=row.clinic.name,
        visit_at=words.weekday_instant(row.visit.at, zone),
        by=row.visit.recorded_by.display_name,
        state="Taken back" if withdrawal else _state(row),
        problem="" if withdrawal else _problem(row, ready),
        ready=ready,
        has_pdf=row.state == State.READY and not row.pdf_missing,
        again=may_be_tried_again(row),
        interpreter=row.content.get("interpreter", ""),
        no_phone=bool(row.content.get("no_phone", "")),
        version=row.version,
        prints=[
            f"{words.instant(one.at, zone)} by {one.by.display_name}"
            + (f", version {one.summary.version}" if row.version > 1 else "")
            for one in prints
        ],
        taken_back=TAKEN_BACK if withdrawal else "",
        visit_uuid=row.visit.uuid,
    )


def _state(row: AfterVisitSummary) -> str:
    if row.state == State.FAILED:
        return "Could not be made"
    if row.state == State.PENDING:
        return "Being made"
    return "Ready, without a PDF" if row.pdf_missing else "Ready"


def _problem(row: AfterVisitSummary, ready: bool) -> str:
    """What is wrong and the way out; empty while nothing is."""
    if row.state == State.FAILED and ready:
        return "No PDF could be made. Print the page instead, or try again."
    if row.state == State.FAILED:
        return (
            "The visit is saved; its paper is not made. Try again. If it fails again, write the "
            "dates down by hand from the patient's page and tell your clinic's administrator."
        )
    if row.pdf_missing:
        return "This server makes no PDF. The page prints as well."
    if row.state == State.PENDING and row.attempts:
        return "It did not work at first and is tried again by itself."
    return ""
