"""The print queue and the paper: who may, what is recorded, the very same bytes."""

from datetime import time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent, Clinic, User
from documents.services import rendering
from tests import factories
from tests.summary_support import settings_of, summary_of, visited
from visits.models import AfterVisitSummary, SummaryPrint
from visits.services import booking, summaries
from visits.services.encounter import withdraw_visit
from visits.services.summary_paper import SUMMARY

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(clinic: Clinic, client: Client) -> User:
    settings_of(clinic)
    user = factories.user("staff-1", clinic, "staff")
    client.force_login(user)
    return user


def made(clinic: Clinic, nurse: User, **details: Any) -> AfterVisitSummary:
    visit = visited(clinic, nurse, timezone.now(), **details)
    rendering.render_due(clock=timezone.now)
    return summary_of(visit)


def test_a_reprint_is_identical_whatever_the_template_and_the_patient_have_become(
    client: Client, clinic: Clinic, staff: User, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = made(clinic, nurse)
    html = client.get(f"/summaries/{row.uuid}/document/").content
    pdf = client.get(f"/summaries/{row.uuid}.pdf").content
    assert pdf.startswith(b"%PDF")
    monkeypatch.setattr(SUMMARY, "template", "404.html")
    settings_of(clinic, phone_day="801-555-9999", name="Renamed")
    patient = row.visit.pump.patient
    type(patient).objects.filter(pk=patient.pk).update(given_name="Renamed")
    assert rendering.render_due(clock=timezone.now) == 0
    assert client.get(f"/summaries/{row.uuid}/document/").content == html
    assert client.get(f"/summaries/{row.uuid}.pdf").content == pdf
    assert b"Renamed" not in html


def test_the_pdf_names_no_patient_in_its_headers_and_stays_in_no_cache(
    client: Client, clinic: Clinic, staff: User, nurse: User
) -> None:
    row = made(clinic, nurse)
    answer = client.get(f"/summaries/{row.uuid}.pdf")
    assert answer["Content-Disposition"] == 'inline; filename="after-visit-summary.pdf"'
    assert answer["Content-Type"] == "application/pdf"
    assert "no-store" in answer["Cache-Control"]


def test_printing_records_who_and_when_and_leads_to_the_paper(
    client: Client, clinic: Clinic, staff: User, nurse: User
) -> None:
    row = made(clinic, nurse)
    to_pdf = client.post(f"/summaries/{row.uuid}/print/", {"as": "pdf"})
    assert to_pdf["Location"] == f"/summaries/{row.uuid}.pdf"
    to_page = client.post(f"/summaries/{row.uuid}/print/", {"as": "page"})
    assert to_page["Location"] == f"/summaries/{row.uuid}/document/#print"
    assert SummaryPrint.objects.filter(summary=row, by=staff).count() == 2
    events = AuditEvent.objects.filter(event="summary.printed", subject_id=str(row.uuid))
    assert [event.actor_id for event in events] == [staff.pk, staff.pk]


def test_reading_is_audited(client: Client, clinic: Clinic, staff: User, nurse: User) -> None:
    row = made(clinic, nurse)
    patient = str(row.visit.pump.patient.uuid)
    reads = AuditEvent.objects.filter(event="summary.read", subject_id=patient)
    for number, address in enumerate(("/", "/document/", ".pdf"), start=1):
        assert client.get(f"/summaries/{row.uuid}{address}").status_code == 200
        assert reads.count() == number
    client.get("/summaries/")
    assert AuditEvent.objects.filter(event="summaries.read", actor_id=staff.pk).count() == 1


def test_a_summary_that_is_not_made_cannot_be_printed(
    client: Client, clinic: Clinic, staff: User, nurse: User
) -> None:
    row = summary_of(visited(clinic, nurse, timezone.now()))
    answer = client.post(f"/summaries/{row.uuid}/print/")
    assert answer.status_code == 422
    assert "The summary is not made yet." in answer.content.decode()
    assert not SummaryPrint.objects.exists()
    assert client.get(f"/summaries/{row.uuid}/document/").status_code == 404
    assert client.get(f"/summaries/{row.uuid}.pdf").status_code == 404


def test_a_withdrawn_visits_paper_is_shown_to_nobody(
    client: Client, clinic: Clinic, staff: User, nurse: User
) -> None:
    row = made(clinic, nurse)
    withdraw_visit(visit=row.visit, reason="Wrong patient", by=nurse, now=timezone.now())
    for address in ("/", "/document/", ".pdf"):
        answer = client.get(f"/summaries/{row.uuid}{address}")
        assert "Do not give this paper out." in answer.content.decode()
        assert "After your visit" not in answer.content.decode()
        assert "shown here" not in answer.content.decode()
        assert "Version 1, not shown" in answer.content.decode()
    assert client.post(f"/summaries/{row.uuid}/print/").status_code == 422
    assert client.post(f"/summaries/{row.uuid}/again/").status_code == 422


def test_a_paper_is_shown_with_the_stylesheet_that_it_was_made_with(
    client: Client, clinic: Clinic, staff: User, nurse: User
) -> None:
    row = made(clinic, nurse)
    page = client.get(f"/summaries/{row.uuid}/").content.decode()
    assert ("summary-3.css" in page, "summary-2.css" in page) == (True, False)
    assert "Version 1, shown here" in page
    old = row.html.replace("summary-3.css", "summary-2.css")
    AfterVisitSummary.objects.filter(pk=row.pk).update(html=old)
    page = client.get(f"/summaries/{row.uuid}/").content.decode()
    assert ("summary-3.css" in page, "summary-2.css" in page) == (False, True)


def test_a_made_one_is_not_tried_again(
    client: Client, clinic: Clinic, staff: User, nurse: User
) -> None:
    row = made(clinic, nurse)
    answer = client.post(f"/summaries/{row.uuid}/again/")
    assert answer.status_code == 422
    assert AfterVisitSummary.objects.filter(visit=row.visit).count() == 1


def test_the_queue_asks_as_much_for_three_rows_as_for_one(
    client: Client, clinic: Clinic, staff: User, nurse: User
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert client.get("/summaries/").status_code == 200
        return len(seen)

    for row in (made(clinic, nurse),):
        summaries.record_print(summary=row, by=staff, now=timezone.now())
    made(clinic, nurse)
    client.get("/summaries/")
    one = queries()
    for _ in range(2):
        summaries.record_print(summary=made(clinic, nurse), by=staff, now=timezone.now())
        made(clinic, nurse)
    assert queries() == one
    assert client.get("/summaries/").content.decode().count("Print again") == 3


def test_what_was_printed_long_ago_leaves_the_queue(
    client: Client, clinic: Clinic, staff: User, nurse: User
) -> None:
    row = made(clinic, nurse)
    long_ago = timezone.now() - timedelta(days=8)
    SummaryPrint.objects.create(summary=row, by=staff, at=long_ago)
    page = client.get("/summaries/").content.decode()
    assert "Nothing to print" in page
    assert row.visit.pump.patient.family_name.upper() not in page
    SummaryPrint.objects.create(summary=row, by=staff, at=timezone.now())
    assert row.visit.pump.patient.family_name.upper() in client.get("/summaries/").content.decode()


def test_a_long_queue_says_how_many_more_wait(
    client: Client, clinic: Clinic, staff: User, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from itbclinic.pages.paper import rows

    monkeypatch.setattr(rows, "SHOWN", 1)
    for _ in range(3):
        made(clinic, nurse)
    page = client.get("/summaries/").content.decode()
    assert "2 more wait: print these first." in page
    assert "3 after-visit summaries" in page


def test_several_clinics_in_one_queue(
    client: Client, clinic: Clinic, other_clinic: Clinic, staff: User, nurse: User
) -> None:
    made(clinic, nurse, family_name="Alder")
    harbor_nurse = factories.user("nurse-h", other_clinic, "nurse")
    made(other_clinic, harbor_nurse, family_name="Begay")
    assert "BEGAY" not in client.get("/summaries/").content.decode()
    assert client.get("/summaries/?clinic=harbor").status_code == 404
    from accounts import services as accounts
    from accounts.models import Role

    accounts.grant_role(user=staff, clinic=other_clinic, role=Role.STAFF,
                        by=accounts.system_user("system-import"), at=timezone.now())  # fmt: skip
    page = client.get("/summaries/").content.decode()
    assert "ALDER" in page
    assert "BEGAY" in page
    assert "No phone number in the clinic&#x27;s settings of Harbor" in page.replace("'", "&#x27;")
    assert "BEGAY" not in client.get("/summaries/?clinic=wasatch").content.decode()


def replaced(clinic: Clinic, nurse: User) -> tuple[AfterVisitSummary, AfterVisitSummary]:
    """A paper with an appointment that has moved, and the one that replaces it; both made."""
    first = made(clinic, nurse)
    now = timezone.now()
    day = (now + timedelta(days=20)).astimezone(clinic.zone).date()
    booking.book(pump_id=first.visit.pump_id, day=day, at=time(10), by=nurse, now=now)
    rendering.render_due(clock=timezone.now)
    first.refresh_from_db()
    return first, summary_of(first.visit)


def test_a_page_from_before_the_appointment_moved_prints_no_old_paper(
    client: Client, clinic: Clinic, staff: User, nurse: User
) -> None:
    old, new = replaced(clinic, nurse)
    for how in ("pdf", "page"):
        answer = client.post(f"/summaries/{old.uuid}/print/", {"as": how})
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "This version was replaced after you opened the page" in page
        assert f'href="/summaries/{new.uuid}/">Open version 2</a>' in page
    assert not SummaryPrint.objects.exists()
    assert client.post(f"/summaries/{new.uuid}/print/", {"as": "pdf"}).status_code == 302
    assert SummaryPrint.objects.get().summary == new


def test_an_old_version_is_printed_where_the_page_says_that_it_is_old(
    client: Client, clinic: Clinic, staff: User, nurse: User
) -> None:
    old, new = replaced(clinic, nurse)
    said = 'name="old" value="yes"'
    page = client.get(f"/summaries/{old.uuid}/").content.decode()
    assert ("This version is out of date." in page, said in page) == (True, True)
    assert said not in client.get(f"/summaries/{new.uuid}/").content.decode()
    answer = client.post(f"/summaries/{old.uuid}/print/", {"as": "pdf", "old": "yes"})
    assert answer["Location"] == f"/summaries/{old.uuid}.pdf?old=yes"
    assert client.get(answer["Location"])["Content-Type"] == "application/pdf"
    answer = client.post(f"/summaries/{old.uuid}/print/", {"as": "page", "old": "yes"})
    assert answer["Location"] == f"/summaries/{old.uuid}/document/?old=yes#print"
    assert "out of date" not in client.get(answer["Location"]).content.decode()
    assert SummaryPrint.objects.filter(summary=old).count() == 2


def test_the_bare_paper_of_an_old_version_is_not_shown_without_saying_so(
    client: Client, clinic: Clinic, staff: User, nurse: User
) -> None:
    old, new = replaced(clinic, nurse)
    for address in ("/document/", ".pdf"):
        page = client.get(f"/summaries/{old.uuid}{address}").content.decode()
        assert "This version is out of date." in page
    assert client.get(f"/summaries/{new.uuid}.pdf")["Content-Type"] == "application/pdf"
