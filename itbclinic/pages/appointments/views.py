"""The clinics' appointments: today, coming, without outcome; and what becomes of one."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.models import Clinic
from accounts.policies import Action, clinic_ids, may
from alarms.domain.status import Status
from alarms.selectors import appointments as selectors
from core import words
from core.rules import RuleViolation
from itbclinic.pages.shared import access, bookings, paper_note
from itbclinic.pages.shared.forms import PageForm
from itbclinic.pages.shared.links import Link, TabLink, clinic_links
from refills.models import Appointment
from refills.selectors import coming_appointments
from visits.selectors.encounters import visits_on_their_days
from visits.services import booking

from .booking import came_from, find_appointment, go_back, way_back
from .forms import CancelForm, TakeBackForm

PAGE_SIZE: Final = 100
TABS: Final = {"today": "Today", "coming": "Coming", "open": "Without outcome"}


@dataclass(frozen=True, slots=True)
class Day:
    """One day's appointments."""

    heading: str
    address: str
    rows: list[bookings.Booked]


@require_safe
def appointments(request: HttpRequest) -> HttpResponse:
    """One tab of the appointments; `?on=` is the list of another day than today."""
    allowed = access.clinics_or_refuse(request, Action.READ_LIST)
    clinics = access.choose(allowed, request.GET.get("clinic", ""))
    now = timezone.now()
    tab = request.GET.get("tab", "today")
    tab = tab if tab in TABS else "today"
    on = _day(request.GET.get("on", "")) if tab == "today" else None
    lists = {
        "today": selectors.today(clinics, now),
        "coming": selectors.coming(clinics, now),
        "open": selectors.without_outcome(clinics, now),
    }
    counts = {key: rows.count() for key, rows in lists.items()}
    rows = selectors.on_day(clinics, on) if on else lists[tab]
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    slug = clinics[0].slug if len(clinics) < len(allowed) else ""
    _record_read(request, clinics, now, tab, len(page.object_list))
    context = {
        "tab": tab,
        "tabs": _tabs(tab, counts, slug),
        "days": _days(page, now, slug),
        "page": page,
        "day": on or now.astimezone(clinics[0].zone).date(),
        "on": on,
        "neighbours": _neighbours(on or now.astimezone(clinics[0].zone).date(), slug),
        "made_at": words.instant(now, clinics[0].zone),
        "several": len(clinics) > 1,
        "slug": slug,
        "bookers": clinic_ids(access.user_of(request), Action.BOOK),
        "recorders": clinic_ids(access.user_of(request), Action.RECORD_VISIT),
        "where": clinics[0].name if len(clinics) == 1 else f"{len(clinics)} clinics",
        "clinic_links": clinic_links(allowed, slug, partial(_address, tab)),
    }
    return render(request, "appointments/page.html", context)


def _day(value: str) -> date | None:
    try:
        found = date.fromisoformat(value)
    except ValueError:
        return None
    return found if 1900 <= found.year <= 2999 else None  # the calendar's edges have no neighbours


def _tabs(current: str, counts: dict[str, int], slug: str) -> list[TabLink]:
    return [
        TabLink(
            label=label,
            count=counts[key],
            url=_address(key, slug),
            current=key == current,
            tone=Status.OVERDUE if key == "open" and counts[key] else "",
        )
        for key, label in TABS.items()
    ]


def _address(tab: str, slug: str, on: date | None = None) -> str:
    clinic = f"&clinic={slug}" if slug else ""
    return f"{reverse('appointments')}?tab={tab}{clinic}{f'&on={on.isoformat()}' if on else ''}"


def _days(page: Page[Any], now: datetime, slug: str) -> list[Day]:
    rows = list(page.object_list)
    visits = visits_on_their_days(rows)
    shown = [bookings.present(row, now, visits.get(row.pk)) for row in rows]
    return [
        Day(words.weekday(day), _address("today", slug, day), list(found))
        for day, found in groupby(sorted(shown, key=lambda row: row.day), key=lambda row: row.day)
    ]


def _neighbours(day: date, slug: str) -> list[Link]:
    one = timedelta(days=1)
    return [
        Link(words.weekday(other), _address("today", slug, other))
        for other in (day - one, day + one)
    ]


def _record_read(
    request: HttpRequest, clinics: list[Clinic], now: datetime, tab: str, rows: int
) -> None:
    for clinic in clinics:
        audit.record(
            event="appointments.read", by=access.user_of(request), at=now, clinic_id=clinic.pk,
            subject_type="clinic", subject_id=clinic.uuid, after={"tab": tab, "rows": rows},
        )  # fmt: skip


@require_safe
def appointment(request: HttpRequest, appointment_uuid: uuid.UUID) -> HttpResponse:
    """One appointment, with what can be done about it."""
    return _show(request, find_appointment(request, appointment_uuid))


@require_POST
def arrived(request: HttpRequest, appointment_uuid: uuid.UUID) -> HttpResponse:
    """The patient came."""
    return _run(
        request, appointment_uuid, None, "Marked as arrived: {name}.",
        lambda row: booking.mark_arrived(
            appointment=row, by=access.user_of(request), now=timezone.now()
        ),
    )  # fmt: skip


@require_POST
def no_show(request: HttpRequest, appointment_uuid: uuid.UUID) -> HttpResponse:
    """The patient did not come."""
    done = "Marked as a no-show: {name}."
    if find_appointment(request, appointment_uuid).pump.explant is None:
        done += " The pump still needs its refill: call the family and book anew."
    return _run(
        request, appointment_uuid, None, done,
        lambda row: booking.mark_no_show(
            appointment=row, by=access.user_of(request), now=timezone.now()
        ),
    )  # fmt: skip


@require_POST
def cancel(request: HttpRequest, appointment_uuid: uuid.UUID) -> HttpResponse:
    """Cancel it with a reason."""
    form = CancelForm(request.POST)
    now = timezone.now()

    def act(row: Appointment) -> str:
        booking.cancel(
            appointment=row,
            reason=form.cleaned_data["reason"],
            by=access.user_of(request),
            now=now,
        )
        paper_note.say(request, row.pump, paper_note.CANCELLED)
        left = coming_appointments(row.pump_id, now)
        return "" if left else "Nothing is booked for this pump now."

    return _run(request, appointment_uuid, form, "Cancelled: {name}.", act)


@require_POST
def take_back(request: HttpRequest, appointment_uuid: uuid.UUID) -> HttpResponse:
    """Take back what was marked by mistake."""
    form = TakeBackForm(request.POST)
    return _run(
        request, appointment_uuid, form, "Taken back; the appointment of {name} is open again.",
        lambda row: booking.take_outcome_back(
            appointment=row, reason=form.cleaned_data["reason"], by=access.user_of(request),
            now=timezone.now(),
        ),
    )  # fmt: skip


def _run(
    request: HttpRequest,
    appointment_uuid: uuid.UUID,
    form: PageForm | None,
    done: str,
    act: Callable[[Appointment], object],
) -> HttpResponse:
    """Do it and go back where the user came from; or show the appointment with what is wrong.

    Args:
        act: does it; a text that it returns is a warning, said in the same message.
    """
    row = find_appointment(request, appointment_uuid)
    access.check_may(request, Action.BOOK, row.pump.clinic)
    form = form if form is not None else PlainForm({})
    if form.is_valid():
        try:
            warning = act(row)
        except RuleViolation as violation:
            form.refuse(violation)
        else:
            said = done.format(name=row.pump.patient.display_name)
            if isinstance(warning, str) and warning:
                messages.warning(request, f"{said} {warning}")
            else:
                messages.success(request, said)
            return go_back(request, row.pump)
    return _show(request, find_appointment(request, appointment_uuid), form)


class PlainForm(PageForm):
    """A button without fields; it only carries what the service refused."""

    name = "plain"


def _show(request: HttpRequest, row: Appointment, refused: PageForm | None = None) -> HttpResponse:
    now = timezone.now()
    user = access.user_of(request)
    context = {
        "booked": bookings.present(row, now, visits_on_their_days([row]).get(row.pk)),
        "recorders": clinic_ids(user, Action.RECORD_VISIT),
        "clinic": row.pump.clinic,
        "may_book": may(user, Action.BOOK, row.pump.clinic_id),
        "cancel_form": refused if isinstance(refused, CancelForm) else CancelForm(),
        "back_form": refused if isinstance(refused, TakeBackForm) else TakeBackForm(),
        "refused": refused,
        "came_from": came_from(request),
        "back": way_back(request, row.pump),
    }
    status = 422 if refused else 200
    return access.page_about(
        request, row.pump.patient, "appointments/one.html", context, now=now, status=status
    )
