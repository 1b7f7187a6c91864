"""Refused rows of the clinics' spreadsheets: what is wrong with each, and how it gets settled."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.models import Clinic
from accounts.policies import Action
from core.rules import RuleViolation
from itbclinic.pages.shared import access
from itbclinic.pages.shared.links import clinic_links
from rosters import selectors
from rosters.domain.row_types import WHOLE_ROW
from rosters.domain.sheet import HEADINGS
from rosters.models import ImportRow
from rosters.services.importing import dismiss_row

from . import refused_file
from .forms import DismissForm

PAGE_SIZE: Final = 50
RUNS_SHOWN: Final = 20
STATES: Final = {
    "open": "To settle",
    "settled": "Followed by a later row",
    "dismissed": "Dismissed",
}
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Wrong:
    """One error: the cell as it was typed, and the sentence."""

    column: str
    typed: str
    message: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the row as it was typed."""

    column: str
    text: str
    wrong: bool


@dataclass(frozen=True, slots=True)
class Card:
    """One refused row."""

    row: ImportRow
    name: str
    wrong: list[Wrong]
    cells: list[Cell]
    form: DismissForm


@dataclass(frozen=True, slots=True)
class Tab:
    """One state with its count."""

    label: str
    count: int
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Import:
    """One past reading of a spreadsheet."""

    run: Any
    unfinished: bool


@require_safe
def import_rows(request: HttpRequest) -> HttpResponse:
    """The rows in one state, oldest first, 50 a page, and the past imports."""
    clinics = access.clinics_or_refuse(request, Action.RESOLVE_IMPORT)
    return _show(request, clinics)


@require_POST
def dismiss(request: HttpRequest, row_uuid: uuid.UUID) -> HttpResponse:
    """Take a row off the board: a named person says why."""
    clinics = access.clinics_or_refuse(request, Action.RESOLVE_IMPORT)
    row = selectors.import_row_of([clinic.pk for clinic in clinics], row_uuid)
    if row is None:
        raise Http404
    form = DismissForm(request.POST, auto_id=f"dismiss_{row.pk}_%s")
    if form.is_valid():
        try:
            reason = form.cleaned_data["reason"]
            dismiss_row(row=row, by=access.user_of(request), at=timezone.now(), reason=reason)
        except RuleViolation as violation:
            form.refuse(violation)
        else:
            messages.success(request, f"Line {row.row} is dismissed; “Dismissed” keeps it.")
            return HttpResponseRedirect(reverse("import_rows"))
    return _show(request, clinics, refused=(row, form))


def _show(
    request: HttpRequest,
    allowed: list[Clinic],
    refused: tuple[ImportRow, DismissForm] | None = None,
) -> HttpResponse:
    """The page; with a refused form it shows that row alone, as it was typed."""
    clinics = access.choose(allowed, request.GET.get("clinic", ""))
    ids = [clinic.pk for clinic in clinics]
    state = request.GET.get("state", "open")
    if state not in STATES:
        raise Http404
    rows, older = ([refused[0]], "") if refused else _rows(request, ids, state)
    if not refused:
        _record("imports.read", request, clinics, {"state": state, "rows": len(rows)})
    form = refused[1] if refused else None
    counts = selectors.count_refused(ids)
    context = {
        "cards": [_card(row, form) for row in rows],
        "state": state,
        "tabs": _tabs(request, counts, state),
        "counts": counts,
        "next": older,
        "refused": form,
        "clinics": clinics,
        "several": len(clinics) > 1,
        "clinic_links": clinic_links(
            allowed,
            request.GET.get("clinic", ""),
            lambda slug: _address(request, clinic=slug, state=state),
        ),
        "runs": [
            Import(run, run.finished_at is None) for run in selectors.import_runs(ids)[:RUNS_SHOWN]
        ],
        "runs_shown": RUNS_SHOWN,
    }
    return render(request, "imports/page.html", context, status=422 if refused else 200)


def _rows(request: HttpRequest, ids: Sequence[int], state: str) -> tuple[list[ImportRow], str]:
    """A page of rows and the address of the next one."""
    after = request.GET.get("after", "")
    key = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 0
    found = list(selectors.refused_rows(ids, state, after=key)[: PAGE_SIZE + 1])
    page = found[:PAGE_SIZE]
    if len(found) == len(page):
        return page, ""
    return page, _address(request, state=state, after=str(page[-1].pk))


def _address(request: HttpRequest, **changes: str) -> str:
    pairs = {"clinic": request.GET.get("clinic", ""), **changes}
    if pairs.get("state") == "open":
        del pairs["state"]
    return "?" + "&".join(f"{name}={value}" for name, value in pairs.items() if value)


def _card(row: ImportRow, form: DismissForm | None) -> Card:
    wrong = [
        Wrong(
            "" if error["column"] == WHOLE_ROW else error["column"],
            row.raw.get(error["column"], ""),
            error["message"],
        )
        for error in row.errors
    ]
    columns = {error["column"] for error in row.errors}
    names = [*HEADINGS, *sorted(name for name in row.raw if name not in HEADINGS)]
    typed = [row.raw.get(name, "").strip() for name in ("Last Name", "First Name")]
    return Card(
        row=row,
        name=", ".join(part for part in typed if part),
        wrong=wrong,
        cells=[Cell(name, row.raw.get(name, ""), name in columns) for name in names],
        form=form or DismissForm(auto_id=f"dismiss_{row.pk}_%s"),
    )


def _tabs(request: HttpRequest, counts: dict[str, int], state: str) -> list[Tab]:
    return [
        Tab(label, counts[key], _address(request, state=key), key == state)
        for key, label in STATES.items()
    ]


@require_safe
def rows_file(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """A clinic's open refused rows as a file to mend and import again."""
    clinics = access.clinics_or_refuse(request, Action.RESOLVE_IMPORT)
    clinic = access.choose(clinics, slug)[0]
    rows = selectors.refused_rows([clinic.pk], "open")
    mendable = [row for row in rows if refused_file.can_be_mended(row)]
    make = refused_file.as_workbook if kind == "xlsx" else refused_file.as_csv
    _record("imports.exported", request, [clinic], {"rows": len(mendable), "format": kind})
    return HttpResponse(
        make(mendable),
        content_type=XLSX if kind == "xlsx" else "text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="refused-rows-{clinic.slug}.{kind}"'
        },
    )


def _record(event: str, request: HttpRequest, clinics: Sequence[Clinic], seen: Any) -> None:
    for clinic in clinics:
        audit.record(
            event=event,
            by=access.user_of(request),
            at=timezone.now(),
            clinic_id=clinic.pk,
            subject_type="clinic",
            subject_id=clinic.uuid,
            after=seen,
        )
