"""What all tests share: a real PostgreSQL, with the roles granted as in production."""

from datetime import UTC, datetime

import pytest
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


@pytest.fixture
def now() -> datetime:
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
