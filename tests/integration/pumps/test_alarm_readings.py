"""Which reading of the alarm volume a pump is set to: the newest that counts."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import Clinic, User
from alarms.models import Projection
from pumps.models import Interrogation, Pump
from pumps.services import InterrogationEntry, withdraw_interrogation
from tests import factories
from visits.services import visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def pump(clinic: Clinic, now: datetime) -> Pump:
    return factories.due_in(clinic, 12, now)  # its alarm volume is 2 mL, as is the catalogue's


def read(pump: Pump, by: User, at: datetime, now: datetime, volume: str | None) -> Interrogation:
    entry = InterrogationEntry(
        source="Read",
        low_reservoir_alarm_ml=Decimal(volume) if volume else None,
        reservoir_volume_ml=Decimal(9),
    )
    visit.record_facts(pump_id=pump.pk, at=at, by=by, now=now, interrogation=entry)
    return Interrogation.objects.latest("id")


def setting(pump: Pump) -> tuple[object, bool]:
    pump.refresh_from_db()
    return pump.low_reservoir_alarm_ml, pump.low_reservoir_alarm_assumed


def test_an_older_reading_that_is_entered_late_moves_no_date(
    pump: Pump, nurse: User, now: datetime
) -> None:
    read(pump, nurse, now, now, "4")
    before = Projection.objects.get(pump=pump).alarm_at
    read(pump, nurse, now - timedelta(days=20), now, "1")
    assert setting(pump) == (4, False)
    assert Projection.objects.get(pump=pump).alarm_at == before
    read(pump, nurse, now, now + timedelta(hours=1), "3")  # of two at one instant the last entered
    assert setting(pump) == (3, False)


def test_a_reading_taken_back_gives_way_to_the_newest_that_counts(
    pump: Pump, nurse: User, now: datetime
) -> None:
    days = [now - timedelta(days=count) for count in (5, 3, 1)]
    older, middle, newest = (
        read(pump, nurse, at, now, volume) for at, volume in zip(days, "453", strict=True)
    )
    for wrong, left in ((middle, 3), (newest, 4)):
        withdraw_interrogation(interrogation=wrong, reason="Misread", by=nurse, now=now)
        assert setting(pump) == (left, False)
    withdraw_interrogation(interrogation=older, reason="Misread", by=nurse, now=now)
    assert setting(pump) == (4, True)  # nobody knows it now: what warns earlier, as assumed


def test_without_a_reading_left_the_catalogues_volume_holds_where_it_warns_earlier(
    pump: Pump, nurse: User, now: datetime
) -> None:
    wrong = read(pump, nurse, now, now, "1")
    assert setting(pump) == (1, False)
    withdraw_interrogation(interrogation=wrong, reason="Misread", by=nurse, now=now)
    assert setting(pump) == (pump.model.default_low_reservoir_alarm_ml, True)


def test_a_readout_without_an_alarm_volume_leaves_the_setting_when_it_is_taken_back(
    pump: Pump, nurse: User, now: datetime
) -> None:
    before = setting(pump)
    seen = read(pump, nurse, now, now, None)
    withdraw_interrogation(interrogation=seen, reason="Misread", by=nurse, now=now)
    assert setting(pump) == before
