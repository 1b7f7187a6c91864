"""What every page and the operator are told when a scan has not come to its end for long."""

from datetime import datetime, timedelta

import pytest
from django.test import Client

from alarms.services import scans
from itbclinic import health

from .conftest import SignedIn, text

pytestmark = pytest.mark.django_db

DATES = "Dates may be out of date:"
REMINDERS = "Reminders and tasks may be missing:"


@pytest.mark.parametrize(
    ("minutes", "said", "failing"),
    [
        ({}, [DATES, REMINDERS], ["sweep", "due_scan"]),
        ({"sweep": 0, "due_scan": 360}, [REMINDERS], ["due_scan"]),
        ({"sweep": 14, "due_scan": 11}, [REMINDERS], ["due_scan"]),
        ({"sweep": 16, "due_scan": 9}, [DATES], ["sweep"]),
        ({"sweep": 14, "due_scan": 9}, [], []),
    ],
)
def test_each_scan_that_is_overdue_is_named(
    as_role: SignedIn, now: datetime, minutes: dict[str, int], said: list[str], failing: list[str]
) -> None:
    nurse = as_role("nurse")
    for name, ago in minutes.items():
        getattr(scans, name)(clock=lambda at=now - timedelta(minutes=ago): at)
    page = text(nurse.get("/"))
    assert [words for words in (DATES, REMINDERS) if words in page] == said
    scanned = [name for name in ("sweep", "due_scan") if not health.PARTS[name]()]
    assert scanned == failing
    answer = Client().get("/readyz")
    assert [name for name in answer.json()["failing"] if name in ("sweep", "due_scan")] == failing


def test_the_banner_says_since_when(as_role: SignedIn, now: datetime) -> None:
    nurse = as_role("nurse")
    assert "the system has never looked for what became due." in text(nurse.get("/"))
    scans.due_scan(clock=lambda: now - timedelta(hours=6))
    assert "the system last looked for what became due " in text(nurse.get("/work/"))
