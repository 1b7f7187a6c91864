"""Every address, walked by everybody: a stranger, each role, and somebody of another clinic.

An address that is in no table here fails the test: nobody adds a page without saying who may see
it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import AuditEvent, Clinic, Role, User
from accounts.policies import PERMISSIONS, Action
from tests import factories
from tests.integration.security.addresses import (
    API,
    BY_ACTION,
    EVERYBODY_SIGNED_IN,
    POST_ONLY,
    STRANGERS,
    Objects,
    url_of,
)

pytestmark = pytest.mark.django_db


def names(patterns: Any = None) -> Iterator[str]:
    for pattern in patterns or get_resolver().url_patterns:
        if isinstance(pattern, URLResolver):
            yield from names(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield pattern.name


def body(answer: Any) -> str:
    """What was sent, streamed or not."""
    return b"".join(answer.streaming_content if answer.streaming else [answer.content]).decode(
        errors="replace"
    )


def test_every_address_is_in_a_table() -> None:
    tables = [set(STRANGERS), set(API), set(BY_ACTION), set(EVERYBODY_SIGNED_IN)]
    known = set.union(*tables)
    assert set(names()) == known
    assert sum(map(len, tables)) == len(known), "an address is in two tables"


@pytest.fixture
def objects(clinic: Clinic, now: datetime) -> Objects:
    return Objects.make(clinic, now)


@pytest.fixture
def foreign(other_clinic: Clinic, now: datetime) -> Objects:
    return Objects.make(other_clinic, now)


@contextmanager
def undone() -> Iterator[None]:
    """What the request wrote is taken back, so that the next one finds the objects as they were."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def asked(client: Client, name: str, objects: Objects) -> tuple[Any, str, set[str]]:
    """The answer of that address, its body, and what it wrote into the audit log of the objects'
    clinic; whatever it did is undone."""
    method = client.post if name in POST_ONLY else client.get
    with undone():
        last = AuditEvent.objects.latest("id").pk
        answer = method(url_of(name, objects))
        text = body(answer)
        written = AuditEvent.objects.filter(clinic_id=objects.patient.clinic_id, id__gt=last)
        return answer, text, set(written.values_list("event", flat=True))


def test_a_stranger_is_sent_to_sign_in(client: Client, objects: Objects) -> None:
    for name in (*BY_ACTION, *EVERYBODY_SIGNED_IN):
        for method in (client.get, client.post):
            answer = method(url_of(name, objects))
            assert answer.status_code == 302, name
            assert answer["Location"].startswith("/accounts/login/"), name


@pytest.mark.parametrize("name", API)
def test_a_stranger_gets_nothing_from_the_api(name: str, client: Client) -> None:
    method = client.post if name in POST_ONLY else client.get
    described = name in ("api_schema", "api_docs")  # without any data
    assert method(API[name]).status_code == (200 if described else 401)


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_each_role_sees_what_its_table_says(
    role: str, client: Client, clinic: Clinic, objects: Objects
) -> None:
    client.force_login(factories.user(f"{role}-x", clinic, role))
    wrong, shown = [], 0
    for name, action in BY_ACTION.items():
        answer, text, events = asked(client, name, objects)
        allowed = action in PERMISSIONS[role]
        if answer.status_code not in ((200, 302, 422) if allowed else (302, 403, 404)):
            wrong.append(f"{name}: {answer.status_code}")
        if answer.get("Location", "").startswith("/accounts/login/"):
            wrong.append(f"{name}: no longer signed in")
        if not allowed and objects.patient.display_name in text:
            wrong.append(f"{name}: names the patient")
        if answer.status_code in (200, 422) and objects.patient.display_name in text:
            shown += 1
            if not any(event.endswith((".read", ".exported")) for event in events):
                wrong.append(f"{name}: shows the patient, and nobody learns who read it")
    assert not wrong
    assert shown > 10 or role not in ("nurse", "doctor"), "the pages name no patient"


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_nobody_sees_another_clinics_objects(
    role: str, client: Client, clinic: Clinic, objects: Objects, foreign: Objects
) -> None:
    client.force_login(factories.user(f"{role}-y", clinic, role))
    wrong = []
    for name in (name for name, action in BY_ACTION.items() if action in PERMISSIONS[role]):
        answer, text, _ = asked(client, name, foreign)
        names_an_object = url_of(name, foreign) != url_of(name, objects)
        if names_an_object and answer.status_code != 404:
            wrong.append(f"{name}: {answer.status_code}")
        if foreign.patient.display_name in text or foreign.pump.serial_number in text:
            wrong.append(f"{name}: says something of the patient")
    assert not wrong


def test_a_member_who_left_sees_nothing(client: Client, nurse: User, clinic: Clinic,
                                        objects: Objects) -> None:  # fmt: skip
    client.force_login(nurse)
    url = url_of("patient", objects)
    assert client.get(url).status_code == 200
    nurse.memberships.all().delete()
    assert client.get(url).status_code == 404


def test_every_action_is_needed_somewhere() -> None:
    assert set(BY_ACTION.values()) == set(Action)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_no_address_falls_over_a_day_at_the_calendars_edge(
    client: Client, clinic: Clinic, now: datetime, day: str
) -> None:
    objects = Objects.make(clinic, now)
    days = dict.fromkeys(
        ("since", "until", "on", "day", "at", "as_of", "due_before", "due_after", "ends_on"), day
    )
    answered = 0
    for role in ("nurse", "auditor", "admin"):
        client.force_login(factories.user(f"{role}-at-the-edge", clinic, role))
        for name in BY_ACTION:
            if name not in POST_ONLY:
                answered += client.get(url_of(name, objects), days).status_code == 200
        for name in ("due_before", "due_after"):
            assert client.get("/api/v1/refills-due/", {name: day}).status_code < 500
    assert answered > 20
