"""The monthly sheet speaks of refills that visits recorded, or that a person took back."""

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Clinic, User
from alarms.models import Projection
from core.rules import RuleViolation
from dosing.models import Program
from followup.services.settings import change_clinic_settings
from pumps.models import Interrogation, Pump
from pumps.services import InterrogationEntry
from refills.models import Fill
from rosters.selectors import open_refused_rows
from rosters.services.importing import import_roster
from rosters.services.report import ImportReport
from tests import corrections, factories
from tests.unit.rosters.sheets import cells, csv_of
from visits.models import Visit
from visits.services import visit as facts
from visits.services.encounter import VisitEntry, complete_visit, withdraw_visit

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)
AT = NOW - timedelta(days=2)
NO_DOSE = {"daily_dose": "", "mode": ""}
Load = Callable[..., ImportReport]


def load_of(clinic: Clinic, nurse: User) -> Load:
    def load(minutes: int = 0, **other: str) -> ImportReport:
        return import_roster(
            clinic=clinic, content=csv_of(cells(**other)), filename_suffix=".csv",
            as_of=date(2026, 11, 22), by=nurse, now=NOW + timedelta(minutes=minutes),
        )  # fmt: skip

    return load


@pytest.fixture
def load(clinic: Clinic, nurse: User) -> Load:
    return load_of(clinic, nurse)


def refill(by: User, **other: Any) -> Visit:
    """A refill on 20-Nov by a visit; the dose stays unless `other` has a program."""
    entry = VisitEntry(
        key=uuid.uuid4(),
        concern_reason="Seen",
        **{"at": AT, "fill": factories.fill("20"), **other},
    )
    now = NOW + timedelta(minutes=1)
    return complete_visit(pump_id=Pump.objects.get().pk, by=by, now=now, entry=entry)


def take_back(visit: Visit, by: User) -> None:
    now = NOW + timedelta(minutes=5)
    withdraw_visit(visit=visit, reason="Another patient's", by=by, now=now)


def sheet(**other: str) -> dict[str, str]:
    return {"last_refill": "2026-11-20", "alarm_date": "", **other}


def codes(report: ImportReport) -> list[tuple[str, str]]:
    return [(error.column, error.code) for _, error in report.errors]


# --- a refill whose visit left the dose as it was ------------------------------------------------


def test_another_dose_for_a_refill_on_record_is_a_conflict_and_moves_no_date(
    load: Load, nurse: User
) -> None:
    load()
    refill(nurse)
    before = Projection.objects.get().alarm_date
    report = load(2, **sheet(daily_dose="400"))
    assert codes(report) == [("Daily Dose", "conflicts_with_record")]
    assert Projection.objects.get().alarm_date == before
    assert Program.objects.count() == 1


def test_the_same_dose_changes_nothing_and_the_visit_can_still_be_taken_back(
    load: Load, nurse: User
) -> None:
    load()
    before = Projection.objects.get().alarm_date
    visit = refill(nurse)
    assert load(2, **sheet()).unchanged == 1
    assert Program.objects.count() == 1
    take_back(visit, nurse)
    assert Projection.objects.get().alarm_date == before


def test_a_dose_is_still_added_where_the_one_on_record_is_for_another_concentration(
    load: Load, nurse: User
) -> None:
    load()
    load(1, **sheet(concentration="500", **NO_DOSE))
    assert Projection.objects.get().unknown_reason != ""
    report = load(2, **sheet(concentration="500", daily_dose="400"))
    assert (report.imported, report.refused) == (1, 0)
    assert Projection.objects.get().unknown_reason == ""
    assert Program.objects.latest("id").daily_dose_mcg == 400


# --- what a named person took back ---------------------------------------------------------------


@pytest.mark.parametrize("last_refill", ["2026-11-20", "2026-11-20 08:00", "2026-11-20 14:30"])
def test_a_refill_that_a_person_took_back_does_not_come_back_with_the_sheet(
    load: Load, nurse: User, clinic: Clinic, last_refill: str
) -> None:
    load()
    before = Projection.objects.get().alarm_date
    take_back(refill(nurse), nurse)
    for minutes in (6, 7):  # the next sheet as well: only a person decides
        report = load(minutes, **sheet(last_refill=last_refill, **NO_DOSE))
        assert codes(report) == [("Last Refill", "refill_taken_back")]
    [(_, error)] = report.errors
    assert f"{nurse.display_name} on 22-Nov-2026 at 08:05 took back" in error.message
    assert "record it on the patient's page" in error.message
    assert Projection.objects.get().alarm_date == before
    assert Fill.objects.filter(correction__isnull=True).count() == 1
    assert len(open_refused_rows([clinic.pk])) == 1


def test_another_days_refill_and_one_recorded_anew_by_a_visit_are_taken(
    load: Load, nurse: User
) -> None:
    load()
    take_back(refill(nurse), nurse)
    refill(nurse)
    assert load(6, **sheet(**NO_DOSE)).unchanged == 1
    assert load(7, **sheet(last_refill="2026-11-21", **NO_DOSE)).imported == 1


def test_a_program_that_a_person_took_back_does_not_come_back_with_the_sheet(
    load: Load, nurse: User
) -> None:
    load()
    now = NOW + timedelta(minutes=1)
    corrections.correct_program(
        program=Program.objects.get(), replacement=None, reason="Wrong sheet", by=nurse, now=now
    )
    report = load(2)
    assert codes(report) == [("Daily Dose", "program_taken_back")]
    [(_, error)] = report.errors
    assert f"{nurse.display_name} on 22-Nov-2026 at 08:01 took back" in error.message
    assert not Program.objects.filter(correction__isnull=True).exists()
    assert load(3, **NO_DOSE).refused == 0


# --- a visit that an import built on -------------------------------------------------------------


def test_a_visit_that_an_import_built_on_cannot_be_taken_back(load: Load, clinic: Clinic) -> None:
    """The import began before the visit was saved and came to the pump's row after it."""
    load(-1440)
    doctor = factories.user("doctor-1", clinic, "doctor")
    at = NOW - timedelta(days=5)
    visit = refill(doctor, fill=None, at=at, program=factories.simple(at, "1170"), reason="Tone")
    assert load(0, **sheet(**NO_DOSE)).imported == 1
    assert Program.objects.latest("id") == visit.program  # the import's refill runs on it
    assert Fill.objects.latest("id").recorded_at > visit.recorded_at > NOW
    with pytest.raises(RuleViolation, match="not_the_latest"):
        take_back(visit, doctor)


def test_a_row_numbered_after_a_visits_own_is_later_whatever_its_clock_said(
    load: Load, nurse: User
) -> None:
    load(-1440)
    visit = refill(nurse)
    pump = Pump.objects.get()
    later, clock = AT + timedelta(hours=3), NOW  # recorded after the visit by a slower clock
    facts.record_facts(pump_id=pump.pk, at=later, by=nurse, now=clock, fill=factories.fill("18"))
    assert Fill.objects.latest("id").recorded_at < visit.recorded_at
    with pytest.raises(RuleViolation, match="not_the_latest"):
        take_back(visit, nurse)


# --- another reading of the alarm volume ---------------------------------------------------------


def test_a_sheets_older_alarm_volume_is_kept_and_does_not_replace_a_newer_reading(
    load: Load, nurse: User
) -> None:
    load(low_alarm="2")
    read = InterrogationEntry(source="Read", low_reservoir_alarm_ml=Decimal(4))
    pump = Pump.objects.get()
    facts.record_facts(pump_id=pump.pk, at=NOW, by=nurse, now=NOW, interrogation=read)
    report = load(1, last_refill="2026-11-10", low_alarm="2", alarm_date="")
    pump.refresh_from_db()
    assert pump.low_reservoir_alarm_ml == 4
    assert "older_alarm_reading" in [warning.code for _, warning in report.warnings]
    kept = Interrogation.objects.filter(low_reservoir_alarm_ml__isnull=False)
    assert set(kept.values_list("low_reservoir_alarm_ml", flat=True)) == {2, 4}
    # A later refill's is newer than the reading, and replaces it.
    after = import_roster(
        clinic=pump.clinic, content=csv_of(cells(last_refill="2026-11-23", low_alarm="3",
        alarm_date="")), filename_suffix=".csv", as_of=date(2026, 11, 24), by=nurse,
        now=NOW + timedelta(days=2),
    )  # fmt: skip
    pump.refresh_from_db()
    assert pump.low_reservoir_alarm_ml == 3
    assert "older_alarm_reading" not in [warning.code for _, warning in after.warnings]


# --- another time zone of the clinic -------------------------------------------------------------


@pytest.fixture
def york() -> Clinic:
    return factories.clinic("york", timezone="America/New_York")


@pytest.fixture
def york_nurse(york: Clinic) -> User:
    return factories.user("nurse-york", york)


def move(york: Clinic, timezone: str) -> None:
    admin = factories.user("admin-york", york, "admin")
    now = NOW + timedelta(minutes=5)
    change_clinic_settings(clinic=york, by=admin, now=now, timezone=timezone)
    york.refresh_from_db()


@pytest.mark.parametrize("timezone", ["America/Denver", "Asia/Tokyo"])
@pytest.mark.parametrize("last_refill", ["2026-09-22", "2026-09-22 14:30"])
def test_the_same_sheet_after_a_change_of_time_zone_changes_nothing(
    york: Clinic, york_nurse: User, timezone: str, last_refill: str
) -> None:
    load = load_of(york, york_nurse)
    assert load(last_refill=last_refill).imported == 1
    before = Fill.objects.get().at
    move(york, timezone)
    again = load(6, last_refill=last_refill)
    assert (again.unchanged, again.refused) == (1, 0)
    assert Fill.objects.get().at == before
    # A later refill is another one.
    assert load(7, last_refill="2026-09-25", alarm_date="").imported == 1
    assert Fill.objects.count() == 2


def test_a_refill_taken_back_before_a_change_of_time_zone_stays_taken_back(
    york: Clinic, york_nurse: User
) -> None:
    load = load_of(york, york_nurse)
    load(last_refill="2026-09-22")
    now = NOW + timedelta(minutes=1)
    corrections.correct_fill(
        fill=Fill.objects.get(), replacement=None, reason="Not done", by=york_nurse, now=now
    )
    move(york, "America/Denver")
    assert codes(load(6, last_refill="2026-09-22")) == [("Last Refill", "refill_taken_back")]
