"""A visit through the service: one act, its refusals, its repeats, and taking it back."""

import uuid
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEvent, Clinic, User
from alarms.models import Projection
from alarms.services.projection import COMPUTED
from core.rules import RuleViolation
from pumps.models import Pump
from refills.models import Discrepancy, Fill
from tests import factories
from visits.models import Visit
from visits.services.encounter import VisitEntry, complete_visit, withdraw_visit
from visits.services.preview import preview

pytestmark = pytest.mark.django_db


@pytest.fixture
def pump(clinic: Clinic, now: datetime) -> Pump:
    """Filled 30 days ago with 20 mL of 2,000 mcg/mL at 600 mcg/day: 11 mL should be left."""
    return factories.filled_pump(clinic, now - timedelta(days=30), dose="600", now=now)


@pytest.fixture
def doctor(clinic: Clinic) -> User:
    return factories.user("doctor-1", clinic, "doctor")


def refill(at: datetime, aspirated: str | None = "11", **details: Any) -> VisitEntry:
    volume = details.pop("volume", "20")
    fill = factories.fill(volume, aspirated_ml=Decimal(aspirated) if aspirated else None)
    return VisitEntry(key=uuid.uuid4(), at=at, **{"fill": fill, **details})


def refused(pump: Pump, entry: VisitEntry, by: User, now: datetime, **how: Any) -> list[str]:
    counted = [Fill.objects.count(), Visit.objects.count(), AuditEvent.objects.count()]
    with pytest.raises(RuleViolation) as violation:
        complete_visit(pump_id=pump.pk, entry=entry, by=by, now=now, **how)
    assert counted == [Fill.objects.count(), Visit.objects.count(), AuditEvent.objects.count()]
    return [f"{p.field}:{p.code}" for p in violation.value.problems]


def test_a_plain_refill_is_one_act(pump: Pump, nurse: User, now: datetime) -> None:
    visit = complete_visit(pump_id=pump.pk, entry=refill(now), by=nurse, now=now)
    assert visit.fill is not None
    assert visit.concerns == []
    kept = Discrepancy.objects.get(fill=visit.fill)
    found = [kept.expected_ml, kept.difference_ml, kept.programmed_ml]
    assert found == [Decimal(11), Decimal(0), Decimal(9)]
    row = Projection.objects.get(pump=pump)
    pump.refresh_from_db()
    assert row.input_version == pump.input_version
    assert row.alarm_at == now + timedelta(days=60)
    assert AuditEvent.objects.filter(event="visit.recorded").count() == 1


def test_a_dose_change_needs_a_reason_and_the_doctor_who_ordered_it(
    pump: Pump, nurse: User, doctor: User, clinic: Clinic, now: datetime
) -> None:
    entry = VisitEntry(key=uuid.uuid4(), at=now, program=factories.simple(now, "660"))
    assert refused(pump, entry, nurse, now) == ["reason:missing", "ordered_by:missing"]
    assert refused(pump, entry, doctor, now) == ["reason:missing"]
    stranger = factories.user("doctor-2", factories.clinic("elsewhere"), "doctor")
    entry = replace(entry, reason="More tone", ordered_by=stranger)
    assert refused(pump, entry, nurse, now) == ["ordered_by:not_a_doctor"]
    visit = complete_visit(
        pump_id=pump.pk, entry=replace(entry, ordered_by=doctor), by=nurse, now=now
    )
    assert visit.fill is None
    assert visit.ordered_by == doctor


def test_a_doctor_orders_by_saving(pump: Pump, doctor: User, now: datetime) -> None:
    entry = VisitEntry(
        key=uuid.uuid4(), at=now, program=factories.simple(now, "720"), reason="More tone"
    )
    visit = complete_visit(pump_id=pump.pk, entry=entry, by=doctor, now=now)
    assert visit.ordered_by is None
    assert visit.concerns == []  # 20.0 % is allowed


def test_a_warning_must_have_been_shown_and_have_a_reason(
    pump: Pump, doctor: User, now: datetime
) -> None:
    entry = VisitEntry(
        key=uuid.uuid4(), at=now, program=factories.simple(now, "721"), reason="More tone"
    )
    tokens = tuple(c.token for c in preview(pump, entry, now=now).concerns)
    assert [token.split(".")[0] for token in tokens] == ["dose_change"]
    unseen = replace(entry, seen_concerns=(), concern_reason="Agreed")
    assert refused(pump, unseen, doctor, now) == ["seen_concerns:concerns_changed"]
    seen = replace(entry, seen_concerns=tokens)
    assert refused(pump, seen, doctor, now) == ["concern_reason:missing"]
    larger = replace(
        seen, program=factories.simple(now, "1200"), concern_reason="Agreed for 721 mcg/day"
    )
    assert refused(pump, larger, doctor, now) == ["seen_concerns:concerns_changed"]
    saved = complete_visit(
        pump_id=pump.pk, entry=replace(seen, concern_reason=" Agreed "), by=doctor, now=now
    )
    assert (saved.concerns, saved.concern_reason) == (["dose_change"], "Agreed")


def test_hard_stops_by_the_service(pump: Pump, doctor: User, now: datetime) -> None:
    day = timedelta(days=1)

    def program(dose: str) -> VisitEntry:
        return VisitEntry(
            key=uuid.uuid4(), at=now, program=factories.simple(now, dose), reason="Tone"
        )

    wrong: list[tuple[VisitEntry, list[str]]] = [
        (refill(now, volume="20.001"), ["volume_ml:fill_exceeds_reservoir"]),
        (refill(now, "20.5"), ["aspirated_ml:aspirated_exceeds_reservoir"]),
        (refill(now + day), ["at:date_in_future"]),
        (refill(now - 31 * day), ["at:before_the_refill"]),
        (refill(now - 30 * day), ["at:repeats_the_refill"]),
        (program("9.99"),
         ["daily_dose_mcg:dose_out_of_range", "daily_dose_mcg:flow_below_minimum"]),
        (program("3000.1"), ["daily_dose_mcg:dose_out_of_range"]),
        (refill(now, fill=factories.fill(concentration="500")),
         ["change:concentration_needs_program"]),
        (VisitEntry(key=uuid.uuid4(), at=now), ["volume_ml:missing"]),
    ]  # fmt: skip
    for entry, codes in wrong:
        assert refused(pump, entry, doctor, now) == codes


@pytest.mark.parametrize("which", ["expires_on", "use_by"])
def test_expired_drug_that_was_given_is_recorded_with_what_was_decided(
    pump: Pump, nurse: User, now: datetime, which: str
) -> None:
    two_days_ago = (now - timedelta(days=2)).date()
    given: dict[str, Any] = {which: two_days_ago}
    entry = refill(now, fill=factories.fill(**given))
    [concern] = [c for c in preview(pump, entry, now=now).concerns if c.code == "drug_expired"]
    assert concern.urgent
    assert refused(pump, entry, nurse, now) == ["concern_reason:missing"]
    saved = complete_visit(
        pump_id=pump.pk, entry=replace(entry, concern_reason="Doctor told, refill tomorrow"),
        by=nurse, now=now,
    )  # fmt: skip
    assert "drug_expired" in saved.concerns
    assert saved.fill is not None
    assert getattr(saved.fill, which) == two_days_ago
    due = Projection.objects.get(pump=pump).refill_due_on
    assert due is not None
    today = now.astimezone(pump.clinic.zone).date()
    assert (due <= today) == (which == "use_by"), "the pharmacy's date counts"


def test_the_same_form_twice_is_one_visit_and_another_is_not_swallowed(
    pump: Pump, nurse: User, clinic: Clinic, now: datetime
) -> None:
    entry = refill(now)
    first = complete_visit(pump_id=pump.pk, entry=entry, by=nurse, now=now)
    later = now + timedelta(minutes=1)
    assert complete_visit(pump_id=pump.pk, entry=entry, by=nurse, now=later) == first
    assert Fill.objects.filter(pump=pump).count() == 2
    assert refused(pump, replace(entry, fill=factories.fill("19")), nurse, later) == [
        "key:key_used"
    ]
    other = factories.due_in(clinic, 10, now)
    assert refused(other, entry, nurse, later) == ["key:key_used"]


def test_a_role_that_records_no_visits_is_refused(
    pump: Pump, clinic: Clinic, now: datetime
) -> None:
    staff = factories.user("staff-1", clinic, "staff")
    assert refused(pump, refill(now), staff, now) == ["role:not_allowed"]


def values(pump: Pump) -> dict[str, Any]:
    row = Projection.objects.get(pump=pump)
    return {name: getattr(row, name) for name in COMPUTED if name != "input_version"}


def test_a_visit_taken_back_leaves_the_dates_as_they_were(
    pump: Pump, doctor: User, nurse: User, now: datetime
) -> None:
    before = values(pump)
    entry = refill(
        now, program=factories.simple(now, "660"), reason="Tone",
        printed_alarm_date=date(2030, 1, 1),
        concern_reason="Printout is being checked",
    )  # fmt: skip
    visit = complete_visit(pump_id=pump.pk, entry=entry, by=doctor, now=now)
    assert values(pump) != before
    with pytest.raises(RuleViolation):
        withdraw_visit(visit=visit, reason=" ", by=nurse, now=now)
    withdraw_visit(visit=visit, reason="Wrong patient", by=nurse, now=now)
    assert values(pump) == before
    with pytest.raises(RuleViolation, match="already_withdrawn"):
        withdraw_visit(visit=visit, reason="Again", by=nurse, now=now)


def test_a_visit_with_something_recorded_after_it_stays(
    pump: Pump, nurse: User, now: datetime
) -> None:
    first = complete_visit(pump_id=pump.pk, entry=refill(now), by=nurse, now=now)
    later = now + timedelta(hours=1)
    second = complete_visit(pump_id=pump.pk, entry=refill(later, "19.75"), by=nurse, now=later)
    with pytest.raises(RuleViolation, match="not_the_latest"):
        withdraw_visit(visit=first, reason="Typed twice", by=nurse, now=later)
    withdraw_visit(visit=second, reason="Typed twice", by=nurse, now=later)
    withdraw_visit(visit=first, reason="Wrong patient", by=nurse, now=later)


def dates(pump: Pump) -> tuple[date | None, date | None]:
    row = Projection.objects.get(pump=pump)
    return row.alarm_date, row.refill_due_on


@pytest.mark.parametrize("refilled", [True, False])
def test_a_visit_keeps_the_dates_before_and_after_it(
    pump: Pump, doctor: User, now: datetime, refilled: bool
) -> None:
    before = dates(pump)
    what: dict[str, Any] = {"program": factories.simple(now, "660"), "reason": "Tone"}
    entry = refill(now, **what)
    if not refilled:
        entry = replace(entry, fill=None)
    saved = complete_visit(pump_id=pump.pk, entry=entry, by=doctor, now=now)
    after = dates(pump)
    assert before != after
    assert (saved.alarm_date_before, saved.refill_due_before) == before
    assert (saved.alarm_date_after, saved.refill_due_after) == after


def test_the_first_fill_has_no_dates_before_it(clinic: Clinic, nurse: User, now: datetime) -> None:
    pump = factories.pump(clinic)
    saved = complete_visit(pump_id=pump.pk, entry=refill(now), by=nurse, now=now)
    assert (saved.refill_due_before, saved.refill_due_after) == (None, None)


def test_the_database_keeps_no_alarm_date_without_a_refill_date(
    pump: Pump, nurse: User, now: datetime
) -> None:
    values: dict[str, Any] = {
        "clinic": pump.clinic, "pump": pump, "at": now, "program": pump.programs.get(),
        "recorded_at": now, "recorded_by": nurse, "alarm_date_before": now.date(),
    }  # fmt: skip
    refusal = pytest.raises(IntegrityError, match="visit_alarm_date_comes_with_a_refill_date")
    with refusal, transaction.atomic():
        Visit.objects.create(key=uuid.uuid4(), **values)
    Visit.objects.create(key=uuid.uuid4(), **values, refill_due_before=now.date())
