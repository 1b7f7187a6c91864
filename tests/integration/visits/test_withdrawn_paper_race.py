"""Printing beside taking the visit back: either the print is refused, or somebody is to call."""

import threading
from datetime import datetime

import pytest
from django.utils import timezone

from accounts.models import Clinic, User
from core.rules import RuleViolation
from documents.services import rendering
from followup.models import WorkItem
from pumps.models import Pump
from tests.integration.visits.test_visit_race import together
from tests.summary_support import settings_of, summary_of, visited
from visits.models import SummaryPrint, Visit
from visits.services import summaries, withdrawn_paper
from visits.services.encounter import withdraw_visit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def visit(clinic: Clinic, nurse: User, now: datetime) -> Visit:
    settings_of(clinic)
    made = visited(clinic, nurse, now)
    rendering.render_due(clock=timezone.now)
    return made


def print_while_it_is_taken_back(
    visit: Visit, by: User, monkeypatch: pytest.MonkeyPatch
) -> list[object]:
    """The one who takes it back has looked for prints, and has not ended its transaction."""
    row, looked, printed = summary_of(visit), threading.Event(), threading.Event()
    tell = withdrawn_paper.tell_somebody

    def look_then_wait(*, visit: Visit, now: datetime) -> bool:
        found = tell(visit=visit, now=now)
        looked.set()
        printed.wait(1.5)
        return found

    monkeypatch.setattr(withdrawn_paper, "tell_somebody", look_then_wait)

    def take_back() -> None:
        withdraw_visit(visit=visit, reason="The wrong patient", by=by, now=timezone.now())

    def print_it() -> None:
        assert looked.wait(10)
        summaries.record_print(summary=row, by=by, now=timezone.now())
        printed.set()

    return together(take_back, print_it)


def lost_in_silence(visit: Visit) -> bool:
    is_printed = SummaryPrint.objects.filter(summary__visit=visit).exists()
    return is_printed and not WorkItem.objects.filter(kind="paper_withdrawn").exists()


def test_no_print_slips_in_while_the_visit_is_taken_back(
    visit: Visit, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = print_while_it_is_taken_back(visit, nurse, monkeypatch)
    [refused] = [one for one in found if one is not None]
    assert isinstance(refused, RuleViolation)
    assert [problem.code for problem in refused.problems] == ["withdrawn"]
    assert not lost_in_silence(visit)


def test_without_the_locks_one_would(
    visit: Visit, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""

    class WithoutLock:
        @staticmethod
        def lock_pump(pump_id: int) -> Pump:
            return Pump.objects.get(pk=pump_id)

    monkeypatch.setattr(summaries, "pumps", WithoutLock)
    monkeypatch.setattr(summaries, "_locked", lambda summary: summary)
    assert print_while_it_is_taken_back(visit, nurse, monkeypatch) == [None, None]
    assert lost_in_silence(visit)
