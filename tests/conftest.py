"""What all tests share: a real PostgreSQL, with the roles granted as in production."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils import timezone

from accounts import services as accounts
from accounts.models import Clinic, User
from itbclinic import database_roles
from tests import factories

# What the rules are held to. Elsewhere (browsers, processes, thousands of projections) watching
# each line would cost up to as much again, and say little.
COVERED_BY = ("unit", "integration", "architecture")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Coverage looks away from every test outside those folders."""
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).parts[0] not in COVERED_BY:
            item.add_marker(pytest.mark.no_cover)


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
