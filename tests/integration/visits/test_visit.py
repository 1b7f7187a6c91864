"""A visit's facts and their dates are written together, or not at all."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from accounts.models import AuditEvent, Clinic, User
from alarms.models import Projection
from alarms.selectors.inputs import load_facts
from core.append_only import AppendOnlyError
from core.rules import RuleViolation
from dosing.domain import programs
from dosing.models import BolusKind, Program
from dosing.services import BolusEntry
from itbclinic import database_roles
from pumps.services import InterrogationEntry
from refills.models import Fill
from tests import corrections, factories
from visits.services import devices, visit

pytestmark = pytest.mark.django_db
AT = datetime(2025, 1, 15, 10, tzinfo=UTC)


def test_the_worked_example_through_the_service(clinic: Clinic) -> None:
    Clinic.objects.filter(pk=clinic.pk).update(timezone="UTC")
    pump = factories.filled_pump(clinic, AT)
    row = Projection.objects.get(pump=pump)
    assert row.alarm_at == datetime(2025, 4, 28, 6, 34, 17, tzinfo=UTC)
    # The pump's clock says 23:34 of the day before.
    assert row.alarm_date == date(2025, 4, 27)
    assert row.input_version == pump.input_version


def test_a_raised_dose_moves_the_alarm(clinic: Clinic, nurse: User, now: datetime) -> None:
    pump = factories.filled_pump(clinic, AT)
    changed_at = datetime(2025, 2, 14, 10, tzinfo=UTC)
    row = visit.record_facts(
        pump_id=pump.pk, at=changed_at, by=nurse, now=now,
        program=factories.simple(changed_at, "420"), reason="More tone",
    )  # fmt: skip
    assert row.alarm_at == datetime(2025, 4, 16, 3, 8, 34, tzinfo=UTC)
    assert Program.objects.filter(pump=pump).count() == 2


@pytest.mark.parametrize(
    ("dose", "code"), [("50", "flow_below_minimum"), ("60000", "flow_above_maximum")]
)
def test_a_refused_program_leaves_nothing_behind(
    clinic: Clinic, nurse: User, now: datetime, dose: str, code: str
) -> None:
    pump = factories.pump(clinic)
    audited = AuditEvent.objects.count()
    with pytest.raises(RuleViolation) as refused:
        visit.record_facts(
            pump_id=pump.pk, at=AT, by=nurse, now=now,
            fill=factories.fill(), program=factories.simple(AT, dose),
        )  # fmt: skip
    assert [problem.code for problem in refused.value.problems] == [code]
    assert not Fill.objects.exists()
    assert AuditEvent.objects.count() == audited


def test_a_fill_that_does_not_fit_or_is_to_come_is_refused(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.pump(clinic)
    with pytest.raises(RuleViolation) as refused:
        visit.record_facts(
            pump_id=pump.pk, at=now + timedelta(hours=1), by=nurse, now=now,
            fill=factories.fill("20.001"),
        )  # fmt: skip
    codes = [problem.code for problem in refused.value.problems]
    assert codes == ["fill_exceeds_reservoir", "date_in_future"]
    assert "20 mL" in refused.value.problems[0].message


def test_a_bolus_above_the_pumps_maximum_is_refused(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.filled_pump(clinic, AT)
    bolus = BolusEntry(BolusKind.SINGLE, AT + timedelta(days=1), Decimal(200), Decimal(5))
    with pytest.raises(RuleViolation) as refused:
        visit.record_facts(pump_id=pump.pk, at=AT, by=nurse, now=now, boluses=[bolus])
    assert refused.value.problems[0].code == "flow_above_maximum"
    assert pump.boluses.count() == 0


def test_a_stale_page_is_refused(clinic: Clinic, nurse: User, now: datetime) -> None:
    pump = factories.filled_pump(clinic, AT)
    seen = pump.input_version
    visit.record_facts(
        pump_id=pump.pk, at=AT, by=nurse, now=now, fill=factories.fill("19"), seen_version=seen
    )
    with pytest.raises(RuleViolation) as refused:
        visit.record_facts(
            pump_id=pump.pk, at=AT, by=nurse, now=now, fill=factories.fill("18"), seen_version=seen
        )
    assert refused.value.problems[0].code == "stale"
    assert Fill.objects.filter(pump=pump).count() == 2


def test_a_corrected_fill_counts_no_more_and_stays_readable(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.filled_pump(clinic, AT)
    fill = pump.fills.get()
    row = corrections.correct_fill(
        fill=fill, replacement=factories.fill("18"), reason="18 mL, typed 20", by=nurse, now=now
    )
    assert row.alarm_at is not None
    assert row.alarm_at < datetime(2025, 4, 28, tzinfo=UTC)
    assert pump.fills.count() == 2
    assert fill.correction.replacement is not None
    assert fill.correction.replacement.volume_ml == 18
    with pytest.raises(RuleViolation):
        corrections.correct_fill(fill=fill, replacement=None, reason="again", by=nurse, now=now)


def test_a_corrected_program_counts_no_more(clinic: Clinic, nurse: User, now: datetime) -> None:
    pump = factories.filled_pump(clinic, AT)
    program = pump.programs.get()
    row = corrections.correct_program(
        program=program, replacement=None, reason="Wrong patient", by=nurse, now=now
    )
    assert row.unknown_reason == "no_program"
    assert row.refill_due_on is None


def test_an_explanted_pump_is_not_active(clinic: Clinic, nurse: User, now: datetime) -> None:
    pump = factories.filled_pump(clinic, AT)
    devices.take_out(pump_id=pump.pk, at=now, reason="Infection", by=nurse, now=now)
    assert pump.explants.get().reason == "Infection"
    with pytest.raises(RuleViolation):
        devices.take_out(pump_id=pump.pk, at=now, reason="Again", by=nurse, now=now)


def test_a_read_alarm_volume_replaces_the_assumed_one(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    pump = factories.filled_pump(clinic, AT, alarm_ml=None)
    assert pump.low_reservoir_alarm_assumed
    before = Projection.objects.get(pump=pump).alarm_at
    entry = InterrogationEntry(source="programmer", low_reservoir_alarm_ml=Decimal("3.5"))
    after = visit.record_facts(
        pump_id=pump.pk, at=now, by=nurse, now=now, interrogation=entry
    ).alarm_at
    pump.refresh_from_db()
    assert not pump.low_reservoir_alarm_assumed
    assert before is not None
    assert after is not None
    assert after < before


def test_a_readout_to_come_is_refused(clinic: Clinic, nurse: User, now: datetime) -> None:
    pump = factories.filled_pump(clinic, AT)
    entry = InterrogationEntry(source="programmer", low_reservoir_alarm_ml=Decimal(3))
    with pytest.raises(RuleViolation) as refused:
        visit.record_facts(
            pump_id=pump.pk, at=now + timedelta(minutes=1), by=nurse, now=now, interrogation=entry
        )
    assert refused.value.problems[0].code == "date_in_future"


def test_facts_refuse_to_change_in_python_and_in_the_database(clinic: Clinic) -> None:
    pump = factories.filled_pump(clinic, AT)
    fill = pump.fills.get()
    with pytest.raises(AppendOnlyError):
        fill.save()
    with pytest.raises(AppendOnlyError):
        fill.delete()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Fill.objects.filter(pk=fill.pk).update(volume_ml=1)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Fill.objects.filter(pk=fill.pk)._raw_delete("default")


@pytest.mark.parametrize("role", database_roles.APPLICATION_ROLES)
@pytest.mark.parametrize("verb", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_applications_roles_have_no_grant_to_change_facts(role: str, verb: str) -> None:
    for table in database_roles.append_only_tables():
        as_role = f"SET LOCAL ROLE {role}; {verb.format(table)}"
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(as_role)


@pytest.mark.parametrize("role", database_roles.APPLICATION_ROLES)
def test_no_pump_patient_or_refused_row_can_be_deleted(role: str) -> None:
    tables = database_roles.kept_tables()
    assert {"pumps_pump", "patients_patient", "visits_importrow", "accounts_clinic"} <= set(tables)
    for table in tables:
        statement = f"SET LOCAL ROLE {role}; DELETE FROM {table}"
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)


def test_the_applications_role_can_record_facts(clinic: Clinic) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE itb_app")
        pump = factories.filled_pump(clinic, AT)
        cursor.execute("RESET ROLE")
    assert pump.fills.count() == 1


def test_the_database_keeps_the_limits_too(clinic: Clinic, nurse: User, now: datetime) -> None:
    pump = factories.pump(clinic)
    with pytest.raises(IntegrityError, match="fill_is_positive"), transaction.atomic():
        Fill.objects.create(
            pump=pump, at=AT, volume_ml=0, concentration_mcg_per_ml=500,
            recorded_at=now, recorded_by=nurse,
        )  # fmt: skip
    with pytest.raises(IntegrityError, match="program_has_the_figures"), transaction.atomic():
        Program.objects.create(
            pump=pump, effective_at=AT, mode="simple_continuous", concentration_mcg_per_ml=500,
            utc_offset_minutes=0, recorded_at=now, recorded_by=nurse,
        )  # fmt: skip


def test_every_mode_comes_back_from_the_database_as_it_was(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    header: dict[str, Any] = {
        "effective_at": AT, "utc_offset_minutes": -420, "concentration_mcg_per_ml": Decimal(2000),
    }  # fmt: skip
    steps = (
        programs.Step(start_minute=0, dose_mcg=Decimal("66.8")),
        programs.Step(start_minute=450, dose_mcg=Decimal(167)),
    )
    wanted = [
        programs.SimpleContinuous(**header, daily_dose_mcg=Decimal(350)),
        programs.Flex(
            **header,
            groups=(
                programs.DayGroup(days=programs.WEEK[:5], steps=steps),
                programs.DayGroup(days=programs.WEEK[5:], steps=steps[:1] + steps[1:]),
            ),
        ),
        programs.PeriodicBolus(
            **header, basal_mcg_per_hour=Decimal(5), bolus_mcg=Decimal(20), bolus_minutes=10,
            interval_minutes=360, first_minute=125, basal_suspended=True,
        ),
        programs.MinimumRate(**header),
        programs.Stopped(**header),
    ]  # fmt: skip
    for program in wanted:
        pump = factories.pump(clinic)
        visit.record_facts(
            pump_id=pump.pk, at=AT, by=nurse, now=now, fill=factories.fill(), program=program
        )
        found = load_facts([pump.pk])[pump.pk].inputs(now).programs
        assert list(found) == [program]
