"""An address that only takes what a form sends is no dead end when it is opened as a page."""

import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import Clinic, Role, User
from tests import factories
from tests.integration.security.addresses import API, BY_ACTION, POST_ONLY, Objects, url_of

pytestmark = pytest.mark.django_db
FORMS = sorted(POST_ONLY - set(API))
SENTENCE = "This address only takes what a form sends. Nothing was changed."


@pytest.fixture
def objects(clinic: Clinic, now: datetime) -> Objects:
    return Objects.make(clinic, now)


def user_for(clinic: Clinic, name: str) -> User:
    """A nurse, or whoever else alone may do it."""
    others = {"clinic": "admin", "audit": "auditor"}
    role = others.get(name.partition("_")[0], "nurse")
    return factories.user(f"{role}-{name}", clinic, role)


def page_of(answer: Any) -> str:
    found = re.search(r'href="([^"]+)">Go to the page that it belongs to', answer.content.decode())
    return found[1] if found else ""


def test_each_form_address_says_so_and_leads_to_its_page(
    client: Client, clinic: Clinic, objects: Objects
) -> None:
    wrong = []
    for name in FORMS:
        client.force_login(user_for(clinic, name))
        answer = client.get(url_of(name, objects))
        text = " ".join(answer.content.decode().split())
        if (answer.status_code, answer["Allow"]) != (405, "POST") or SENTENCE not in text:
            wrong.append(f"{name}: {answer.status_code}")
        page = page_of(answer)
        if name != "board_search" and client.get(page or "/nowhere/").status_code != 200:
            wrong.append(f"{name}: leads to {page!r}")
        if 'href="/home/">Go to your first page' not in text:
            wrong.append(f"{name}: no way home")
    assert not wrong


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("work_settle", "/work/"),
        ("contact_add", "/patients/{patient}/"),
        ("visit_preview", "/patients/{patient}/pumps/{pump}/visit/"),
        ("appointment_cancel", "/appointments/{appointment}/"),
        ("import_row_dismiss", "/imports/rows/"),
        ("import_start", "/imports/uploads/{upload}/"),
        ("clinic_add_person", "/clinic/wasatch/"),
        ("board_search", ""),
    ],
)
def test_the_page_is_the_one_that_the_form_is_on(
    client: Client, clinic: Clinic, objects: Objects, name: str, page: str
) -> None:
    client.force_login(user_for(clinic, name))
    keys = {
        "patient": objects.patient.uuid, "pump": objects.pump.uuid, "upload": objects.upload.uuid,
        "appointment": objects.appointment.uuid,
    }  # fmt: skip
    assert page_of(client.get(url_of(name, objects))) == page.format(**keys)


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_it_names_nobody_whatever_the_role(
    client: Client, clinic: Clinic, objects: Objects, role: str
) -> None:
    client.force_login(factories.user(f"{role}-z", clinic, role))
    for name in FORMS:
        answer = client.get(url_of(name, objects))
        assert answer.status_code == 405, name
        assert objects.patient.display_name not in answer.content.decode(), name


def test_a_page_that_takes_nothing_says_that(client: Client, nurse: User) -> None:
    client.force_login(nurse)
    answer = client.post("/work/")
    assert answer.status_code == 405
    assert "This address takes nothing from a form." in answer.content.decode()
    assert SENTENCE not in answer.content.decode()


def test_the_api_answers_as_before(client: Client, clinic: Clinic, nurse: User) -> None:
    client.force_login(nurse)
    token = factories.api_client(clinic)[1]
    answer = client.get(API["api_what_if"], headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")


def test_a_stranger_is_still_sent_to_sign_in(client: Client, objects: Objects) -> None:
    for name in FORMS:
        assert name in BY_ACTION
        answer = client.get(url_of(name, objects))
        assert (answer.status_code, answer["Location"][:16]) == (302, "/accounts/login/"), name
