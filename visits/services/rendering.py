"""The worker's part of a summary: claim, make the page and the PDF, record behind a fence.

A row is claimed for a time (`core.leases`), rendered outside every transaction, and recorded by
the holder of the lease only.
"""

import importlib
import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.template.loader import render_to_string

from core import leases
from core.retry import next_attempt
from visits.domain import summary_words as words
from visits.domain.summary import lacks
from visits.models import AfterVisitSummary, VisitWithdrawal

from .summaries import settle_told, tell_somebody

logger = logging.getLogger(__name__)

State = AfterVisitSummary.State
LEASE: Final = timedelta(seconds=60)
MOST_ATTEMPTS: Final = 5
MAX_ROWS: Final = 200  # what is left stays due; the next ring takes it
WORKER_LOST: Final = "WorkerLost"
TEMPLATE: Final = "summary/document.html"
# A new look is a new file: papers that were made before keep theirs.
STYLESHEET: Final = "summary-3.css"
# The largest that fits on one sheet is taken; the smallest also where more sheets are needed.
SIZES: Final = ("avs-large", "avs-middle", "")
WEB_ONLY: Final = ("<!--web-->", "<!--/web-->")


class ContentIsIncomplete(Exception):
    """What was written for the paper lacks a part that no family may miss."""


class PdfUnavailable(Exception):
    """This machine makes no PDF; its page prints all the same."""


@dataclass(frozen=True, slots=True)
class Made:
    """What came of rendering: `pdf` None with the reason in `pdf_missing`, or `error` and what
    was made before it."""

    html: str = ""
    pdf: bytes | None = None
    pdf_missing: str = ""
    error: str = ""


Render = Callable[[AfterVisitSummary], Made]


def render(row: AfterVisitSummary) -> Made:
    """The page and the PDF of one summary, from its content alone."""
    html = ""
    try:
        html = page_of(row, SIZES[-1])  # without a PDF nobody measures: the smallest
        pages = [page_of(row, size) for size in SIZES]
        number, pdf = pdf_of(pages)
        return Made(pages[number], pdf)
    except PdfUnavailable as error:
        return Made(html, None, pdf_missing=str(error))
    except Exception as error:  # this one must not stop the others; it is tried again
        # The type only: an error's message may hold a patient's values.
        logger.error("summary not made: %s %s", row.uuid, type(error).__name__)
        return Made(html, error=type(error).__name__[:60])


def page_of(row: AfterVisitSummary, size: str) -> str:
    """The HTML document, which the page shows, the browser prints, and the PDF is made from.

    Args:
        size: one of `SIZES`, classes of the stylesheet.
    """
    if lacks(row.content):
        raise ContentIsIncomplete  # an empty paper, or half of one, must never be printed
    made_at = row.created_at.astimezone(row.clinic.zone)
    return render_to_string(
        TEMPLATE,
        {
            "paper": row.content,
            "size": size,
            "language": row.language,
            "version": row.version,
            "made_at": f"{words.day(made_at.date())} at {words.time_of(made_at)}",
            "icon": f"{settings.STATIC_URL}favicon.svg",
            "stylesheet": f"{settings.STATIC_URL}{STYLESHEET}",
            "script": f"{settings.STATIC_URL}summary.js",
        },
    )


def pdf_of(pages: Sequence[str]) -> tuple[int, bytes]:
    """The PDF of the first page that fits on one sheet, or of the last, and which one it is.

    Raises:
        PdfUnavailable: WeasyPrint, or a library that it needs, is not on this machine.
    """
    try:
        pdf: Any = importlib.import_module("visits.services.pdf")
    except (ImportError, OSError) as error:
        raise PdfUnavailable(type(error).__name__) from None
    made: tuple[int, bytes] = pdf.make([without_web(html) for html in pages], stylesheet())
    return made


def without_web(html: str) -> str:
    """The document without what only a browser uses: its links to a stylesheet and a script."""
    begin, end = WEB_ONLY
    while begin in html:
        before, _, rest = html.partition(begin)
        html = before + rest.partition(end)[2]
    return html


def stylesheet() -> str:
    """The text of the paper's stylesheet."""
    found = finders.find(STYLESHEET) or Path(settings.BASE_DIR) / "static" / STYLESHEET
    return Path(str(found)).read_text(encoding="utf-8")


def render_due(*, clock: Callable[[], datetime], make: Render = render) -> int:
    """Make every summary that is due. Any number of these may run at once.

    Returns:
        How many were tried.
    """
    recover(clock=clock)
    tried = 0
    while tried < MAX_ROWS:
        worker = uuid.uuid4().hex
        row = claim(worker=worker)
        if row is None:
            break
        tried += 1
        record(row=row, worker=worker, made=make(row), now=clock())
    return tried


def claim(*, worker: str, lease: timedelta = LEASE) -> AfterVisitSummary | None:
    """Take the next row that is due, for the length of the lease."""
    withdrawn = VisitWithdrawal.objects.filter(visit=OuterRef("visit"))
    due = AfterVisitSummary.objects.filter(
        ~Exists(withdrawn), leases.FREE, leases.DUE, state=State.PENDING, replaced_at__isnull=True
    ).order_by("not_before", "id")
    ids = leases.claim(due, worker=worker, lease=lease)
    return _rows().get(pk=ids[0]) if ids else None


def _pending() -> QuerySet[AfterVisitSummary]:
    return _rows().filter(state=State.PENDING)


def _rows() -> QuerySet[AfterVisitSummary]:
    return AfterVisitSummary.objects.select_related("clinic", "visit")


@transaction.atomic
def record(*, row: AfterVisitSummary, worker: str, made: Made, now: datetime) -> bool:
    """Keep what was made, if the worker still holds the row.

    Returns:
        False when somebody else decides about it; then nothing was written.
    """
    current = _rows().filter(replaced_at__isnull=True)
    try:  # late: what is made is made, as long as nobody has freed the row
        held = leases.fenced(current, row.pk, worker=worker, late=True)
    except leases.LeaseLostError:
        return False
    held.let_go()
    if made.html:
        held.html, held.rendered_at = made.html, now
    if made.error:
        _failed(held, made.error, now)
        return True
    held.pdf, held.pdf_missing = made.pdf, made.pdf_missing
    held.state, held.error_class = State.READY, ""
    held.save()
    settle_told(held, now)
    return True


def _failed(row: AfterVisitSummary, error: str, now: datetime) -> None:
    """Try again later, or make it a person's task when it was tried often enough."""
    row.error_class = error
    row.not_before = next_attempt(now, row.attempts, jitter=999)
    if row.attempts >= MOST_ATTEMPTS:
        row.state = State.FAILED
        tell_somebody(row, now)
    row.save()


def recover(*, clock: Callable[[], datetime]) -> int:
    """Free what a killed worker held: each by itself, one that fails stops no other."""
    now, freed = clock(), 0
    for summary_id in leases.lost(_pending()):
        try:
            freed += _recover(summary_id, now)
        except Exception as error:  # it is tried again at the next ring
            logger.error("not recovered: summary_id=%d %s", summary_id, type(error).__name__)
    return freed


@transaction.atomic
def _recover(summary_id: int, now: datetime) -> bool:
    row = leases.lock_lost(_pending(), summary_id)
    if row is None:
        return False
    row.let_go()
    _failed(row, WORKER_LOST, now)
    return True
