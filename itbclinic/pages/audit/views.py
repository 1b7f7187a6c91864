"""The audit log: who read and changed what. Reading it is written into it too."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts import audit as audit_log
from accounts.models import Clinic, User
from accounts.policies import Action, clinic_ids
from accounts.selectors import (
    AuditFilters,
    audit_events_after,
    audit_events_before,
    people_in_audit,
)
from core import words
from followup.selectors import work
from itbclinic.csv_cells import as_csv_row
from itbclinic.pages.shared import access, board_query
from itbclinic.pages.shared.links import clinic_links
from patients.selectors import patients_found
from pumps.selectors import pump_uuids_of_patients
from rosters import selectors
from visits.selectors import summaries

from .forms import CHANGES, PROGRAMS, READS, AuditFilterForm
from .words import Shown, present, words_of

PAGE_SIZE: Final = 50
EXPORT_CHUNK: Final = 500
FILTERS: Final = ("clinic", "event", "person", "about", "subject", "since", "until")
COLUMNS: Final = (
    "at", "clinic", "person", "event", "what", "about", "subject_id", "subject", "reason",
    "before", "after",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Query:
    """The address, read. `before` and `after` are the keys beside the page."""

    clinics: list[Clinic]
    filters: AuditFilters
    form: AuditFilterForm
    people: list[User]
    chosen: dict[str, str]
    searchable: bool = False  # whether the reader may see any patient by name
    words: str = ""  # of the search for a patient
    found: int = 0  # how many patients it found
    expired: bool = False

    def address(self, **changes: str) -> str:
        """The query string with some of it changed; a change starts at the newest event."""
        pairs = {**self.chosen, **changes}
        return urlencode([(name, value) for name, value in pairs.items() if value])


@dataclass(frozen=True, slots=True)
class Page:
    """One page of events and the ways on."""

    rows: list[Shown]
    older: str = ""
    newer: str = ""


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """The log, newest first, 50 events a page."""
    query, allowed = _read(request)
    page = _page(query, request)
    _record("audit.read", request, query, len(page.rows))
    context = {
        "page": page,
        "query": query,
        "form": query.form,
        "address": query.address(),
        "chips": _chips(query, page),
        "kept": [(name, query.chosen[name]) for name in FILTERS if query.chosen[name]],
        "clinic_links": clinic_links(
            allowed, query.chosen["clinic"], lambda slug: f"?{query.address(clinic=slug)}"
        ),
        "several": len(query.clinics) > 1,
    }
    return render(request, "audit/page.html", context)


@require_POST
def search(request: HttpRequest) -> HttpResponseRedirect:
    """Keep the words of a search for a patient in the session, as the board does, and go to the
    events that they find: an address carries no name."""
    access.clinics_or_refuse(request, Action.READ_AUDIT)
    key = board_query.keep_words(request.POST.get("words", ""), request.session)
    pairs = [(name, request.POST.get(name, "")) for name in FILTERS if name != "subject"]
    query = urlencode([pair for pair in [*pairs, ("patient", key)] if pair[1]])
    return HttpResponseRedirect(f"{reverse('audit')}{'?' if query else ''}{query}")


@require_safe
def audit_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Every event that the filters let through; no cell starts a formula in a spreadsheet."""
    query, _ = _read(request)
    _record("audit.exported", request, query, None)
    return StreamingHttpResponse(
        _csv_lines(query, access.user_of(request)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="audit.csv"'},
    )


def _read(request: HttpRequest) -> tuple[Query, list[Clinic]]:
    allowed = access.clinics_or_refuse(request, Action.READ_AUDIT)
    slug = request.GET.get("clinic", "")
    clinics = access.choose(allowed, slug)
    people = list(people_in_audit(clinics))
    form = AuditFilterForm(request.GET, people=people)
    form.is_valid()
    found = form.cleaned_data
    kind = found.get("event") or ""
    person = next((user for user in people if str(user.uuid) == found.get("person")), None)
    subject = found.get("subject")
    key = request.GET.get("patient", "")
    words_kept = str(request.session.get(board_query.SEARCHES, {}).get(key, "")) if key else ""
    charts = _charts(clinics, access.user_of(request))
    patients = patients_found(charts, words_kept) if words_kept else []
    subjects = _subjects(charts, patients) if words_kept else None
    if subject:
        ids = [clinic.pk for clinic in clinics]
        subjects = [subject, *pump_uuids_of_patients(ids, [subject])]
    filters = AuditFilters(
        event="" if kind in (CHANGES, READS) else kind,
        reads={CHANGES: False, READS: True}.get(kind),
        person=person,
        programs=found.get("person") == PROGRAMS,
        subject_type=found.get("about") or "",
        subject_ids=None if subjects is None else tuple(str(uuid) for uuid in subjects),
        first_day=found.get("since"),
        last_day=found.get("until"),
    )
    chosen = {name: str(found.get(name) or "") for name in FILTERS} | {"clinic": slug}
    chosen["patient"] = key if words_kept and not subject else ""
    return Query(
        clinics,
        filters,
        form,
        people,
        chosen,
        searchable=bool(charts),
        words=words_kept,
        found=len(patients),
        expired=bool(key) and not words_kept,
    ), allowed


def _charts(clinics: Sequence[Clinic], user: User) -> list[int]:
    """The clinics in which the reader may see patients by name: nobody else's are searched."""
    readable = clinic_ids(user, Action.READ_CHART)
    return [clinic.pk for clinic in clinics if clinic.pk in readable]


def _subjects(of_clinics: Sequence[int], patients: Sequence[UUID]) -> list[UUID]:
    """Whatever an event about these patients may name."""
    return [
        *patients,
        *pump_uuids_of_patients(of_clinics, patients),
        *work.uuids_about(of_clinics, patients),
        *summaries.summaries_about(of_clinics, patients),
        *selectors.rows_about(of_clinics, patients),
    ]


def _page(query: Query, request: HttpRequest) -> Page:
    """A page by keyset: an event that is written meanwhile moves nothing."""
    before, after = _key(request, "before"), _key(request, "after")
    if after is not None:
        found = audit_events_after(query.clinics, query.filters, after, PAGE_SIZE + 1)
        more_newer, events = len(found) > PAGE_SIZE, found[:PAGE_SIZE][::-1]
        older = _address(query, before=events[-1].id) if events else ""
        newer = _address(query, after=events[0].id) if more_newer else ""
    else:
        found = audit_events_before(query.clinics, query.filters, before, PAGE_SIZE + 1)
        more, events = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
        older = _address(query, before=events[-1].id) if more else ""
        newer = _address(query, after=events[0].id) if before and events else ""
    return Page(_present(query, events, access.user_of(request)), older, newer)


def _present(query: Query, events: Sequence[Any], user: User) -> list[Shown]:
    people = {person.pk: str(person.uuid) for person in query.people}
    charts = clinic_ids(user, Action.READ_CHART)
    return present(events, query.clinics, people, charts)


def _key(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _address(query: Query, **key: int) -> str:
    return query.address(**{name: str(value) for name, value in key.items()})


def _record(event: str, request: HttpRequest, query: Query, rows: int | None) -> None:
    """That the log was read, with the filters: keys and days, no names."""
    seen: dict[str, Any] = {name: value for name, value in query.chosen.items() if value}
    if seen.pop("patient", ""):
        seen["searched"] = True  # the words stay in the session
    seen |= {} if rows is None else {"rows": rows}
    for clinic in query.clinics:
        audit_log.record(
            event=event,
            by=access.user_of(request),
            at=timezone.now(),
            clinic_id=clinic.pk,
            subject_type="clinic",
            subject_id=clinic.uuid,
            after=seen,
        )


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force, with the address of the list without it."""

    label: str
    url: str


def _chips(query: Query, page: Page) -> list[Chip]:
    filters, found = query.filters, []
    if query.chosen["event"]:
        label = {CHANGES: "Changes, no reads", READS: "Reads and exports"}
        said = label.get(query.chosen["event"]) or words_of(filters.event)
        found.append(Chip(said, query.address(event="")))
    if filters.person or filters.programs:
        said = filters.person.display_name if filters.person else "API clients"
        found.append(Chip(f"By {said}", query.address(person="")))
    if query.chosen["patient"]:
        said = f"Patients found by “{query.words}” ({query.found})"
        found.append(Chip(said, query.address(patient="")))
    if query.chosen["subject"] and filters.subject_ids:
        named = next(
            (row for row in page.rows if row.event.subject_id in filters.subject_ids), None
        )
        said = f"{named.kind} {named.subject}".strip() if named else "one record"
        found.append(Chip(f"About {said}", query.address(subject="")))
    elif filters.subject_type:
        about = dict(query.form.fields["about"].choices)  # type: ignore[attr-defined]
        found.append(Chip(f"About: {about[filters.subject_type]}", query.address(about="")))
    for name, day, said in (
        ("since", filters.first_day, "From"),
        ("until", filters.last_day, "Until"),
    ):
        if day:
            found.append(Chip(f"{said} {words.day(day)}", query.address(**{name: ""})))
    return found


class _Echo:
    """What a CSV writer writes to: it hands each line on."""

    def write(self, line: str) -> str:
        return line


def _csv_lines(query: Query, user: User) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(COLUMNS)  # the mark by which spreadsheets know UTF-8
    last: int | None = None
    while True:
        found = audit_events_before(query.clinics, query.filters, last, EXPORT_CHUNK)
        for shown in _present(query, found, user):
            yield writer.writerow(as_csv_row(_csv_cells(shown)))
        if len(found) < EXPORT_CHUNK:
            return
        last = found[-1].id


def _csv_cells(shown: Shown) -> list[str]:
    event = shown.event
    at: datetime = event.at
    lines = [(line.label, line.before, line.after) for line in shown.lines]
    return [
        at.astimezone(shown.clinic.zone).isoformat(timespec="seconds"),
        shown.clinic.slug,
        event.actor,
        event.event,
        shown.what,
        shown.kind,
        event.subject_id,
        shown.subject,
        event.reason,
        "; ".join(f"{label}: {before}" for label, before, _ in lines if before),
        "; ".join(f"{label}: {after}" for label, _, after in lines if after),
    ]
