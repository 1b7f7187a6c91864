"""A visit writes its paper; the worker makes it; staff print it; nothing of it fails the visit."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pypdf import PdfReader

from accounts.models import AuditEvent, Clinic, User
from core.rules import RuleViolation
from documents.services import rendering, versions
from followup.models import WorkItem
from refills.services import book
from tests import factories
from tests.summary_support import flex, settings_of, summary_of, visited
from visits.domain.summary import lacks
from visits.models import AfterVisitSummary, SummaryPrint, Visit
from visits.services import summaries
from visits.services.encounter import withdraw_visit
from visits.services.summary_paper import SUMMARY

pytestmark = pytest.mark.django_db
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NOW = datetime(2026, 11, 22, 17, 20, tzinfo=UTC)  # Sunday, 10:20 in Denver


@pytest.fixture
def ready_clinic(clinic: Clinic) -> Clinic:
    settings_of(clinic)
    return clinic


def made(visit: Visit) -> AfterVisitSummary:
    """The visit's summary, rendered as the worker does."""
    rendering.render_due(clock=timezone.now)
    return summary_of(visit)


def text_of(row: AfterVisitSummary) -> str:
    reader = PdfReader(io.BytesIO(bytes(row.pdf or b"")))
    return "\n".join(page.extract_text() for page in reader.pages)


def test_a_visit_becomes_a_tagged_pdf_of_one_page(ready_clinic: Clinic, nurse: User) -> None:
    visit = visited(ready_clinic, nurse, NOW, given_name="Sofía", family_name="Díaz")
    row = made(visit)
    assert (row.state, row.error_class, row.pdf_missing) == ("ready", "", "")
    reader = PdfReader(io.BytesIO(bytes(row.pdf or b"")))
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert root["/Lang"] == "en"
    assert reader.metadata is not None
    assert reader.metadata.title == "After-visit summary"
    assert len(reader.pages) == 1
    box = reader.pages[0].mediabox
    assert (float(box.width), float(box.height)) == (612, 792)
    assert "page 1 of 1" in text_of(row)


def test_the_paper_says_it_in_words(ready_clinic: Clinic, nurse: User) -> None:
    pump = factories.filled_pump(
        ready_clinic, NOW - timedelta(days=60), now=NOW, given_name="Sofía", family_name="Díaz"
    )
    book(pump=pump, starts_at=NOW + timedelta(days=22, hours=-1), by=nurse, now=NOW)
    text = " ".join(text_of(made(visited(ready_clinic, nurse, NOW, pump=pump))).split())
    for words in (
        "After your visit", "Sunday, November 22, 2026", "Wasatch Clinic", "Sofía Díaz",
        "born March 9, 2014", "Monday, December 14, 2026",
        "9:20 a.m., Rehabilitation Clinic, floor 1", "350 micrograms (mcg) a day",
        "600 micrograms (mcg) a day", "baclofen, 2,000 mcg per mL", "20 mL",
        "The pump alarm would sound", "Thursday, January 21, 2027",
        "Have the pump refilled by Thursday, January 14, 2027", "one hour before",
        "801-555-0142", "801-555-0100", "Emergency 911", "Who do you call at night?",
        "The dose went up", "version 1, made November 22, 2026 at 10:20 a.m.",
        "Seen by Rowan nurse-1",
    ):  # fmt: skip
        assert words in text, words
    assert "mL" in text
    assert "interpreter" not in text
    assert "Not booked" not in text


def test_nothing_booked_says_by_when_to_call(ready_clinic: Clinic, nurse: User) -> None:
    content = summary_of(visited(ready_clinic, nurse, NOW)).content
    assert content["boxes"][0]["date"] == "Not booked yet"
    assert content["boxes"][0]["note"] == "Call us by Sunday, November 29, 2026 to book."


def test_the_visits_own_appointment_is_not_the_next_one(ready_clinic: Clinic, nurse: User) -> None:
    pump = factories.filled_pump(ready_clinic, NOW - timedelta(days=60), now=NOW)
    book(pump=pump, starts_at=NOW + timedelta(minutes=30), by=nurse, now=NOW)
    content = summary_of(visited(ready_clinic, nurse, NOW, pump=pump)).content
    assert content["boxes"][0]["date"] == "Not booked yet"


def test_an_unknown_date_is_never_printed(ready_clinic: Clinic, nurse: User) -> None:
    pump = factories.pump(ready_clinic)
    row = made(visited(ready_clinic, nurse, NOW, pump=pump, program=None, ordered_by=None))
    assert row.alarm_date is None
    assert row.content["boxes"] == []
    text = " ".join(text_of(row).split())
    assert "We do not know the date of your next refill yet." in text
    assert "Call us if you hear nothing by tomorrow." in text
    assert "alarm would sound" not in text
    assert "2027" not in text


def test_the_earlier_of_two_alarm_dates_counts(ready_clinic: Clinic, nurse: User) -> None:
    printed = (NOW + timedelta(days=40)).date()
    content = summary_of(visited(ready_clinic, nurse, NOW, printed_alarm_date=printed)).content
    assert content["boxes"][1]["date"] == "Friday, January\u00a01,\u00a02027"
    assert content["refill_by"] == "Friday, December 25, 2026"
    assert "earlier date" in content["date_note"]


def test_a_stopped_pump_says_so_and_promises_no_date(ready_clinic: Clinic, nurse: User) -> None:
    from decimal import Decimal

    from dosing.domain import programs

    stopped = programs.Stopped(
        effective_at=NOW - timedelta(hours=1), utc_offset_minutes=-420,
        concentration_mcg_per_ml=Decimal(2000),
    )  # fmt: skip
    content = summary_of(visited(ready_clinic, nurse, NOW, program=stopped)).content
    assert content["state"].startswith("The pump is stopped.")
    assert content["now"] == ["None: the pump is stopped"]
    assert content["boxes"] == []
    assert content["unknown"]


@pytest.mark.parametrize("steps", [((0, "600"),), ((0, "120"), (420, "300"), (1170, "180"))])
def test_a_flex_program_of_up_to_three_steps_fits_one_sheet(
    ready_clinic: Clinic, nurse: User, steps: tuple[tuple[int, str], ...]
) -> None:
    """With all else that takes room: an interpreter, a visit booked, two alarm dates, hours."""
    settings_of(ready_clinic, phone_day="801-555-0142 (8 a.m. to 5 p.m.)")
    pump = factories.filled_pump(
        ready_clinic, NOW - timedelta(days=60), now=NOW, given_name="Sofía",
        family_name="Díaz-Fernández", language="Vietnamese",
    )  # fmt: skip
    book(pump=pump, starts_at=NOW + timedelta(days=22, hours=-1), by=nurse, now=NOW)
    program = flex(NOW - timedelta(hours=1), (WEEK, steps))
    printed = (NOW + timedelta(days=40)).date()
    row = made(
        visited(ready_clinic, nurse, NOW, pump=pump, program=program, printed_alarm_date=printed)
    )
    text = " ".join(text_of(row).split())
    for words in ("interpreter", "December 14", "earlier date", "24 hours", "Seen by"):
        assert words in text, words
    assert len(PdfReader(io.BytesIO(bytes(row.pdf or b""))).pages) == 1


def test_a_paper_takes_the_largest_text_that_fits_on_one_sheet(
    ready_clinic: Clinic, nurse: User
) -> None:
    """Sizes by class: a plain paper is large, one that needs two sheets anyway has the smallest."""
    plain = made(visited(ready_clinic, nurse, NOW))
    assert 'class="avs avs-large"' in plain.html
    assert len(PdfReader(io.BytesIO(bytes(plain.pdf or b""))).pages) == 1
    steps = ((0, "120"), (420, "300"), (1170, "180"))
    program = flex(NOW - timedelta(hours=1), (WEEK[:5], steps), (WEEK[5:], steps[:2]))
    long = made(visited(ready_clinic, nurse, NOW, program=program, language="Vietnamese"))
    assert 'class="avs"' in long.html


def test_a_flex_program_is_a_table_of_times(ready_clinic: Clinic, nurse: User) -> None:
    at = NOW - timedelta(hours=1)
    program = flex(
        at,
        (("mon", "tue", "wed", "thu", "fri"), ((0, "120"), (420, "300"), (1170, "180"))),
        (("sat", "sun"), ((0, "480"),)),
    )
    row = made(visited(ready_clinic, nurse, NOW, program=program))
    assert row.content["now"] == [
        "Most in a day: 600 micrograms (mcg)", "Least in a day: 480 micrograms (mcg)",
    ]  # fmt: skip
    week, weekend = row.content["schedule"]
    assert week["days"] == "Monday to Friday"
    assert week["steps"][1] == ["7:00 a.m. to 7:30 p.m.", "300 micrograms (mcg)"]
    assert week["total"] == "600 micrograms (mcg) a day"
    assert weekend["steps"] == [["All day", "480 micrograms (mcg)"]]
    assert "Monday to Friday" in text_of(row)


def test_a_paper_of_two_sheets_names_the_patient_on_each(ready_clinic: Clinic, nurse: User) -> None:
    steps = ((0, "120"), (420, "300"), (1170, "180"))
    program = flex(NOW - timedelta(hours=1), (WEEK[:5], steps), (WEEK[5:], steps[:2]))
    row = made(visited(ready_clinic, nurse, NOW, program=program, language="Vietnamese"))
    sheets = PdfReader(io.BytesIO(bytes(row.pdf or b""))).pages
    assert len(sheets) == 2
    patient = row.visit.pump.patient
    for sheet in sheets:  # they may come apart
        assert f"{patient.given_name} {patient.family_name} born" in sheet.extract_text()


def test_another_language_gets_a_line_for_the_interpreter(
    ready_clinic: Clinic, nurse: User
) -> None:
    row = made(visited(ready_clinic, nurse, NOW, language="Vietnamese"))
    assert row.content["interpreter"] == "Please use an interpreter: Vietnamese."
    assert "Please use an interpreter: Vietnamese." in text_of(row)


def test_a_clinic_without_numbers_leaves_a_space_that_is_seen(clinic: Clinic, nurse: User) -> None:
    row = made(visited(clinic, nurse, NOW))
    assert "No phone number is set" in text_of(row)
    assert "Emergency 911" in " ".join(text_of(row).split())


def test_the_renderer_writes_no_line_that_could_quote_the_paper(
    ready_clinic: Clinic, nurse: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        row = made(visited(ready_clinic, nurse, NOW, family_name="Quetzal"))
    assert "Quetzal" in row.html
    assert not [one for one in caplog.records if one.name.startswith(("weasyprint", "fontTools"))]
    assert "Quetzal" not in caplog.text


def test_markup_in_a_name_stays_text(ready_clinic: Clinic, nurse: User) -> None:
    row = made(visited(ready_clinic, nurse, NOW, family_name="<script>alert(1)</script>"))
    assert "<script>alert" not in row.html
    assert "&lt;script&gt;alert" in row.html


def test_a_broken_query_while_writing_never_fails_the_visit(
    ready_clinic: Clinic, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> Any:
        connection.cursor().execute("SELECT 1 / 0")

    factories.user("staff-1", ready_clinic, "staff")
    monkeypatch.setattr(summaries, "content_of", broken)
    visit = visited(ready_clinic, nurse, NOW)
    row = summary_of(visit)
    assert (row.state, row.error_class) == ("failed", "DataError")
    item = WorkItem.objects.get(kind="summary_failed")
    assert (item.subject, item.owner_role) == (str(visit.uuid), "staff")
    assert AuditEvent.objects.filter(event="visit.recorded").exists()
    # And the way out: try again, once what broke is mended.
    monkeypatch.undo()
    new = summaries.try_again(summary=row, by=nurse, now=timezone.now())
    assert new.version == 2
    assert made(visit).state == "ready"
    item.refresh_from_db()
    assert item.settled_at is not None


def test_an_error_while_rendering_is_tried_again_and_ends_at_a_person(
    ready_clinic: Clinic, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> tuple[int, bytes]:
        raise ValueError("Sofía")

    visit = visited(ready_clinic, nurse, NOW)
    monkeypatch.setattr(rendering, "pdf_of", broken)
    for attempt in range(1, rendering.MOST_ATTEMPTS + 1):
        row = made(visit)
        assert (row.attempts, row.error_class) == (attempt, "ValueError")
        assert WorkItem.objects.filter(kind="summary_failed").count() == (
            attempt == rendering.MOST_ATTEMPTS
        )
        assert row.state == ("failed" if attempt == rendering.MOST_ATTEMPTS else "pending")
        if attempt < rendering.MOST_ATTEMPTS:
            assert row.not_before > timezone.now()
        AfterVisitSummary.objects.update(not_before=timezone.now())
    assert row.html, "the page is there, and prints"
    summaries.record_print(summary=row, by=nurse, now=timezone.now())
    monkeypatch.undo()
    summaries.try_again(summary=row, by=nurse, now=timezone.now())
    assert made(visit).state == "ready"
    assert not WorkItem.objects.filter(kind="summary_failed", settled_at=None).exists()


def test_without_pango_the_page_is_ready_and_says_that_the_pdf_is_missing(
    ready_clinic: Clinic, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise OSError("cannot load library 'libpango-1.0-0'")

    monkeypatch.setattr("importlib.import_module", missing)
    row = made(visited(ready_clinic, nurse, NOW))
    assert (row.state, row.pdf, row.pdf_missing) == ("ready", None, "OSError")
    assert "After your visit" in row.html
    summaries.record_print(summary=row, by=nurse, now=timezone.now())
    from itbclinic import health

    assert not health.PARTS["pdf"]()
    monkeypatch.undo()
    new = summaries.try_again(summary=row, by=nurse, now=timezone.now())
    assert made(row.visit).pk == new.pk
    assert health.PARTS["pdf"]()


def test_one_that_waits_too_long_is_named(ready_clinic: Clinic, nurse: User) -> None:
    from itbclinic import health

    visit = visited(ready_clinic, nurse, NOW)
    assert not health.PARTS["summaries"]()
    made(visit)
    assert health.PARTS["summaries"]()


def test_a_new_appointment_makes_a_new_version_and_keeps_the_old(
    ready_clinic: Clinic, nurse: User
) -> None:
    visit = visited(ready_clinic, nurse, NOW)
    first = made(visit)
    assert summaries.refresh_for_pump(visit.pump_id, NOW + timedelta(minutes=5)) is None
    book(
        pump=visit.pump, starts_at=NOW + timedelta(days=20), by=nurse, now=NOW + timedelta(hours=1)
    )
    # Nobody told us: the scan finds it.
    assert summaries.refresh_changed(now=NOW + timedelta(hours=1, minutes=1)) == 1
    assert summaries.refresh_changed(now=NOW + timedelta(hours=1, minutes=2)) == 0
    second = made(visit)
    first.refresh_from_db()
    assert (second.version, first.replaced_at is not None) == (2, True)
    assert first.html
    assert "Saturday, December 12, 2026" in second.content["boxes"][0]["date"].replace(
        "\u00a0", " "
    )


def test_new_dates_make_a_new_version_of_the_latest_visit_only(
    ready_clinic: Clinic, nurse: User
) -> None:
    pump = factories.filled_pump(ready_clinic, NOW - timedelta(days=60), now=NOW)
    old = visited(ready_clinic, nurse, NOW, pump=pump, at=NOW - timedelta(days=9))
    latest = visited(ready_clinic, nurse, NOW, pump=pump)
    ready_clinic.refill_lead_days = 14
    ready_clinic.save()
    from followup.services import refresh

    later = NOW + timedelta(minutes=3)
    refresh([pump.pk], now=later)
    assert summaries.refresh_changed(now=later) == 1
    assert summary_of(latest).version == 2
    assert summary_of(old).version == 1
    assert "January 7, 2027" in summary_of(latest).content["refill_by"]


def test_a_withdrawn_visits_paper_is_neither_made_nor_printed(
    ready_clinic: Clinic, nurse: User
) -> None:
    waiting = visited(ready_clinic, nurse, NOW)
    ready = visited(ready_clinic, nurse, NOW)
    rendering.record(
        SUMMARY, row=summary_of(ready), worker="none", made=rendering.Made("x", b"y"), now=NOW
    )
    for visit in (waiting, ready):
        withdraw_visit(visit=visit, reason="Wrong patient", by=nurse, now=NOW)
    assert rendering.render_due(clock=timezone.now) == 0
    AfterVisitSummary.objects.update(html="x", rendered_at=NOW)
    with pytest.raises(RuleViolation) as refused:
        summaries.record_print(summary=summary_of(ready), by=nurse, now=NOW)
    assert refused.value.problems[0].code == "withdrawn"
    assert not SummaryPrint.objects.exists()


def test_a_role_that_may_not_print_is_refused(ready_clinic: Clinic, nurse: User) -> None:
    row = made(visited(ready_clinic, nurse, NOW))
    pharmacist = factories.user("pharmacist-1", ready_clinic, "pharmacist")
    for act in (summaries.record_print, summaries.try_again):
        with pytest.raises(RuleViolation) as refused:
            act(summary=row, by=pharmacist, now=NOW)
        assert refused.value.problems[0].code == "not_allowed"


def test_a_corrected_dose_is_the_dose_now(ready_clinic: Clinic, nurse: User) -> None:
    from tests.corrections import correct_program

    visit = visited(ready_clinic, nurse, NOW)
    later = NOW + timedelta(minutes=5)
    assert visit.program is not None
    correct_program(
        program=visit.program, replacement=factories.simple(visit.at, "500"),
        reason="Typed 600", by=nurse, now=later,
    )  # fmt: skip
    new = summaries.refresh_for_pump(visit.pump_id, later)
    assert new is not None
    assert new.content["before"] == ["350 micrograms (mcg) a day"]
    assert new.content["now"] == ["500 micrograms (mcg) a day"]


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "ready", "html": "", "rendered_at": NOW, "pdf": b"x"},
        {"state": "ready", "html": "x", "rendered_at": NOW, "pdf": None},
        {"state": "ready", "html": "x", "rendered_at": None, "pdf": b"x"},
        {"state": "failed", "error_class": ""},
    ],
)
def test_the_database_holds_what_ready_and_failed_mean(
    ready_clinic: Clinic, nurse: User, changes: dict[str, Any]
) -> None:
    row = summary_of(visited(ready_clinic, nurse, NOW))
    with pytest.raises(IntegrityError), transaction.atomic():
        AfterVisitSummary.objects.filter(pk=row.pk).update(**changes)


def test_a_dead_broker_does_not_fail_the_visit(
    ready_clinic: Clinic, nurse: User, django_capture_on_commit_callbacks: Any, settings: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True) as rung:
        visit = visited(ready_clinic, nurse, NOW)
    assert versions.ring in rung
    assert made(visit).state == "ready"


@pytest.mark.parametrize(
    "without",
    [("name",), ("boxes", "unknown"), ("now",), ("warnings",), ("phone_day", "phone_night")],
)
def test_a_paper_that_lacks_what_a_family_needs_is_somebodys_task(
    ready_clinic: Clinic, nurse: User, without: tuple[str, ...]
) -> None:
    visit = visited(ready_clinic, nurse, NOW)
    row = summary_of(visit)
    assert lacks(row.content) == []
    less = {name: value for name, value in row.content.items() if name not in without}
    AfterVisitSummary.objects.filter(pk=row.pk).update(content=less)
    for _ in range(rendering.MOST_ATTEMPTS):
        row = made(visit)
        assert (row.html, row.error_class) == ("", "ContentIsIncomplete")
        AfterVisitSummary.objects.update(not_before=timezone.now())
    assert row.state == "failed"
    item = WorkItem.objects.get(kind="summary_failed", settled_at=None)
    assert item.details["error"] == "ContentIsIncomplete"
    assert not any(word in str(item.details) for word in ("Sof", "baclofen"))
