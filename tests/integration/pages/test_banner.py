"""What every page and the operator are told when a scan has not come to its end for long."""

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Clinic
from followup.services import delivering, reminding, scans
from itbclinic import health
from tests import factories

from .conftest import SignedIn, text

pytestmark = pytest.mark.django_db

DATES = "Dates may be out of date:"
REMINDERS = "Reminders and tasks may be missing:"


@pytest.mark.parametrize(
    ("minutes", "said", "failing"),
    [
        ({}, [DATES, REMINDERS], ["sweep", "due_scan", "delivery"]),
        ({"sweep": 0, "due_scan": 360, "deliver": 0}, [REMINDERS], ["due_scan"]),
        ({"sweep": 14, "due_scan": 11, "deliver": 9}, [REMINDERS], ["due_scan"]),
        ({"sweep": 16, "due_scan": 9, "deliver": 9}, [DATES], ["sweep"]),
        ({"sweep": 14, "due_scan": 9, "deliver": 11}, [REMINDERS], ["delivery"]),
        ({"sweep": 14, "due_scan": 9}, [REMINDERS], ["delivery"]),
        ({"sweep": 14, "due_scan": 9, "deliver": 9}, [], []),
        # A clock that was ahead for a minute: what ended in the future says nothing.
        (
            {"sweep": -30, "due_scan": -30, "deliver": -30},
            [DATES, REMINDERS],
            ["sweep", "due_scan", "delivery"],
        ),
    ],
)
def test_each_scan_that_is_overdue_is_named(
    as_role: SignedIn, now: datetime, minutes: dict[str, int], said: list[str], failing: list[str]
) -> None:
    nurse = as_role("nurse")
    runs: dict[str, Any] = {
        "sweep": scans.sweep,
        "due_scan": scans.due_scan,
        "deliver": delivering.deliver,
    }
    for name, ago in minutes.items():
        runs[name](clock=itertools.repeat(now - timedelta(minutes=ago)).__next__)
    page = text(nurse.get("/"))
    assert [words for words in (DATES, REMINDERS) if words in page] == said
    parts = ("sweep", "due_scan", "delivery")
    assert [name for name in parts if not health.PARTS[name]()] == failing
    answer = Client().get("/readyz")
    assert [name for name in answer.json()["failing"] if name in parts] == failing


def test_the_banner_says_since_when(as_role: SignedIn, now: datetime) -> None:
    nurse = as_role("nurse")
    assert "the system has never looked for what became due." in text(nurse.get("/"))
    scans.due_scan(clock=lambda: now - timedelta(hours=6))
    assert "the system last looked for what became due " in text(nurse.get("/work/"))


def test_a_pump_that_cannot_be_planned_is_named_to_its_clinic(
    as_role: SignedIn, clinic: Clinic, other_clinic: Clinic, now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    pump, foreign = (factories.due_in(one, 15, now) for one in (clinic, other_clinic))
    plan_for = reminding.plan_for

    def fails(pump_ids: list[int], *, now: datetime) -> None:
        if {pump.pk, foreign.pk} & set(pump_ids):
            raise ValueError
        plan_for(pump_ids, now=now)

    later = now + timedelta(days=9)  # overdue, and nothing is booked
    monkeypatch.setattr(reminding, "plan_for", fails)
    monkeypatch.setattr("itbclinic.pages.shared.frame.timezone.now", lambda: later)
    scans.due_scan(clock=lambda: later)
    page = text(as_role("nurse").get("/"))
    assert REMINDERS in page
    assert f"what is due could not be worked out for pump {pump.serial_number}." in page
