"""Signing in, failing to, being held off and signing out stand in each clinic's log."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts import services as accounts
from accounts.models import AuditEvent, Clinic, Role, User
from accounts.services import sign_in
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_attempts_are_counted_yet() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def enter(client: Client, username: str, password: str = factories.PASSWORD) -> int:
    values = {"login": username, "password": password}
    return client.post("/accounts/login/", values).status_code


def events(name: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(event=f"user.{name}").order_by("id"))


def test_signing_in_and_out_are_the_persons_own_doing(
    client: Client, clinic: Clinic, nurse: User
) -> None:
    assert enter(client, nurse.username) == 302
    [event] = events("signed_in")
    assert (event.actor_id, event.clinic_id, event.subject_id) == (
        nurse.pk, clinic.pk, str(nurse.uuid),
    )  # fmt: skip
    assert not events("sign_in_failed")
    client.post("/accounts/logout/")
    [event] = events("signed_out")
    assert (event.actor_id, event.subject_id) == (nurse.pk, str(nurse.uuid))
    client.post("/accounts/logout/")
    assert len(events("signed_out")) == 1


def test_a_wrong_password_names_whose_it_should_have_been(
    client: Client, clinic: Clinic, nurse: User
) -> None:
    assert enter(client, nurse.username.upper(), "wrong") == 200
    [event] = events("sign_in_failed")
    assert (event.actor, event.subject_id) == ("Sign-in page", str(nurse.uuid))
    assert (event.clinic_id, event.before, event.after) == (clinic.pk, None, None)
    assert not events("signed_in")


def test_a_name_that_is_nobodys_is_kept_nowhere(client: Client, nurse: User) -> None:
    before = AuditEvent.objects.count()
    assert enter(client, "my-password-by-mistake", "wrong") == 200
    assert AuditEvent.objects.count() == before
    assert enter(client, nurse.username, "wrong") == 200
    assert AuditEvent.objects.count() == before + 1


def test_too_many_wrong_passwords_are_said_once(client: Client, nurse: User) -> None:
    for _ in range(8):
        enter(client, nurse.username, "wrong")
    assert len(events("sign_in_failed")) == 5
    assert len(events("sign_in_held_off")) == 1
    assert enter(client, nurse.username) == 200, "not even the right one"
    assert not events("signed_in")
    by = accounts.system_user("system-sign-in")
    later = timezone.now() + timedelta(minutes=6)
    sign_in.sign_in_held_off(username=nurse.username, by=by, at=later)
    assert len(events("sign_in_held_off")) == 2


def test_each_clinics_auditor_sees_its_own_people_only(
    client: Client, clinic: Clinic, other_clinic: Clinic, nurse: User
) -> None:
    system = accounts.system_user("system-import")
    accounts.grant_role(
        user=nurse, clinic=other_clinic, role=Role.NURSE, by=system, at=timezone.now()
    )
    factories.user("elsewhere", other_clinic, "nurse")
    for username in (nurse.username, "elsewhere"):
        enter(Client(), username)
        enter(Client(), username, "wrong")
    assert {event.clinic_id for event in events("signed_in")} == {clinic.pk, other_clinic.pk}
    client.force_login(factories.user("auditor-1", clinic, "auditor"))
    for name, words in (
        ("signed_in", "Signed in"),
        ("sign_in_failed", "Gave a wrong password for a person"),
    ):
        answer = client.get("/audit/", {"event": f"user.{name}"})
        [row] = answer.context["page"].rows
        assert (row.event.subject_id, row.what) == (str(nurse.uuid), words)
        assert "elsewhere" not in answer.content.decode()


def test_a_changed_password_is_seen_by_the_clinics_auditor(
    client: Client, clinic: Clinic, nurse: User
) -> None:
    client.force_login(nurse)
    new = "a new horse battery 77"
    values = {"oldpassword": factories.PASSWORD, "password1": new, "password2": new}
    assert client.post("/accounts/password/change/", values).status_code == 302
    assert [event.clinic_id for event in events("password_changed")] == [clinic.pk]
