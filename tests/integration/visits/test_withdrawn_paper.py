"""A visit is taken back after its paper was printed: somebody calls the family, and until then the
paper stays in sight."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent, Clinic, User
from core.rules import RuleViolation
from documents.services import rendering
from followup.models import WorkItem
from followup.services import work_items
from tests import factories
from tests.summary_support import entry, settings_of, summary_of, visited
from visits.models import AfterVisitSummary, Visit
from visits.selectors.summaries import withdrawn_and_printed
from visits.services import summaries
from visits.services.encounter import complete_visit, withdraw_visit

pytestmark = pytest.mark.django_db
KIND = WorkItem.Kind.PAPER_WITHDRAWN


@pytest.fixture
def visit(clinic: Clinic, nurse: User) -> Visit:
    settings_of(clinic)
    made = visited(clinic, nurse, timezone.now())
    rendering.render_due(clock=timezone.now)
    return made


def print_it(visit: Visit, by: User) -> AfterVisitSummary:
    row = summary_of(visit)
    summaries.record_print(summary=row, by=by, now=timezone.now())
    return row


def take_back(visit: Visit, by: User) -> None:
    withdraw_visit(visit=visit, reason="The wrong patient", by=by, now=timezone.now())


def open_calls() -> list[WorkItem]:
    return list(WorkItem.objects.filter(kind=KIND, settled_at=None))


def test_a_printed_paper_of_a_visit_that_was_taken_back_is_somebodys_call(
    visit: Visit, nurse: User
) -> None:
    print_it(visit, nurse)
    take_back(visit, nurse)
    [item] = open_calls()
    assert (item.subject, item.pump, item.owner_role) == (str(visit.uuid), visit.pump, "nurse")
    assert item.due_at - item.opened_at == timedelta(hours=4)
    assert AuditEvent.objects.filter(event="work_item.opened", subject_id=item.uuid).exists()


def test_one_that_nobody_printed_asks_for_no_call(visit: Visit, nurse: User) -> None:
    take_back(visit, nurse)
    assert open_calls() == []


def test_an_earlier_version_in_the_familys_hands_counts_as_well(visit: Visit, nurse: User) -> None:
    print_it(visit, nurse)
    settings_of(visit.clinic, phone_day="801-555-0155")
    summaries.refresh_for_pump(visit.pump_id, timezone.now())
    assert summary_of(visit).version == 2
    take_back(visit, nurse)
    assert len(open_calls()) == 1
    assert [row.version for row in withdrawn_and_printed([visit.clinic_id])] == [2]


def test_recording_anew_and_printing_that_paper_ends_the_call(
    clinic: Clinic, visit: Visit, nurse: User
) -> None:
    now = timezone.now()
    print_it(visit, nurse)
    take_back(visit, nurse)
    again = complete_visit(
        pump_id=visit.pump_id, entry=entry(clinic, now - timedelta(hours=1), "500"), by=nurse,
        now=timezone.now(),
    )  # fmt: skip
    assert len(open_calls()) == 1, "recorded is not printed"
    rendering.render_due(clock=timezone.now)
    first = summary_of(again)
    settings_of(clinic, phone_day="801-555-0155")
    summaries.refresh_for_pump(visit.pump_id, timezone.now())
    rendering.render_due(clock=timezone.now)
    summaries.record_print(summary=first, by=nurse, now=timezone.now(), as_old=True)
    assert len(open_calls()) == 1, "an old version takes no paper's place"
    print_it(again, nurse)
    assert open_calls() == []
    settled = WorkItem.objects.get(kind=KIND)
    assert settled.settle_reason == "A new summary of the pump was printed."
    assert list(withdrawn_and_printed([clinic.pk])) == []


def test_the_call_cannot_wait_but_a_person_may_settle_it(visit: Visit, nurse: User) -> None:
    print_it(visit, nurse)
    take_back(visit, nurse)
    [item] = open_calls()
    now = timezone.now()
    with pytest.raises(RuleViolation) as refused:
        work_items.settle_work_item(
            item=item, reason="Tomorrow", by=nurse, now=now,
            ends_on=(now + timedelta(days=2)).date(),
        )  # fmt: skip
    assert [p.code for p in refused.value.problems] == ["cannot_wait"]
    assert len(withdrawn_and_printed([visit.clinic_id])) == 1
    work_items.settle_work_item(item=item, reason="Mother called, tore it up", by=nurse, now=now)
    assert list(withdrawn_and_printed([visit.clinic_id])) == []


def test_the_page_of_work_names_whom_to_call_and_offers_no_putting_off(
    client: Client, visit: Visit, nurse: User
) -> None:
    print_it(visit, nurse)
    take_back(visit, nurse)
    [item] = open_calls()
    client.force_login(nurse)
    [card] = [
        card for card in client.get("/work/").context["cards"] if card.line.item.pk == item.pk
    ]
    assert card.act.url == f"/visits/{visit.uuid}/"
    assert [person.phone for person in card.to_call] == ["801-555-0101"]
    assert set(card.form.fields) == {"reason"}
    answer = client.post(
        f"/work/{item.uuid}/settle/", {"reason": "Mother called, she tore it up", "tab": "mine"}
    )
    assert answer.status_code == 302
    assert open_calls() == []


def changed(client: Client) -> Any:
    return client.get("/summaries/").context["groups"][1]


def test_it_stays_on_paper_and_cannot_be_printed(
    client: Client, clinic: Clinic, other_clinic: Clinic, visit: Visit, nurse: User
) -> None:
    print_it(visit, nurse)
    client.force_login(factories.user("staff-1", clinic, "staff"))
    assert changed(client).count == 0
    take_back(visit, nurse)
    group = changed(client)
    assert (group.count, group.taken_back) == (1, 1)
    assert "the paper must not be used" in group.rows[0].taken_back
    assert not group.rows[0].ready
    assert group.rows[0].prints[0].endswith("by Rowan nurse-1")
    page = client.get("/summaries/").content.decode()
    assert "1 printed paper must not be used" in page
    assert f"/summaries/{summary_of(visit).uuid}/print/" not in page
    client.force_login(factories.user("staff-2", other_clinic, "staff"))
    assert changed(client).count == 0


def test_paper_asks_as_much_for_three_that_were_taken_back(
    client: Client, clinic: Clinic, visit: Visit, nurse: User
) -> None:
    client.force_login(nurse)
    counts = []
    for number in range(3):
        one = visit if number == 0 else visited(clinic, nurse, timezone.now())
        rendering.render_due(clock=timezone.now)
        print_it(one, nurse)
        take_back(one, nurse)
        client.get("/summaries/")
        with CaptureQueriesContext(connection) as captured:
            assert changed(client).taken_back == number + 1
        counts.append(len(captured))
    assert counts[0] == counts[2]


def test_the_visits_page_says_when_and_by_whom_it_was_printed(
    client: Client, visit: Visit, nurse: User
) -> None:
    client.force_login(nurse)
    assert "Not printed" in client.get(f"/visits/{visit.uuid}/").content.decode()
    print_it(visit, nurse)
    take_back(visit, nurse)
    page = " ".join(client.get(f"/visits/{visit.uuid}/").content.decode().split())
    assert "Its summary was printed" in page
    assert "by Rowan nurse-1: that paper must not be used." in page
    fresh = visited(visit.clinic, nurse, timezone.now(), key=uuid.uuid4())
    assert "must not be used" not in client.get(f"/visits/{fresh.uuid}/").content.decode()
