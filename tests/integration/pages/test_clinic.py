"""A clinic's page: settings that recompute, people and their roles, API clients."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import services as accounts
from accounts.models import ApiClient, AuditEvent, Clinic, Membership, Role, Scope, User
from accounts.services import clients
from core.rules import RuleViolation
from followup.models import WorkItem
from followup.services import work_items
from tests import factories

from .conftest import SignedIn, dates, last_values, queries, signed_in, text, user_of

pytestmark = pytest.mark.django_db
URL = "/clinic/wasatch/"


def settings_of(client: Client) -> dict[str, Any]:
    form = client.get(URL).context["settings_form"]
    values = {name: form[name].value() for name in form.fields}
    return {name: "" if value is None else value for name, value in values.items()}


def secret_in(response: Any, pattern: str) -> str:
    found = re.search(pattern, text(response))
    assert found
    return found[1]


# --- who may see it ---


@pytest.mark.parametrize("role", ["nurse", "doctor", "staff", "pharmacist", "auditor"])
def test_only_administrators(clinic: Clinic, as_role: SignedIn, role: str) -> None:
    client = as_role(role)
    for url in ("/clinic/", URL):
        refused = client.get(url)
        assert refused.status_code == 403
        assert "manage the clinic" in text(refused)
    for path in ("settings/", "people/add/", "api-clients/add/"):
        assert client.post(URL + path, {}).status_code == 403


def test_another_clinic_is_not_found(
    clinic: Clinic, other_clinic: Clinic, as_role: SignedIn
) -> None:
    stranger = factories.user("stranger", other_clinic, "nurse")
    foreign, _ = factories.api_client(other_clinic)
    client = as_role("admin")
    assert client.get("/clinic/harbor/").status_code == 404
    for path in ("settings/", "people/add/", "api-clients/add/"):
        assert client.post(f"/clinic/harbor/{path}", {}).status_code == 404
    for path in (f"people/{stranger.uuid}/role/", f"people/{stranger.uuid}/remove/"):
        assert client.post(URL + path, {"role": "staff"}).status_code == 404
    assert client.post(f"{URL}api-clients/{foreign.uuid}/revoke/").status_code == 404
    foreign.refresh_from_db()
    assert foreign.revoked_at is None


def test_several_clinics_have_a_page_each(
    clinic: Clinic, other_clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    client = as_role("admin")
    assert client.get("/clinic/").status_code == 200
    admin = user_of(client)
    accounts.grant_role(user=admin, clinic=other_clinic, role=Role.ADMIN, by=admin, at=now)
    client = signed_in(User.objects.get(pk=admin.pk))
    assert client.get("/clinic/")["Location"] == "/clinic/harbor/"
    page = text(client.get(URL))
    assert "/clinic/harbor/" in page


# --- settings ---


def test_saving_recomputes_every_pump_and_says_how_many(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    pumps = [factories.due_in(clinic, 20, now) for _ in range(2)]
    before = dates("refill_due_on")
    client = as_role("admin")
    assert "recompute 2 pumps" in text(client.get(URL))
    done = client.post(
        URL + "settings/", settings_of(client) | {"refill_lead_days": "10"}, follow=True
    )
    assert "2 pumps were recomputed" in text(done)
    after = dates("refill_due_on")
    for pump in pumps:
        assert after[pump.pk] == before[pump.pk] - timedelta(days=3)
    was, has = last_values("clinic.changed")
    assert (was["refill_lead_days"], has["refill_lead_days"]) == (7, 10)


@pytest.mark.parametrize(
    ("field", "value", "at"),
    [
        ("timezone", "Mountain Time", "timezone"),
        ("refill_lead_days", "61", "refill_lead_days"),
        ("refill_lead_days", "-1", "refill_lead_days"),
        ("window_days", "121", "window_days"),
        ("window_days", "6", "window_days"),
        ("max_interval_days", "0", "max_interval_days"),
        ("max_interval_days", "13", "max_interval_days"),
        ("max_interval_days", "14", "max_interval_days"),  # no longer than the window
        ("clinic_name", " ", "clinic_name"),
    ],
)
def test_a_bad_setting_is_refused_at_its_field_and_stays_typed(
    clinic: Clinic, as_role: SignedIn, field: str, value: str, at: str
) -> None:
    client = as_role("admin")
    refused = client.post(URL + "settings/", settings_of(client) | {field: value})
    assert refused.status_code == 422
    form = refused.context["settings_form"]
    assert list(form.errors) == [at]
    assert form[field].value() == value
    assert "Constraint" not in text(refused)
    assert not AuditEvent.objects.filter(event="clinic.changed").exists()


def test_the_shortest_interval_and_window_that_a_clinic_can_mean(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    client = as_role("admin")
    for typed in (
        {"max_interval_days": "15"},
        {"max_interval_days": "14", "window_days": "7"},
        {"max_interval_days": "", "window_days": "7", "refill_lead_days": "30"},
    ):
        saved = client.post(URL + "settings/", settings_of(client) | typed)
        assert saved.status_code == 302, typed
    accounts.change_clinic(clinic=clinic, by=user_of(client), at=now, window_days=28)
    with pytest.raises(RuleViolation) as refused:
        accounts.change_clinic(clinic=clinic, by=user_of(client), at=now, max_interval_days=28)
    assert refused.value.problems[0].code == "shorter_than_window"


def test_another_setting_is_saved_whatever_the_days_were_before(
    clinic: Clinic, as_role: SignedIn, now: datetime
) -> None:
    Clinic.objects.filter(pk=clinic.pk).update(window_days=3, max_interval_days=5)
    by = user_of(as_role("admin"))
    changed = accounts.change_clinic(clinic=clinic, by=by, at=now, phone_day="801-555-0100")
    assert (changed.phone_day, changed.window_days) == ("801-555-0100", 3)


def test_two_administrators_at_once(clinic: Clinic, as_role: SignedIn) -> None:
    first, second = as_role("admin"), as_role("admin")
    mine, theirs = settings_of(first), settings_of(second)
    first.post(URL + "settings/", mine | {"window_days": "21"})
    refused = second.post(URL + "settings/", theirs | {"window_days": "28"})
    assert refused.status_code == 422
    assert [(c.on_record, c.typed) for c in refused.context["compare"]] == [("21 days", "28 days")]
    assert user_of(first).display_name in text(refused)
    clinic.refresh_from_db()
    assert clinic.window_days == 21
    again = refused.context["settings_form"].data
    assert second.post(URL + "settings/", again).status_code == 302
    clinic.refresh_from_db()
    assert clinic.window_days == 28


# --- people ---


def add(client: Client, **values: str) -> Any:
    sent = {
        "given_name": "Nia", "family_name": "Okafor", "username": "nokafor", "role": "staff",
        **values,
    }  # fmt: skip
    return client.post(URL + "people/add/", sent)


def test_a_person_is_added_and_can_sign_in_with_the_password_shown_once(
    clinic: Clinic, as_role: SignedIn
) -> None:
    client = as_role("admin")
    shown = add(client)
    assert "no-store" in shown["Cache-Control"]
    password = secret_in(shown, r"First password</dt><dd><code>([a-z2-9-]{23})<")
    user = User.objects.get(username="nokafor")
    assert user.check_password(password)
    assert Membership.objects.get(user=user).role == "staff"
    assert password not in text(client.get(URL))
    assert not any(password in str((e.before, e.after)) for e in AuditEvent.objects.all())
    events = AuditEvent.objects.filter(clinic_id=clinic.pk, subject_id=str(user.uuid))
    assert {e.event for e in events} == {"user.created", "user.role_granted"}
    again = add(client)
    assert again.status_code == 422
    assert "has a role here already" in text(again)


def sign_in(username: str, password: str) -> Client:
    cache.clear()  # the attempts that are counted
    client = Client()
    client.post(reverse("account_login"), {"login": username, "password": password})
    return client


def choose_password(client: Client, old: str, new: str) -> Any:
    sent = {"oldpassword": old, "password1": new, "password2": new}
    return client.post(reverse("account_change_password"), sent)


def test_a_password_that_was_handed_over_opens_only_the_page_to_change_it(
    clinic: Clinic, as_role: SignedIn
) -> None:
    given = secret_in(add(as_role("admin")), r"First password</dt><dd><code>([a-z2-9-]{23})<")
    client = sign_in("nokafor", given)
    for address in ("/", "/summaries/", reverse("account_reauthenticate")):
        assert client.get(address)["Location"] == reverse("account_change_password")
    assert client.post(reverse("board_search"), {"words": "x"}).status_code == 302
    page = text(client.get(reverse("account_change_password")))
    assert "Choose a password of your own first" in page
    same = choose_password(client, given, given)
    assert "You have this password already" in text(same)
    assert client.get("/")["Location"] == reverse("account_change_password")
    done = choose_password(client, given, "four plain words here")
    assert done["Location"] == reverse("home")
    assert client.get("/").status_code == 200
    user = User.objects.get(username="nokafor")
    events = AuditEvent.objects.filter(subject_id=str(user.uuid), event="user.password_changed")
    assert [event.actor_id for event in events] == [user.pk]
    assert "Choose a password of your own" not in text(
        client.get(reverse("account_change_password"))
    )


def test_a_forgotten_password_is_replaced_by_the_clinics_administrator(
    clinic: Clinic, nurse: User, as_role: SignedIn
) -> None:
    seated = sign_in(nurse.username, factories.PASSWORD)
    assert seated.get("/").status_code == 200
    shown = as_role("admin").post(f"{URL}people/{nurse.uuid}/password/")
    assert "no-store" in shown["Cache-Control"]
    given = secret_in(shown, r"New password</dt><dd><code>([a-z2-9-]{23})<")
    assert seated.get("/").status_code == 302, "signed out everywhere"
    assert not sign_in(nurse.username, factories.PASSWORD).session.get("_auth_user_id")
    assert sign_in(nurse.username, given).get("/")["Location"] == reverse("account_change_password")
    event = AuditEvent.objects.get(event="user.password_given")
    assert (event.subject_id, event.clinic_id) == (str(nurse.uuid), clinic.pk)
    assert not any(given in str((e.before, e.after, e.reason)) for e in AuditEvent.objects.all())


def test_nobody_gives_a_password_to_themselves_or_beyond_their_clinics(
    clinic: Clinic, other_clinic: Clinic, nurse: User, as_role: SignedIn
) -> None:
    admin = as_role("admin")
    accounts.grant_role(
        user=nurse, clinic=other_clinic, role=Role.NURSE, by=nurse, at=timezone.now()
    )
    chief = factories.user("chief", clinic, "doctor")
    User.objects.filter(pk=chief.pk).update(is_superuser=True)
    for person, said in (
        (nurse, "rights beyond your clinics"),
        (chief, "rights beyond your clinics"),
        (user_of(admin), "Change your own password under your name"),
    ):
        before = person.password
        answer = admin.post(f"{URL}people/{person.uuid}/password/", follow=True)
        assert said in text(answer)
        person.refresh_from_db()
        assert person.password == before
    assert not AuditEvent.objects.filter(event="user.password_given").exists()


def test_somebody_from_another_clinic_keeps_the_account(
    clinic: Clinic, other_clinic: Clinic, as_role: SignedIn
) -> None:
    colleague = factories.user("colleague", other_clinic, "doctor")
    client = as_role("admin")
    stranger = add(client, username="Colleague")
    assert stranger.status_code == 422
    assert "belongs to another account" in text(stranger)
    done = add(client, username="colleague", given_name="Rowan", family_name="Colleague")
    assert done.status_code == 302
    colleague.refresh_from_db()
    assert colleague.check_password(factories.PASSWORD)
    assert Membership.objects.get(user=colleague, clinic=clinic).role == "staff"


def test_nobody_gets_a_role_for_the_systems_own_accounts(clinic: Clinic, as_role: SignedIn) -> None:
    refused = add(
        as_role("admin"), username="system-import", given_name="Roster import", family_name="x"
    )
    assert refused.status_code == 422


@pytest.mark.parametrize(
    ("field", "value"), [("username", "a b"), ("given_name", " "), ("role", "king"), ("role", "")]
)
def test_a_bad_person_is_refused(clinic: Clinic, as_role: SignedIn, field: str, value: str) -> None:
    refused = add(as_role("admin"), **{field: value})
    assert refused.status_code == 422
    assert list(refused.context["person_form"].errors) == [field]
    assert not User.objects.filter(username="nokafor").exists()


def test_a_role_is_changed_and_taken_away(clinic: Clinic, nurse: User, as_role: SignedIn) -> None:
    client = as_role("admin")
    client.post(f"{URL}people/{nurse.uuid}/role/", {"role": "doctor"})
    assert Membership.objects.get(user=nurse).role == "doctor"
    changed = AuditEvent.objects.filter(event="user.role_granted").latest("id")
    assert (changed.before, changed.after) == ({"role": "nurse"}, {"role": "doctor"})
    done = client.post(f"{URL}people/{nurse.uuid}/remove/", follow=True)
    assert "has no role here any more" in text(done)
    assert not Membership.objects.filter(user=nurse).exists()
    assert AuditEvent.objects.get(event="user.role_removed").before == {"role": "doctor"}
    assert signed_in(nurse).get("/").status_code == 302


def test_the_last_administrator_stays(clinic: Clinic, as_role: SignedIn) -> None:
    client = as_role("admin")
    me = user_of(client)
    for path, data in (("role/", {"role": "nurse"}), ("remove/", {})):
        refused = client.post(f"{URL}people/{me.uuid}/{path}", data, follow=True)
        assert "last administrator" in text(refused)
    assert Membership.objects.get(user=me).role == "admin"
    as_role("admin")
    gone = client.post(f"{URL}people/{me.uuid}/remove/")
    assert gone["Location"] == "/home/"
    assert not Membership.objects.filter(user=me).exists()


def test_an_administrator_who_cannot_sign_in_does_not_count(
    clinic: Clinic, as_role: SignedIn
) -> None:
    client = as_role("admin")
    closed = user_of(as_role("admin"))
    User.objects.filter(pk=closed.pk).update(is_active=False)
    me = user_of(client)
    refused = client.post(f"{URL}people/{me.uuid}/remove/", follow=True)
    assert "last administrator" in text(refused)


def test_the_services_refuse_what_the_role_may_not(
    clinic: Clinic, nurse: User, now: datetime
) -> None:
    for act in (
        lambda: accounts.remove_role(user=nurse, clinic=clinic, by=nurse, at=now),
        lambda: accounts.change_role(user=nurse, clinic=clinic, role=Role.ADMIN, by=nurse, at=now),
        lambda: clients.issue_api_client(
            clinic=clinic, name="x", scopes=[Scope.DUE_READ], by=nurse, at=now
        ),
    ):
        with pytest.raises(RuleViolation) as refused:
            act()
        assert refused.value.problems[0].code == "not_allowed"


# --- API clients ---


def make_client(client: Client, name: str = "Ward dashboard", **values: Any) -> Any:
    sent = {"client_name": name, "scopes": ["due:read"], **values}
    return client.post(URL + "api-clients/add/", sent)


def test_a_token_is_shown_once_works_and_ends_when_it_is_revoked(
    clinic: Clinic, as_role: SignedIn, client: Client
) -> None:
    admin = as_role("admin")
    shown = make_client(admin)
    token = secret_in(shown, r"Token</dt><dd><code>(itb_[\w-]+)<")
    made = ApiClient.objects.get(name="Ward dashboard")
    assert made.scopes == ["due:read"]
    assert list(made.clinics.all()) == [clinic]
    header = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/refills-due/", headers=header).status_code == 200
    assert token not in text(admin.get(URL))
    done = admin.post(f"{URL}api-clients/{made.uuid}/revoke/", follow=True)
    assert "is revoked" in text(done)
    assert client.get("/api/v1/refills-due/", headers=header).status_code == 401
    events = AuditEvent.objects.filter(subject_id=str(made.uuid)).order_by("id")
    assert [e.event for e in events if not e.event.endswith("read")] == [
        "api_client.created",
        "api_client.revoked",
    ]


@pytest.mark.parametrize(
    ("values", "at"),
    [({"scopes": []}, "scopes"), ({"scopes": ["all"]}, "scopes"), ({"name": ""}, "client_name")],
)
def test_a_bad_client_is_refused(
    clinic: Clinic, as_role: SignedIn, values: dict[str, Any], at: str
) -> None:
    refused = make_client(as_role("admin"), **values)
    assert refused.status_code == 422
    assert list(refused.context["client_form"].errors) == [at]
    assert not ApiClient.objects.exists()


def test_sending_the_form_twice_makes_one_client(clinic: Clinic, as_role: SignedIn) -> None:
    client = as_role("admin")
    make_client(client)
    again = make_client(client, name="ward  Dashboard")
    assert "A client of this name is in use" in text(again)
    assert ApiClient.objects.count() == 1


def test_a_client_of_several_clinics_says_so(
    clinic: Clinic, other_clinic: Clinic, as_role: SignedIn
) -> None:
    factories.api_client(clinic, other_clinic)
    page = text(as_role("admin").get(URL))
    assert "reads 1 other clinic too" in page
    assert "Harbor" not in page


def test_the_page_takes_as_many_queries_for_one_as_for_three(
    clinic: Clinic, as_role: SignedIn
) -> None:
    client = as_role("admin")
    factories.api_client(clinic)
    one = queries(client, URL)
    for number in range(2):
        factories.api_client(clinic)
        factories.user(f"more-{number}", clinic, "staff")
    assert queries(client, URL) == one


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ((), ["Nobody of this clinic can book", "1 work item waits for you."]),
        (("nurse",), ["no rehabilitation doctor", "no further than to the rehab nurse,"]),
        (("doctor",), ["no rehab nurse", "work items go to the rehabilitation doctor."]),
        (("nurse", "doctor"), []),
    ],
)
def test_the_administrator_is_told_whose_role_nobody_has(
    clinic: Clinic, as_role: SignedIn, now: datetime, there: tuple[str, ...], said: list[str]
) -> None:
    for role in there:
        factories.user(f"{role}-1", clinic, role)
    wanted = work_items.Wanted(
        clinic_id=clinic.pk, kind=WorkItem.Kind.UNBOOKED, subject="x", today=now.date()
    )
    work_items.open_work_item(wanted=wanted, now=now)
    page = text(as_role("admin").get(f"/clinic/{clinic.slug}/"))
    assert [one for one in said if one not in page] == []
    gaps = ("Nobody of this clinic can book", "no rehab nurse", "no rehabilitation doctor")
    assert [one in page for one in gaps] == [any(one in line for line in said) for one in gaps]
