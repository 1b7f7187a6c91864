"""What all tests share: a real PostgreSQL, with the roles granted as in production."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.utils import timezone

from accounts import services as accounts
from accounts.models import Clinic, User
from itbclinic import database_roles
from tests import factories


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> None:
    """Grants on the test database, so that tests can take the application's role."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        database_roles.grant()


# A Wednesday morning in the clinic, with nothing special about it; `--at` chooses another instant.
ORDINARY = datetime(2026, 11, 18, 15, 10, tzinfo=UTC)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--at",
        type=datetime.fromisoformat,
        default=ORDINARY,
        help="the tests' instant, such as 2026-11-30T22:40+00:00",
    )


@pytest.fixture(autouse=True)
def clock(request: pytest.FixtureRequest) -> Iterator[None]:
    """The tests' clock goes on from a chosen instant: no test depends on the hour it is run at.

    The database's own clock stays true; only leases go by it. Where processes of their own run
    (devstack, production, faults), the clock is the true one.
    """
    with time_machine.travel(request.config.getoption("at"), tick=True):
        yield


@pytest.fixture
def now(clock: None) -> datetime:
    return timezone.now().replace(microsecond=0)


@pytest.fixture
def at() -> datetime:
    """An instant of the worked examples."""
    return datetime(2025, 1, 15, 10, tzinfo=UTC)


@pytest.fixture
def system(db: None) -> User:
    return accounts.system_user("system-import")


@pytest.fixture
def clinic(db: None) -> Clinic:
    return factories.clinic("wasatch")


@pytest.fixture
def other_clinic(db: None) -> Clinic:
    return factories.clinic("harbor", timezone="America/New_York")


@pytest.fixture
def nurse(clinic: Clinic) -> User:
    return factories.user("nurse-1", clinic, "nurse")
