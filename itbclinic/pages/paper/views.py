"""The paper to print: the queue, one summary with its versions and prints, and the very bytes."""

import re
import uuid
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.policies import Action
from core.rules import RuleViolation
from itbclinic.pages.shared import access
from itbclinic.pages.shared.links import clinic_links
from visits.models import AfterVisitSummary
from visits.selectors import summaries
from visits.services import summaries as services
from visits.services.summary_paper import SUMMARY

from . import rows

PAPER: Final = ("<!--paper-->", "<!--/paper-->")
# Said by the page of a version that is out of date, where somebody wants that one all the same.
AS_OLD: Final = ("old", "yes")
LOOK: Final = re.compile(r"summary-\d+\.css")


@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """What is to be printed, what changed since, and what was printed lately."""
    allowed = access.clinics_or_refuse(request, Action.PRINT_SUMMARY)
    here = request.GET.get("clinic", "")
    clinics = access.choose(allowed, here)
    now = timezone.now()
    groups = rows.groups([clinic.pk for clinic in clinics], now)
    for clinic in clinics:
        audit.record(
            event="summaries.read",
            by=access.user_of(request),
            at=now,
            clinic_id=clinic.pk,
            subject_type="clinic",
            subject_id=clinic.uuid,
            after={"rows": sum(row.clinic_id == clinic.pk for g in groups for row in g.rows)},
        )
    context = {
        "groups": groups,
        "waiting": sum(group.count - group.taken_back for group in groups if group.to_do),
        "taken_back": sum(group.taken_back for group in groups),
        "clinics": clinics,
        "several": len(clinics) > 1,
        "without_phone": [one for one in clinics if not (one.phone_day or one.phone_night)],
        "clinic_links": clinic_links(
            allowed, here, lambda slug: f"?clinic={slug}" if slug else "?"
        ),
    }
    return render(request, "summary/queue.html", context)


@require_safe
def summary(request: HttpRequest, summary_uuid: uuid.UUID) -> HttpResponse:
    """One version: the paper itself, the other versions, and who printed which."""
    row = _find(request, summary_uuid)
    return _show(request, row)


def _show(request: HttpRequest, row: AfterVisitSummary, refused: str = "") -> HttpResponse:
    _record("summary.read", request, row)
    versions = summaries.versions_of(row)
    context = {
        "row": row,
        "shown": rows.row_of(row, [], timezone.now()),
        "patient": row.visit.pump.patient,
        "withdrawal": getattr(row.visit, "withdrawal", None),
        "paper": mark_safe(paper_of(row.html)),  # noqa: S308  # made by our own template
        "look": look_of(row.html),
        "versions": versions,
        "newest": versions[0] if versions[0].pk != row.pk else None,
        "prints": [one for version in versions for one in version.prints.all()],
        "again": rows.may_be_tried_again(row),
        "refused": refused,
    }
    return render(request, "summary/page.html", context, status=422 if refused else 200)


def paper_of(html: str) -> str:
    """The paper out of its document, to stand in a page of ours."""
    begin, end = PAPER
    return html.partition(begin)[2].partition(end)[0]


def look_of(html: str) -> str:
    """The stylesheet that the paper was made with: in our page it looks as it prints."""
    found = LOOK.search(html)
    return found[0] if found else SUMMARY.stylesheet


@require_POST
def print_summary(request: HttpRequest, summary_uuid: uuid.UUID) -> HttpResponse:
    """Record who prints it and when, then lead to the paper: as PDF, or to the print dialog."""
    row = _find(request, summary_uuid)
    name, yes = AS_OLD
    as_old = request.POST.get(name) == yes
    try:
        services.record_print(
            summary=row, by=access.user_of(request), now=timezone.now(), as_old=as_old
        )
    except RuleViolation as violation:
        return _show(request, row, violation.problems[0].message)
    said = f"?{name}={yes}" if as_old else ""
    if request.POST.get("as") == "pdf" and row.pdf:
        return HttpResponseRedirect(reverse("summary_pdf", args=[row.uuid]) + said)
    return HttpResponseRedirect(reverse("summary_document", args=[row.uuid]) + f"{said}#print")


@require_POST
def try_again(request: HttpRequest, summary_uuid: uuid.UUID) -> HttpResponse:
    """Have a failed summary made anew."""
    row = _find(request, summary_uuid)
    try:
        new = services.try_again(summary=row, by=access.user_of(request), now=timezone.now())
    except RuleViolation as violation:
        return _show(request, row, violation.problems[0].message)
    messages.success(request, "It is being made again. Reload in a moment.")
    return HttpResponseRedirect(reverse("summary", args=[new.uuid]))


@require_safe
def document(request: HttpRequest, summary_uuid: uuid.UUID) -> HttpResponse:
    """The HTML as it was made."""
    row = _find(request, summary_uuid)
    if not row.html:
        raise Http404
    if _needs_its_page(request, row):
        return _show(request, row)
    _record("summary.read", request, row)
    return HttpResponse(row.html)


@require_safe
def pdf(request: HttpRequest, summary_uuid: uuid.UUID) -> HttpResponse:
    """The PDF as it was made."""
    row = _find(request, summary_uuid)
    if not row.pdf:
        raise Http404
    if _needs_its_page(request, row):
        return _show(request, row)
    _record("summary.read", request, row)
    return HttpResponse(
        bytes(row.pdf),
        content_type="application/pdf",
        headers={
            "Content-Disposition": 'inline; filename="after-visit-summary.pdf"',
            "Cache-Control": "no-store",
        },
    )


def _needs_its_page(request: HttpRequest, row: AfterVisitSummary) -> bool:
    """Whether the page stands in place of the bare paper: it says why this must not be given out,
    or that it is out of date."""
    name, yes = AS_OLD
    outdated = row.replaced_at is not None and request.GET.get(name) != yes
    return outdated or hasattr(row.visit, "withdrawal")


def _find(request: HttpRequest, summary_uuid: uuid.UUID) -> AfterVisitSummary:
    clinics = access.clinics_or_refuse(request, Action.PRINT_SUMMARY)
    row = summaries.summary_of([clinic.pk for clinic in clinics], summary_uuid)
    if row is None:
        raise Http404
    return row


def _record(event: str, request: HttpRequest, row: AfterVisitSummary) -> None:
    audit.record(
        event=event,
        by=access.user_of(request),
        at=timezone.now(),
        clinic_id=row.clinic_id,
        subject_type="patient",
        subject_id=row.visit.pump.patient.uuid,
        after={"summary": str(row.uuid), "version": row.version},
    )
