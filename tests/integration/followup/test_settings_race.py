"""The clinic's settings change while others record: no pump keeps dates of the old ones."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connections, transaction

from accounts import services as accounts
from accounts.models import Clinic, User
from alarms.models import Projection
from followup.services import refresh, resyncing, settings
from followup.services.settings import change_clinic_settings, save_pump_model
from pumps import services as pumps
from pumps.models import Pump, PumpModel
from pumps.services import devices
from refills.models import Appointment
from rosters.services.importing import import_roster
from tests import factories
from tests.unit.rosters.sheets import cells, csv_of
from visits.services import booking, visit

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)


@contextmanager
def others() -> Iterator[Callable[..., Future[Any]]]:
    """Starts works beside the test, each with a connection of its own."""

    def alone(work: Callable[[], Any]) -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=3) as pool:
        yield lambda work: pool.submit(alone, work)


class Gate:
    """Holds up a function, before its work or after it, the first time that it is called."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, *, after: bool
    ) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        real = getattr(place, name)

        def held_up(*args: Any, **kwargs: Any) -> Any:
            if not after:
                self._wait()
            found = real(*args, **kwargs)
            if after:
                self._wait()
            return found

        monkeypatch.setattr(place, name, held_up)

    def _wait(self) -> None:
        if not self.reached.is_set():
            self.reached.set()
            assert self.opened.wait(20)


def row(clinic: Clinic, nurse: User) -> Callable[[], object]:
    return lambda: import_roster(
        clinic=clinic, content=csv_of(cells(alarm_date="")), filename_suffix=".csv",
        as_of=date(2026, 11, 22), by=nurse, now=NOW,
    )  # fmt: skip


def lead_days() -> int:
    found = Projection.objects.get()
    assert found.alarm_date is not None
    assert found.refill_due_on is not None
    assert found.input_version == Pump.objects.get().input_version, "shown as being recalculated"
    return (found.alarm_date - found.refill_due_on).days


# Where the import of the row is when the settings change: its dates are computed, and it has the
# clinic's row already, or not yet.
PLACES = [(resyncing, "plan_for", False), (visit, "record_facts", True)]


@pytest.mark.parametrize(("place", "name", "after"), PLACES)
def test_a_pump_that_is_imported_beside_the_change_has_dates_of_the_new_settings(
    clinic: Clinic, nurse: User, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, after: bool
) -> None:
    admin = factories.user("admin-1", clinic, "admin")
    gate = Gate(monkeypatch, place, name, after=after)
    with others() as start:
        imported = start(row(clinic, nurse))
        assert gate.reached.wait(20)
        changed = start(
            lambda: change_clinic_settings(clinic=clinic, by=admin, now=NOW, refill_lead_days=21)
        )
        with pytest.raises(TimeoutError):
            changed.result(1)  # it waits for the pump that it cannot see yet
        gate.opened.set()
        assert (imported.result(20).imported, changed.result(20)) == (1, 1)
    assert lead_days() == 21


def test_negative_control_a_change_that_does_not_wait_misses_the_pump(
    clinic: Clinic, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = factories.user("admin-1", clinic, "admin")
    monkeypatch.setattr(devices, "keep_settings", lambda clinic_id: None)
    gate = Gate(monkeypatch, resyncing, "plan_for", after=False)
    with others() as start:
        imported = start(row(clinic, nurse))
        assert gate.reached.wait(20)
        assert change_clinic_settings(clinic=clinic, by=admin, now=NOW, refill_lead_days=21) == 0
        gate.opened.set()
        assert imported.result(20).imported == 1
    assert lead_days() != 21


def test_a_pump_that_is_imported_beside_a_change_of_its_model_has_dates_of_the_new_figures(
    clinic: Clinic, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = factories.user("admin-1", clinic, "admin")
    gate = Gate(monkeypatch, resyncing, "plan_for", after=False)
    with others() as start:
        imported = start(row(clinic, nurse))
        assert gate.reached.wait(20)
        model = PumpModel.objects.get(clinic=clinic, catalogue_number="8637-20")
        changed = start(
            lambda: save_pump_model(model=model, by=admin, now=NOW, flow_accuracy_percent=20)
        )
        with pytest.raises(TimeoutError):
            changed.result(1)
        gate.opened.set()
        assert (imported.result(20).imported, changed.result(20)) == (1, 1)
    stored = Projection.objects.values().get()
    refresh([Pump.objects.get().pk], now=NOW)
    assert Projection.objects.values().get() == stored


def test_somebody_at_the_pump_that_came_to_light_goes_first(
    clinic: Clinic, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They hold the pump and wait for the clinic's row, which the change holds."""
    admin = factories.user("admin-1", clinic, "admin")
    tries: list[int] = []
    at_pump = threading.Event()
    real = accounts.change_clinic

    def dose_change() -> Projection:
        with transaction.atomic():
            pump = pumps.lock_pump(Pump.objects.get().pk)
            at_pump.set()
            return visit.record_facts(
                pump_id=pump.pk, at=NOW, by=nurse, now=NOW, program=factories.simple(NOW, "400")
            )

    with others() as start:
        work: list[Future[Any]] = []

        def change_clinic(**arguments: Any) -> Clinic:
            tries.append(1)
            if len(tries) == 1:
                start(row(clinic, nurse)).result(20)
                changed = real(**arguments)
                work.append(start(dose_change))
                assert at_pump.wait(20)
                return changed
            return real(**arguments)

        monkeypatch.setattr(accounts, "change_clinic", change_clinic)
        changed = start(
            lambda: change_clinic_settings(clinic=clinic, by=admin, now=NOW, refill_lead_days=21)
        )
        assert changed.result(30) == 1
        assert work[0].result(30).daily_dose_mcg == 400
    assert len(tries) == 2
    assert lead_days() == 21
    assert Projection.objects.get().daily_dose_mcg == 400


def test_a_booking_that_waited_for_the_clinics_new_zone_uses_it(
    clinic: Clinic, nurse: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = factories.user("admin-1", clinic, "admin")
    pump = factories.due_in(clinic, 30, now)
    day = (now + timedelta(days=5)).date()
    gate = Gate(monkeypatch, settings, "resync", after=True)
    with others() as start:
        changed = start(
            lambda: change_clinic_settings(
                clinic=clinic, by=admin, now=now, timezone="America/New_York"
            )
        )
        assert gate.reached.wait(20)
        booked = start(
            lambda: booking.book(pump_id=pump.pk, day=day, at=time(9), by=nurse, now=now)
        )
        with pytest.raises(TimeoutError):
            booked.result(1)  # it waits for the pump
        gate.opened.set()
        assert changed.result(20) == 1
        booked.result(20)
    zone = Clinic.objects.get(pk=clinic.pk).zone
    assert zone.key == "America/New_York"
    assert Appointment.objects.get().starts_at.astimezone(zone).time() == time(9)
