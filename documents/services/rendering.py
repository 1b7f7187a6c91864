"""The worker's part of a paper: claim, make the page and the PDF, record behind a fence.

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
from django.db.models import QuerySet
from django.template.loader import render_to_string

from core import leases
from core.retry import next_attempt
from documents.kinds import Kind, P, kinds
from documents.models import Paper

logger = logging.getLogger(__name__)

State = Paper.State
LEASE: Final = timedelta(seconds=60)
MOST_ATTEMPTS: Final = 5
MAX_ROWS: Final = 200  # of each kind; what is left stays due, and the next ring takes it
WORKER_LOST: Final = "WorkerLost"
WEB_ONLY: Final = ("<!--web-->", "<!--/web-->")


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


Render = Callable[[Kind[Any], Any], Made]


def render(kind: Kind[P], row: P) -> Made:
    """The page and the PDF of one paper, from its content alone."""
    html = ""
    try:
        html = page_of(kind, row, kind.sizes[-1])  # without a PDF nobody measures: the smallest
        pages = [page_of(kind, row, size) for size in kind.sizes]
        number, pdf = pdf_of(pages, kind.stylesheet)
        return Made(pages[number], pdf)
    except PdfUnavailable as error:
        return Made(html, None, pdf_missing=str(error))
    except Exception as error:  # this one must not stop the others; it is tried again
        # The type only: an error's message may hold a patient's values.
        logger.error("%s not made: %s %s", kind.code, row.uuid, type(error).__name__)
        return Made(html, error=type(error).__name__[:60])


def page_of(kind: Kind[P], row: P, size: str) -> str:
    """The HTML document, which the page shows, the browser prints, and the PDF is made from.

    Args:
        size: one of the kind's `sizes`.
    """
    return render_to_string(
        kind.template,
        {
            "paper": row.content,
            "size": size,
            "language": row.language,
            "version": row.version,
            "icon": f"{settings.STATIC_URL}favicon.svg",
            "stylesheet": f"{settings.STATIC_URL}{kind.stylesheet}",
            "script": f"{settings.STATIC_URL}summary.js",
            **kind.context(row),
        },
    )


def pdf_of(pages: Sequence[str], stylesheet: str) -> tuple[int, bytes]:
    """The PDF of the first page that fits on one sheet, or of the last, and which one it is.

    Args:
        stylesheet: its file's name in `static/`.

    Raises:
        PdfUnavailable: WeasyPrint, or a library that it needs, is not on this machine.
    """
    try:
        pdf: Any = importlib.import_module("documents.services.pdf")
    except (ImportError, OSError) as error:
        raise PdfUnavailable(type(error).__name__) from None
    without = [without_web(html) for html in pages]
    made: tuple[int, bytes] = pdf.make(without, text_of(stylesheet))
    return made


def without_web(html: str) -> str:
    """The document without what only a browser uses: its links to a stylesheet and a script."""
    begin, end = WEB_ONLY
    while begin in html:
        before, _, rest = html.partition(begin)
        html = before + rest.partition(end)[2]
    return html


def text_of(stylesheet: str) -> str:
    """The text of a stylesheet."""
    found = finders.find(stylesheet) or Path(settings.BASE_DIR) / "static" / stylesheet
    return Path(str(found)).read_text(encoding="utf-8")


def render_due(*, clock: Callable[[], datetime], make: Render = render) -> int:
    """Make every paper that is due. Any number of these may run at once.

    Returns:
        How many were tried.

    Raises:
        Exception: what stopped a kind, once the others had their turn.
    """
    recover(clock=clock)
    tried, stopped = 0, None
    for kind in kinds():
        try:
            tried += _render_kind(kind, clock, make)
        except Exception as error:  # it must not stop the others
            stopped = stopped or error
    if stopped is not None:
        raise stopped
    return tried


def _render_kind(kind: Kind[Any], clock: Callable[[], datetime], make: Render) -> int:
    tried = 0
    while tried < MAX_ROWS:
        worker = uuid.uuid4().hex
        row = claim(kind, worker=worker)
        if row is None:
            break
        tried += 1
        record(kind, row=row, worker=worker, made=make(kind, row), now=clock())
    return tried


def claim(kind: Kind[P], *, worker: str, lease: timedelta = LEASE) -> P | None:
    """Take the next row that is due, for the length of the lease."""
    rows = kind.model._base_manager.filter(state=State.PENDING, replaced_at__isnull=True)
    due = kind.wanted(rows).filter(leases.FREE, leases.DUE).order_by("not_before", "id")
    ids = leases.claim(due, worker=worker, lease=lease)
    return _rows(kind).get(pk=ids[0]) if ids else None


def _pending(kind: Kind[P]) -> QuerySet[P]:
    return _rows(kind).filter(state=State.PENDING)


def _rows(kind: Kind[P]) -> QuerySet[P]:
    return kind.model._base_manager.select_related(*kind.related)


@transaction.atomic
def record(kind: Kind[P], *, row: P, worker: str, made: Made, now: datetime) -> bool:
    """Keep what was made, if the worker still holds the row.

    Returns:
        False when somebody else decides about it; then nothing was written.
    """
    current = _pending(kind).filter(replaced_at__isnull=True)
    try:  # late: what is made is made, as long as nobody has freed the row
        held = leases.fenced(current, row.pk, worker=worker, late=True)
    except leases.LeaseLostError:
        return False
    held.let_go()
    if made.html:
        held.html, held.rendered_at = made.html, now
    if made.error:
        _failed(kind, held, made.error, now)
        return True
    held.pdf, held.pdf_missing = made.pdf, made.pdf_missing
    held.state, held.error_class = State.READY, ""
    held.save()
    kind.on_made(held, now)
    return True


def _failed(kind: Kind[P], row: P, error: str, now: datetime) -> None:
    """Try again later, or make it a person's task when it was tried often enough."""
    row.error_class = error
    row.not_before = next_attempt(now, row.attempts, jitter=999)
    if row.attempts >= MOST_ATTEMPTS:
        row.state = State.FAILED
        kind.on_failed(row, now)
    row.save()


def recover(*, clock: Callable[[], datetime]) -> int:
    """Free what a killed worker held: each by itself, one that fails stops no other."""
    now, freed = clock(), 0
    for kind in kinds():
        for pk in leases.lost(_pending(kind)):
            try:
                freed += _recover(kind, pk, now)
            except Exception as error:  # it is tried again at the next ring
                fault = type(error).__name__
                logger.error("not recovered: %s_id=%d %s", kind.code, pk, fault)
    return freed


@transaction.atomic
def _recover(kind: Kind[Any], pk: int, now: datetime) -> bool:
    row = leases.lock_lost(_pending(kind), pk)
    if row is None:
        return False
    row.let_go()
    _failed(kind, row, WORKER_LOST, now)
    return True
