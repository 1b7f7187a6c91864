"""Booking a refill and moving an appointment: one form, with the pump's dates beside it.

Saving asks that each warning was shown before: the page then comes back with them, and the same
button saves. With script they show while the date is picked.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.policies import Action
from alarms.domain.deadlines import Deadlines
from alarms.selectors.deadlines import deadlines_of
from core import words
from core.rules import Problem, RuleViolation
from itbclinic.pages.shared import access, board_query, bookings, dates_view, paper_note
from pumps.models import Pump
from refills.models import Appointment
from refills.selectors import appointment_for, booked_already, last_used_time, times_taken
from visits.domain import booking as rules
from visits.domain import summary_words
from visits.services import booking

from .forms import BookForm, RebookForm

# The words of the family's paper: what the nurse asks for is what the family was told.
WITHDRAWAL_SIGNS: Final = summary_words.WARNINGS[0][1]
WHERE_TO: Final = ("board", "today", "coming", "open", "appointment")


@dataclass(frozen=True, slots=True)
class Choice:
    """A day that is offered: its value for the form, and in words."""

    value: str
    day: str
    time: str
    note: str


@require_http_methods(["GET", "HEAD", "POST"])
def pump_book(request: HttpRequest, patient_uuid: uuid.UUID, pump_uuid: uuid.UUID) -> HttpResponse:
    """Book the pump's next refill."""
    _, pump = access.find_pump_for(request, patient_uuid, pump_uuid, Action.BOOK)

    def act(values: dict[str, Any], now: datetime) -> Appointment:
        return booking.book(
            pump_id=pump.pk, day=values["day"], at=values["time"], by=access.user_of(request),
            now=now, late_reason=values["late_reason"], accepted=_accepted(request),
        )  # fmt: skip

    return _serve(request, pump, None, act)


@require_http_methods(["GET", "HEAD", "POST"])
def rebook(request: HttpRequest, appointment_uuid: uuid.UUID) -> HttpResponse:
    """Move an appointment to another time."""
    old = find_appointment(request, appointment_uuid)
    access.check_may(request, Action.BOOK, old.pump.clinic)

    def act(values: dict[str, Any], now: datetime) -> Appointment:
        return booking.rebook(
            appointment=old, day=values["day"], at=values["time"], by=access.user_of(request),
            now=now, reason=values["reason"], late_reason=values["late_reason"],
            accepted=_accepted(request),
        )  # fmt: skip

    return _serve(request, old.pump, old, act)


def find_appointment(request: HttpRequest, appointment_uuid: uuid.UUID) -> Appointment:
    """The appointment, or 404 where the user may not see its patient."""
    found = appointment_for(access.user_of(request), appointment_uuid)
    if found is None:
        raise Http404
    return found


def _serve(
    request: HttpRequest,
    pump: Pump,
    old: Appointment | None,
    act: Callable[[dict[str, Any], datetime], Appointment],
) -> HttpResponse:
    """Show the form; fill in a picked day; say how a day lies to the dates; or save."""
    form_class = RebookForm if old else BookForm
    now = timezone.now()
    usual = last_used_time(pump) or rules.FIRST_TIME
    if request.method != "POST":
        form = form_class(clinic=pump.clinic, initial=BookForm.opening_values(None, usual))
        return _show(request, pump, old, form, now, usual)
    picked = _picked(request.POST.get("pick", ""))
    if picked is not None:
        typed = {**request.POST.dict(), "day": picked.date(), "time": f"{picked:%H:%M}"}
        form = form_class(clinic=pump.clinic, initial=typed)
        return _show(request, pump, old, form, now, usual, day=picked.date(), at=picked.time())
    form = form_class(request.POST, clinic=pump.clinic)
    valid = form.is_valid()
    day, at = form.cleaned_data.get("day"), form.cleaned_data.get("time")
    if "check" in request.POST:
        form = form_class(clinic=pump.clinic, initial=request.POST.dict())
        return _show(request, pump, old, form, now, usual, day=day, at=at, partial=True)
    unseen = False
    if valid:
        try:
            made = act(form.cleaned_data, now)
        except RuleViolation as violation:
            unseen = all(problem.code == "look_first" for problem in violation.problems)
            if not unseen:
                form.refuse(_at_the_field(violation, pump, form.cleaned_data["day"], now))
        else:
            when = words.weekday_instant(made.starts_at, pump.clinic.zone)
            name = pump.patient.display_name
            messages.success(request, f"{'Moved to' if old else 'Booked for'} {when}: {name}.")
            paper_note.say(request, pump, paper_note.MOVED if old else paper_note.BOOKED)
            return go_back(request, pump)
    return _show(request, pump, old, form, now, usual, day=day, at=at, status=422, unseen=unseen)


def _at_the_field(violation: RuleViolation, pump: Pump, day: date, now: datetime) -> RuleViolation:
    """At the field stands what to do: why stands above it, in the verdict on the day."""
    verdict = booking.judge(pump, day, now)
    return RuleViolation(
        [
            Problem(one.field, one.code, verdict.way_out or one.message)
            if one.code == rules.AFTER_ALARM
            else one
            for one in violation.problems
        ]
    )


def _picked(value: str) -> datetime | None:
    try:
        return datetime.strptime(value, "%Y-%m-%dT%H:%M")  # noqa: DTZ007  # local, as typed
    except ValueError:
        return None


def _accepted(request: HttpRequest) -> frozenset[str]:
    """The warnings that the page showed for the day that is saved."""
    day, *codes = request.POST.get("accepted", "").split() or [""]
    return frozenset(codes) if day == request.POST.get("day") else frozenset()


def _show(
    request: HttpRequest,
    pump: Pump,
    old: Appointment | None,
    form: BookForm,
    now: datetime,
    usual: time,
    *,
    day: date | None = None,
    at: time | None = None,
    status: int = 200,
    partial: bool = False,
    unseen: bool = False,
) -> HttpResponse:
    verdict = booking.judge(pump, day, now, at) if day else None
    context: dict[str, Any] = {
        "form": form,
        "verdict": verdict,
        "accepted": " ".join([str(day), *sorted(verdict.codes)]) if verdict else "",
        "pump": pump,
    }
    dates, doubtful = deadlines_of(pump, now)
    zone = pump.clinic.zone
    offered = rules.choices(dates, usual, now, zone)
    today = now.astimezone(zone).date()
    always = rules.asked_from_the_start(offered, dates, today)
    context["too_late"] = ("", "") if verdict else always
    context["asks_reason"] = (
        bool(verdict and verdict.reason_needed)
        or bool(form["late_reason"].errors)
        or any(context["too_late"])
    )
    if partial:
        return render(request, "booking/verdict.html", context)
    booked = booked_already(pump, now) if old is None else None
    context |= {
        "old": bookings.present(old, now) if old else None,
        "booked": booked,
        "booked_at": words.weekday_instant(booked.starts_at, zone) if booked else "",
        "clinic": pump.clinic,
        "today": today,
        "born": words.day(pump.patient.date_of_birth),
        "facts": _facts(dates, today),
        "people": list(pump.patient.caregivers.all()),
        "empty_since": words.weekday(dates.empty) if dates.empty and dates.empty <= today else "",
        "signs": WITHDRAWAL_SIGNS,
        "emergency": summary_words.EMERGENCY,
        "doubtful": doubtful,
        "heading": rules.heading(offered, dates),
        "choices": _choices(offered, dates, now, pump),
        "came_from": came_from(request),
        "back": way_back(request, pump),
        "unseen": unseen,
    }
    patient = pump.patient
    return access.page_about(request, patient, "booking/page.html", context, now=now, status=status)


def _facts(dates: Deadlines, today: date) -> list[tuple[str, str, str]]:
    rows = (
        (dates_view.OPENS, dates.opens),
        (dates_view.REFILL, dates.due),
        (dates_view.ALARM, dates.alarm),
        (dates_view.PRINTED, dates.printed_alarm),
        (dates_view.MAY_BE_EMPTY, dates.may_be_empty),
        (dates_view.EMPTY, dates.empty),
    )
    return [(name, words.weekday(day), words.ahead(day, today)) for name, day in rows if day]


def _choices(offered: list[datetime], dates: Deadlines, now: datetime, pump: Pump) -> list[Choice]:
    today = now.astimezone(pump.clinic.zone).date()
    taken = times_taken(pump, offered)
    every_one_late = any(rules.asked_from_the_start(offered, dates, today))
    found = []
    for local in offered:
        verdict = rules.judge(local.date(), today, dates)
        late = "after the refill date" if rules.PAST_DUE in verdict.codes else ""
        late = "too late: needs a reason" if verdict.reason_needed else late
        late = "" if every_one_late else late  # then the heading says it
        busy = "another patient is booked then" if local in taken else ""
        note = "; ".join(said for said in (busy, late) if said)
        found.append(
            Choice(f"{local:%Y-%m-%dT%H:%M}", words.weekday(local.date()), f"{local:%H:%M}", note)
        )
    return found


def came_from(request: HttpRequest) -> str:
    """The page that the user is to come back to: a word, never an address."""
    found = request.POST.get("from", request.GET.get("from", ""))
    return found if found in WHERE_TO else ""


def way_back(request: HttpRequest, pump: Pump) -> str:
    """Where the user came from; the patient's page where that is not known."""
    where = came_from(request)
    if where == "board":
        last = board_query.way_back(request.session)
        return f"{reverse('board')}?{last.address}" if last else reverse("board")
    if where in ("today", "coming", "open"):
        return f"{reverse('appointments')}?tab={where}"
    return f"{reverse('patient', args=[pump.patient.uuid])}?pump={pump.uuid}#appointments"


def go_back(request: HttpRequest, pump: Pump) -> HttpResponse:
    """After an act: the page that the user came from, with its message."""
    return HttpResponseRedirect(way_back(request, pump))
