"""After sign-in one lands on a page that can be opened, and what was typed is not lost."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Clinic, User

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("headers", "back"),
    [
        ({"hx-request": "true", "hx-current-url": "http://testserver/?clinic=x"}, "/%3Fclinic%3Dx"),
        ({"referer": "http://testserver/work/"}, "/work/"),
        ({"referer": "https://elsewhere.example.org/work/"}, "/home/"),
        ({}, "/home/"),
    ],
)
def test_an_address_that_only_takes_what_is_sent_is_never_where_one_lands(
    client: Client, headers: dict[str, str], back: str
) -> None:
    answer = client.post("/search/", headers=headers)
    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login/?next={back}"


def test_what_was_typed_is_shown_and_the_pages_own_fields_are_not(client: Client) -> None:
    values = {
        "words": "kaur <b>",
        "key": "k-1",
        "seen_version": "v-1",
        "drug": "441c926f-a7d3-4777-a4f1-7ae917abff0f",
        "csrfmiddlewaretoken": "t-1",
    }
    answer = client.post("/search/", values, headers={"referer": "http://testserver/work/"})
    said = answer.content.decode()
    assert answer.status_code == 403
    assert answer["Cache-Control"] == "private, no-store"
    assert "kaur &lt;b&gt;" in said
    assert "/accounts/login/?next=/work/" in said
    assert not [value for value in ("k-1", "v-1", "t-1", "441c926f") if value in said]


def test_the_session_answers_with_the_token_that_forms_send(nurse: User, clinic: Clinic) -> None:
    client: Any = Client(enforce_csrf_checks=True)
    assert client.get("/session/").status_code == 302
    client.force_login(nurse)
    token = client.get("/session/").content.decode()
    values = {"words": "kaur", "csrfmiddlewaretoken": token}
    assert client.post("/search/", values).status_code != 403
    assert client.post("/search/", {"words": "kaur"}).status_code == 403
