"""A visit that is recorded again, sent again, or dated before it can have been."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Clinic, User
from dosing.domain import programs
from pumps.models import Pump
from tests import factories
from visits.models import Visit

from .test_visit_by_client import address, text, typed

pytestmark = pytest.mark.django_db


@pytest.fixture
def pump(clinic: Clinic) -> Pump:
    now = timezone.now().replace(second=0, microsecond=0)
    return factories.filled_pump(clinic, now - timedelta(days=30), dose="600", now=now)


@pytest.fixture
def desk(client: Client, nurse: User) -> Client:
    client.force_login(nurse)
    return client


def seen(desk: Client, pump: Pump, values: dict[str, Any]) -> dict[str, Any]:
    """The values with the warnings that they were answered with."""
    look = desk.post(address(pump) + "preview/", values)
    return {**values, "seen_concerns": look.context["changes"].tokens}


@pytest.mark.parametrize(("clock", "offered"), [("60", "60"), ("", "")])
def test_recorded_again_it_keeps_the_pumps_own_clock(
    desk: Client, clinic: Clinic, pump: Pump, clock: str, offered: str
) -> None:
    doctor = factories.user("doctor-1", clinic, "doctor")
    values = typed(
        pump, change="flex", pump_clock=clock, reason="More tone", ordered_by=str(doctor.uuid),
        concern_reason="Agreed",
        **{"steps-0-count": "2", "steps-0-days": list(programs.WEEK), "steps-0-0-start": "00:00",
           "steps-0-0-dose": "100", "steps-0-1-start": "12:00", "steps-0-1-dose": "520"},
    )  # fmt: skip
    assert desk.post(address(pump), seen(desk, pump, values)).status_code == 302
    visit = Visit.objects.get()
    assert visit.program is not None
    assert visit.program.utc_offset_minutes == int(clock or -420)  # the clinic is in Phoenix
    desk.post(f"/visits/{visit.uuid}/withdraw/", {"reason": "The lot number was wrong"})
    page = desk.get(f"{address(pump)}?again={visit.uuid}")
    assert (page.context["form"]["pump_clock"].value() or "") == offered


def test_a_second_click_with_another_reason_is_not_answered_as_recorded(
    desk: Client, pump: Pump
) -> None:
    values = seen(desk, pump, typed(pump, aspirated_ml="14", concern_reason="A"))
    assert desk.post(address(pump), values).status_code == 302
    assert desk.post(address(pump), values).status_code == 302, "the same again is the same visit"
    values["concern_reason"] = "Pocket fill suspected, doctor called"
    answer = desk.post(address(pump), values)
    assert answer.status_code == 422
    assert "saved already, with other values" in text(answer)
    assert "Pocket fill suspected, doctor called" in text(answer)
    assert Visit.objects.get().concern_reason == "A"


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2023-05-01T10:00", "implanted on 02-May-2023, after the 01-May-2023"),
        ("1926-11-27T10:00", "implanted on 02-May-2023, after the 27-Nov-1926"),
    ],
)
def test_a_visit_before_the_implant_is_stopped(
    desk: Client, clinic: Clinic, at: str, said: str
) -> None:
    pump, doctor = factories.pump(clinic), factories.user("doctor-1", clinic, "doctor")
    values = typed(pump, at=at, aspirated_ml="", change="simple", daily_dose_mcg="300", reason="x",
                   ordered_by=str(doctor.uuid))  # fmt: skip
    answer = desk.post(address(pump), seen(desk, pump, values))
    assert answer.status_code == 422
    assert said in text(answer)
    assert not Visit.objects.exists()


def test_without_an_implant_date_a_wrong_year_is_stopped(desk: Client, clinic: Clinic) -> None:
    pump, doctor = factories.pump(clinic), factories.user("doctor-1", clinic, "doctor")
    Pump.objects.filter(pk=pump.pk).update(implanted_on=None)
    values = typed(pump, aspirated_ml="", change="simple", daily_dose_mcg="300", reason="x",
                   ordered_by=str(doctor.uuid), at="2006-11-27T10:00")  # fmt: skip
    answer = desk.post(address(pump), seen(desk, pump, values))
    assert answer.status_code == 422
    assert "27-Nov-2006 is more than two years ago" in text(answer)
