"""A bridge bolus at a visit with another concentration: recorded, counted in the dates, taken back;
and the boluses that a pump gives already.

The figures are those of docs/domain.md, Bridge bolus: 500 to 2,000 mcg/mL at 200 mcg/day over a
path of 0.375 mL is 750 mcg over 22.5 h, at the old flow of 0.4 mL a day.
"""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEvent, Clinic, User
from alarms.models import Projection
from core.rules import RuleViolation
from dosing.models import Bolus, BolusCorrection, BolusKind
from dosing.services import BolusEntry, record_bolus
from pumps.models import Pump
from tests import factories
from tests.summary_support import settings_of, summary_of
from visits.models import Visit
from visits.services.encounter import BridgeEntry, VisitEntry, complete_visit, withdraw_visit
from visits.services.visit import record_facts

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 18, tzinfo=UTC)  # 11:00 in Denver
D40 = BridgeEntry(Decimal(750), Decimal(1350))


@pytest.fixture
def doctor(clinic: Clinic) -> User:
    return factories.user("doctor-1", clinic, "doctor")


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    """Runs at 200 mcg a day of 500 mcg/mL: 0.4 mL a day."""
    pump = factories.pump(clinic)
    record_facts(
        pump_id=pump.pk, at=NOW - timedelta(days=30), by=factories.user("n", clinic, "nurse"),
        now=NOW, fill=factories.fill(concentration="500"),
        program=factories.simple(NOW - timedelta(days=30), "200", "500"),
    )  # fmt: skip
    return pump


def entry(bridge: BridgeEntry | None = D40, concentration: str = "2000") -> VisitEntry:
    return VisitEntry(
        key=uuid.uuid4(), at=NOW, fill=factories.fill(concentration=concentration),
        program=factories.simple(NOW, "200", concentration), reason="Fewer refills",
        concern_reason="Bridged as computed", bridge=bridge,
    )  # fmt: skip


def alarm_at(pump: Pump) -> datetime:
    found = Projection.objects.get(pump=pump).alarm_at
    assert found is not None
    return found


def test_it_is_recorded_and_the_alarm_comes_earlier(pump: Pump, doctor: User) -> None:
    visit = complete_visit(pump_id=pump.pk, entry=entry(), by=doctor, now=NOW)
    assert visit.bridge is not None
    assert (visit.bridge.kind, visit.bridge.at) == ("bridge", NOW)
    assert visit.bridge.replaces_program
    # 18 mL to the alarm: 0.375 mL in 22.5 h, the rest at 0.1 mL a day.
    after = timedelta(hours=22.5) + timedelta(days=float((18 - Decimal("0.375")) / Decimal("0.1")))
    assert alarm_at(pump) == NOW + after
    assert alarm_at(pump) < NOW + timedelta(days=180)  # what it would be without the bridge
    assert AuditEvent.objects.filter(event="bolus.recorded").count() == 1


def test_taking_the_visit_back_takes_the_bolus_back(pump: Pump, doctor: User) -> None:
    before = alarm_at(pump)
    visit = complete_visit(pump_id=pump.pk, entry=entry(), by=doctor, now=NOW)
    withdraw_visit(visit=visit, reason="Wrong patient", by=doctor, now=NOW)
    assert alarm_at(pump) == before
    assert BolusCorrection.objects.get(bolus=visit.bridge).replacement is None
    assert AuditEvent.objects.filter(event="bolus.withdrawn").count() == 1


def test_the_same_form_twice_is_one_and_with_another_bridge_is_refused(
    pump: Pump, doctor: User
) -> None:
    once = entry()
    first = complete_visit(pump_id=pump.pk, entry=once, by=doctor, now=NOW)
    assert complete_visit(pump_id=pump.pk, entry=once, by=doctor, now=NOW) == first
    for other in (None, BridgeEntry(Decimal(751), Decimal(1350))):
        with pytest.raises(RuleViolation) as refused:
            complete_visit(pump_id=pump.pk, entry=replace(once, bridge=other), by=doctor, now=NOW)
        assert refused.value.problems[0].code == "key_used"
    assert Bolus.objects.count() == 1


@pytest.mark.parametrize(
    ("bridge", "concentration", "problem"),
    [
        (D40, "500", "bridge_mcg:bridge_without_change"),
        (BridgeEntry(Decimal(0), Decimal(1350)), "2000", "bridge_mcg:not_positive"),
        (BridgeEntry(Decimal(750), Decimal(0)), "2000", "bridge_hours:bridge_too_long"),
        (BridgeEntry(Decimal(50_001), Decimal(1440)), "2000", "bridge_mcg:flow_above_maximum"),
    ],
)
def test_what_no_pump_gives_is_refused_and_nothing_is_written(
    pump: Pump, doctor: User, bridge: BridgeEntry, concentration: str, problem: str
) -> None:
    with pytest.raises(RuleViolation) as refused:
        complete_visit(pump_id=pump.pk, entry=entry(bridge, concentration), by=doctor, now=NOW)
    assert [f"{p.field}:{p.code}" for p in refused.value.problems] == [problem]
    assert not Visit.objects.exists()
    assert not Bolus.objects.exists()


def bolus(pump: Pump, by: User, at: datetime, dose_mcg: str, minutes: str) -> None:
    given = BolusEntry(
        kind=BolusKind.SINGLE, at=at, dose_mcg=Decimal(dose_mcg), minutes=Decimal(minutes)
    )
    with transaction.atomic():
        record_bolus(pump=pump, entry=given, by=by, now=NOW)


def test_a_bolus_of_an_earlier_fill_is_not_judged_by_the_new_concentration(
    pump: Pump, doctor: User
) -> None:
    """20 mL/day of 2,000 mcg/mL, which 500 mcg/mL would make 80: above the pump's 24."""
    at = NOW - timedelta(days=20)
    earlier = replace(entry(None), at=at, program=factories.simple(at, "200"))
    complete_visit(pump_id=pump.pk, entry=earlier, by=doctor, now=at)
    bolus(pump, doctor, NOW - timedelta(days=10), "40000", "1440")
    visit = complete_visit(pump_id=pump.pk, entry=entry(None, "500"), by=doctor, now=NOW)
    assert visit.fill is not None


def test_a_bolus_that_still_runs_is_judged_before_the_visit_is_saved(
    pump: Pump, doctor: User
) -> None:
    bolus(pump, doctor, NOW - timedelta(hours=1), "11000", "1440")
    faster = replace(entry(None, "500"), program=factories.simple(NOW, "2000", "500"))
    with pytest.raises(RuleViolation) as refused:
        complete_visit(pump_id=pump.pk, entry=faster, by=doctor, now=NOW)
    [problem] = refused.value.problems
    assert (problem.field, problem.code) == ("daily_dose_mcg", "flow_above_maximum")
    assert problem.message.startswith("With the bolus that still runs: This would run at 26 mL/day")
    assert not Visit.objects.exists()


def test_the_database_wants_a_fill_beside_it(pump: Pump, doctor: User) -> None:
    visit = complete_visit(pump_id=pump.pk, entry=entry(), by=doctor, now=NOW)
    with (
        pytest.raises(IntegrityError, match="visit_bridge_comes_with_a_fill"),
        transaction.atomic(),
    ):
        Visit.objects.create(
            key=uuid.uuid4(), clinic=visit.clinic, pump=pump, at=NOW, program=visit.program,
            bridge=visit.bridge, recorded_at=NOW, recorded_by=doctor,
        )  # fmt: skip


def test_the_paper_says_when_the_new_medicine_begins(
    pump: Pump, doctor: User, clinic: Clinic
) -> None:
    settings_of(clinic)
    visit = complete_visit(pump_id=pump.pk, entry=entry(), by=doctor, now=NOW)
    said = summary_of(visit).content["bridge"]
    assert said.endswith("The new medicine begins: Saturday, November 21, 2026, 9:30 a.m.")
