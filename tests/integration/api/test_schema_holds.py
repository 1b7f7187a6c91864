"""The answers are what the published schema says, field for field: it is written by hand twice."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client
from rest_framework.serializers import Serializer

from accounts.models import Clinic, User
from alarms.models import Projection
from followup.services import scans
from followup.services.settling import exclude
from itbclinic.api.schemas import ProblemSerializer, RefillsDueSerializer, ResultSerializer
from pumps.models import Pump
from pumps.services import InterrogationEntry
from rosters.models import ImportRow, ImportRun
from tests import factories
from tests.unit.alarms.test_case_lines import BROKEN, case
from visits.services import booking, visit

from .conftest import URL, Get

pytestmark = pytest.mark.django_db
WHAT_IF = "/api/v1/projections/what-if/"


def holds(schema: type[Serializer[Any]], answer: Any) -> bool:
    """Whether the answer, read by the schema and written by it again, is the same.

    A missing field is refused, an unknown one is not written again, and a value of another type
    or form comes back as another one.
    """
    read = schema(data=answer)
    if not read.is_valid():
        return False
    written = json.loads(json.dumps(schema(read.validated_data).data))
    # What need not be there, and is not, is written as null.
    same: bool = {name: written[name] for name in read.validated_data} == answer
    return same


@pytest.fixture
def every_kind(clinic: Clinic, nurse: User, now: datetime) -> None:
    """A pump of each kind of row, an excluded one, and a row of the roster that was refused."""
    for days in (-12, -1, 4, 12, 40):
        factories.due_in(clinic, days, now)
    Pump.objects.filter(pk=factories.pump(clinic).pk).update(serial_number="")
    factories.due_in(clinic, 30, now, alarm_ml=None)  # the alarm volume is assumed
    stale = factories.due_in(clinic, 31, now)
    doubtful = factories.due_in(clinic, 50, now)
    seen = InterrogationEntry(source="printout", printed_alarm_date=now.date())
    visit.record_facts(pump_id=doubtful.pk, at=now, by=nurse, now=now, interrogation=seen)
    booked = factories.due_in(clinic, 32, now)
    day = now.astimezone(clinic.zone).date() + timedelta(days=5)
    booking.book(pump_id=booked.pk, day=day, at=time(9), by=nurse, now=now)
    away, until = factories.due_in(clinic, 33, now), (now + timedelta(days=3)).date()
    exclude(pump=away, reason="In hospital", ends_on=until, by=nurse, now=now)
    run = ImportRun.objects.create(
        clinic=clinic, by=nurse, as_of=now.date(), content_sha256="0" * 64, started_at=now
    )
    problem = {"column": "", "code": "missing", "message": "Write the MRN."}
    ImportRow.objects.create(
        run=run, clinic=clinic, row=12, mrn="", raw={}, outcome="refused", errors=[problem]
    )
    scans.sweep(clock=lambda: now)
    Projection.objects.filter(pump=stale).delete()


@pytest.mark.usefixtures("every_kind")
def test_the_list_is_what_its_schema_says_for_every_kind_of_row(get: Get) -> None:
    answer = get(f"{URL}?due_before=2999-01-01", Host="localhost").json()
    assert holds(RefillsDueSerializer, answer)
    rows = answer["results"]
    assert {row["status"] for row in rows} == {
        "unknown", "empty", "alarm", "overdue", "due", "not_due",
    }  # fmt: skip
    assert {row["reason"] for row in rows} == {
        None, "no_fill", "alarm_date_mismatch", "recalculating",
    }  # fmt: skip
    assert len({row["appointment"] is None for row in rows}) == 2
    assert any("low_reservoir_alarm_assumed" in row["flags"] for row in rows)
    assert (len(answer["unimported_rows"]), answer["excluded_count"]) == (1, 1)
    part = get(f"{URL}?due_before=2999-01-01&page_size=2", Host="localhost").json()
    assert part["next"] is not None
    assert holds(RefillsDueSerializer, part)


@pytest.mark.usefixtures("every_kind")
def test_a_difference_is_seen(get: Get) -> None:
    answer = get(f"{URL}?due_before=2999-01-01", Host="localhost").json()
    changes: tuple[Callable[[Any], object], ...] = (
        lambda found: found.pop("stale"),
        lambda found: found.update(extra=1),
        lambda found: found["results"][-1].pop("flags"),
        lambda found: found["results"][-1].update(extra=None),
        lambda found: found["results"][-1].update(status="late"),
        lambda found: found["results"][-1].update(refill_due_on="09-Mar-2027"),
        lambda found: found["results"][-1].update(days_to_alarm="9"),
        lambda found: found["results"][-1]["pump"].update(extra=None),
        lambda found: found["unimported_rows"][0]["errors"][0].update(extra=None),
        lambda found: found["unimported_rows"][0].update(imported_on="2026-11-24T10:00:00-07:00"),
    )
    for change in changes:
        changed = deepcopy(answer)
        change(changed)
        assert not holds(RefillsDueSerializer, changed)


def test_no_rows_and_a_refused_question_hold_too(get: Get) -> None:
    assert holds(RefillsDueSerializer, get().json())
    refused = get(f"{URL}?status=late").json()
    assert refused["errors"]
    assert holds(ProblemSerializer, refused)


@pytest.mark.parametrize(
    "body", [json.dumps(case(id="x")), *(body for _, body in BROKEN)], ids=lambda _: ""
)
def test_what_if_is_what_its_schema_says(clinic: Clinic, client: Client, body: str) -> None:
    _, token = factories.api_client(clinic)
    answer = client.post(
        WHAT_IF,
        data=body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    ).json()
    assert holds(ResultSerializer, answer)
