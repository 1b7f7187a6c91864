"""What is shown before saving is what is saved: the preview against the stored projection."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Clinic, User
from alarms.domain.projection import Known, ProjectionInputs, Unknown, project
from alarms.models import Projection
from alarms.services import projection
from alarms.services.projection import COMPUTED
from dosing.domain import programs
from tests import factories
from visits.services import preview as preview_module
from visits.services.encounter import BridgeEntry, VisitEntry, complete_visit
from visits.services.preview import preview

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 18, tzinfo=UTC)
STEPS = ((0, "120"), (450, "330"), (1170, "150"))


def flex(at: datetime, *groups: tuple[tuple[str, ...], tuple[tuple[int, str], ...]]) -> Any:
    return programs.Flex(
        effective_at=at,
        utc_offset_minutes=-420,
        concentration_mcg_per_ml=Decimal(2000),
        groups=tuple(
            programs.DayGroup(
                days=days,
                steps=tuple(
                    programs.Step(start_minute=m, dose_mcg=Decimal(dose)) for m, dose in steps
                ),
            )
            for days, steps in groups
        ),
    )


def fill(volume: str = "20", **details: Any) -> Any:
    return factories.fill(volume, **details)


CASES: dict[str, dict[str, Any]] = {
    "plain": {"fill": fill()},
    "less": {"fill": fill("17.5", aspirated_ml=Decimal("11"))},
    "dose": {"program": factories.simple(NOW, "415.125")},
    "both": {"fill": fill("18.25"), "program": factories.simple(NOW, "500")},
    "flex": {"fill": fill(), "program": flex(NOW, (programs.WEEK, STEPS))},
    "stopped": {"program": programs.Stopped(
        effective_at=NOW, utc_offset_minutes=-420, concentration_mcg_per_ml=Decimal(2000))},
    "minimum rate": {"fill": fill(), "program": programs.MinimumRate(
        effective_at=NOW, utc_offset_minutes=-420, concentration_mcg_per_ml=Decimal(2000))},
    "flex by days": {
        "program": flex(
            NOW, (programs.WEEK[:5], STEPS), (programs.WEEK[5:], ((0, "442"),))
        )
    },
    "flex days apart": {
        "fill": fill("19"),
        "program": flex(
            NOW, (("mon", "thu", "sun"), STEPS), (("tue", "wed", "fri", "sat"), ((0, "500"),))
        ),
    },
    "stability binds": {"fill": fill(stability_days=20)},
    "use-by binds": {"fill": fill(use_by=date(2026, 12, 1))},
    "no limit": {"fill": fill(stability_days=None)},
    "printed agrees not": {"fill": fill(), "printed_alarm_date": date(2027, 3, 9)},
    "printed without fill": {
        "program": factories.simple(NOW, "415"), "printed_alarm_date": date(2026, 12, 30),
    },
    "small fill": {"fill": fill("2")},
    "another concentration": {
        "fill": fill(concentration="1000"), "program": factories.simple(NOW, "400", "1000"),
    },
    "another concentration, bridged": {
        "fill": fill(concentration="500"), "program": factories.simple(NOW, "400", "500"),
        "bridge": BridgeEntry(Decimal("187.5"), Decimal(2700)),
    },
}  # fmt: skip
# Autumn and spring changes of the clocks, and none.
INSTANTS = (
    NOW,
    datetime(2026, 3, 1, 17, 30, tzinfo=UTC),
    datetime(2026, 10, 31, 5, 59, tzinfo=UTC),
)


@pytest.mark.parametrize("at", INSTANTS, ids=lambda at: at.date().isoformat())
@pytest.mark.parametrize("case", CASES)
def test_the_preview_is_what_is_saved(clinic: Clinic, case: str, at: datetime) -> None:
    doctor = factories.user("doctor-1", clinic, "doctor")
    pump = factories.filled_pump(clinic, at - timedelta(days=30), dose="400", now=at)
    what = dict(CASES[case])
    if "program" in what:
        what["program"] = replace(what["program"], effective_at=at)
    if at != NOW and what.get("fill") and what["fill"].use_by:
        what["fill"] = replace(what["fill"], use_by=(at + timedelta(days=10)).date())
    entry = VisitEntry(
        key=uuid.uuid4(), at=at, reason="Tone", concern_reason="Checked on the printout", **what
    )
    found = preview(pump, entry, now=at)
    assert found.stops == ()
    assert found.dates_after is not None
    before = Projection.objects.get(pump=pump)
    complete_visit(pump_id=pump.pk, entry=entry, by=doctor, now=at)
    row = Projection.objects.get(pump=pump)
    saved = {name: getattr(row, name) for name in COMPUTED if name != "input_version"}
    shown = {name: getattr(found.dates_after, name) for name in saved}
    assert shown == saved
    old = {name: getattr(before, name) for name in saved}
    assert old != saved  # the visit changed something that could have been shown wrongly


def test_a_fill_without_a_program_is_unknown_in_both(clinic: Clinic, nurse: User) -> None:
    pump = factories.pump(clinic)
    entry = VisitEntry(key=uuid.uuid4(), at=NOW, fill=fill())
    found = preview(pump, entry, now=NOW)
    assert found.dates_after is not None
    assert found.dates_after.unknown_reason == "no_program"
    complete_visit(pump_id=pump.pk, entry=entry, by=nurse, now=NOW)
    assert Projection.objects.get(pump=pump).unknown_reason == "no_program"


def test_a_preview_writes_and_locks_nothing_and_asks_few_questions(clinic: Clinic) -> None:
    pump = factories.filled_pump(clinic, NOW - timedelta(days=30), dose="400", now=NOW)
    entry = VisitEntry(
        key=uuid.uuid4(), at=NOW, fill=fill(concentration="1000"),
        program=factories.simple(NOW, "400", "1000"), printed_alarm_date=date(2030, 1, 1),
    )  # fmt: skip
    with CaptureQueriesContext(connection) as captured:
        preview(pump, entry, now=NOW)
    assert len(captured) <= 14
    said = [query["sql"] for query in captured]
    assert not [sql for sql in said if not sql.startswith("SELECT") or "FOR UPDATE" in sql]


def test_the_dates_that_a_visit_leads_to_are_computed_once(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    pump = factories.filled_pump(clinic, NOW - timedelta(days=30), dose="400", now=NOW)
    computed: list[ProjectionInputs] = []

    def counted(inputs: ProjectionInputs) -> Known | Unknown:
        computed.append(inputs)
        return project(inputs)

    for module in (preview_module, projection):
        monkeypatch.setattr(module, "project", counted)
    found = preview(pump, VisitEntry(key=uuid.uuid4(), at=NOW, fill=fill()), now=NOW)
    assert found.known_after is not None
    assert found.dates_after is not None
    assert found.known_after.alarm_date == found.dates_after.alarm_date
    assert len(computed) == 2, "before the visit and after it"
