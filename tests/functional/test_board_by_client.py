"""The board's rules: who sees whom, how many queries, what the address and the export carry."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import services as accounts
from accounts.models import AuditEvent, Clinic, Role, User
from alarms.selectors import worklist
from itbclinic.pages.board import views as board_page
from itbclinic.pages.shared.board_query import BoardQuery
from tests import factories

from . import support

pytestmark = pytest.mark.django_db

ROLES = ("nurse", "doctor", "staff", "pharmacist", "auditor", "admin")


@pytest.fixture
def signed_in(client: Client) -> Callable[[User], Client]:
    def sign_in(user: User) -> Client:
        client.force_login(user)
        return client

    return sign_in


def board_of(response: Any) -> board_page.Board:
    found = response.context["board"]
    assert isinstance(found, board_page.Board)
    return found


def names_on(response: Any) -> list[str]:
    return [row.name for row in board_of(response).rows]


def test_the_number_of_queries_does_not_follow_the_rows(
    clinic: Clinic, nurse: User, client: Client
) -> None:
    def visit_board() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get("/?tab=all").status_code == 200
        return len(queries)

    client.force_login(nurse)
    support.doubtful(clinic)
    support.booked(support.named(clinic, "Name", 3), 2, by=nurse)
    client.get("/?tab=all")  # the way back is written to the session once
    few = visit_board()
    for number in range(2):
        support.booked(support.named(clinic, f"Name{number}", 4 + number), 2, by=nurse)
    assert len(names_on(client.get("/?tab=all"))) == 4
    assert visit_board() == few


@pytest.mark.parametrize("role", ROLES)
def test_a_role_lands_on_its_own_page(
    clinic: Clinic, role: str, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(factories.user("somebody", clinic, role))
    response = client.get("/", follow=True)
    assert response.status_code == 200
    sees = role not in ("auditor", "admin")
    assert (response.request["PATH_INFO"] == "/") is sees
    if not sees:
        assert client.get("/refills.csv").status_code == 403


def test_another_clinics_pumps_are_not_there(
    clinic: Clinic, other_clinic: Clinic, nurse: User, signed_in: Callable[[User], Client]
) -> None:
    support.named(clinic, "Ours", 5)
    theirs = support.named(other_clinic, "Theirs", 5)
    client = signed_in(nurse)
    assert names_on(client.get("/?tab=all")) == ["OURS, Sofía"]
    assert client.get(support.address_of(theirs)).status_code == 404
    response = client.get(f"/?clinic={other_clinic.slug}")
    assert names_on(response) == ["OURS, Sofía"]
    assert "no clinic of that name" in board_of(response).query.problems[0]
    assert b"THEIRS" not in client.get("/refills.csv?tab=all").content


def test_a_user_of_two_clinics_chooses(
    clinic: Clinic, other_clinic: Clinic, signed_in: Callable[[User], Client]
) -> None:
    user = factories.user("both", clinic, "nurse")
    accounts.grant_role(user=user, clinic=other_clinic, role=Role.NURSE, by=user, at=timezone.now())
    support.named(clinic, "Here", 5)
    support.named(other_clinic, "There", 6)
    client = signed_in(user)
    assert len(names_on(client.get("/"))) == 2
    response = client.get("/?clinic=harbor")
    assert names_on(response) == ["THERE, Sofía"]
    assert board_of(response).made_at.endswith(("EST", "EDT"))


def test_tabs_count_and_say_what_they_hide(
    clinic: Clinic, nurse: User, signed_in: Callable[[User], Client]
) -> None:
    factories.pump(clinic)
    support.named(clinic, "Alarm", 0)
    support.named(clinic, "Overdue", 3)
    support.named(clinic, "Soon", 30)
    support.named(clinic, "Calm", 55)
    client = signed_in(nurse)
    tabs = {tab.label: tab.count for tab in board_of(client.get("/")).tabs}
    assert tabs == {
        "No sure date": 1,
        "Past alarm": 1,
        "Overdue": 1,
        "To do now": 3,
        "Next 30 days": 4,
        "Not booked": 4,
        "All": 5,
    }
    assert board_of(client.get("/")).counts.hidden_more_urgent == 0
    assert board_of(client.get("/?tab=overdue")).counts.hidden_more_urgent == 2
    assert b"2 more urgent pumps are not in this list" in client.get("/?tab=overdue").content


def test_an_address_with_mistakes_says_each(
    nurse: User, clinic: Clinic, signed_in: Callable[[User], Client]
) -> None:
    support.named(clinic, "Kaur", 5)
    address = "/?tab=x&due_before=12/1&status=lost&unbooked=maybe&search=~gone&cursor=z&clinic=q"
    response = signed_in(nurse).get(address)
    assert response.status_code == 200
    assert len(board_of(response).query.problems) == 7
    assert names_on(response) == ["KAUR, Sofía"]


def test_words_in_an_address_work_and_are_not_repeated(
    nurse: User, clinic: Clinic, signed_in: Callable[[User], Client]
) -> None:
    support.named(clinic, "Kaur", 5)
    support.named(clinic, "Park", 5)
    response = signed_in(nurse).get("/?tab=all&search=Kaur")
    assert names_on(response) == ["KAUR, Sofía"]
    assert b"search=Kaur" not in response.content


def test_htmx_gets_the_list_alone(
    nurse: User, clinic: Clinic, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(nurse)
    part = client.get("/", headers={"hx-request": "true"})
    assert part["Vary"] == "HX-Request, Cookie"
    assert b"<html" not in part.content
    assert b'id="board"' in part.content
    again = client.get("/", headers={"hx-request": "true", "hx-history-restore-request": "true"})
    assert b"<html" in again.content


def test_every_read_is_audited_without_the_words(
    nurse: User, clinic: Clinic, signed_in: Callable[[User], Client]
) -> None:
    pump = support.named(clinic, "Kaur", 5)
    client = signed_in(nurse)
    client.get("/?search=Kaur&tab=all")
    client.get("/refills.csv?tab=all")
    client.get(support.address_of(pump))
    seen = {e.event: e for e in AuditEvent.objects.filter(actor_id=nurse.pk)}
    assert seen["board.read"].after == {"tab": "all", "rows": 1, "filtered": True}
    assert seen["board.exported"].after == {"tab": "all", "rows": 1, "filtered": False}
    assert seen["patient.read"].subject_id == str(pump.patient.uuid)
    assert seen["patient.read"].clinic_id == clinic.pk


def test_the_export_has_every_row_and_no_formula(
    nurse: User, clinic: Clinic, signed_in: Callable[[User], Client]
) -> None:
    support.named(clinic, "=HYPERLINK(1)", -3, mrn="@1", given_name="Ann")
    support.named(clinic, "Calm", 55)
    response = signed_in(nurse).get("/refills.csv?tab=all")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "refills" in response["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert [row["name"] for row in rows] == ["'=HYPERLINK(1), Ann", "CALM, Sofía"]
    assert rows[0]["mrn"] == "'@1"
    assert rows[0]["days_to_alarm"] == "-3"  # a number stays one
    only = signed_in(nurse).get("/refills.csv?tab=overdue")
    assert len(only.content.decode().splitlines()) == 1


def test_the_export_goes_over_all_pages(
    nurse: User, clinic: Clinic, signed_in: Callable[[User], Client]
) -> None:
    for number in range(3):
        support.named(clinic, f"Name{number}", 5)
    query = BoardQuery(tab="all")
    found = list(board_page.matching_rows(query, [clinic], timezone.now(), size=2))
    assert len({row.pump.pk for row in found}) == 3


def test_a_refused_row_leads_to_its_page_where_there_is_one(
    nurse: User, clinic: Clinic, signed_in: Callable[[User], Client]
) -> None:
    support.refused_row(clinic, by=nurse)
    content = signed_in(nurse).get("/").content.decode()
    assert "Line 12 of the roster" in content
    assert "1 row of the roster was not imported" in content


def test_the_500_page_needs_nothing(clinic: Clinic, nurse: User, client: Client) -> None:
    client.force_login(nurse)
    client.raise_request_exception = False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worklist, "listed_pumps", lambda *_: 1 / 0)
        response = client.get("/")
    assert response.status_code == 500
    assert b"Something went wrong on our side" in response.content
    assert b"style=" not in response.content


def test_a_date_far_ahead_is_no_crash(
    nurse: User, clinic: Clinic, signed_in: Callable[[User], Client]
) -> None:
    now = timezone.now()
    factories.filled_pump(clinic, now - timedelta(days=1), dose="96", now=now)
    assert signed_in(nurse).get("/?tab=all").status_code == 200
