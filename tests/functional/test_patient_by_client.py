"""Who may see and decide what on a patient's page."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Clinic, User
from tests import factories

from . import support

pytestmark = pytest.mark.django_db

READERS = {"nurse", "doctor", "staff", "pharmacist", "auditor"}
DECIDERS = {"nurse", "doctor"}
ACTS = ("settle", "exclude", "end-exclusion", "alarm-volume")


@pytest.mark.parametrize("role", ["nurse", "doctor", "staff", "pharmacist", "auditor", "admin"])
def test_what_each_role_may(clinic: Clinic, client: Client, role: str) -> None:
    pump = support.doubtful(clinic)
    client.force_login(factories.user("somebody", clinic, role))
    response = client.get(support.address_of(pump))
    assert response.status_code == (200 if role in READERS else 404)
    assert (b"Settle it until then" in response.content) is (role in DECIDERS)
    assert (b"Who read and changed this record" in response.content) is (role == "auditor")
    expected = 422 if role in DECIDERS else 403 if role in READERS else 404
    for act in ACTS:
        found = client.post(f"{support.address_of(pump)}pumps/{pump.uuid}/{act}/")
        if (act, expected) == ("end-exclusion", 422):
            assert found.status_code == 302  # it is on the list already
        else:
            assert found.status_code == expected, act


def test_another_clinics_patient_is_not_found(
    clinic: Clinic, other_clinic: Clinic, nurse: User, client: Client
) -> None:
    ours, theirs = support.named(clinic, "Ours", 5), support.named(other_clinic, "Theirs", 5)
    client.force_login(nurse)
    assert client.get(support.address_of(theirs)).status_code == 404
    assert client.get(f"/patients/{uuid.uuid4()}/").status_code == 404
    assert client.get(f"{support.address_of(ours)}?pump={theirs.uuid}").status_code == 404
    for act in ACTS:
        address = f"{support.address_of(ours)}pumps/{theirs.uuid}/{act}/"
        assert client.post(address).status_code == 404
    assert client.get(f"{support.address_of(ours)}pumps/{ours.uuid}/settle/").status_code == 405


def test_an_alarm_volume_is_read_in_the_clinics_local_time(
    clinic: Clinic, nurse: User, client: Client
) -> None:
    pump = support.named(clinic, "Kaur", 20)
    client.force_login(nurse)
    address = f"{support.address_of(pump)}pumps/{pump.uuid}/alarm-volume/"
    now = timezone.now()
    local = now.astimezone(clinic.zone)
    data = {
        "low_reservoir_alarm_ml": "3",
        "read_at": (local + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M"),
        "seen_version": pump.input_version,
    }
    refused = client.post(address, data)
    assert refused.status_code == 422
    assert b"This time is in the future." in refused.content
    data["read_at"] = (local - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    assert client.post(address, data).status_code == 302
    read = pump.interrogations.get()
    assert timedelta(minutes=59) <= now - read.at <= timedelta(minutes=62)


def test_a_reading_at_a_time_that_the_clocks_skipped_is_refused(
    clinic: Clinic, nurse: User, client: Client
) -> None:
    pump = support.named(clinic, "Kaur", 20)
    Clinic.objects.filter(pk=clinic.pk).update(timezone="America/Denver")
    client.force_login(nurse)
    data = {
        "low_reservoir_alarm_ml": "3",
        "read_at": "2026-03-08T02:30",
        "seen_version": pump.input_version,
    }
    refused = client.post(f"{support.address_of(pump)}pumps/{pump.uuid}/alarm-volume/", data)
    assert refused.status_code == 422
    assert b"02:30 does not exist on 08-Mar-2026" in refused.content
    assert not pump.interrogations.exists()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("-1", "The alarm volume cannot be negative."),
        ("2.12345", "Write at most 3 digits before the point and 3 after it."),
        ("12345", "Write at most 3 digits before the point and 3 after it."),
        ("two", "Write a number of mL."),
    ],
)
def test_what_is_no_alarm_volume_is_refused_in_our_words(
    clinic: Clinic, nurse: User, client: Client, typed: str, said: str
) -> None:
    pump = support.named(clinic, "Kaur", 20)
    client.force_login(nurse)
    local = timezone.now().astimezone(clinic.zone) - timedelta(hours=1)
    data = {
        "low_reservoir_alarm_ml": typed, "read_at": local.strftime("%Y-%m-%dT%H:%M"),
        "seen_version": pump.input_version,
    }  # fmt: skip
    refused = client.post(f"{support.address_of(pump)}pumps/{pump.uuid}/alarm-volume/", data)
    assert refused.status_code == 422
    assert said in refused.content.decode()
    assert "Ensure" not in refused.content.decode()
    assert f'value="{typed}"' in refused.content.decode()


def test_two_pumps_of_one_patient_are_both_reached(
    clinic: Clinic, nurse: User, client: Client
) -> None:
    first = support.named(clinic, "Kaur", 20)
    second = support.second_pump(first, by=nurse)
    client.force_login(nurse)
    page = client.get(f"{support.address_of(first)}?pump={second.uuid}").content.decode()
    assert f"?pump={first.uuid}" in page
    assert second.serial_number in page
