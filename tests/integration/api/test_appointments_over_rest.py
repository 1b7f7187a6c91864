"""What a REST client sees of a booking: it comes, moves and goes, and the list says so."""

import csv
import io
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from accounts.models import Clinic, User
from pumps.models import Pump
from refills.models import Appointment
from tests import factories
from visits.services import booking

from .conftest import Get

pytestmark = pytest.mark.django_db
EVERYTHING = "/api/v1/refills-due/?due_before=2999-01-01"


def day_of(clinic: Clinic, now: datetime, days: int) -> date:
    return now.astimezone(clinic.zone).date() + timedelta(days=days)


def booked(pump: Pump, by: User, now: datetime, days: int) -> Appointment:
    day = day_of(pump.clinic, now, days)
    return booking.book(pump_id=pump.pk, day=day, at=time(9), by=by, now=now)


def shown(get: Get) -> Any:
    [row] = get(EVERYTHING).json()["results"]
    return row["appointment"]


def test_it_comes_moves_and_goes_with_a_new_etag_each_time(
    clinic: Clinic, nurse: User, now: datetime, get: Get
) -> None:
    pump = factories.due_in(clinic, 30, now)
    tags = [get(EVERYTHING)["ETag"]]
    assert shown(get) is None
    first = booked(pump, nurse, now, 5)
    at = first.starts_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert shown(get) == {"id": str(first.uuid), "starts_at": at}
    tags.append(get(EVERYTHING)["ETag"])
    second = booking.rebook(
        appointment=first, day=day_of(clinic, now, 6), at=time(9), by=nurse, now=now
    )
    assert shown(get)["id"] == str(second.uuid)
    tags.append(get(EVERYTHING)["ETag"])
    assert get(EVERYTHING, **{"If-None-Match": tags[-1]}).status_code == 304
    booking.cancel(appointment=second, reason="Family called", by=nurse, now=now)
    assert shown(get) is None
    assert len(set(tags)) == 3
    assert get(EVERYTHING, **{"If-None-Match": tags[-1]}).status_code == 200


@pytest.mark.parametrize("act", ["book", "rebook", "cancel"])
def test_a_booking_while_a_client_reads_is_a_move(
    clinic: Clinic, nurse: User, now: datetime, get: Get, act: str
) -> None:
    pumps = [factories.due_in(clinic, days, now) for days in (20, 21, 22)]
    row = booked(pumps[1], nurse, now, 4)
    following = get(f"{EVERYTHING}&page_size=2").json()["next"]
    assert get(following).json()["complete"] is True
    if act == "book":
        booked(pumps[0], nurse, now, 4)
    elif act == "rebook":
        day = day_of(clinic, now, 5)
        booking.rebook(appointment=row, day=day, at=time(9), by=nurse, now=now)
    else:
        booking.cancel(appointment=row, reason="Family called", by=nurse, now=now)
    assert get(following).json()["complete"] is False


def test_the_csv_has_it_too(clinic: Clinic, nurse: User, now: datetime, get: Get) -> None:
    row = booked(factories.due_in(clinic, 30, now), nurse, now, 5)
    content = get(EVERYTHING, Accept="text/csv").content.decode("utf-8-sig")
    [line] = csv.DictReader(io.StringIO(content))
    assert line["appointment_starts_at"] == row.starts_at.strftime("%Y-%m-%dT%H:%M:%SZ")
