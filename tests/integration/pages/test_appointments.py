"""The pages of booking by client: what is refused and kept, who may what, how much is read."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from accounts.models import Clinic, User
from alarms.models import Projection
from alarms.selectors.deadlines import deadlines_in
from documents.services import rendering
from refills.models import Appointment
from refills.services import book
from tests import factories
from tests.summary_support import settings_of, summary_of, visited
from visits.domain.booking import FIRST_TIME, choices
from visits.models import AfterVisitSummary, VisitWithdrawal
from visits.services import summaries, visit

from .conftest import SignedIn, queries, signed_in, text

pytestmark = pytest.mark.django_db


def form_of(pump: Any) -> str:
    return f"/patients/{pump.patient.uuid}/pumps/{pump.uuid}/book/"


def in_days(clinic: Clinic, now: datetime, days: int) -> str:
    return (now.astimezone(clinic.zone).date() + timedelta(days=days)).isoformat()


def past(clinic: Clinic, by: User, now: datetime, hours: int) -> Appointment:
    starts_at = now - timedelta(hours=hours)
    return Appointment.objects.create(
        pump=factories.due_in(clinic, 20, now), starts_at=starts_at, created_by=by,
        created_at=starts_at - timedelta(days=9),
    )  # fmt: skip


def test_a_refused_form_keeps_what_was_typed(clinic: Clinic, nurse: User, now: datetime) -> None:
    pump = factories.due_in(clinic, 20, now)
    client = signed_in(nurse)
    data = {"day": in_days(clinic, now, 40), "time": "14:15", "late_reason": "No idea"}
    answer = client.post(form_of(pump), data)
    assert answer.status_code == 422
    said = text(answer)
    assert "Nothing was booked" in said
    assert f'value="{data["day"]}"' in said
    assert 'value="14:15"' in said
    assert "No idea</textarea>" in said
    assert 'href="#book_late_reason"' in said
    wrong = client.post(form_of(pump), {"day": "soon", "time": "25:00"})
    assert wrong.status_code == 422
    assert "Write a time such as 09:30." in text(wrong)
    assert not Appointment.objects.exists()


def test_a_warning_is_asked_for_each_day_anew(clinic: Clinic, nurse: User, now: datetime) -> None:
    pump = factories.pump(clinic)  # its dates are not known
    client = signed_in(nurse)
    first, second = in_days(clinic, now, 5), in_days(clinic, now, 6)
    data = {"day": first, "time": "09:00"}
    assert "look at this first" in text(client.post(form_of(pump), data))
    other_day = {**data, "day": second, "accepted": f"{first} dates_unknown weekend"}
    assert client.post(form_of(pump), other_day).status_code == 422
    accepted = {**data, "accepted": f"{first} dates_unknown weekend", "from": "board"}
    answer = client.post(form_of(pump), accepted)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert Appointment.objects.count() == 1


def test_checking_a_day_saves_nothing(clinic: Clinic, nurse: User, now: datetime) -> None:
    pump = factories.due_in(clinic, 20, now)
    client = signed_in(nurse)
    data = {"day": in_days(clinic, now, 40), "time": "09:00", "check": "1"}
    answer = client.post(form_of(pump), data, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "Too late: it needs a reason" in text(answer)
    assert not Appointment.objects.exists()


def test_a_past_time_is_never_said_to_be_in_time(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 40, now)
    client = signed_in(nurse)
    minute = (now - timedelta(minutes=1)).astimezone(clinic.zone)
    for local in (minute, minute - timedelta(days=2)):
        data = {"day": local.date().isoformat(), "time": f"{local:%H:%M}"}
        for extra, status in (({"check": "1"}, 200), ({}, 422)):
            answer = client.post(form_of(pump), {**data, **extra})
            assert answer.status_code == status
            assert "has passed. Choose a" in text(answer)
            assert "In time" not in text(answer)


def test_an_overdue_pump_is_not_asked_for_an_earlier_day(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, -5, now)
    client = signed_in(nurse)
    assert "Weekdays in the refill window" not in text(client.get(form_of(pump)))
    assert "The next weekdays: each is too late" in text(client.get(form_of(pump)))
    data = {"day": in_days(clinic, now, 3), "time": "09:00", "late_reason": ""}
    refused = client.post(form_of(pump), data)
    assert refused.status_code == 422
    said = text(refused)
    assert said.count("Every day from now on is too late") == 1, "in the verdict, and there only"
    assert said.count("Take the first time there is") == 2, "on top and at the field"
    assert "Choose an earlier day" not in said


def test_a_reason_is_asked_for_at_once_where_every_day_needs_one(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    client = signed_in(nurse)
    said = text(client.get(form_of(factories.due_in(clinic, -5, now))))
    assert 'name="late_reason"' in said
    assert said.count("Every day from now on is too late") == 1
    assert "too late: needs a reason" not in said, "the heading says it of all of them"
    assert 'name="late_reason"' not in text(client.get(form_of(factories.due_in(clinic, 20, now))))


def test_a_pump_that_is_booked_says_so_at_once_and_in_the_refusal(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.due_in(clinic, 20, now)
    client = signed_in(nurse)
    assert "booked already" not in text(client.get(form_of(pump)))
    row = book(pump=pump, starts_at=now + timedelta(days=3), by=nurse, now=now)
    move = f'href="/appointments/{row.uuid}/rebook/?from=board"'
    said = text(client.get(f"{form_of(pump)}?from=board"))
    assert "This pump is booked already" in said
    assert said.count(move) == 1
    data = {"day": in_days(clinic, now, 5), "time": "09:00", "from": "board"}
    refused = client.post(form_of(pump), data)
    assert refused.status_code == 422
    assert text(refused).count(move) == 2
    moving = text(client.get(f"/appointments/{row.uuid}/rebook/"))
    assert "This pump is booked already" not in moving


def test_a_time_that_is_taken_is_marked_and_asked_about(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    first, second = factories.due_in(clinic, 40, now), factories.due_in(clinic, 40, now)
    client = signed_in(nurse)
    assert "another patient is booked" not in text(client.get(form_of(second)))
    dates = Projection.objects.get(pump=first)
    offered = choices(deadlines_in(dates), FIRST_TIME, now, clinic.zone)[0]
    book(pump=first, starts_at=offered, by=nurse, now=now)
    assert text(client.get(form_of(second))).count("another patient is booked then") == 1
    data = {"day": offered.date().isoformat(), "time": f"{offered:%H:%M}"}
    refused = client.post(form_of(second), data)
    assert refused.status_code == 422
    assert "Another patient is booked for" in text(refused)
    seen = f'value="{data["day"]} taken_{offered:%H%M}"'
    assert seen in text(refused)
    accepted = {**data, "accepted": f"{data['day']} taken_{offered:%H%M}"}
    later = {**accepted, "time": "21:15"}
    assert "odd_hour_2115" in text(client.post(form_of(second), later))
    assert client.post(form_of(second), accepted).status_code == 302


@pytest.mark.parametrize("role", ["nurse", "doctor", "staff", "pharmacist", "auditor", "admin"])
def test_what_each_role_may(clinic: Clinic, now: datetime, as_role: SignedIn, role: str) -> None:
    booker = role in ("nurse", "doctor", "staff")
    reader = booker or role in ("pharmacist", "auditor")
    pump = factories.due_in(clinic, 12, now)
    client = as_role(role)
    row = book(
        pump=factories.due_in(clinic, 20, now), starts_at=now + timedelta(days=2),
        by=client.user, now=now,  # type: ignore[attr-defined]
    )  # fmt: skip
    page = client.get(f"/appointments/{row.uuid}/")
    assert page.status_code == (200 if reader else 404)
    assert (b"Cancel this appointment" in page.content) is booker
    assert client.get(form_of(pump)).status_code == (200 if booker else 403 if reader else 404)
    cancelled = client.post(f"/appointments/{row.uuid}/cancel/", {"reason": "They called"})
    assert cancelled.status_code == (302 if booker else 403 if reader else 404)
    row.refresh_from_db()
    assert (row.cancelled_at is not None) is booker
    board = client.get("/")
    if board.status_code == 200:
        assert (f"{form_of(pump)}?from=board" in text(board)) is booker


def test_another_clinics_appointment_is_not_found(
    clinic: Clinic, other_clinic: Clinic, nurse: User, now: datetime
) -> None:
    theirs = book(
        pump=factories.due_in(other_clinic, 20, now), starts_at=now + timedelta(days=2),
        by=nurse, now=now,
    )  # fmt: skip
    ours = book(
        pump=factories.due_in(clinic, 20, now), starts_at=now + timedelta(days=2),
        by=nurse, now=now,
    )  # fmt: skip
    client = signed_in(nurse)
    for act in ("", "rebook/", "cancel/", "arrived/", "no-show/", "take-back/"):
        address = f"/appointments/{theirs.uuid}/{act}"
        method = client.get if act in ("", "rebook/") else client.post
        assert method(address).status_code == 404, act
    said = text(client.get("/appointments/?tab=coming"))
    assert ours.pump.patient.family_name.upper() in said
    assert theirs.pump.patient.family_name.upper() not in said
    assert client.get("/appointments/?clinic=harbor").status_code == 404


def test_two_clinics_have_each_their_own_day(
    clinic: Clinic, other_clinic: Clinic, now: datetime, nurse: User
) -> None:
    doctor = factories.user("both", clinic, "doctor")
    client = signed_in(doctor)
    row = book(
        pump=factories.due_in(clinic, 40, now), starts_at=now + timedelta(days=10),
        by=nurse, now=now,
    )  # fmt: skip
    day = row.starts_at.astimezone(clinic.zone).date()
    assert row.pump.patient.family_name.upper() in text(client.get(f"/appointments/?on={day}"))
    next_day = day + timedelta(days=1)
    other = text(client.get(f"/appointments/?on={next_day}"))
    assert row.pump.patient.family_name.upper() not in other


def test_a_past_one_is_without_outcome_until_it_is_marked(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    row = past(clinic, nurse, now, 50)
    client = signed_in(nurse)
    address = f"/appointments/{row.uuid}/"
    assert address in text(client.get("/appointments/?tab=open"))
    answer = client.post(f"{address}arrived/", {"from": "open"})
    assert answer["Location"] == "/appointments/?tab=open"
    assert address not in text(client.get("/appointments/?tab=open"))
    again = client.post(f"{address}no-show/")
    assert again.status_code == 422
    assert "marked this appointment as “Arrived”" in text(again)


@pytest.mark.parametrize("tab", ["today", "coming", "open"])
def test_a_list_is_read_in_the_same_queries_for_one_and_for_three(
    clinic: Clinic, nurse: User, now: datetime, tab: str
) -> None:
    def add() -> None:
        if tab == "coming":
            pump = factories.due_in(clinic, 40, now)
            book(pump=pump, starts_at=now + timedelta(days=3), by=nurse, now=now)
        else:
            past(clinic, nurse, now, 50)

    client = signed_in(nurse)
    on = f"&on={in_days(clinic, now - timedelta(hours=50), 0)}" if tab == "today" else ""
    address = f"/appointments/?tab={tab}{on}"
    add()
    client.get(address)
    one = queries(client, address)
    assert text(client.get(address)).count('class="who-name"') == 1
    add()
    add()
    assert text(client.get(address)).count('class="who-name"') == 3
    assert queries(client, address) == one


def test_a_dose_change_that_moves_the_alarm_shows_the_appointment_as_too_late(
    clinic: Clinic, nurse: User, now: datetime, client: Client
) -> None:
    pump = factories.due_in(clinic, 26, now)
    book(pump=pump, starts_at=now + timedelta(days=12), by=nurse, now=now)
    client.force_login(nurse)
    assert "Not before the alarm" not in text(client.get("/?tab=soon"))
    visit.record_facts(
        pump_id=pump.pk, at=now, by=nurse, now=now, program=factories.simple(now, "2400")
    )
    row = Projection.objects.get(pump=pump)
    assert row.alarm_date is not None
    assert row.alarm_date <= (now + timedelta(days=12)).date()
    said = text(client.get("/?tab=soon"))
    assert "Not before the alarm" in said or "May be empty by then" in said
    assert ">Rebook<" in said


def test_every_appointment_to_come_is_listed(clinic: Clinic, nurse: User, now: datetime) -> None:
    for days in (3, 45, 300):
        pump = factories.due_in(clinic, 40, now, family_name=f"In{days}")
        book(pump=pump, starts_at=now + timedelta(days=days), by=nurse, now=now)
    said = text(signed_in(nurse).get("/appointments/?tab=coming"))
    assert "Coming<b>3</b>" in said
    for days in (3, 45, 300):
        assert f"IN{days}, " in said


def arrived_today(clinic: Clinic, by: User, now: datetime) -> Appointment:
    """Booked for the first minute of the clinic's today."""
    local = now.astimezone(clinic.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return Appointment.objects.create(
        pump=factories.due_in(clinic, 5, now), starts_at=local, created_by=by,
        created_at=local - timedelta(days=9), outcome="arrived", outcome_at=now, outcome_by=by,
    )  # fmt: skip


@pytest.mark.parametrize(("role", "may"), [("nurse", True), ("doctor", True), ("staff", False)])
def test_a_visit_is_recorded_from_the_list_by_those_who_may(
    clinic: Clinic, as_role: SignedIn, nurse: User, now: datetime, role: str, *, may: bool
) -> None:
    row = arrived_today(clinic, nurse, now)
    open_one = past(clinic, nurse, now, 50)
    ahead = book(
        pump=factories.due_in(clinic, 40, now), starts_at=now + timedelta(days=3), by=nurse, now=now
    )
    client = as_role(role)

    def forms(tab: str) -> list[bool]:
        said = text(client.get(f"/appointments/?tab={tab}"))
        return [f"/pumps/{one.pump.uuid}/visit/" in said for one in (row, open_one, ahead)]

    assert forms("today") == [may, False, False]
    assert forms("open") == [False, may, False]
    assert forms("coming") == [False, False, False], "its day has not come"
    Appointment.objects.filter(pk=row.pk).update(outcome="no_show")
    assert forms("today") == [False, False, False]


def test_a_visit_of_that_day_is_said_and_led_to(
    clinic: Clinic, nurse: User, as_role: SignedIn, now: datetime
) -> None:
    row = arrived_today(clinic, nurse, now)
    day_before = factories.visit_of(row.pump, row.starts_at - timedelta(hours=3))
    nurses, staff = signed_in(nurse), as_role("staff")
    said = text(nurses.get("/appointments/"))
    assert "Visit recorded" not in said, "it was another day"
    assert str(day_before.uuid) not in said
    made = factories.visit_of(row.pump, max(now, row.starts_at + timedelta(minutes=1)))
    for client in (nurses, staff):
        said = text(client.get("/appointments/"))
        assert "Visit recorded" in said
        assert f'href="/visits/{made.uuid}/"' in said
        assert f"/pumps/{row.pump.uuid}/visit/" not in said, "it is not recorded twice"
        assert f'href="/visits/{made.uuid}/"' in text(client.get(f"/appointments/{row.uuid}/"))
    VisitWithdrawal.objects.create(visit=made, reason="Wrong patient", at=now, by=nurse)
    said = text(nurses.get("/appointments/"))
    assert "Visit recorded" not in said
    assert f"/pumps/{row.pump.uuid}/visit/" in said


def test_a_message_names_the_patient_once_and_no_cookie_does(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    client = signed_in(nurse)
    pump = factories.due_in(clinic, 40, now, family_name="Zwetschke")
    day = in_days(clinic, now, 10)
    seen = f"{day} weekend taken_0900"
    data = {"day": day, "time": "09:00", "accepted": seen, "from": "coming"}
    assert client.post(form_of(pump), data).status_code == 302
    assert "zwetschke" not in str(client.cookies).lower()
    page = text(client.get("/appointments/?tab=coming"))
    assert re.search(r'role="status">Booked for [^<]*: ZWETSCHKE, Sofía\.<', page)
    row = Appointment.objects.get()
    client.post(f"/appointments/{row.uuid}/cancel/", {"reason": "They called", "from": "coming"})
    page = text(client.get("/appointments/?tab=coming"))
    assert page.count('role="status"') == 1
    assert "Cancelled: ZWETSCHKE, Sofía. Nothing is booked for this pump now." in page
    again = past(clinic, nurse, now, 50)
    client.post(f"/appointments/{again.uuid}/no-show/", {"from": "open"})
    name = again.pump.patient.display_name
    assert f"Marked as a no-show: {name}." in text(client.get("/appointments/?tab=open"))


def test_an_empty_pump_is_called_empty_with_what_to_do(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    Clinic.objects.filter(pk=clinic.pk).update(phone_night="801-555-0100")
    # Empty six or seven days after its alarm: 2 mL at 0.3 mL a day.
    running, dry = factories.due_in(clinic, -3, now), factories.due_in(clinic, -12, now)
    client = signed_in(nurse)
    page = text(client.get(form_of(dry)))
    since = Projection.objects.get(pump=dry).empty_date
    assert since is not None
    assert f"The reservoir is empty since {since:%a %d-%b-%Y} by our sum" in strip_tags(page)
    assert "the muscles get much tighter, there is itching with no rash, or a fever." in page
    assert "emergency department at once" in page
    assert 'href="tel:8015550100"' in page
    assert page.count('href="tel:8015550101"') == 2
    page = text(client.get(form_of(running)))
    assert "is empty since" not in page
    assert page.count('href="tel:8015550101"') == 1, "whom to call stands there for everybody"
    assert "<dt>Language</dt><dd>English</dd>" in page


def printed_visit(clinic: Clinic, nurse: User, now: datetime) -> Any:
    settings_of(clinic)
    made = visited(clinic, nurse, now)
    rendering.render_due(clock=timezone.now)
    summaries.record_print(summary=summary_of(made), by=nurse, now=now)
    return made


def said_after(client: Client, address: str, data: dict[str, str]) -> list[str]:
    answer = client.post(address, data, follow=True)
    assert answer.redirect_chain, text(answer)
    return [str(message) for message in answer.context["messages"]]


def test_whoever_books_moves_or_cancels_is_told_that_a_paper_holds_no_longer(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = printed_visit(clinic, nurse, now).pump
    client = signed_in(nurse)
    printed = f"The paper printed on {now.astimezone(clinic.zone):%d-%b-%Y} "
    day = weekday_ahead(clinic, now, 45)
    taken = f"{day} {' '.join(codes_of(client, form_of(pump), day))}"
    book_it = {"day": day, "time": "09:30", "accepted": taken}
    _, note = said_after(client, form_of(pump), book_it)
    assert f"{printed}does not name this appointment: print it again" in note
    made = Appointment.objects.get(pump=pump)
    new = AfterVisitSummary.objects.get(visit__pump=pump, replaced_at=None)
    assert f'<a href="/summaries/{new.uuid}/">' in note
    rendering.render_due(clock=timezone.now)
    new.refresh_from_db()
    summaries.record_print(summary=new, by=nurse, now=now)
    page = f"/appointments/{made.uuid}/"
    later = weekday_ahead(clinic, now, 48)
    _, note = said_after(client, f"{page}rebook/", {**book_it, "day": later, "accepted": later})
    assert f"{printed}names another appointment" in note
    moved = Appointment.objects.get(pump=pump, cancelled_at=None)
    reason = {"reason": "The family is away"}
    said = said_after(client, f"/appointments/{moved.uuid}/cancel/", reason)
    assert any(f"{printed}names an appointment that is cancelled" in one for one in said)


def test_a_paper_that_nobody_printed_is_not_spoken_of(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = visited(clinic, nurse, now).pump
    client = signed_in(nurse)
    day = weekday_ahead(clinic, now, 45)
    said = said_after(client, form_of(pump), {"day": day, "time": "09:30", "accepted": day})
    assert len(said) == 1
    assert "paper" not in said[0]


def weekday_ahead(clinic: Clinic, now: datetime, days: int) -> str:
    """A weekday so many days ahead or up to two later: a weekend is a warning of its own."""
    found = now.astimezone(clinic.zone).date() + timedelta(days=days)
    while found.weekday() > 4:
        found += timedelta(days=1)
    return found.isoformat()


def codes_of(client: Client, address: str, day: str) -> list[str]:
    answer = client.post(address, {"day": day, "time": "09:30", "check": "1"})
    return sorted(answer.context["verdict"].codes)
