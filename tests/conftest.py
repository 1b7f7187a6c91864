"""What all tests share: a real PostgreSQL, with the roles granted as in production."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connection
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
    """Grants on the test database, so that tests can take the application's role; and a clock that
    can be moved."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        database_roles.grant()
        with connection.cursor() as cursor:
            cursor.execute(MOVED_CLOCK)


# `clock_timestamp()` of the tests' database is the tests' own: leases and what is due go by it.
# It stands before PostgreSQL's because that schema is named last in the search path.
MOVED_CLOCK = """
DROP SCHEMA IF EXISTS tests CASCADE;
CREATE SCHEMA tests;
CREATE TABLE tests.clock (ahead interval NOT NULL);
INSERT INTO tests.clock VALUES ('0');
CREATE FUNCTION tests.clock_timestamp() RETURNS timestamptz LANGUAGE sql SECURITY DEFINER AS
    'SELECT pg_catalog.clock_timestamp() + ahead FROM tests.clock';
GRANT USAGE ON SCHEMA tests TO PUBLIC;
DO $$ BEGIN
    EXECUTE format(
        'ALTER DATABASE %I SET search_path = public, tests, pg_catalog', current_database()
    );
END $$;
SET search_path = public, tests, pg_catalog;
"""

# A Wednesday morning in the clinic, with nothing special about it; `--at` chooses another instant.
ORDINARY = datetime(2026, 12, 2, 15, 10, tzinfo=UTC)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--at",
        type=datetime.fromisoformat,
        default=ORDINARY,
        help="the tests' instant, such as 2026-12-03T06:59+00:00",
    )


@pytest.fixture(autouse=True)
def clock(request: pytest.FixtureRequest) -> Iterator[None]:
    """The tests' clock goes on from a chosen instant: no test depends on the hour it is run at.

    The database's clock goes with it. Where processes of their own run (devstack, production,
    faults), the clock is the true one.
    """
    with time_machine.travel(request.config.getoption("at"), tick=True):
        yield


@pytest.fixture(autouse=True)
def database_clock(request: pytest.FixtureRequest, clock: None) -> None:
    """The clock of the database, moved as far as the tests' own."""
    marked = request.node.get_closest_marker("django_db") is not None
    if not marked and not {"db", "transactional_db"} & set(request.fixturenames):
        return
    request.getfixturevalue("db")
    true_now = time_machine.escape_hatch.datetime.datetime.now
    moved = time_machine.escape_hatch.is_travelling()
    ahead = datetime.now(UTC) - true_now(UTC) if moved else timedelta()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tests.clock SET ahead = %s::interval", [str(ahead)])


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
