"""The what-if endpoint answers as `manage.py projection` does, and stores nothing."""

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import Clinic
from alarms.models import Projection
from tests import factories
from tests.unit.alarms.test_case_lines import BROKEN, case

pytestmark = pytest.mark.django_db
URL = "/api/v1/projections/what-if/"


@pytest.fixture
def headers(clinic: Clinic) -> dict[str, str]:
    _, token = factories.api_client(clinic)
    return {"Authorization": f"Bearer {token}"}


def post(client: Client, headers: dict[str, str], body: str) -> Any:
    return client.post(URL, data=body, content_type="application/json", headers=headers)


def test_a_case_is_answered_exactly(client: Client, headers: dict[str, str]) -> None:
    answer = post(client, headers, json.dumps(case(id="x"))).json()
    assert answer["id"] == "x"
    assert answer["alarm_at"] == "2025-04-28T06:34:17Z"
    assert not Projection.objects.exists()


@pytest.mark.parametrize(("code", "body"), BROKEN, ids=[code for code, _ in BROKEN])
def test_each_error_code(client: Client, headers: dict[str, str], code: str, body: str) -> None:
    answer = post(client, headers, body)
    assert answer.status_code == 200
    assert code in [error["code"] for error in answer.json()["errors"]]


def test_a_number_keeps_every_digit(client: Client, headers: dict[str, str]) -> None:
    """A JSON number that a binary float cannot hold must not be changed on its way."""
    body = json.dumps(case()).replace('"350"', "350.00000000000000001")
    assert post(client, headers, body).json()["daily_dose_mcg"] == "350"
    body = json.dumps(case()).replace('"350"', "350.000000000001")
    assert post(client, headers, body).json()["daily_dose_mcg"] == "350.000000000001"


def test_other_content_and_strangers_are_refused(client: Client, headers: dict[str, str]) -> None:
    assert client.post(URL, data="{}", content_type="application/json").status_code == 401
    wrong = client.post(URL, data="a=1", content_type="text/plain", headers=headers)
    assert wrong.status_code == 415
    large = post(client, headers, " " * 32_001)
    assert large.status_code == 400
    assert large["Content-Type"] == "application/problem+json"
