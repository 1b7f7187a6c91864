"""A kind of paper that the product has not yet can be added: a table, a class and one line in the
settings. The engine makes it, keeps it, and tells of what fails, without a change."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pypdf import PdfReader

from accounts.models import AuditEvent, Clinic, User
from core import leases
from core.rules import RuleViolation
from documents import selectors
from documents.kinds import kinds
from documents.models import Paper
from documents.services import rendering, versions
from tests.integration.documents.card import CARD, Card
from tests.summary_support import settings_of, summary_of, visited

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 17, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def card(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second kind, first in the order: whatever stops it must not stop the other."""
    with connection.schema_editor() as editor:
        editor.create_model(Card)
    [engine] = settings.TEMPLATES
    folders = [*engine["DIRS"], Path(__file__).parent / "templates"]
    settings.TEMPLATES = [{**engine, "DIRS": folders}]
    settings.PAPER_KINDS = ["tests.integration.documents.card.CARD", *settings.PAPER_KINDS]
    monkeypatch.setattr(CARD, "failed", [])


def issued(clinic: Clinic, *, version: int = 1, content: Any = None) -> Card:
    content, error = versions.written(CARD, lambda: content or {"name": "Sofía"}, "a card")
    return versions.add(
        CARD, content=content, error=error, now=NOW, clinic_id=clinic.pk, version=version
    )


def made(row: Card) -> Card:
    rendering.render_due(clock=timezone.now)
    row.refresh_from_db()
    return row


def due_again() -> None:
    Card.objects.update(not_before=timezone.now() - timedelta(seconds=1))


def test_every_table_of_papers_is_the_table_of_one_kind() -> None:
    tables = {model for model in apps.get_models() if issubclass(model, Paper)}
    named = [kind.model for kind in kinds() if kind is not CARD]
    assert len(named) == len(set(named))
    assert set(named) == tables
    names = [kind.code for kind in kinds()]
    assert len(names) == len(set(names))


def test_a_second_kind_is_made_beside_the_first(clinic: Clinic, nurse: User) -> None:
    settings_of(clinic)
    visit = visited(clinic, nurse, NOW)
    row = made(issued(clinic))
    assert (row.state, row.pdf_missing) == ("ready", "")
    assert "<p>Sofía, version 1, good morning</p>" in row.html
    assert "/static/summary-3.css" in row.html
    [page] = PdfReader(io.BytesIO(bytes(row.pdf or b""))).pages
    assert page.extract_text().startswith("Sofía, version 1, good morning")
    assert summary_of(visit).state == "ready"
    assert CARD.failed == []


def test_its_bytes_are_kept_whatever_the_template_has_become(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made(issued(clinic))
    kept = (first.html, bytes(first.pdf or b""))
    monkeypatch.setattr(CARD, "template", "404.html")
    versions.retire(first, NOW)
    made(issued(clinic, version=2))
    first.refresh_from_db()
    assert (first.html, bytes(first.pdf or b"")) == kept


def test_what_cannot_be_written_fails_nothing_and_is_told(clinic: Clinic) -> None:
    def broken() -> dict[str, Any]:
        connection.cursor().execute("SELECT 1 / 0")
        return {}

    content, error = versions.written(CARD, broken, "a card")
    row = versions.add(CARD, content=content, error=error, now=NOW, clinic_id=clinic.pk)
    assert (row.state, row.error_class) == ("failed", "DataError")
    assert CARD.failed == [row]


def test_what_cannot_be_made_is_tried_again_and_told_once(
    clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    row = issued(clinic, content={"name": "", "of": "Tsosie"})
    for attempt in range(1, rendering.MOST_ATTEMPTS + 1):
        due_again()
        made(row)
        assert (row.attempts, row.error_class) == (attempt, "ContentIsIncomplete")
        assert (len(CARD.failed) == 1) == (attempt == rendering.MOST_ATTEMPTS)
    assert (row.state, row.html) == ("failed", "")
    assert "card not made" in caplog.text
    assert "Tsosie" not in caplog.text
    due_again()
    assert rendering.render_due(clock=timezone.now) == 0


def test_a_kind_that_cannot_even_tell_stops_no_other(
    clinic: Clinic, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise BrokenPipeError

    settings_of(clinic)
    visit = visited(clinic, nurse, NOW)
    row = issued(clinic, content={"name": ""})
    Card.objects.update(attempts=rendering.MOST_ATTEMPTS - 1)
    monkeypatch.setattr(CARD, "on_failed", broken)
    with pytest.raises(BrokenPipeError):
        rendering.render_due(clock=timezone.now)
    row.refresh_from_db()
    assert (row.state, bool(row.lease_by)) == ("pending", True), "its lease runs out"
    assert summary_of(visit).state == "ready"


def test_what_a_killed_worker_held_is_made_by_the_next(clinic: Clinic) -> None:
    row = issued(clinic)
    assert rendering.claim(CARD, worker="w") == row
    assert rendering.render_due(clock=timezone.now) == 0
    Card.objects.update(lease_until=leases.CLOCK - timedelta(seconds=1))
    assert rendering.recover(clock=timezone.now) == 1
    due_again()
    assert made(row).state == "ready"


def test_a_version_that_was_replaced_is_not_made(clinic: Clinic) -> None:
    row = issued(clinic)
    held = rendering.claim(CARD, worker="w")
    assert held is not None
    versions.retire(row, NOW)
    late = rendering.Made("<p>late</p>", b"late")
    assert not rendering.record(CARD, row=held, worker="w", made=late, now=NOW)
    assert made(row).html == ""


def test_print_is_refused_until_it_is_made_and_once_it_is_replaced(
    clinic: Clinic, nurse: User
) -> None:
    row = issued(clinic)
    with pytest.raises(RuleViolation, match="card: not_ready") as refused:
        versions.check_printable(CARD, row)
    assert refused.value.problems[0].message.startswith("The card is not made yet.")
    versions.check_printable(CARD, made(row))
    with pytest.raises(RuleViolation, match="card: not_failed"):
        versions.check_can_be_tried_again(CARD, row)
    versions.record(CARD, row, "printed", by=nurse, now=NOW)
    event = AuditEvent.objects.get(event="card.printed")
    assert (event.subject_type, event.subject_id) == ("card", str(row.uuid))
    versions.retire(row, NOW)
    with pytest.raises(RuleViolation, match="card: replaced"):
        versions.check_printable(CARD, row)
    versions.check_printable(CARD, row, as_old=True)


def test_whoever_watches_hears_of_every_kind(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: Any) -> Any:
        raise rendering.PdfUnavailable("OSError")

    row = issued(clinic)
    assert selectors.papers_wait(NOW + timedelta(minutes=11))
    assert not selectors.papers_wait(NOW + timedelta(minutes=9))
    monkeypatch.setattr(rendering, "pdf_of", missing)
    assert (made(row).pdf, row.pdf_missing) == (None, "OSError")
    assert not selectors.papers_wait(NOW + timedelta(minutes=11))
    assert selectors.pdf_is_missing()
    versions.check_can_be_tried_again(CARD, row)
    monkeypatch.undo()
    versions.retire(row, NOW)
    made(issued(clinic, version=2))
    assert not selectors.pdf_is_missing()


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "lost"},
        {"state": "ready", "html": "", "rendered_at": NOW, "pdf": b"x"},
        {"state": "ready", "html": "x", "rendered_at": NOW, "pdf": None},
        {"state": "failed", "error_class": ""},
        {"lease_by": "w"},
        {"replaced_at": NOW - timedelta(days=1)},
    ],
)
def test_the_database_holds_what_each_state_means(clinic: Clinic, changes: dict[str, Any]) -> None:
    issued(clinic)
    with pytest.raises(IntegrityError), transaction.atomic():
        Card.objects.update(**changes)
