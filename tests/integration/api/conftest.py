"""A REST client of the clinic, with the scope of the refill-due list."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Clinic
from tests import factories

URL = "/api/v1/refills-due/"
Get = Callable[..., Any]


@pytest.fixture
def get(clinic: Clinic, client: Client) -> Get:
    _, token = factories.api_client(clinic)

    def call(url: str = URL, **headers: str) -> Any:
        return client.get(url, headers={"Authorization": f"Bearer {token}", **headers})

    return call
