"""Every address, walked by everybody: a stranger, each role, and somebody of another clinic.

An address that is in no table here fails the test: nobody adds a page without saying who may see
it.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Clinic, Role, User
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


@pytest.mark.parametrize("name", [*BY_ACTION, *EVERYBODY_SIGNED_IN])
def test_a_stranger_is_sent_to_sign_in(name: str, client: Client, objects: Objects) -> None:
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
@pytest.mark.parametrize("name", BY_ACTION)
def test_each_role_sees_what_its_table_says(
    name: str, role: str, client: Client, clinic: Clinic, objects: Objects
) -> None:
    client.force_login(factories.user(f"{role}-x", clinic, role))
    method = client.post if name in POST_ONLY else client.get
    answer = method(url_of(name, objects))
    if BY_ACTION[name] in PERMISSIONS[role]:
        assert answer.status_code in (200, 302, 422), f"{role} {name}"
    else:
        assert answer.status_code in (302, 403, 404), f"{role} {name}"
        assert objects.patient.family_name not in body(answer)


@pytest.mark.parametrize("name", BY_ACTION)
def test_nobody_sees_another_clinics_objects(
    name: str, client: Client, clinic: Clinic, objects: Objects, foreign: Objects
) -> None:
    url = url_of(name, foreign)
    for role in Role:
        if BY_ACTION[name] not in PERMISSIONS[role]:
            continue
        client.force_login(factories.user(f"{role.value}-y", clinic, role.value))
        method = client.post if name in POST_ONLY else client.get
        answer = method(url)
        if url != url_of(name, objects):  # the address names an object
            assert answer.status_code == 404, name
        text = body(answer)
        assert foreign.patient.family_name not in text, name
        assert foreign.pump.serial_number not in text, name


def test_a_member_who_left_sees_nothing(client: Client, nurse: User, clinic: Clinic,
                                        objects: Objects) -> None:  # fmt: skip
    client.force_login(nurse)
    url = url_of("patient", objects)
    assert client.get(url).status_code == 200
    nurse.memberships.all().delete()
    assert client.get(url).status_code == 404


def test_every_action_is_needed_somewhere() -> None:
    # The pages of these come with the next commits.
    later = {Action.CONTACT}
    assert set(BY_ACTION.values()) | later == set(Action)
