"""The work page: what a person must do, the most urgent first, and how it is settled."""

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.policies import Action, may
from core import words
from core.rules import RuleViolation
from followup.models import WorkItem
from followup.selectors import work as selectors
from followup.services.work_items import settle_work_item
from itbclinic.pages.shared import access
from itbclinic.pages.shared.frame import address_of
from itbclinic.pages.shared.links import clinic_links
from patients.models import Caregiver, Patient

from . import words as presenters
from .forms import WorkItemForm

Kind = WorkItem.Kind
TABS: Final = (("mine", "Mine"), ("all", "All"), ("settled", "Settled lately"))
# What is done on the pump's own page, and the words of the link.
ON_THE_CHART: Final = {
    Kind.UNBOOKED: "Book a refill",
    Kind.NO_SHOW: "Book a new appointment",
    Kind.DATE_UNKNOWN: "Open it",
    Kind.APPOINTMENT_WITHOUT_OUTCOME: "Open the patient",
}
TO_CALL: Final = (
    Kind.CALL_FAMILY, Kind.NO_SHOW, Kind.UNBOOKED, Kind.DELIVERY_FAILED, Kind.PAPER_WITHDRAWN,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Act:
    """Where it is done."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Card:
    """One item with everything that is needed to do it."""

    line: presenters.Line
    form: WorkItemForm | None = None
    act: Act | None = None
    chart: str = ""
    patient: str = ""
    who: str = ""  # what names the patient beyond doubt on the phone
    to_call: list[Caregiver] = field(default_factory=list)
    settled: str = ""
    by_itself: bool = False


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    url: str
    count: int
    current: bool


@require_safe
def work(request: HttpRequest) -> HttpResponse:
    """The page; `?tab=` is `mine`, `all` or `settled`, `?clinic=` one of several."""
    return _show(request, request.GET.get("tab", ""))


@require_POST
def settle(request: HttpRequest, item_uuid: uuid.UUID) -> HttpResponse:
    """Say what was done about an item, or put it off until a day."""
    user = access.user_of(request)
    access.clinics_or_refuse(request, Action.BOOK)
    item = selectors.item_for(user, item_uuid)
    if item is None:
        raise Http404
    form = WorkItemForm(request.POST, item=item)
    if form.is_valid():
        values = form.cleaned_data
        try:
            settle_work_item(item=item, by=user, now=timezone.now(), **values)
        except RuleViolation as violation:
            form.refuse(violation)
        else:
            until = values.get("ends_on")
            said = f"Put off until {words.day(until)}." if until else "Settled."
            whom = f", {item.pump.patient.display_name}" if item.pump else ""
            messages.success(request, f"{Kind(item.kind).label}{whom}: {said}")
            back = "all" if request.POST.get("tab") == "all" else "mine"
            return HttpResponseRedirect(f"{reverse('work')}?tab={back}")
    return _show(request, request.POST.get("tab", ""), refused=(item, form))


def _show(
    request: HttpRequest, tab: str, refused: tuple[WorkItem, WorkItemForm] | None = None
) -> HttpResponse:
    user, now = access.user_of(request), timezone.now()
    allowed = access.clinics_or_refuse(request, Action.BOOK)
    slug = request.GET.get("clinic", "")
    clinics = access.choose(allowed, slug)
    ids = [clinic.pk for clinic in clinics]
    counts = selectors.counts(user, ids, now)
    tab = tab if tab in dict(TABS) else "mine" if counts.mine or not counts.everybody else "all"
    cards = _cards(request, tab, ids, now, refused)
    context = {
        "cards": cards,
        "tabs": _tabs(tab, slug, counts),
        "tab": tab,
        "counts": counts,
        "total": {"mine": counts.mine, "all": counts.everybody, "settled": counts.settled}[tab],
        "made_at": words.instant(now, clinics[0].zone),
        "several_clinics": len(clinics) > 1,
        "clinic_links": clinic_links(
            allowed, slug, lambda one: f"?tab={tab}{f'&clinic={one}' if one else ''}"
        ),
        "refused": refused[1] if refused else None,
        "gone": refused is not None and all(card.form is not refused[1] for card in cards),
    }
    for clinic in clinics:
        audit.record(
            event="work.read", by=user, at=now, clinic_id=clinic.pk, subject_type="clinic",
            subject_id=clinic.uuid, after={"tab": tab, "rows": len(cards)},
        )  # fmt: skip
    return render(request, "work/page.html", context, status=422 if refused else 200)


def _cards(
    request: HttpRequest,
    tab: str,
    ids: list[int],
    now: datetime,
    refused: tuple[WorkItem, WorkItemForm] | None,
) -> list[Card]:
    if tab == "settled":
        rows = selectors.settled_lately(ids, now)
    else:
        mine = access.user_of(request) if tab == "mine" else None
        rows = selectors.open_items(ids, now, mine=mine)
    items = list(rows[: selectors.MOST])
    subjects = selectors.subjects_of(items, now)
    lines = [presenters.present(item, subjects, now) for item in items]
    return [_card(request, line, subjects, now, refused) for line in lines]


def _card(
    request: HttpRequest,
    line: presenters.Line,
    subjects: selectors.Subjects,
    now: datetime,
    refused: tuple[WorkItem, WorkItemForm] | None,
) -> Card:
    item = line.item
    patient = item.pump.patient if item.pump else None
    chart = f"{reverse('patient', args=[patient.uuid])}?pump={item.pump.uuid}" if patient else ""  # type: ignore[union-attr]
    name = patient.display_name if patient else ""
    who = _who(patient, now.astimezone(item.clinic.zone).date()) if patient else ""
    if item.settled_at is not None:
        return Card(
            line,
            chart=chart,
            patient=name,
            who=who,
            settled=_settled(item),
            by_itself=item.settle_reason == WorkItem.NO_LONGER,
        )
    form = WorkItemForm(item=item)
    if refused is not None and refused[0].pk == item.pk:
        form = refused[1]
    to_call = patient and (item.kind in TO_CALL or line.danger)
    people = list(patient.caregivers.all()) if patient and to_call else []
    act = _act(request, item, chart, subjects)
    return Card(line, form, act, chart, name, who, people)


def _who(patient: Patient, today: date) -> str:
    born = f"born {words.birth(patient.date_of_birth, today)}"
    language = f"speaks {patient.language}" if patient.language else "language not recorded"
    return f"{born} · MRN {patient.mrn} · {language}"


def _settled(item: WorkItem) -> str:
    at = words.instant(item.settled_at, item.clinic.zone)
    if item.settle_reason == WorkItem.NO_LONGER:
        return f"{at} by itself: what it spoke of has changed."
    by = item.settled_by.display_name if item.settled_by else ""
    until = f", put off until {words.day(item.settled_until)}" if item.settled_until else ""
    return f"{at} by {by}{until}"


def _act(
    request: HttpRequest, item: WorkItem, chart: str, subjects: selectors.Subjects
) -> Act | None:
    """The link that leads to doing it, where the user may do it."""
    kind = Kind(item.kind)
    if kind == Kind.NOBODY_TO_TELL and may(
        access.user_of(request), Action.MANAGE_CLINIC, item.clinic_id
    ):
        return Act("Write the addresses", reverse("clinic_settings", args=[item.clinic.slug]))
    if kind == Kind.SUMMARY_FAILED and address_of("summaries"):
        return Act("Open the summaries", address_of("summaries"))
    if kind == Kind.PAPER_WITHDRAWN:
        return Act("Open the visit", reverse("visit", args=[item.subject]))
    if kind not in ON_THE_CHART or item.pump is None:
        return None
    coming = subjects.coming.get(item.pump_id or 0) if kind == Kind.UNBOOKED else None
    if coming is not None:
        return Act("Move the appointment", reverse("appointment_rebook", args=[coming.uuid]))
    if kind in (Kind.UNBOOKED, Kind.NO_SHOW):
        booking = _booking(item)
        return Act(ON_THE_CHART[kind], booking) if booking else Act("Open the patient", chart)
    return Act(ON_THE_CHART[kind], f"{chart}#resolve" if kind == Kind.DATE_UNKNOWN else chart)


def _booking(item: WorkItem) -> str:
    """The address where a refill is booked, or empty where there is no such page."""
    try:
        return reverse("pump_book", args=[item.pump.patient.uuid, item.pump.uuid])  # type: ignore[union-attr]
    except NoReverseMatch:
        return ""


def _tabs(tab: str, slug: str, counts: selectors.WorkCounts) -> list[Tab]:
    numbers = {"mine": counts.mine, "all": counts.everybody, "settled": counts.settled}
    of = f"&clinic={slug}" if slug else ""
    return [Tab(label, f"?tab={key}{of}", numbers[key], key == tab) for key, label in TABS]
