"""A refill that came with a sheet: from the history to its page, and taken back with a reason."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent, Clinic, User
from alarms.models import Projection
from core.rules import RuleViolation
from dosing.models import Program, ProgramCorrection
from pumps.models import Interrogation, InterrogationCorrection, Pump
from refills.models import Fill, FillCorrection
from rosters.services.imported import take_back_imported
from rosters.services.importing import import_roster
from tests import factories
from tests.unit.rosters.sheets import cells, csv_of

from .conftest import SignedIn, queries, signed_in, text

pytestmark = pytest.mark.django_db


def load(clinic: Clinic, by: User, now: datetime, day: datetime, **other: str) -> Any:
    row = cells(last_refill=f"{day:%Y-%m-%d}", alarm_date="", low_alarm="", **other)
    return import_roster(
        clinic=clinic, content=csv_of(row), filename_suffix=".csv",
        as_of=now.astimezone(clinic.zone).date(), by=by, now=now,
    )  # fmt: skip


@pytest.fixture
def fill(clinic: Clinic, nurse: User, now: datetime) -> Fill:
    """Yesterday's, where the refill was a month ago."""
    assert load(clinic, nurse, now, now - timedelta(days=1)).imported == 1
    return Fill.objects.get()


def address(fill: Fill) -> str:
    return f"/refills/{fill.uuid}/"


def patient_page(client: Client, fill: Fill) -> str:
    pump = fill.pump
    return client.get(f"/patients/{pump.patient.uuid}/?pump={pump.uuid}").content.decode()


def test_a_wrong_sheets_refill_is_taken_back_where_the_refusal_says_so(
    clinic: Clinic, nurse: User, now: datetime, fill: Fill
) -> None:
    late = Projection.objects.get().alarm_date
    right = load(clinic, nurse, now, now - timedelta(days=31))
    assert [error.code for _, error in right.errors] == ["conflicts_with_record"]
    client = signed_in(nurse)
    assert re.findall(r'href="(/refills/[^"]*)"', patient_page(client, fill)) == [address(fill)]
    shown = text(client.get(address(fill)))
    assert "20 mL" in shown
    assert "2,000 mcg per mL" in shown
    answer = client.post(address(fill), {"reason": "Typed a month late"}, follow=True)
    assert "The refill is taken back" in text(answer)
    assert "Entered in error" in text(answer)
    assert address(fill) not in answer.content.decode()
    assert FillCorrection.objects.get().reason == ProgramCorrection.objects.get().reason
    assert Projection.objects.get().alarm_date is None
    assert {"fill.corrected", "program.corrected"} <= set(
        AuditEvent.objects.values_list("event", flat=True)
    )
    assert load(clinic, nurse, now, now - timedelta(days=31)).imported == 1
    early = Projection.objects.get().alarm_date
    assert late is not None
    assert early is not None
    assert early <= late - timedelta(days=29)
    assert load(clinic, nurse, now, now - timedelta(days=1)).refused == 1  # not a second time


def test_the_alarm_volume_that_the_sheet_brought_goes_with_it(
    clinic: Clinic, nurse: User, now: datetime, fill: Fill
) -> None:
    pump = Pump.objects.get()
    row = cells(last_refill=f"{now - timedelta(days=1):%Y-%m-%d}", alarm_date="", low_alarm="1")
    import_roster(
        clinic=clinic, content=csv_of(row), filename_suffix=".csv",
        as_of=now.astimezone(clinic.zone).date(), by=nurse, now=now,
    )  # fmt: skip
    pump.refresh_from_db()
    assert pump.low_reservoir_alarm_ml == 1
    assert not pump.low_reservoir_alarm_assumed
    take_back_imported(fill=fill, reason="Wrong row", by=nurse, now=now)
    pump.refresh_from_db()
    assert pump.low_reservoir_alarm_assumed
    assert pump.low_reservoir_alarm_ml == pump.model.default_low_reservoir_alarm_ml
    assert InterrogationCorrection.objects.count() == Interrogation.objects.count() == 1


def test_without_a_reason_or_with_a_later_visit_nothing_is_taken_back(
    clinic: Clinic, nurse: User, now: datetime, fill: Fill
) -> None:
    client = signed_in(nurse)
    refused = client.post(address(fill), {"reason": " "})
    assert refused.status_code == 422
    factories.visit_of(fill.pump, now)
    refused = client.post(address(fill), {"reason": "Wrong sheet"})
    assert refused.status_code == 422
    assert "After this refill a refill was recorded" in text(refused)
    assert "Take back the later one first" in text(refused)
    assert "Wrong sheet" in refused.content.decode()
    assert not FillCorrection.objects.exists()
    assert Program.objects.filter(correction__isnull=True).exists()


def test_twice_is_refused_and_a_visits_refill_is_the_visits(
    nurse: User, now: datetime, fill: Fill
) -> None:
    take_back_imported(fill=fill, reason="Wrong row", by=nurse, now=now)
    with pytest.raises(RuleViolation, match="already_corrected"):
        take_back_imported(fill=fill, reason="Wrong row", by=nurse, now=now)
    visit = factories.visit_of(fill.pump, now)
    assert visit.fill is not None
    with pytest.raises(RuleViolation, match="of_a_visit"):
        take_back_imported(fill=visit.fill, reason="Wrong row", by=nurse, now=now)
    client = signed_in(nurse)
    assert client.get(address(visit.fill)).status_code == 404
    assert "/refills/" not in patient_page(client, fill)


def test_only_who_records_visits_there_may(
    other_clinic: Clinic, fill: Fill, client: Client, as_role: SignedIn
) -> None:
    staff = as_role("staff")
    assert "/refills/" not in patient_page(staff, fill)
    assert staff.post(address(fill), {"reason": "Wrong row"}).status_code == 403
    client.force_login(factories.user("stranger", other_clinic, "nurse"))
    assert client.post(address(fill), {"reason": "Wrong row"}).status_code == 404
    assert not FillCorrection.objects.exists()


def test_the_history_costs_no_query_for_each_refill(
    clinic: Clinic, nurse: User, now: datetime, fill: Fill
) -> None:
    client = signed_in(nurse)
    page = f"/patients/{fill.pump.patient.uuid}/?pump={fill.pump.uuid}"
    client.get(page)
    one = queries(client, page)
    for hours in (2, 1):
        factories.visit_of(fill.pump, now - timedelta(hours=hours))
    assert Fill.objects.count() == 3
    assert queries(client, page) == one
