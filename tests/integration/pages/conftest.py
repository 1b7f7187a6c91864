"""A signed-in client for each role."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent, Clinic, User
from alarms.models import Projection
from tests import factories

SignedIn = Callable[..., Client]


@pytest.fixture
def as_role(clinic: Clinic) -> SignedIn:
    """`as_role("admin")`: a client signed in as a new user with that role; `of` another clinic."""

    def sign_in(role: str, of: Clinic | None = None) -> Client:
        user = factories.user(f"{role}-{next(factories.numbers)}", of or clinic, role)
        return signed_in(user)

    return sign_in


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    client.user = user  # type: ignore[attr-defined]
    return client


def user_of(client: Client) -> User:
    found: User = client.user  # type: ignore[attr-defined]
    return found


def queries(client: Client, url: str) -> int:
    """How many queries a page takes."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def text(response: Any) -> str:
    """What the page says, in one line."""
    content = b"".join(response) if response.streaming else response.content
    return " ".join(content.decode().split())


def last_values(event: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the newest event of that kind holds before and after."""
    found = AuditEvent.objects.filter(event=event).latest("id")
    assert found.before is not None
    assert found.after is not None
    return found.before, found.after


def dates(name: str) -> dict[int, date]:
    """That date of every pump."""
    return {row.pump_id: getattr(row, name) for row in Projection.objects.all()}
