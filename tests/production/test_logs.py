"""Logs tell an operator what happened, and nobody anything about a patient."""

import ast
import json
import logging
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import Clinic, User
from followup import tasks
from followup.services import scans
from itbclinic import classification
from itbclinic.logging import records, requests
from patients.models import Patient
from patients.services import CaregiverEntry
from pumps.models import Pump
from tests import factories
from tests.production.support import ROOT

pytestmark = pytest.mark.django_db
PHONE, CAREGIVER = "801-555-0177", "Ingrid Sundqvist"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def written() -> Iterator[Lines]:
    """All that the production handler writes during the test, a dictionary a line."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(records.JsonFormatter())
    handler.addFilter(records.NoPatientData())
    root = logging.getLogger()
    root.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)


@pytest.fixture
def pump(clinic: Clinic, now: datetime) -> Pump:
    entry = CaregiverEntry(relationship="Aunt", name=CAREGIVER, phone=PHONE)
    return factories.due_in(
        clinic, 3, now, family_name="Zwetschke", given_name="Ottilie", mrn="MRN883311",
        caregivers=[entry],
    )  # fmt: skip


def patient_words(pump: Pump) -> list[str]:
    """Everything that names this patient; each would be found if it stood in a log."""
    patient = pump.patient
    born = patient.date_of_birth
    return [
        patient.family_name, patient.given_name, patient.mrn, pump.serial_number, PHONE, CAREGIVER,
        born.isoformat(), f"{born:%d-%b-%Y}",
    ]  # fmt: skip


def test_a_record_is_one_line_with_its_fields(written: Lines) -> None:
    logging.getLogger("visits").warning("took %d ms\nand more", 7, extra={"status": 200})
    (line,) = written()
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "WARNING", "logger": "visits", "message": "took 7 ms\nand more", "status": 200,
    }  # fmt: skip


def test_objects_are_written_as_what_they_are(written: Lines, pump: Pump, nurse: User) -> None:
    log = logging.getLogger("visits")
    log.info("saw %s", pump.patient)
    log.info("%(who)s read %(what)s", {"who": nurse, "what": [pump, {"name": object()}]})
    log.info(pump.patient)
    log.info("with", extra={"state": pump.patient, "patient_name": "Zwetschke"})
    lines = written()
    assert [line["message"] for line in lines] == [
        f"saw patient {pump.patient.uuid}",
        f"user {nurse.uuid} read ['pump {pump.uuid}', {{'name': '<object>'}}]",
        f"patient {pump.patient.uuid}",
        "with",
    ]
    assert lines[-1]["state"] == f"patient {pump.patient.uuid}"
    assert "patient_name" not in lines[-1], "only known fields leave by extra"


def test_a_patient_in_the_place_of_a_number_breaks_nothing(pump: Pump) -> None:
    given: dict[str, Any] = {"name": "visits", "msg": "count %d", "args": (pump.patient,)}
    record = logging.makeLogRecord(given)
    assert records.NoPatientData().filter(record)
    assert json.loads(records.JsonFormatter().format(record))["message"] == "count %d"


def test_an_error_is_written_without_its_text(written: Lines, pump: Pump) -> None:
    patient = pump.patient
    with pytest.raises(IntegrityError, match="MRN883311") as caught, transaction.atomic():
        Patient.objects.create(
            clinic=patient.clinic, mrn=patient.mrn, family_name="x", given_name="y",
            date_of_birth=patient.date_of_birth,
        )  # fmt: skip
    logging.getLogger("visits").error("not registered", exc_info=caught.value)
    (line,) = written()
    assert line["error"] == "IntegrityError"
    assert "23505" in [cause.get("sqlstate") for cause in line["trace"]]
    assert any("test_logs.py" in place for place in line["trace"][0]["at"])
    assert "MRN883311" not in json.dumps(line)


def test_a_query_string_is_cut_off(written: Lines) -> None:
    logging.getLogger("gunicorn.error").error("Error handling request %s", "/?search=Zwetschke")
    assert written()[0]["message"] == "Error handling request /"


def test_each_request_has_its_line(written: Lines, client: Client, nurse: User, pump: Pump,
                                   clinic: Clinic) -> None:  # fmt: skip
    client.force_login(nurse)
    answer = client.get(f"/patients/{pump.patient.uuid}/?from=Zwetschke")
    (line,) = [line for line in written() if line["logger"] == requests.__name__]
    assert line["path"] == f"/patients/{pump.patient.uuid}/"
    assert (line["method"], line["status"]) == ("GET", 200)
    assert line["user_id"] == str(nurse.uuid)
    assert line["clinic_ids"] == [clinic.pk]
    assert line["request_id"] == answer["X-Request-ID"]
    assert isinstance(line["duration_ms"], int)
    assert nurse.username not in json.dumps(line)


def test_an_api_request_names_its_client(written: Lines, client: Client, clinic: Clinic) -> None:
    api_client, token = factories.api_client(clinic)
    client.get("/api/v1/refills-due/", headers={"Authorization": f"Bearer {token}"})
    (line,) = [line for line in written() if line["logger"] == requests.__name__]
    assert line["api_client_id"] == str(api_client.uuid)
    assert line["clinic_ids"] == [clinic.pk]
    assert token not in json.dumps(line)


def test_what_somebody_typed_into_an_address_is_not_written(
    written: Lines, client: Client, nurse: User
) -> None:
    client.force_login(nurse)
    client.get("/patients/Zwetschke/")
    client.get("/accounts/password/reset/key/3-secretkey/")
    paths = [line["path"] for line in written() if line["logger"] == requests.__name__]
    assert paths[0] == "(no such address)"
    assert "secretkey" not in json.dumps(written())
    request = RequestFactory().get(reverse("clinic_settings", kwargs={"slug": "wasatch"}))
    assert requests.path_of(request) == "/clinic/wasatch/"


def test_health_is_quiet_and_asks_the_database_nothing(
    written: Lines, client: Client, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert client.get("/healthz").status_code == 200
    assert written() == []


def test_a_task_has_its_line_and_a_failure_no_text(
    written: Lines, pump: Pump, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks.sweep.apply(task_id="one")

    def fail(**_: Any) -> None:
        raise ValueError(f"bad row of {pump.patient.family_name}")

    monkeypatch.setattr(scans, "due_scan", fail)
    tasks.due_scan.apply(task_id="two")
    lines = written()
    good = [line for line in lines if line.get("task_id") == "one"]
    assert good[-1]["task"] == "followup.sweep"
    assert good[-1]["state"] == "SUCCESS"
    assert good[-1]["duration_ms"] >= 0
    assert {line["message"].split(":")[0] for line in good} >= {"sweep"}, "records inside have it"
    bad = [line for line in lines if line.get("task_id") == "two"]
    assert [line.get("error") for line in bad] == ["ValueError", None]
    assert bad[-1]["state"] == "FAILURE"
    assert "Zwetschke" not in json.dumps(lines)
    assert records.context.get() is None


def test_a_walk_through_the_pages_leaves_no_word_of_the_patient(
    written: Lines, client: Client, clinic: Clinic, nurse: User, pump: Pump
) -> None:
    client.force_login(nurse)
    name = pump.patient.family_name
    shown = ""
    for method, path, data in (
        ("get", "/", {}), ("get", f"/?search={name}", {}), ("post", "/search/", {"search": name}),
        ("get", "/refills.csv", {}), ("get", f"/patients/{pump.patient.uuid}/", {}),
        ("get", f"/patients/{uuid.uuid4()}/", {}), ("get", f"/nowhere/{name}/", {}),
        ("get", "/imports/rows/", {}), ("get", "/catalogue/", {}), ("get", "/readyz", {}),
        ("post", f"/patients/{pump.patient.uuid}/pumps/{pump.uuid}/exclude/",
         {"reason": f"{name} moved away"}),
    ):  # fmt: skip
        answer = getattr(client, method)(path, data)
        assert answer.status_code < 500 or path == "/readyz", path
        shown += b"".join(answer).decode() if answer.streaming else answer.content.decode()
    _, token = factories.api_client(clinic)
    api = {"Authorization": f"Bearer {token}"}
    shown += client.get(f"/api/v1/refills-due/?search={name}", headers=api).content.decode()
    tasks.sweep.apply()
    text = json.dumps(written(), ensure_ascii=False)
    assert len(written()) > 10
    for word in patient_words(pump):
        assert word not in text, word
    # The words were there to be leaked: pages show them, and a careless line would be found.
    assert {pump.patient.family_name, pump.patient.mrn, pump.serial_number} <= {
        word for word in patient_words(pump) if word in shown
    }
    logging.getLogger("visits").info("saw " + name)
    assert name in json.dumps(written())


def test_no_call_in_the_code_hands_a_patient_s_fields_to_a_log() -> None:
    """What the filter cannot know: a text that somebody put together, or a field as a text."""
    forbidden = set().union(*classification.IDENTIFYING.values(), *classification.CLINICAL.values())
    forbidden -= classification.OPERATIONAL_FIELDS | {"kind", "mode", "source", "settles"}
    calls = 0
    for path in ROOT.glob("*/**/*.py"):
        if path.relative_to(ROOT).parts[0] in {"tests", ".venv", "var"} or "devstack" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if ast.unparse(node.func.value) not in {"logger", "log", "logging"}:
                continue
            if node.func.attr in {"getLogger", "Filter", "Formatter"}:
                continue
            calls += 1
            assert not any(isinstance(part, ast.JoinedStr) for part in ast.walk(node)), path
            handed = [*node.args, *(keyword.value for keyword in node.keywords)]
            parts = [part for value in handed for part in ast.walk(value)]
            named = {part.attr for part in parts if isinstance(part, ast.Attribute)}
            assert not named & forbidden, f"{path}:{node.lineno} {named & forbidden}"
    assert calls >= 4


def test_django_s_own_handlers_are_gone() -> None:
    for name in ("django", "django.server", "django.request", "celery.app.trace"):
        handlers = logging.getLogger(name).handlers
        assert [each for each in handlers if not isinstance(each, logging.NullHandler)] == [], name
