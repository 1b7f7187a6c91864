"""An uploaded sheet on its way into the record: checked, imported, discarded, resumed, refused."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import AuditEvent, Clinic, User
from accounts.selectors import change_sequence
from alarms.models import Projection
from core.rules import RuleViolation
from patients.models import Patient
from rosters import tasks
from rosters.domain import uploads as limits
from rosters.models import ImportRow, ImportRun, RosterUpload
from rosters.selectors import open_refused_rows, unfinished_uploads
from rosters.services import upload_runs
from rosters.services.importing import import_roster
from rosters.services.upload_runs import run_uploads
from rosters.services.uploads import (
    check_again,
    discard,
    refused_of,
    seen_of,
    start_import,
    upload_roster,
)
from tests import factories
from tests.unit.rosters.sheets import DATA, SAMPLE, as_workbook, cells, csv_of

pytestmark = pytest.mark.django_db

AS_OF = date(2026, 11, 22)
NOW = datetime(2026, 11, 27, 15, tzinfo=UTC)
EXPECTED = json.loads((DATA / "clinic-roster.expected.json").read_text())["rows"]
Upload = Callable[..., RosterUpload]
SOME = b"\n".join(SAMPLE.splitlines()[:61])
SMALL = b"\n".join(SAMPLE.splitlines()[:13])  # one of its twelve rows is refused


class Clock:
    """Goes on by so many seconds each time it is read."""

    def __init__(self, step: float = 0) -> None:
        self.now, self.step = NOW, timedelta(seconds=step)

    def __call__(self) -> datetime:
        self.now += self.step
        return self.now


@pytest.fixture
def send(clinic: Clinic, nurse: User) -> Upload:
    def send(content: bytes = SMALL, suffix: str = ".csv", **other: Any) -> RosterUpload:
        values = {"clinic": clinic, "by": nurse, "as_of": AS_OF, "now": NOW, **other}
        return upload_roster(content=content, suffix=suffix, **values)

    return send


def again(upload: RosterUpload) -> RosterUpload:
    return RosterUpload.objects.get(pk=upload.pk)


def work(step: float = 0, slices: int = 1) -> None:
    for _ in range(slices):
        run_uploads(clock=Clock(step))


def begin(upload: RosterUpload, by: User) -> RosterUpload:
    return start_import(upload=upload, by=by, now=NOW, seen=seen_of(again(upload)))


def free(upload: RosterUpload) -> None:
    """The lease of a killed worker runs out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE visits_rosterupload SET lease_until = clock_timestamp() - interval '1 second'"
            " WHERE id = %s AND lease_until IS NOT NULL", [upload.pk],
        )  # fmt: skip


def as_expected(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for line in findings:
        if line["errors"]:
            first = {name: line["errors"][0][name] for name in ("column", "code")}
            rows.append({"row": line["row"], "outcome": "error", **first})
            continue
        rows.append(
            {
                "row": line["row"],
                "outcome": "imported",
                "warnings": [w["code"] for w in line["warnings"]],
                "alarm_date": line["alarm_date"],
                "refill_due_on": line["refill_due_on"],
            }
        )
    return rows


def recorded() -> list[dict[str, Any]]:
    """What is in the record after an import, in the shape of the expected file."""
    rows = []
    for row in ImportRow.objects.order_by("row"):
        if row.outcome == "refused":
            first = {name: row.errors[0][name] for name in ("column", "code")}
            rows.append({"row": row.row, "outcome": "error", **first})
            continue
        dates = Projection.objects.get(pump__patient=row.patient)
        known = not dates.unknown_reason
        alarm = dates.alarm_date if known else None
        due = dates.refill_due_on if known else None
        rows.append(
            {
                "row": row.row,
                "outcome": "imported",
                "warnings": [w["code"] for w in row.warnings],
                "alarm_date": alarm.isoformat() if alarm else None,
                "refill_due_on": due.isoformat() if due else None,
            }
        )
    return rows


def test_the_clinics_own_sheet_comes_to_exactly_what_it_must(send: Upload, nurse: User) -> None:
    upload = send(SAMPLE)
    assert Patient.objects.count() == 0
    work()
    checked = again(upload)
    assert (checked.state, checked.rows_done, checked.rows_total) == ("checked", 160, 160)
    assert as_expected(checked.report) == EXPECTED
    assert (Patient.objects.count(), ImportRun.objects.count()) == (0, 0), "a check writes nothing"
    begin(upload, nurse)
    work()
    done = again(upload)
    assert (done.state, done.content, done.rows_done) == ("imported", None, 160)
    assert done.run is not None
    assert (done.run.imported, done.run.refused) == (135, 25)
    assert recorded() == EXPECTED
    assert len(open_refused_rows([upload.clinic_id])) == 25


def test_a_workbook_comes_to_the_same(send: Upload) -> None:
    upload = send(as_workbook(SAMPLE), ".xlsx")
    work()
    assert as_expected(again(upload).report) == EXPECTED


@pytest.mark.parametrize(
    ("content", "suffix", "said"),
    [
        (b"", ".csv", "empty"),
        (b"MRN,Name\n1,2\n", ".csv", "No line with the headings"),
        (b"MRN\x00," + SAMPLE, ".csv", "not UTF-8"),
        ("Ä".encode("latin-1") + SAMPLE, ".csv", "not UTF-8"),
        (SAMPLE.decode("utf-8-sig").encode("utf-16"), ".csv", "not UTF-8"),
        (b"PK\x03\x04" + b"x" * 99, ".xlsx", "cannot be read as an Excel workbook"),
        (SAMPLE, ".xlsm", "ends in .csv or .xlsx"),
        (SAMPLE, "", "ends in .csv or .xlsx"),
        (b"x" * (limits.MAX_BYTES + 1), ".csv", "larger than 5 MB"),
    ],
)
def test_what_is_no_roster_is_refused_at_once(
    send: Upload, content: bytes, suffix: str, said: str
) -> None:
    with pytest.raises(RuleViolation) as refused:
        send(content, suffix)
    (problem,) = refused.value.problems
    assert (problem.field, problem.code) == ("file", "unreadable_file")
    assert said in problem.message
    assert RosterUpload.objects.count() == 0


def test_more_rows_than_may_be_uploaded(send: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_ROWS", 11)
    with pytest.raises(RuleViolation) as refused:
        send()
    assert "has 12 rows; at most 11" in refused.value.problems[0].message


def test_as_of_a_day_to_come_is_refused(send: Upload) -> None:
    with pytest.raises(RuleViolation) as refused:
        send(as_of=date(2026, 11, 28))
    assert refused.value.problems[0].field == "as_of"
    assert send(as_of=date(2026, 11, 27)).state == "waiting"


def test_only_those_who_may_import(send: Upload, clinic: Clinic, other_clinic: Clinic) -> None:
    for by in (factories.user("p", clinic, "pharmacist"), factories.user("o", other_clinic)):
        with pytest.raises(RuleViolation) as refused:
            send(by=by)
        assert refused.value.problems[0].code == "not_allowed"
    upload = send()
    work()
    for act in (begin, lambda u, b: discard(upload=u, by=b, now=NOW),
                lambda u, b: check_again(upload=u, by=b, now=NOW)):  # fmt: skip
        with pytest.raises(RuleViolation) as refused:
            act(upload, factories.user(f"x{next(factories.numbers)}", other_clinic))
        assert refused.value.problems[0].code == "not_allowed"


def test_the_same_sheet_on_its_way_is_one_upload(send: Upload, nurse: User) -> None:
    first = send()
    assert send().pk == first.pk
    assert send(as_of=date(2026, 11, 21)).pk != first.pk
    discard(upload=first, by=nurse, now=NOW)
    assert send().pk != first.pk, "after its end it may come again"


def test_who_lost_the_role_imports_nothing(send: Upload, nurse: User) -> None:
    upload = send()
    work()
    begin(upload, nurse)
    nurse.memberships.all().delete()
    work()
    assert again(upload).state == "failed"
    assert "does not let you" in again(upload).refusal
    assert Patient.objects.count() == 0


def test_an_import_needs_the_check_that_was_seen(send: Upload, nurse: User) -> None:
    upload = send()
    with pytest.raises(RuleViolation) as refused:
        begin(upload, nurse)
    assert refused.value.problems[0].code == "not_checked"
    work()
    seen = seen_of(again(upload))
    check_again(upload=upload, by=nurse, now=NOW)
    run_uploads(clock=lambda: NOW + timedelta(minutes=1))
    with pytest.raises(RuleViolation) as refused:
        start_import(upload=upload, by=nurse, now=NOW, seen=seen)
    assert refused.value.problems[0].code == "stale"
    begin(upload, nurse)
    with pytest.raises(RuleViolation) as refused:
        begin(upload, nurse)
    assert refused.value.problems[0].code == "already_started"
    with pytest.raises(RuleViolation) as refused:
        discard(upload=upload, by=nurse, now=NOW)
    assert refused.value.problems[0].code == "already_started"


def test_discarded_is_gone_with_its_file(send: Upload, nurse: User) -> None:
    upload = send()
    work()
    discard(upload=upload, by=nurse, now=NOW)
    gone = again(upload)
    assert (gone.state, gone.content, gone.report) == ("discarded", None, [])
    with pytest.raises(RuleViolation):
        discard(upload=upload, by=nurse, now=NOW)
    work()
    assert again(upload).state == "discarded"


@pytest.mark.parametrize("importing", [False, True])
def test_a_sheet_that_takes_longer_than_a_slice_goes_on_where_it_was(
    send: Upload, nurse: User, importing: bool
) -> None:
    upload = send(SAMPLE)
    if importing:
        work()
        begin(upload, nurse)
    work(step=0.5)  # of 25 seconds
    halfway = again(upload)
    assert 0 < halfway.rows_done < 160
    assert halfway.lease_until is None
    assert halfway.state == ("importing" if importing else "checking")
    work(step=0.5, slices=20)
    done = again(upload)
    assert done.state == ("imported" if importing else "checked")
    if importing:
        assert done.run is not None
        assert (done.run.imported, done.run.unchanged, done.run.refused) == (135, 0, 25)
        assert ImportRun.objects.count() == 1
        assert recorded() == EXPECTED
        assert AuditEvent.objects.filter(event="roster.imported").count() == 1
    else:
        assert as_expected(done.report) == EXPECTED


def test_a_check_in_slices_tells_that_the_record_moved_since_its_first(
    send: Upload, clinic: Clinic, nurse: User
) -> None:
    rows = [
        cells(mrn=f"8{n:03}", pump_serial=f"T{n}", last_name=f"N{n}", alarm_date="")
        for n in range(4)
    ]
    clock = Clock(step=2)
    upload = send(csv_of(*rows))
    before = change_sequence([clinic.pk])
    run_uploads(clock=clock, slice_of=timedelta(seconds=1))
    halfway = again(upload)
    assert (halfway.state, [line["row"] for line in halfway.report]) == ("checking", [2])
    import_roster(
        clinic=clinic, content=csv_of(rows[0]), filename_suffix=".csv", as_of=AS_OF, by=nurse,
        now=NOW,
    )  # fmt: skip
    run_uploads(clock=clock, slice_of=timedelta(hours=1))
    done = again(upload)
    assert (done.state, done.report[0]["outcome"]) == ("checked", "imported")
    assert done.checked_sequence == before < change_sequence([clinic.pk])
    check_again(upload=done, by=nurse, now=clock())
    run_uploads(clock=clock, slice_of=timedelta(hours=1))
    anew = again(upload)
    assert (anew.report[0]["outcome"], anew.checked_sequence) == (
        "unchanged",
        change_sequence([clinic.pk]),
    )


class PowerCut(BaseException):
    """Nothing catches it, like the end of the process."""


@pytest.mark.parametrize("importing", [False, True])
def test_a_killed_worker_is_followed_by_the_next(
    send: Upload, nurse: User, importing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = send(SOME)
    if importing:
        work()
        begin(upload, nurse)
    real = upload_runs._Step.after_row

    def cut(self: Any, *row: Any) -> bool:
        if self.done == 20:
            raise PowerCut
        return real(self, *row)

    monkeypatch.setattr(upload_runs._Step, "after_row", cut)
    with pytest.raises(PowerCut):
        work(step=0.1)
    assert Patient.objects.count() in range(1, 48) if importing else Patient.objects.count() == 0
    monkeypatch.undo()
    work()
    assert again(upload).state in ("checking", "importing"), "the lease is not over"
    free(upload)
    work()
    done = again(upload)
    assert done.state == ("imported" if importing else "checked")
    if importing:
        assert recorded() == EXPECTED[:60]
        assert ImportRun.objects.count() == 1
        assert Patient.objects.count() == 48


def test_a_sheet_that_kills_every_worker_stops_and_can_be_tried_again(
    send: Upload, nurse: User, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = send()

    def cut(*_: Any, **__: Any) -> None:
        raise PowerCut

    monkeypatch.setattr(upload_runs, "import_roster", cut)
    for _ in range(limits.MAX_ATTEMPTS):
        with pytest.raises(PowerCut):
            work()
        free(upload)
    work()
    stopped = again(upload)
    assert (stopped.state, stopped.refusal) == ("failed", upload_runs.STOPPED)
    assert [row.pk for row in unfinished_uploads([clinic.pk], NOW)] == [upload.pk]
    monkeypatch.undo()
    check_again(upload=upload, by=nurse, now=NOW)
    work()
    assert again(upload).state == "checked"


def test_an_unforeseen_error_says_its_kind_alone(
    send: Upload, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    upload = send()

    def fail(**_: Any) -> None:
        raise ValueError("Tsosie")

    monkeypatch.setattr(upload_runs, "import_roster", fail)
    work()
    assert again(upload).error_class == "ValueError"
    assert "ValueError" in caplog.text
    assert "Tsosie" not in caplog.text


def test_who_lost_the_lease_says_nothing(
    send: Upload, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = send(SOME)
    real = upload_runs._Step.after_row

    def discarded_meanwhile(self: Any, *row: Any) -> bool:
        if self.done == 10:
            discard(upload=upload, by=nurse, now=NOW)
        return real(self, *row)

    monkeypatch.setattr(upload_runs._Step, "after_row", discarded_meanwhile)
    work(step=0.3)
    assert (again(upload).state, again(upload).report) == ("discarded", [])


def test_refused_rows_to_mend_before_and_after(send: Upload, nurse: User) -> None:
    good, bad = cells(), cells(mrn="8", pump_serial="S8", last_name="Ito", daily_dose="350000")
    upload = send(csv_of(good, bad))
    assert refused_of(upload) == []
    work()
    (row,) = refused_of(again(upload))
    assert (row.row, row.raw["Daily Dose"]) == (3, "350000")
    begin(upload, nurse)
    work()
    (row,) = refused_of(again(upload))
    assert (row.row, row.raw["Daily Dose"], row.run_id) == (3, "350000", again(upload).run_id)
    mended = send(csv_of({**bad, "Daily Dose": "350"}))
    work()
    begin(mended, nurse)
    work()
    assert refused_of(again(upload)) == []


def test_what_waits_for_a_person(send: Upload, nurse: User, clinic: Clinic) -> None:
    upload = send()
    assert unfinished_uploads([clinic.pk], NOW + timedelta(minutes=9)) == []
    assert len(unfinished_uploads([clinic.pk], NOW + timedelta(minutes=11))) == 1, "left lying"
    work()
    assert len(unfinished_uploads([clinic.pk], NOW)) == 1, "checked"
    begin(upload, nurse)
    work()
    assert unfinished_uploads([clinic.pk], NOW + timedelta(days=9)) == []


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"state": "lost"}, "upload_state_is_known"),
        ({"content": None}, "upload_keeps_its_file_until_it_ends"),
        ({"suffix": ".xls"}, "upload_is_no_larger_than_a_roster"),
        ({"content_bytes": limits.MAX_BYTES + 1}, "upload_is_no_larger_than_a_roster"),
        ({"rows_total": 5001}, "upload_is_no_larger_than_a_roster"),
        ({"rows_done": 13}, "upload_progress_ends_at_its_rows"),
        ({"as_of": date(2026, 11, 28)}, "upload_is_as_of_a_day_that_came"),
        ({"lease_by": "w"}, "upload_lease_has_a_holder_and_work"),
        ({"state": "checked"}, "upload_is_checked_before_it_is_imported"),
        ({"state": "importing", "checked_at": NOW, "checked_sequence": 1},
         "upload_is_imported_by_somebody"),
        ({"state": "failed"}, "upload_that_stopped_says_why"),
    ],
)  # fmt: skip
def test_the_database_refuses(send: Upload, values: dict[str, Any], name: str) -> None:
    upload = send()
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        RosterUpload.objects.filter(pk=upload.pk).update(**values)


# --- what a workbook may not do ------------------------------------------------------------------


def repacked(change: Callable[[str, bytes], bytes], **more: bytes) -> bytes:
    """The small sheet as a workbook with other parts."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(as_workbook(SMALL))) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, content in more.items():
            new.writestr(name, content)
    return out.getvalue()


def test_a_workbook_that_unpacks_to_far_more_is_refused_unread(
    send: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = repacked(lambda _, part: part, filler=b" " * (limits.MAX_UNPACKED_BYTES + 1))
    assert len(bomb) < limits.MAX_BYTES
    monkeypatch.setattr(limits, "read_roster", lambda *_: pytest.fail("it was read"))
    with pytest.raises(RuleViolation) as refused:
        send(bomb, ".xlsx")
    assert "unpacks to far more than a roster" in refused.value.problems[0].message


def test_a_workbook_that_lies_about_its_size_is_refused(send: Upload) -> None:
    """Nothing more than what is announced is unpacked."""
    honest = repacked(lambda _, part: part, filler=b" " * (limits.MAX_UNPACKED_BYTES + 1))
    told = (limits.MAX_UNPACKED_BYTES + 1).to_bytes(4, "little")
    assert honest.count(told) == 2
    lying = repacked(
        lambda name, part: part + b" " * 5_000_000 if name.endswith("sheet1.xml") else part
    )
    with zipfile.ZipFile(io.BytesIO(lying)) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    lying = lying.replace(size.to_bytes(4, "little"), (100).to_bytes(4, "little"))
    with pytest.raises(RuleViolation) as refused:
        send(lying, ".xlsx")
    assert "cannot be read as an Excel workbook" in refused.value.problems[0].message


def test_entities_that_multiply_are_refused(send: Upload) -> None:
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">{levels}]>'.encode()

    def change(name: str, part: bytes) -> bytes:
        if not name.endswith("sheet1.xml"):
            return part
        body = part[part.index(b"?>") + 2 :] if part.startswith(b"<?xml") else part
        return head + body.replace(b"<sheetData>", b"<sheetData><row><c t='inlineStr'><is><t>"
                                   b"&a9;</t></is></c></row>", 1)  # fmt: skip

    with pytest.raises(RuleViolation) as refused:
        send(repacked(change), ".xlsx")
    assert "cannot be read as an Excel workbook" in refused.value.problems[0].message


def test_a_link_to_another_file_is_not_followed(send: Upload) -> None:
    """The formula's stored result is read, and the part with the link is not."""
    linked = repacked(lambda _, part: part, **{"xl/externalLinks/externalLink1.xml": b"<broken"})
    assert send(linked, ".xlsx").rows_total == 12


def test_a_sheet_that_is_not_through_rings_again(
    send: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[int] = []
    monkeypatch.setattr(tasks, "nudge_uploads", lambda: rung.append(1))
    monkeypatch.setattr("rosters.tasks.timezone.now", Clock(0.9))
    upload = send(SOME)
    tasks.run_uploads()
    assert (again(upload).state, len(rung)) == ("checking", 1)
    for _ in range(20):
        tasks.run_uploads()
    assert again(upload).state == "checked"
    rung.clear()
    tasks.run_uploads()
    assert rung == [], "nothing is left"
