"""No page of a library stands among ours: what it brings is in our frame, or leads home."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from accounts.models import User
from itbclinic.pages.home.urls import NOT_OURS

pytestmark = pytest.mark.django_db
# What their addresses name, where they name anything.
KEYS = {"key": "abc-def", "uidb36": "1"}


def brought_names() -> Iterator[str]:
    """The names of all addresses under /accounts/ that allauth brings."""
    (accounts,) = (
        found
        for found in get_resolver().url_patterns
        if isinstance(found, URLResolver) and str(found.pattern) == "accounts/"
    )
    yield from named(accounts.url_patterns)


def named(patterns: Any) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from named(pattern.url_patterns)
        elif pattern.name:
            yield pattern.name


def address(name: str) -> str:
    for keys in ({}, {"key": KEYS["key"]}, KEYS):
        try:
            return reverse(name, kwargs=keys)
        except Exception:  # noqa: S112  # the next choice
            continue
    raise AssertionError(f"{name} names something that this test does not know")


def test_every_page_that_a_library_brings_is_in_our_frame(client: Client, nurse: User) -> None:
    wrong, seen = [], 0
    for name in sorted(set(brought_names())):
        client.force_login(nurse)
        answer = client.get(address(name), follow=True)
        if answer["Content-Type"].startswith("text/html"):
            seen += 1
            text = answer.content.decode()
            if answer.status_code != 404 and ("itb.css" not in text or "ITB clinic" not in text):
                wrong.append(name)
    assert not wrong
    assert seen > 15


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("route", NOT_OURS)
def test_what_is_not_ours_leads_home(client: Client, nurse: User, route: str, method: str) -> None:
    url = "/accounts/" + route.replace("<str:key>", "1-abc-def")
    client.force_login(nurse)
    answer = getattr(client, method)(url)
    assert (answer.status_code, answer["Location"]) == (302, "/home/")
    client.logout()
    assert getattr(client, method)(url)["Location"].startswith("/accounts/login/")


def test_nobody_adds_or_verifies_an_email_address_there(client: Client, nurse: User) -> None:
    client.force_login(nurse)
    before = nurse.email
    client.post("/accounts/email/", {"action_add": "", "email": "other@example.org"})
    nurse.refresh_from_db()
    assert nurse.email == before
    assert b"Verification" not in client.get("/accounts/email/", follow=True).content
