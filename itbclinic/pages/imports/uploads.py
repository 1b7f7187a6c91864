"""The import page: upload a spreadsheet, see what would come of it, import or discard it."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.models import Clinic, User
from accounts.policies import Action, clinic_ids
from core.rules import RuleViolation
from itbclinic.pages.shared import access
from rosters import selectors
from rosters.domain.uploads import TOO_LARGE, suffix_of
from rosters.models import RosterUpload
from rosters.services import uploads as services
from rosters.tasks import nudge_uploads

from . import refused_file, upload_view
from .forms import UploadForm
from .refused import XLSX

SHOWN: Final = 20
State = RosterUpload.State


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The form, and the sheets that were uploaded lately."""
    return _show_page(request, access.clinics_or_refuse(request, Action.RESOLVE_IMPORT))


@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Take a spreadsheet in; a file that is no roster is refused at once."""
    clinics = access.clinics_or_refuse(request, Action.RESOLVE_IMPORT)
    form = UploadForm(request.POST, request.FILES, clinics=clinics)
    if getattr(request, "file_too_large", False):
        form.errors.pop("file", None)
        form.add_error("file", TOO_LARGE)
    elif form.is_valid():
        now, values = timezone.now(), form.cleaned_data
        (clinic,) = access.choose(clinics, values["clinic"])
        try:
            made = services.upload_roster(
                clinic=clinic,
                content=values["file"].read(),
                suffix=suffix_of(values["file"].name),
                as_of=values["as_of"] or now.astimezone(clinic.zone).date(),
                by=access.user_of(request),
                now=now,
            )
        except RuleViolation as violation:
            form.refuse(violation)
        else:
            if made.uploaded_at != now:
                messages.info(request, "This very sheet was uploaded before; here it is.")
            return _go(made)
    return _show_page(request, clinics, form)


@require_safe
def one(request: HttpRequest, upload_uuid: uuid.UUID) -> HttpResponse:
    """One sheet: its progress, what would come of it, or what came of it. Htmx asks for the part
    that changes while the worker is at it."""
    return _show_one(request, _find(request, upload_uuid))


@require_POST
def start(request: HttpRequest, upload_uuid: uuid.UUID) -> HttpResponse:
    """Import the checked sheet."""
    seen = request.POST.get("seen", "")

    def act(found: RosterUpload, by: User) -> RosterUpload:
        return services.start_import(upload=found, by=by, now=timezone.now(), seen=seen)

    return _run(request, upload_uuid, act)


@require_POST
def again(request: HttpRequest, upload_uuid: uuid.UUID) -> HttpResponse:
    """Check the sheet against the record as it is now, or go on after a stop."""

    def act(found: RosterUpload, by: User) -> RosterUpload:
        return services.check_again(upload=found, by=by, now=timezone.now())

    return _run(request, upload_uuid, act)


@require_POST
def throw_away(request: HttpRequest, upload_uuid: uuid.UUID) -> HttpResponse:
    """Do not import the sheet."""

    def act(found: RosterUpload, by: User) -> RosterUpload:
        return services.discard(upload=found, by=by, now=timezone.now())

    return _run(request, upload_uuid, act, said="The sheet is discarded: its file is deleted.")


@require_safe
def refused(request: HttpRequest, upload_uuid: uuid.UUID, kind: str) -> HttpResponse:
    """The sheet's refused rows as a file to mend and upload."""
    found = _find(request, upload_uuid)
    rows = services.refused_of(found)
    mendable = [row for row in rows if refused_file.can_be_mended(row)]
    _record(request, found, "upload.exported", {"rows": len(mendable), "format": kind})
    return _as_file(mendable, f"refused-rows-{found.clinic.slug}", kind)


@require_safe
def template(request: HttpRequest, kind: str) -> HttpResponse:
    """An empty sheet with the headings."""
    access.clinics_or_refuse(request, Action.RESOLVE_IMPORT)
    return _as_file([], "roster", kind)


def waiting_for(user: User, clinics: Sequence[Clinic]) -> list[upload_view.Waiting]:
    """What the board says of sheets that nobody finished, to those who may."""
    may = set(clinic_ids(user, Action.RESOLVE_IMPORT))
    ids = [clinic.pk for clinic in clinics if clinic.pk in may]
    if not ids:
        return []
    return [upload_view.waiting(row) for row in selectors.unfinished_uploads(ids, timezone.now())]


def _as_file(rows: Sequence[Any], name: str, kind: str) -> HttpResponse:
    make = refused_file.as_workbook if kind == "xlsx" else refused_file.as_csv
    return HttpResponse(
        make(rows),
        content_type=XLSX if kind == "xlsx" else "text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.{kind}"'},
    )


def _find(request: HttpRequest, upload_uuid: uuid.UUID) -> RosterUpload:
    clinics = access.clinics_or_refuse(request, Action.RESOLVE_IMPORT)
    found = selectors.upload_of([clinic.pk for clinic in clinics], upload_uuid)
    if found is None:
        raise Http404
    return found


def _run(
    request: HttpRequest,
    upload_uuid: uuid.UUID,
    act: Callable[[RosterUpload, User], RosterUpload],
    said: str = "",
) -> HttpResponse:
    """Do it and go back to the sheet's page; or show it with what is wrong."""
    found = _find(request, upload_uuid)
    try:
        changed = act(found, access.user_of(request))
    except RuleViolation as violation:
        problems = [problem.message for problem in violation.problems]
        return _show_one(request, _find(request, upload_uuid), problems)
    if said:
        messages.success(request, said)
    return _go(changed)


def _go(to: RosterUpload) -> HttpResponse:
    """To the sheet's page; the worker is rung for, and would find it by itself."""
    if to.state in RosterUpload.FOR_THE_WORKER:
        nudge_uploads()
    return HttpResponseRedirect(reverse("import_upload", args=[to.uuid]))


def _show_page(
    request: HttpRequest, allowed: list[Clinic], form: UploadForm | None = None
) -> HttpResponse:
    clinics = access.choose(allowed, request.GET.get("clinic", ""))
    ids = [clinic.pk for clinic in clinics]
    now = timezone.now()
    today = min(now.astimezone(clinic.zone).date() for clinic in clinics)
    found = list(selectors.uploads_of(ids)[: SHOWN + 1])
    context = {
        "form": form or UploadForm(clinics=clinics, initial={"as_of": today}),
        "today": today.isoformat(),
        "uploads": [upload_view.line(row, now) for row in found[:SHOWN]],
        "more": len(found) > SHOWN,
        "shown": SHOWN,
        "open_rows": selectors.count_refused(ids)["open"],
        "clinics": clinics,
        "several": len(allowed) > 1,
        "clinic_links": upload_view.clinic_links(allowed, request.GET.get("clinic", "")),
    }
    status = 422 if form is not None else 200
    return render(request, "imports/uploads.html", context, status=status)


def _show_one(
    request: HttpRequest, found: RosterUpload, problems: Sequence[str] = ()
) -> HttpResponse:
    """The sheet's page, or its part that changes. What holds patients' data is audited."""
    htmx: Any = getattr(request, "htmx", None)
    partial = bool(htmx) and not htmx.history_restore_request
    shown = upload_view.present(found, request.GET, timezone.now())
    if shown.rows:
        _record(request, found, "upload.read", {"rows": len(shown.rows), "state": found.state})
    context = {
        "upload": found,
        "shown": shown,
        "problems": problems,
        "partial": partial,
        "several": len(access.clinics_or_refuse(request, Action.RESOLVE_IMPORT)) > 1,
    }
    name = "imports/upload_area.html" if partial else "imports/upload.html"
    response = render(request, name, context, status=422 if problems else 200)
    response["Vary"] = "HX-Request"
    return response


def _record(request: HttpRequest, found: RosterUpload, event: str, seen: Any) -> None:
    audit.record(
        event=event,
        by=access.user_of(request),
        at=timezone.now(),
        clinic_id=found.clinic_id,
        subject_type="roster_upload",
        subject_id=found.uuid,
        after=seen,
    )
