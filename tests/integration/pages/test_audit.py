"""The audit log's page: filters, pages by keyset, the export, and that reading it is written."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import audit
from accounts.models import AuditEvent, Clinic, User
from followup.services.settings import change_clinic_settings
from tests import factories

from .conftest import SignedIn, queries, text, user_of

pytestmark = pytest.mark.django_db


def event(of: Clinic, by: User, at: datetime, name: str = "clinic.changed", **details: Any) -> None:
    values = {"subject_type": "clinic", "subject_id": of.uuid, **details}
    audit.record(event=name, by=by, at=at, clinic_id=of.pk, **values)


def shown(response: Any) -> list[str]:
    return [row.event.event for row in response.context["page"].rows]


def test_newest_first_with_before_and_after(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    admin = factories.user("boss", clinic, "admin")
    change_clinic_settings(clinic=clinic, by=admin, now=now, refill_lead_days=10)
    client = as_role("auditor")
    response = client.get("/audit/?event=clinic.changed")
    page = text(response)
    assert "Changed the clinic" in page
    assert '<td class="was">7 days</td><td>10 days</td>' in page
    assert "4 other values stayed" in page
    assert shown(client.get("/audit/"))[0] == "audit.read"


def test_reading_and_exporting_it_is_written_down(clinic: Clinic, as_role: SignedIn) -> None:
    client = as_role("auditor")
    client.get("/audit/?event=reads")
    list(client.get("/audit.csv"))
    found = AuditEvent.objects.filter(actor_id=user_of(client).pk).order_by("id")
    assert [row.event for row in found] == ["audit.read", "audit.exported"]
    assert found[0].after is not None
    assert found[0].after["event"] == "reads"


def test_pages_of_fifty_by_keyset_stay_put_while_events_come_in(
    clinic: Clinic, as_role: SignedIn, nurse: User, now: datetime
) -> None:
    for _ in range(120):
        event(clinic, nurse, now, "patient.read")
    client = as_role("auditor")
    seen: list[int] = []
    url = "/audit/?event=patient.read"
    while True:
        page = client.get(url).context["page"]
        assert len(page.rows) <= 50
        seen += [row.event.pk for row in page.rows]
        event(clinic, nurse, now, "patient.read")
        if not page.older:
            break
        url = f"/audit/?{page.older}"
    assert len(seen) == len(set(seen)) == 120
    assert seen == sorted(seen, reverse=True)
    newer = client.get(f"/audit/?{page.newer}").context["page"]
    assert [row.event.pk for row in newer.rows] == seen[50:100]


def test_filters(clinic: Clinic, as_role: SignedIn, nurse: User, now: datetime) -> None:
    other = factories.user("doc", clinic, "doctor")
    pump = factories.pump(clinic)
    event(clinic, nurse, now, "patient.read", subject_type="patient", subject_id=pump.patient.uuid)
    event(clinic, other, now, "pump.excluded", subject_type="pump", subject_id=pump.uuid)
    client = as_role("auditor")

    def get(query: str) -> list[str]:
        return shown(client.get(f"/audit/?{query}"))

    assert get(f"person={nurse.uuid}") == ["patient.read"]
    assert get(f"person={other.uuid}") == ["pump.excluded"]
    assert get(f"subject={pump.uuid}") == ["pump.excluded", "pump.implanted"]
    assert get(f"subject={pump.patient.uuid}&event=changes") == [
        "pump.excluded",
        "pump.implanted",
        "patient.registered",
    ]
    assert "pump.excluded" not in get("event=reads")
    assert "patient.read" in get("event=reads")
    assert set(get("about=pump")) == {"pump.implanted", "pump.excluded"}
    assert get("person=programs") == []


def test_days_are_the_clinics_own(clinic: Clinic, as_role: SignedIn, nurse: User) -> None:
    last_minute = datetime(2026, 3, 10, 5, 59, tzinfo=UTC)  # 09-Mar-2026 23:59 in Denver
    event(clinic, nurse, last_minute, "pump.excluded")
    event(clinic, nurse, last_minute + timedelta(minutes=1), "date.settled")
    client = as_role("auditor")
    assert shown(client.get("/audit/?since=2026-03-09&until=2026-03-09")) == ["pump.excluded"]
    assert shown(client.get("/audit/?since=2026-03-10&until=2026-03-10")) == ["date.settled"]


def test_a_bad_filter_says_so(clinic: Clinic, as_role: SignedIn) -> None:
    client = as_role("auditor")
    page = text(client.get("/audit/?event=nonsense&since=yesterday&subject=12"))
    assert "There is no such kind of event" in page
    assert "Write the date as 2026-11-22" in page
    assert "mistyped" in page


def test_patients_are_named_for_who_may_open_charts(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    pump = factories.pump(clinic)
    page = text(as_role("auditor").get("/audit/?event=pump.implanted"))
    assert pump.patient.display_name in page
    assert f"/patients/{pump.patient.uuid}/" in page


def test_another_clinics_events_are_not_there(
    clinic: Clinic, other_clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    pump = factories.pump(other_clinic)
    client = as_role("auditor")
    assert pump.patient.display_name not in text(client.get("/audit/"))
    assert shown(client.get(f"/audit/?subject={pump.uuid}")) == []
    assert client.get("/audit/?clinic=harbor").status_code == 404
    assert "pump.implanted" not in text(client.get("/audit.csv"))


@pytest.mark.parametrize("role", ["nurse", "doctor", "staff", "pharmacist", "admin"])
def test_only_auditors(clinic: Clinic, as_role: SignedIn, role: str) -> None:
    client = as_role(role)
    for url in ("/audit/", "/audit.csv"):
        refused = client.get(url)
        assert refused.status_code == 403
        assert "read the audit log" in text(refused)


def test_the_export_has_every_page_and_starts_no_formula(
    clinic: Clinic, as_role: SignedIn, nurse: User, now: datetime
) -> None:
    for number in range(60):
        event(clinic, nurse, now, "pump.excluded", reason=f"=HYPERLINK({number})")
    response = as_role("auditor").get("/audit.csv?event=pump.excluded")
    content = b"".join(response).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content)))
    assert len(rows) == 60
    assert rows[0]["reason"] == "'=HYPERLINK(59)"
    assert rows[0]["person"] == nurse.display_name


def test_the_page_takes_as_many_queries_for_one_as_for_three(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    client = as_role("auditor")
    factories.pump(clinic)
    one = queries(client, "/audit/?about=pump")
    for _ in range(2):
        factories.pump(clinic)
    assert queries(client, "/audit/?about=pump") == one


def test_the_newest_page_reads_an_index(clinic: Clinic, as_role: SignedIn) -> None:
    client = as_role("auditor")
    with CaptureQueriesContext(connection) as captured:
        client.get("/audit/")
    asked = [q["sql"] for q in captured if 'ORDER BY "accounts_auditevent"."id" DESC' in q["sql"]]
    assert len(asked) == 1
    assert "LIMIT 51" in asked[0]
    assert "OFFSET" not in asked[0]


# --- a patient by name or MRN --------------------------------------------------------------------


def search(client: Any, words: str, **kept: str) -> Any:
    answer = client.post("/audit/search/", {"words": words, **kept})
    assert answer.status_code == 302
    return client.get(answer["Location"])


def seen_of(clinic: Clinic, nurse: User, now: datetime, **details: Any) -> Any:
    """A patient whose page the nurse opened."""
    pump = factories.due_in(clinic, 10, now, **details)
    values = {"subject_type": "patient", "subject_id": pump.patient.uuid}
    event(clinic, nurse, now, "patient.read", **values)
    event(clinic, nurse, now, "pump.excluded", subject_type="pump", subject_id=pump.uuid)
    return pump


@pytest.mark.parametrize("words", ["Zoë", "zoe quispe", "QUISPE, Zoe", "MRN 710041", "710041"])
def test_a_patient_is_found_by_name_or_mrn(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn, words: str
) -> None:
    seen_of(clinic, nurse, now, family_name="Quispe", given_name="Zoë", mrn="710041")
    seen_of(clinic, nurse, now, family_name="Eide", given_name="Noor", mrn="710042")
    response = search(as_role("auditor"), words)
    assert {"patient.read", "pump.excluded"} <= set(shown(response))
    assert all("Eide" not in row.subject for row in response.context["page"].rows)
    assert any("QUISPE" in row.subject for row in response.context["page"].rows)


def test_no_name_stands_in_an_address_or_in_the_log(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn
) -> None:
    seen_of(clinic, nurse, now, family_name="Quispe")
    client = as_role("auditor")
    answer = client.post("/audit/search/", {"words": "quispe", "event": "patient.read"})
    assert "quispe" not in answer["Location"].lower()
    assert "event=patient.read" in answer["Location"]
    page = client.get(answer["Location"])
    assert shown(page) == ["patient.read"]
    read = AuditEvent.objects.filter(event="audit.read").latest("id")
    assert read.after == {"event": "patient.read", "searched": True, "rows": 1}
    export = b"".join(client.get(answer["Location"].replace("/audit/", "/audit.csv"))).decode()
    assert export.count("patient.read") == 1
    assert "pump.excluded" not in export


def test_nobody_elses_patients_are_found(
    clinic: Clinic, other_clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn
) -> None:
    theirs = seen_of(other_clinic, nurse, now, family_name="Quispe")
    ours = seen_of(clinic, nurse, now, family_name="Quispe")
    response = search(as_role("auditor"), "quispe")
    assert response.context["query"].found == 1
    keys = {row.event.subject_id for row in response.context["page"].rows}
    assert {str(ours.uuid), str(ours.patient.uuid)} <= keys
    assert not {str(theirs.uuid), str(theirs.patient.uuid)} & keys


def test_nothing_found_and_a_search_that_expired_say_so(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn
) -> None:
    seen_of(clinic, nurse, now, family_name="Quispe")
    client = as_role("auditor")
    none = search(client, "nobody")
    assert shown(none) == []
    assert "has this name or MRN" in text(none)
    expired = client.get("/audit/?patient=~0123456789abcdef")
    assert "That search has expired" in text(expired)
    assert "pump.excluded" in shown(expired)
    assert client.get("/audit/?patient=Quispe").context["query"].expired


def test_an_empty_search_shows_everything(clinic: Clinic, as_role: SignedIn) -> None:
    answer = as_role("auditor").post("/audit/search/", {"words": " "})
    assert answer["Location"] == "/audit/"


def test_a_search_costs_as_many_queries_for_one_patient_as_for_three(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn
) -> None:
    client = as_role("auditor")
    seen_of(clinic, nurse, now, family_name="Quispe")
    url = client.post("/audit/search/", {"words": "quispe"})["Location"]
    one = queries(client, url)
    for _ in range(2):
        seen_of(clinic, nurse, now, family_name="Quispe")
    assert client.get(url).context["query"].found == 3
    assert queries(client, url) == one


# --- words in place of codes ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"tab": "todo"}, "To do now"),
        ({"tab": "mine"}, "Mine"),
        ({"owner_role": "nurse"}, "Rehab nurse"),
        ({"kind": "unbooked"}, "No refill is booked in time"),
        ({"kind": "no_show"}, "The patient did not come"),
        ({"milestone": "overdue"}, "The refill date passed"),
        ({"codes": ["duplicate_mrn", "date_in_future"]}, "Duplicate MRN, Date in future"),
        ({"state": "dismissed"}, "Dismissed"),
        ({"outcome": "unchanged"}, "Nothing new"),
        ({"kind": "never_heard_of"}, "Never heard of"),
    ],
)
def test_stored_codes_are_shown_in_words(
    clinic: Clinic, nurse: User, now: datetime, as_role: SignedIn, value: Any, words: str
) -> None:
    event(clinic, nurse, now, after=value)
    page = as_role("auditor").get("/audit/?event=clinic.changed")
    [line] = page.context["page"].rows[0].lines
    assert line.after == words


def test_an_administrator_is_not_sent_to_an_administrator(as_role: SignedIn) -> None:
    for url in ("/audit/", "/imports/rows/"):
        said = text(as_role("admin").get(url))
        assert "You give people their roles under Clinic" in said
        assert "Ask a clinic administrator" not in said
        assert "Ask a clinic administrator" in text(as_role("pharmacist").get(url))


@pytest.mark.parametrize("path", ["/audit/", "/audit.csv"])
@pytest.mark.parametrize(("name", "count"), [("until", 1), ("since", 0)])
def test_the_last_day_of_the_calendar_is_a_day(
    clinic: Clinic, as_role: SignedIn, now: datetime, path: str, name: str, count: int
) -> None:
    event(clinic, factories.user("boss", clinic, "admin"), now, reason="Seen")
    client = as_role("auditor")
    said = text(client.get(path, {name: "9999-12-31", "event": "clinic.changed"}))
    assert said.count("Seen") == count
    said = text(client.get(path, {name: "0001-01-01", "event": "clinic.changed"}))
    assert said.count("Seen") == 1 - count
