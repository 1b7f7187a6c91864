"""The refill-due list over REST: the right pumps, in order, with proof of completeness."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import services as accounts
from accounts.models import AuditEvent, Clinic, Scope, User
from accounts.services import clients
from alarms.models import Projection
from alarms.selectors import worklist
from followup.models import ScanRun
from followup.services import scans
from followup.services.settling import exclude, settle
from pumps.models import Pump
from pumps.services import InterrogationEntry
from refills.services import book
from tests import factories
from visits.services import visit

from .conftest import URL, Get

pytestmark = pytest.mark.django_db


def ids(response: Any) -> list[str]:
    return [row["pump"]["id"] for row in response.json()["results"]]


def test_most_urgent_first_and_unknown_on_top(clinic: Clinic, now: datetime, get: Get) -> None:
    wanted = [
        factories.pump(clinic),  # no fill
        factories.due_in(clinic, -12, now),  # empty: 2 mL more are 6.7 days
        factories.due_in(clinic, -1, now),
        factories.due_in(clinic, 4, now),
        factories.due_in(clinic, 12, now),
        factories.due_in(clinic, 15, now),
    ]
    factories.due_in(clinic, 40, now)
    response = get()
    assert ids(response) == [str(pump.uuid) for pump in wanted]
    statuses = [row["status"] for row in response.json()["results"]]
    assert statuses == ["unknown", "empty", "alarm", "overdue", "due", "due"]
    body = response.json()
    assert body["total_count"] == 6
    assert body["active_count"] == 7
    assert body["complete"] is True
    assert body["next"] is None
    assert body["results"][0]["reason"] == "no_fill"
    assert body["results"][0]["days_to_alarm"] is None
    assert body["results"][4]["days_to_alarm"] in (11, 12)  # the pump's clock may say a day less
    assert body["results"][4]["daily_dose_mcg"] == "600"
    assert body["results"][4]["binding_clock"] == "low_reservoir"


def test_due_before_takes_what_is_due_by_that_day_and_every_unknown(
    clinic: Clinic, now: datetime, get: Get
) -> None:
    unknown = factories.pump(clinic)
    soon = factories.due_in(clinic, 30, now)
    factories.due_in(clinic, 50, now)
    day = Projection.objects.get(pump=soon).refill_due_on
    assert ids(get(f"{URL}?due_before={day}")) == [str(unknown.uuid), str(soon.uuid)]
    assert day is not None
    earlier = day - timedelta(days=1)
    assert ids(get(f"{URL}?due_before={earlier}")) == [str(unknown.uuid)]
    assert str(unknown.uuid) in ids(get(f"{URL}?due_after=2999-01-01"))


def test_a_filter_that_leaves_out_somebody_more_urgent_says_so(
    clinic: Clinic, now: datetime, get: Get
) -> None:
    factories.due_in(clinic, -1, now)
    calm = factories.due_in(clinic, 12, now, family_name="Zzyzx")
    body = get(f"{URL}?search=zzyzx").json()
    assert [row["pump"]["id"] for row in body["results"]] == [str(calm.uuid)]
    assert body["hidden_more_urgent"] == 1
    assert get().json()["hidden_more_urgent"] == 0
    assert get(f"{URL}?search=nobody").json()["hidden_more_urgent"] == 2


def test_more_urgent_by_a_day_only_is_more_urgent_too(
    clinic: Clinic, now: datetime, get: Get
) -> None:
    for days in (9, 10, 20, 50):
        factories.due_in(clinic, days, now)
    factories.due_in(clinic, 12, now, family_name="Zzyzx")
    body = get(f"{URL}?search=zzyzx").json()
    assert {row["status"] for row in body["results"]} == {"due"}
    assert body["hidden_more_urgent"] == 2


def test_due_after_alone_lists_nobody_who_is_not_due(
    clinic: Clinic, now: datetime, get: Get
) -> None:
    due = factories.due_in(clinic, 20, now)
    factories.due_in(clinic, 50, now)
    assert ids(get(f"{URL}?due_after={now.date()}")) == [str(due.uuid)]


def test_unbooked_means_no_appointment_by_the_due_date(
    clinic: Clinic, nurse: User, now: datetime, get: Get
) -> None:
    booked, late, none = (factories.due_in(clinic, 14, now) for _ in range(3))
    book(pump=booked, starts_at=now + timedelta(days=2), by=nurse, now=now)
    book(pump=late, starts_at=now + timedelta(days=13), by=nurse, now=now)
    assert set(ids(get(f"{URL}?unbooked=true"))) == {str(late.uuid), str(none.uuid)}
    assert ids(get(f"{URL}?unbooked=false")) == [str(booked.uuid)]
    row = get(f"{URL}?unbooked=false").json()["results"][0]
    assert row["appointment"]["starts_at"] == (now + timedelta(days=2)).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )


def test_pages_follow_each_other_and_say_when_something_moved(
    clinic: Clinic, nurse: User, now: datetime, get: Get
) -> None:
    pumps = [factories.due_in(clinic, days, now) for days in (8, 9, 10, 11, 12)]
    first = get(f"{URL}?page_size=2").json()
    assert first["complete"] is False
    second = get(first["next"]).json()
    third = get(second["next"]).json()
    found = [row["pump"]["id"] for page in (first, second, third) for row in page["results"]]
    assert found == [str(pump.uuid) for pump in pumps]
    assert third["complete"] is True
    assert third["next"] is None
    book(pump=pumps[0], starts_at=now + timedelta(days=1), by=nurse, now=now)
    accounts.bump_change_sequence([clinic.pk])
    moved = get(second["next"]).json()
    assert moved["complete"] is False


def test_an_appointments_hour_that_comes_between_two_pages_is_a_move_of_the_unbooked(
    clinic: Clinic, nurse: User, get: Get
) -> None:
    """Nothing is recorded at that hour, yet the pump is an unbooked one from then on."""
    now = datetime(2026, 12, 2, 15, 10, tzinfo=UTC)  # no midnight comes between the pages
    with time_machine.travel(now, tick=False):
        factories.due_in(clinic, 1, now)
        missed = factories.due_in(clinic, 9, now)
        factories.due_in(clinic, 10, now)
        factories.due_in(clinic, 11, now)
        book(pump=missed, starts_at=now + timedelta(minutes=1), by=nurse, now=now)
        first = get(f"{URL}?unbooked=true&page_size=2").json()
        all_of_it = get(f"{URL}?page_size=2").json()
        assert get(first["next"]).json()["complete"] is True
    with time_machine.travel(now + timedelta(minutes=2), tick=False):
        last, whole = get(first["next"]).json(), get(all_of_it["next"]).json()
    seen = [row["pump"]["id"] for row in first["results"] + last["results"]]
    assert str(missed.uuid) not in seen
    assert (first["total_count"], last["total_count"]) == (3, 4)
    assert last["complete"] is False
    assert whole["complete"] is True  # of the whole list it moves nobody


def test_a_change_while_the_last_page_is_read_is_a_move(
    clinic: Clinic, now: datetime, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the sequence and the rows, a pump may move to a page already read."""
    for days in (8, 9, 10):
        factories.due_in(clinic, days, now)
    following = get(f"{URL}?page_size=2").json()["next"]
    real = worklist.page

    def page(*args: Any, **options: Any) -> Any:
        accounts.bump_change_sequence([clinic.pk])
        return real(*args, **options)

    assert get(following).json()["complete"] is True
    monkeypatch.setattr(worklist, "page", page)
    assert get(following).json()["complete"] is False
    assert get().json()["complete"] is False


def test_a_cursor_is_refused_with_other_filters_or_when_mangled(
    clinic: Clinic, now: datetime, get: Get
) -> None:
    for days in (8, 9, 10):
        factories.due_in(clinic, days, now)
    following = get(f"{URL}?page_size=2").json()["next"]
    for url in (following + "&status=due", following + "x"):
        refused = get(url)
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["code"] == "bad_cursor"


def test_nothing_changed_is_304_and_a_change_is_not(
    clinic: Clinic, nurse: User, now: datetime, get: Get
) -> None:
    pump = factories.due_in(clinic, 12, now)
    scans.sweep(clock=lambda: now)
    first = get()
    etag = first["ETag"]
    assert etag.startswith('W/"')
    same = get(**{"If-None-Match": etag})
    assert same.status_code == 304
    for header in ("*", etag.removeprefix("W/"), f'"other", {etag}'):
        assert get(**{"If-None-Match": header}).status_code == 304
    assert same["X-Computed-At"] == first["X-Computed-At"] == first.json()["computed_at"]
    scans.sweep(clock=lambda: now + timedelta(seconds=1))
    later = get(**{"If-None-Match": etag})
    assert later.status_code == 304, "a sweep that changes nothing is no change"
    assert later["X-Computed-At"] != first["X-Computed-At"]
    visit.record_facts(pump_id=pump.pk, at=now, by=nurse, now=now, fill=factories.fill("19"))
    assert get(**{"If-None-Match": etag}).status_code == 200


def test_stale_until_a_sweep_has_come_to_its_end(clinic: Clinic, now: datetime, get: Get) -> None:
    body = get().json()
    assert body["stale"] is True
    assert body["computed_at"] is None
    scans.sweep(clock=lambda: now)
    assert get().json()["stale"] is False
    ScanRun.objects.update(finished_at=now - timedelta(minutes=16), started_at=now
                                 - timedelta(minutes=17))  # fmt: skip
    assert get().json()["stale"] is True


def test_a_projection_of_another_version_is_recalculating_and_shows_no_date(
    clinic: Clinic, now: datetime, get: Get
) -> None:
    pump = factories.due_in(clinic, 50, now)
    Pump.objects.filter(pk=pump.pk).update(input_version=99)
    row = get().json()["results"][0]
    assert (row["status"], row["reason"]) == ("unknown", "recalculating")
    assert row["alarm_date"] is row["refill_due_on"] is row["days_to_alarm"] is None
    scans.sweep(clock=lambda: now)
    assert get().json()["results"] == []


def test_a_printed_date_that_differs_makes_it_unknown_until_somebody_settles_it(
    clinic: Clinic, nurse: User, now: datetime, get: Get
) -> None:
    pump = factories.due_in(clinic, 50, now)
    ours = Projection.objects.get(pump=pump).alarm_date
    assert ours is not None
    seen = InterrogationEntry(source="printout", printed_alarm_date=ours - timedelta(days=9))
    visit.record_facts(pump_id=pump.pk, at=now, by=nurse, now=now, interrogation=seen)
    row = get().json()["results"][0]
    assert (row["status"], row["reason"]) == ("unknown", "alarm_date_mismatch")
    assert row["alarm_date"] == ours.isoformat()
    assert row["printed_alarm_date"] == (ours - timedelta(days=9)).isoformat()
    # A dose change does not make the difference go away.
    visit.record_facts(
        pump_id=pump.pk, at=now, by=nurse, now=now,
        program=factories.simple(now + timedelta(minutes=5), "610"),
    )  # fmt: skip
    assert get().json()["results"][0]["reason"] == "alarm_date_mismatch"
    pump.refresh_from_db()
    settle(
        pump=pump, settles="alarm_date_mismatch", reason="Printout was of another patient",
        ends_on=(now + timedelta(days=20)).date(), by=nurse, now=now,
        seen_version=pump.input_version,
    )  # fmt: skip
    assert get().json()["results"] == []
    assert get(f"{URL}?status=not_due").json()["total_count"] == 1


def test_an_excluded_pump_is_counted_and_not_listed(
    clinic: Clinic, nurse: User, now: datetime, get: Get
) -> None:
    pump = factories.due_in(clinic, -1, now)
    ends_on = (now + timedelta(days=3)).date()
    exclude(pump=pump, reason="In hospital", ends_on=ends_on, by=nurse, now=now)
    body = get().json()
    assert (body["total_count"], body["excluded_count"]) == (0, 1)


def test_the_same_rows_as_csv_and_no_cell_starts_a_formula(
    clinic: Clinic, now: datetime, get: Get
) -> None:
    factories.due_in(clinic, 12, now, family_name='=HYPERLINK("http://x.example")', mrn="-5")
    response = get(Accept="text/csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    wanted = get().json()["results"]
    assert [row["pump_id"] for row in rows] == [row["pump"]["id"] for row in wanted]
    assert rows[0]["refill_due_on"] == wanted[0]["refill_due_on"]
    assert rows[0]["mrn"] == "'-5"
    assert rows[0]["name"].startswith("'=")
    factories.due_in(clinic, 2, now, family_name="＝HYPERLINK(1)", mrn="＋1")
    first = next(csv.DictReader(io.StringIO(get(Accept="text/csv").content.decode())))
    assert (first["name"][0], first["mrn"][0]) == ("'", "'")
    bad = get(f"{URL}?due_before=x", Accept="text/csv")
    assert bad.status_code == 400
    assert bad["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("due_before=22.11.2026", "due_before"),
        ("status=late", "status"),
        ("unbooked=perhaps", "unbooked"),
        ("page_size=0", "page_size"),
        ("page_size=201", "page_size"),
        ("due_befor=2026-01-01", "due_befor"),
        ("clinic=elsewhere", "clinic"),
        ("status=due&status=overdue", "status"),
    ],
)
def test_a_mistyped_filter_is_refused_by_name(get: Get, query: str, field: str) -> None:
    response = get(f"{URL}?{query}")
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["errors"][0]["field"] == field


def test_tokens_open_their_clinics_and_scopes_only(
    clinic: Clinic, other_clinic: Clinic, now: datetime, client: Client, get: Get
) -> None:
    factories.due_in(other_clinic, 4, now)
    mine = factories.due_in(clinic, 4, now)
    assert ids(get()) == [str(mine.uuid)]
    assert get(f"{URL}?clinic={other_clinic.slug}").status_code == 400
    _, narrow = factories.api_client(clinic, scopes=(Scope.WHAT_IF,))
    assert client.get(URL, headers={"Authorization": f"Bearer {narrow}"}).status_code == 403
    for header in ("Bearer itb_wrong", "Bearer", "Basic eDp5"):
        answer = client.get(URL, headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer["Content-Type"] == "application/problem+json"
    assert client.get(URL).status_code == 401


def test_revoked_and_expired_tokens_are_refused(
    clinic: Clinic, nurse: User, now: datetime, client: Client
) -> None:
    made, token = factories.api_client(clinic)
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get(URL, headers=headers).status_code == 200
    clients.revoke_api_client(client=made, by=nurse, at=now)
    assert client.get(URL, headers=headers).status_code == 401
    made, token = factories.api_client(clinic)
    old = now - timedelta(days=200)
    type(made).objects.filter(pk=made.pk).update(created_at=old, expires_at=now)
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get(URL, headers=headers).status_code == 401


def test_the_number_of_queries_does_not_follow_the_rows(
    clinic: Clinic, now: datetime, get: Get
) -> None:
    factories.due_in(clinic, 12, now)
    get()
    with CaptureQueriesContext(
        connection,
    ) as one:
        get()
    for days in (10, 11):
        factories.due_in(clinic, days, now)
    with CaptureQueriesContext(connection) as three:
        assert len(get().json()["results"]) == 3
    assert len(one) == len(three)
    assert len(three) <= 14


def test_a_pull_is_audited_without_patient_data(clinic: Clinic, now: datetime, get: Get) -> None:
    factories.due_in(clinic, 12, now)
    get()
    event = AuditEvent.objects.get(event="list.read")
    assert event.clinic_id == clinic.pk
    assert event.after == {"rows": 1}


def test_the_schema_and_the_docs_are_served(client: Client) -> None:
    schema = client.get("/api/v1/schema/?format=json").json()
    assert schema["openapi"].startswith("3.")
    assert {"/api/v1/refills-due/", "/api/v1/projections/what-if/"} <= set(schema["paths"])
    docs = client.get("/api/v1/docs/")
    assert docs.status_code == 200
    assert "<style" not in docs.content.decode() or "Content-Security-Policy" in docs.headers
    missing = client.get("/api/v1/nothing/")
    assert missing.status_code == 404
    assert missing["Content-Type"] == "application/problem+json"
