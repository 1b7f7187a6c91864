"""The work page and the board's panel: who sees which item, and how it is settled."""

import re
import uuid
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import services as accounts
from accounts.models import AuditEvent, Clinic
from alarms.models import Projection
from followup.models import WorkItem
from followup.services import delivering, work_items
from itbclinic.pages.work.words import REMEDIES
from pumps.models import Pump
from refills import services as refills
from reminders.domain.retry import Outcome
from reminders.models import OutboxMessage
from reminders.transports import Answer
from tests import factories
from tests.integration.pages.conftest import SignedIn, queries, text, user_of

pytestmark = pytest.mark.django_db
Kind = WorkItem.Kind


def item(of: Clinic, kind: str, now: datetime, pump: Pump | None = None, **more: Any) -> WorkItem:
    values = {
        "subject": str(uuid.uuid4()), "owner_role": "nurse", "opened_at": now,
        "due_at": now + timedelta(hours=4), **more,
    }  # fmt: skip
    return WorkItem.objects.create(clinic=of, kind=kind, pump=pump, **values)


def bare(page: str) -> str:
    """A page's words without the marks that keep dates and quantities on one line."""
    return re.sub(r'<span class="nowrap">([^<]*)</span>', r"\1", page)


def settle(client: Client, one: WorkItem, **values: str) -> Any:
    return client.post(reverse("work_settle", args=[one.uuid]), values)


def test_the_most_urgent_first_with_whom_to_call(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    pump = factories.due_in(clinic, 30, now)
    item(clinic, "summary_failed", now)
    item(clinic, "call_family", now, pump, due_at=now + timedelta(hours=1))
    item(clinic, "no_show", now, pump, escalated_at=now, due_at=now + timedelta(days=1))
    page = text(as_role("nurse").get("/work/?tab=all"))
    places = [page.index(str(Kind(kind).label)) for kind in ("no_show", "call_family",
                                                             "summary_failed")]  # fmt: skip
    assert places == sorted(places)
    assert pump.patient.display_name in page
    assert 'href="tel:8015550101"' in page
    assert "Not settled in time: passed on" in page
    assert AuditEvent.objects.filter(event="work.read", clinic_id=clinic.pk).exists()


def test_mine_is_what_my_role_owns_in_that_clinic(
    clinic: Clinic, other_clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    item(clinic, "no_show", now)
    item(clinic, "call_family", now, owner_role="staff")
    item(other_clinic, "summary_failed", now)
    client = as_role("staff")
    page = text(client.get("/work/?tab=mine"))
    assert str(Kind.CALL_FAMILY.label) in page
    assert str(Kind.NO_SHOW.label) not in page
    assert 'class="nav-count">1<' in page
    everything = text(client.get("/work/?tab=all"))
    assert str(Kind.NO_SHOW.label) in everything
    assert str(Kind.SUMMARY_FAILED.label) not in everything, "another clinic's"


def test_an_item_is_settled_with_a_reason(clinic: Clinic, as_role: SignedIn, now: datetime) -> None:
    one = item(clinic, "no_show", now)
    client = as_role("nurse")
    refused = settle(client, one, reason="  ", tab="all")
    assert refused.status_code == 422
    one.refresh_from_db()
    assert one.settled_at is None
    assert settle(client, one, reason="Called; comes on Friday").status_code == 302
    one.refresh_from_db()
    assert (one.settled_by, one.settle_reason) == (user_of(client), "Called; comes on Friday")
    assert "Called; comes on Friday" in text(client.get("/work/?tab=settled"))
    again = settle(client, one, reason="Twice", tab="all")
    assert again.status_code == 422
    assert "Somebody has settled this already." in text(again)


def test_what_still_stands_can_only_be_put_off(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    one = item(clinic, "unbooked", now)
    client = as_role("nurse")
    refused = settle(client, one, reason="The family travels", tab="all")
    assert refused.status_code == 422
    assert "The family travels" in text(refused), "what was typed stays"
    assert "write until when it may wait" in text(refused)
    too_far = (now + timedelta(days=200)).date().isoformat()
    assert settle(client, one, reason="Later", ends_on=too_far, tab="all").status_code == 422
    until = (now + timedelta(days=3)).date()
    assert settle(client, one, reason="Travels", ends_on=until.isoformat()).status_code == 302
    one.refresh_from_db()
    assert one.settled_until == until


def test_another_clinics_item_is_not_found(
    other_clinic: Clinic, clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    foreign = item(other_clinic, "no_show", now)
    assert settle(as_role("nurse"), foreign, reason="Mine now").status_code == 404
    own = item(clinic, "no_show", now)
    assert settle(as_role("pharmacist"), own, reason="Mine now").status_code == 403


def test_as_many_queries_for_three_as_for_one(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    client = as_role("nurse")

    def add() -> None:
        pump = factories.due_in(clinic, 60, now)
        item(clinic, "no_show", now, pump)
        item(clinic, "delivery_failed", now, pump, details={"message": str(pump.uuid)})

    add()
    client.get("/?tab=all")
    one = queries(client, "/work/?tab=all")
    board = queries(client, "/?tab=all")
    add()
    add()
    assert queries(client, "/work/?tab=all") == one
    assert queries(client, "/?tab=all") == board


def test_an_empty_list_says_so(as_role: SignedIn) -> None:
    assert "Nothing is open" in text(as_role("nurse").get("/work/"))


def test_the_board_shows_failures_under_every_filter(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    client = as_role("nurse")
    item(clinic, "call_family", now)
    assert 'id="loud-work"' not in text(client.get("/")), "in time, and no failure"
    item(clinic, "channel_failing", now)
    for address in ("/", "/?tab=soon", "/?tab=excluded", "/?status=empty"):
        assert str(Kind.CHANNEL_FAILING.label) in text(client.get(address)), address
    WorkItem.objects.filter(kind="call_family").update(escalated_at=now)
    assert str(Kind.CALL_FAMILY.label) in text(client.get("/"))


def refuse(_: Any) -> Answer:
    return Answer(Outcome.PERMANENT, 550, "SMTPRecipientsRefused")


def test_the_row_says_what_became_of_its_reminder(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    client = as_role("nurse")
    nurse = user_of(client)
    factories.due_in(clinic, 15, now)
    assert "Nobody to tell" in text(client.get("/"))
    nurse.email = "nurse@clinic.example"
    nurse.save()
    factories.due_in(clinic, 15, now)
    assert "Reminder waiting" in text(client.get("/"))
    delivering.deliver(clock=lambda: now)
    page = text(client.get("/"))
    assert "Reminded " in page
    assert "Reminder waiting" not in page


def test_what_was_refused_is_on_the_board_with_its_person(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    client = as_role("nurse")
    nurse = user_of(client)
    nurse.email = "nurse@clinic.example"
    nurse.save()
    factories.due_in(clinic, 15, now)
    delivering.deliver(clock=lambda: now, send=refuse)
    assert OutboxMessage.objects.filter(state="dead").exists()
    page = text(client.get("/"))
    assert str(Kind.DELIVERY_FAILED.label) in page
    assert f"To {nurse.display_name}: the mail server refused the address." in page
    assert "Could not be delivered" in page
    assert "nurse@clinic.example" not in page


def test_every_kind_has_a_remedy_and_an_owner() -> None:
    assert set(REMEDIES) == set(Kind) == set(work_items.OWNERS)


def test_an_item_without_a_booking_says_its_dates(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    pump = factories.due_in(clinic, 6, now)
    row = Projection.objects.get(pump=pump)
    page = text(as_role("nurse").get("/work/"))
    for day in (row.refill_due_on, row.alarm_date, row.earliest_empty_date):
        assert f"{day:%d-%b-%Y}" in page
    assert "May be empty from" in page


def test_the_pump_in_most_danger_comes_first_whatever_its_deadline(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    pumps = {
        name: factories.due_in(clinic, days, now, family_name=name)
        for name, days in (("Calm", 50), ("Maybe", 6), ("Sooner", 5), ("Beeping", -1), ("Dry", -9))
    }
    WorkItem.objects.all().delete()
    for hours, name in enumerate(pumps, start=1):
        item(clinic, "no_show", now, pumps[name], due_at=now + timedelta(hours=hours))
    client = as_role("nurse")
    for address in ("/work/?tab=all", "/work/?tab=mine"):
        page = text(client.get(address))
        places = [page.index(f"{name.upper()}, ") for name in reversed(pumps)]
        assert places == sorted(places), address
    Projection.objects.filter(pump=pumps["Dry"]).update(input_version=0)
    page = text(client.get("/work/?tab=all"))
    assert page.index("DRY, ") > page.index("CALM, "), "a date of other facts is no date"


@pytest.mark.parametrize(
    ("days", "tone", "said"),
    [
        (-9, "empty", "Empty since "),
        (-1, "alarm", "Past its alarm since "),
        (1, "alarm", "May be empty "),
        (6, "overdue", "May be empty in "),
    ],
)
def test_a_card_says_its_pumps_danger(
    clinic: Clinic, as_role: SignedIn, now: datetime, days: int, tone: str, said: str
) -> None:
    pump = factories.due_in(clinic, days, now)
    row = Projection.objects.get(pump=pump)
    page = text(as_role("nurse").get("/work/?tab=all"))
    assert f'class="panel work-item is-{tone}"' in page
    assert said in page
    for day in (row.alarm_date, row.empty_date):
        assert f"{day:%d-%b-%Y}" in page
    assert ("take the first time there is" in page) is (tone == "alarm")
    assert ("ask for signs of withdrawal" in page) is (tone == "empty")
    assert ("May be empty from" in page) is (tone != "empty")
    assert "801-555-0101" in page


def test_a_card_names_the_patient_beyond_doubt(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    pump = factories.due_in(clinic, 30, now, language="Vietnamese")
    item(clinic, "call_family", now, pump, owner_role="nurse")
    page = text(as_role("nurse").get("/work/?tab=all"))
    page = bare(page)
    assert "born 09-Mar-2014" in page
    assert f"MRN {pump.patient.mrn}" in page
    assert "speaks Vietnamese" in page


def test_a_pump_that_is_booked_too_late_is_to_be_moved(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    client = as_role("nurse")
    pump = factories.due_in(clinic, 6, now)
    due = Projection.objects.get(pump=pump).refill_due_on
    assert due is not None
    assert "No refill is booked in time" in text(client.get("/work/?tab=all"))
    at = datetime.combine(due + timedelta(days=4), time(10), tzinfo=clinic.zone)
    row = refills.book(pump=pump, starts_at=at, by=user_of(client), now=now)
    page = text(client.get("/work/?tab=all"))
    assert "Booked too late" in page
    assert "4 days after the refill date." in bare(page)
    assert reverse("appointment_rebook", args=[row.uuid]) in page
    assert "Move the appointment" in page
    assert "Book a refill" not in page


def test_what_was_settled_by_a_booking_in_time_is_not_called_late(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    client = as_role("nurse")
    pump = factories.due_in(clinic, 6, now)
    closed = {"settled_at": now, "settled_by": user_of(client), "settle_reason": "Booked"}
    WorkItem.objects.filter(kind="unbooked", pump=pump).update(**closed)
    refills.book(pump=pump, starts_at=now + timedelta(hours=3), by=user_of(client), now=now)
    page = text(client.get("/work/?tab=settled"))
    assert "No refill is booked in time" in page
    assert "Booked too late" not in page


@pytest.mark.parametrize(("kind", "most"), [("unbooked", 7), ("date_unknown", 7), ("no_show", 90)])
def test_the_help_says_the_limit_that_the_service_keeps(
    clinic: Clinic, as_role: SignedIn, now: datetime, kind: str, most: int
) -> None:
    one = item(clinic, kind, now)
    client = as_role("nurse")
    assert f"at most {most} days" in text(client.get("/work/?tab=all"))
    today = now.astimezone(clinic.zone).date()
    over = (today + timedelta(days=most + 1)).isoformat()
    assert settle(client, one, reason="The family travels", ends_on=over).status_code == 422
    last = (today + timedelta(days=most)).isoformat()
    assert settle(client, one, reason="The family travels", ends_on=last).status_code == 302


def test_what_settled_by_itself_names_no_scan(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    pump = factories.due_in(clinic, 30, now)
    scan = accounts.system_user("system-scan")
    closed = {"settled_at": now, "settled_by": scan, "settle_reason": WorkItem.NO_LONGER}
    item(clinic, "no_show", now, pump, **closed)
    page = text(as_role("nurse").get("/work/?tab=settled"))
    assert "by itself: what it spoke of has changed.</p>" in page
    assert scan.display_name not in page
    assert "The facts have changed" not in page
