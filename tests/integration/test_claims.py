"""A worker that claims takes as many rows as it asked for, whatever plan PostgreSQL chooses.

`UPDATE … WHERE id IN (SELECT … LIMIT 1 FOR UPDATE SKIP LOCKED)` does not hold that: in a nested
loop the subquery runs once for each row outside, and each run locks the next. A row that is
leased and in nobody's hands waits for its lease to end, and has lost an attempt.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Clinic, User
from accounts.services import system_user
from documents.services import rendering
from reminders.domain.promises import Obligation, PromiseKey
from reminders.models import OutboxMessage
from reminders.services import delivery, outbox
from rosters.models import RosterUpload
from rosters.services import upload_runs
from rosters.services.uploads import upload_roster
from tests.summary_support import settings_of, visited
from tests.unit.rosters.sheets import SAMPLE
from visits.models import AfterVisitSummary
from visits.services.summary_paper import SUMMARY

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 17, 20, tzinfo=UTC)


@pytest.fixture
def nested_loops(db: None) -> None:
    """The plan that tells: the subquery on the inner side, and nothing kept of it."""
    with connection.cursor() as cursor:
        for way in ("hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize"):
            cursor.execute(f"SET LOCAL enable_{way} = off")


@pytest.mark.usefixtures("nested_loops")
def test_of_letters_as_many_as_asked_for(clinic: Clinic) -> None:
    plan = [
        outbox.Planned(
            clinic_id=clinic.pk, about="a", date_version="s.v1",
            promise=PromiseKey(Obligation("refill", "a"), "s", "window", f"r{number}"),
            kind="refill", template="board",
            language="en", not_before=NOW, expires_at=NOW + timedelta(days=1),
        )
        for number in range(6)
    ]  # fmt: skip
    outbox.sync(abouts=["a"], plan=plan, by=system_user("system-scan"), now=NOW)
    assert len(delivery.claim(worker="w", limit=2)) == 2
    assert OutboxMessage.objects.filter(lease_by="w").count() == 2


@pytest.mark.usefixtures("nested_loops")
def test_of_summaries_one(clinic: Clinic, nurse: User) -> None:
    settings_of(clinic)
    for number in range(3):
        visited(clinic, nurse, NOW, mrn=f"80{number}")
    assert rendering.claim(SUMMARY, worker="w") is not None
    assert AfterVisitSummary.objects.filter(lease_by="w").count() == 1


@pytest.mark.usefixtures("nested_loops")
def test_of_sheets_one(clinic: Clinic, nurse: User) -> None:
    for number in range(3):
        upload_roster(
            clinic=clinic, content=SAMPLE + b"\n" * number, suffix=".csv", by=nurse, now=NOW,
            as_of=date(2026, 11, 22),
        )  # fmt: skip
    assert upload_runs.claim(clock=timezone.now, ends=NOW) is not None
    assert RosterUpload.objects.exclude(lease_until=None).count() == 1
