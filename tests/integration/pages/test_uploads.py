"""The import page by client: scope, roles, sentences, paging, files, and what may not arrive."""

import csv
import io
import json
import os
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
from celery import current_app
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from accounts.models import AuditEvent, Clinic
from patients.models import Patient
from rosters import tasks
from rosters.domain import uploads as limits
from rosters.domain.sheet import HEADINGS
from rosters.models import RosterUpload
from rosters.services.upload_runs import run_uploads
from tests.unit.rosters.sheets import cells, csv_of

from .conftest import SignedIn, queries, text

pytestmark = pytest.mark.django_db
BAD = cells(mrn="719002", pump_serial="NPX0719002H", last_name="Ito", daily_dose="350000",
            first_name="=2+2")  # fmt: skip


def rows(number: int, **other: str) -> list[dict[str, str]]:
    return [cells(mrn=f"80{n:04}", pump_serial=f"NPX80{n:05}H", last_name=f"P{n}", **other)
            for n in range(number)]  # fmt: skip


def send(client: Client, content: bytes, name: str = "Ito, Bea.csv", **fields: str) -> Any:
    file = SimpleUploadedFile(name, content)
    return client.post("/imports/upload/", {"clinic": "wasatch", "file": file, **fields})


def work() -> None:
    run_uploads(clock=timezone.now)


def checked(client: Client, *sheet: dict[str, str]) -> str:
    """The address of a checked sheet."""
    answer = send(client, csv_of(*sheet))
    assert answer.status_code == 302
    work()
    return str(answer["Location"])


def test_upload_check_import(as_role: SignedIn, clinic: Clinic) -> None:
    client = as_role("staff")
    url = checked(client, cells(), BAD)
    page = text(client.get(url))
    assert "Import this 1 row" in page
    assert '<q class="typed">350000</q>' in page
    assert Patient.objects.count() == 0
    seen = client.get(url).context["shown"].seen
    assert client.post(f"{url}import/", {"seen": "another"}).status_code == 422
    assert client.post(f"{url}import/", {"seen": seen}).status_code == 302
    work()
    page = text(client.get(url))
    assert "1 refused row to settle" in page
    assert Patient.objects.count() == 1
    events = set(AuditEvent.objects.values_list("event", flat=True))
    assert {"upload.received", "upload.checked", "upload.read", "upload.import_started",
            "upload.imported", "roster.imported"} <= events  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "a.xlsm"}, "ends in .csv or .xlsx"),
        ({"content": b"x"}, "No line with the headings"),
        ({"as_of": "2099-01-01"}, "This day is in the future"),
        ({"as_of": "soon"}, "Choose a date"),
        ({"clinic": "harbor"}, "Nothing was uploaded"),
    ],
)
def test_a_refused_upload_says_why_and_keeps_what_was_typed(
    as_role: SignedIn, fields: dict[str, Any], sentence: str
) -> None:
    answer = send(as_role("nurse"), **{"content": csv_of(cells()), "as_of": "2026-01-02", **fields})
    page = text(answer)
    assert answer.status_code == 422
    assert sentence in page
    assert "choose it again below" in page
    if "as_of" not in fields:
        assert 'value="2026-01-02"' in page
    assert RosterUpload.objects.count() == 0


@pytest.mark.parametrize("more", [1, 2 * 1024 * 1024])
def test_what_is_too_large_is_let_go_while_it_arrives(as_role: SignedIn, more: int) -> None:
    answer = send(as_role("nurse"), b"x" * (limits.MAX_BYTES + more))
    assert answer.status_code == 422
    assert "larger than 5 MB" in text(answer)
    assert "Choose the file" not in text(answer)
    assert send(as_role("nurse"), csv_of(cells())).status_code == 302


def test_another_clinics_sheet_is_not_found(as_role: SignedIn, other_clinic: Clinic) -> None:
    url = checked(as_role("nurse"), cells(), BAD)
    stranger = as_role("nurse", other_clinic)
    for part in ("", "refused.csv", "refused.xlsx"):
        assert stranger.get(url + part).status_code == 404
    for part in ("import/", "check-again/", "discard/"):
        assert stranger.post(url + part).status_code == 404
    assert url not in text(stranger.get("/imports/"))
    assert "sheets-title" not in text(stranger.get("/"))
    assert as_role("pharmacist").get("/imports/").status_code == 403
    assert "sheets-title" not in text(as_role("pharmacist").get("/"))
    assert "sheets-title" in text(as_role("staff").get("/"))


def test_many_rows_are_paged_with_a_count(as_role: SignedIn) -> None:
    client = as_role("nurse")
    url = checked(client, *rows(52))
    assert "1 to 50 of 52" in text(client.get(url))
    last = client.get(f"{url}?show=import&page=2")
    assert "51 to 52 of 52" in text(last)
    assert [row.row for row in last.context["shown"].rows] == [52, 53]
    for odd in ("?page=0", "?page=x", "?page=99", "?show=nothing"):
        assert client.get(url + odd).status_code == 200


def test_the_part_that_changes_stops_asking_when_it_is_done(as_role: SignedIn) -> None:
    client = as_role("nurse")
    url = send(client, csv_of(cells()))["Location"]
    running = text(client.get(url, headers={"HX-Request": "true"}))
    assert "<html" not in running
    assert 'hx-trigger="every 2s"' in running
    assert "upload-said" in running
    assert "upload-said" not in text(client.get(f"{url}?said=0", headers={"HX-Request": "true"})), (
        "said once"
    )
    work()
    done = text(client.get(url, headers={"HX-Request": "true"}))
    assert "hx-trigger" not in done
    assert "The check is finished." in done


def test_refused_rows_to_mend_stay_text(as_role: SignedIn) -> None:
    client = as_role("nurse")
    url = checked(client, cells(), BAD)
    lines = list(
        csv.reader(io.StringIO(client.get(f"{url}refused.csv").content.decode("utf-8-sig")))
    )
    assert lines[0] == [*HEADINGS, "What to correct"]
    assert lines[1][-1].strip()
    assert len(lines) == 2
    assert lines[1][2] == "\u200b=2+2"
    book = load_workbook(io.BytesIO(client.get(f"{url}refused.xlsx").content))
    cell = book.active.cell(2, 3)  # type: ignore[union-attr]
    assert (cell.value, cell.data_type) == ("=2+2", "s")


def test_a_sheet_that_waits_says_so_in_a_nurses_words(as_role: SignedIn) -> None:
    client = as_role("nurse")
    send(client, csv_of(cells()))
    page = text(client.get(f"/imports/uploads/{RosterUpload.objects.get().uuid}/"))
    assert "Waits its turn, for less than a minute as a rule: 0 of 1 row" in page
    assert "worker" not in page


def test_an_empty_sheet_has_the_headings(as_role: SignedIn) -> None:
    client = as_role("staff")
    content = client.get("/imports/empty-sheet.csv").content
    assert content.decode("utf-8-sig").strip() == ",".join(HEADINGS)
    book = load_workbook(io.BytesIO(client.get("/imports/empty-sheet.xlsx").content))
    assert [cell.value for cell in next(book.active.iter_rows())] == list(HEADINGS)  # type: ignore[union-attr]
    answer = send(client, content)
    assert "has headings but no rows" in text(answer)


def test_a_row_that_comes_out_otherwise_is_told(as_role: SignedIn, clinic: Clinic) -> None:
    client = as_role("nurse")
    first = checked(client, *rows(1))
    second = checked(client, *rows(1, notes="the same again"))
    for url in (first, second):
        seen = client.get(url).context["shown"].seen
        assert client.post(f"{url}import/", {"seen": seen}).status_code == 302
        work()
    page = text(client.get(second))
    assert "Line 2 was in the record already; the check had said that it would be imported" in page
    assert "came out otherwise" not in text(client.get(first))


def test_a_check_that_the_record_outran_says_so(as_role: SignedIn) -> None:
    client = as_role("nurse")
    url = checked(client, *rows(1))
    other = checked(client, cells())
    assert "has changed since this check" not in text(client.get(url))
    seen = client.get(other).context["shown"].seen
    client.post(f"{other}import/", {"seen": seen})
    work()
    assert "has changed since this check" in text(client.get(url))


def test_a_dead_broker_stops_no_upload(
    as_role: SignedIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(current_app.conf, "broker_write_url", "redis://127.0.0.1:1/0")
    began = timezone.now()
    answer = send(as_role("nurse"), csv_of(cells()))
    assert answer.status_code == 302
    assert "the broker did not answer: OperationalError" in caplog.text
    assert timezone.now() - began < timedelta(seconds=5)
    tasks.run_uploads()  # the next tick
    assert RosterUpload.objects.get().state == "checked"


def test_an_upload_rings_for_the_worker(as_role: SignedIn) -> None:
    broker: Any = redis.Redis.from_url(settings.CELERY_BROKER_URL)

    def ours() -> list[bytes]:
        """What this process asked for: the other tests ask the same broker."""
        origin = f"gen{os.getpid()}@"
        waiting = broker.lrange("celery", 0, -1)
        return [m for m in waiting if json.loads(m)["headers"]["origin"].startswith(origin)]

    before = ours()
    assert send(as_role("nurse"), csv_of(cells())).status_code == 302
    (asked,) = [message for message in ours() if message not in before]
    assert json.loads(asked)["headers"]["task"] == tasks.UPLOADS
    broker.lrem("celery", 1, asked)


def test_the_number_of_queries_does_not_grow(as_role: SignedIn, now: datetime) -> None:
    client = as_role("nurse")
    url = checked(client, *rows(1))
    one, page = queries(client, url), queries(client, "/imports/")
    client.get("/")  # which begins its session
    board = queries(client, "/")
    three = checked(client, *rows(3, notes="three"))
    checked(client, *rows(3, notes="four"))
    assert queries(client, three) == one
    assert queries(client, "/imports/") == page
    assert queries(client, "/") == board
