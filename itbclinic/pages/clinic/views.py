"""A clinic's own page: its settings, its people and its API clients. One page for each clinic."""

import uuid
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts import selectors, services
from accounts.models import ApiClient, Clinic, Membership, Role, Scope, User
from accounts.policies import Action
from accounts.services import clients, passwords
from core import words
from core.rules import RuleViolation, fingerprint
from followup.services.settings import change_clinic_settings
from itbclinic.pages.shared import access
from itbclinic.pages.shared.compare import Compared, compared, is_stale, was
from itbclinic.pages.shared.forms import PageForm
from itbclinic.pages.shared.links import clinic_links
from pumps.selectors import count_active

from .cover import gaps_of
from .forms import (
    ROLE_WORDS,
    ApiClientForm,
    ContactSettingsForm,
    EmailForm,
    PersonForm,
    RoleForm,
    SettingsForm,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Person:
    """A member of the clinic."""

    membership: Membership
    form: RoleForm
    is_me: bool
    email: EmailForm


@dataclass(frozen=True, slots=True)
class Client:
    """An API client with what became of it."""

    client: ApiClient
    scopes: list[str]
    state: str
    others: int


@require_safe
def clinic(request: HttpRequest, slug: str = "") -> HttpResponse:
    """The page of the clinic that the address names; without one, of the first."""
    clinics = access.clinics_or_refuse(request, Action.MANAGE_CLINIC)
    if not slug and len(clinics) > 1:
        return HttpResponseRedirect(reverse("clinic_settings", args=[clinics[0].slug]))
    return show(request, access.choose(clinics, slug)[0])


@require_POST
def save_settings(request: HttpRequest, slug: str) -> HttpResponse:
    """Change the settings; every pump of the clinic is recomputed in the same moment."""
    of = find(request, slug)
    form = SettingsForm(request.POST)
    compare: list[Compared] = []
    if form.is_valid():
        values = form.values()
        if values == selectors.settings_of(of):
            messages.info(request, "The settings are as they were; nothing was changed.")
            return back(of)
        try:
            number = change_clinic_settings(
                clinic=of,
                by=access.user_of(request),
                now=timezone.now(),
                seen=form.cleaned_data["seen"],
                **values,
            )
        except RuleViolation as violation:
            form.refuse(violation)
            if is_stale(violation):
                of = find(request, slug)
                on_record = selectors.settings_of(of)
                form.show_seen(fingerprint(on_record))
                compare = compared(on_record, values)
        else:
            pumps = words.count(number, "pump")
            messages.success(request, f"Settings saved. {pumps} {was(number)} recomputed.")
            return back(of)
    return show(request, of, refused=form, compare=compare)


@require_POST
def add_person(request: HttpRequest, slug: str) -> HttpResponse:
    """Give somebody an account and a role; the first password is shown this once."""
    of = find(request, slug)
    form = PersonForm(request.POST)
    if form.is_valid():
        try:
            values = {**form.cleaned_data, "role": Role(form.cleaned_data["role"])}
            user, password = services.add_person(
                clinic=of, by=access.user_of(request), at=timezone.now(), **values
            )
        except RuleViolation as violation:
            form.refuse(violation)
        else:
            if password is None:
                text = f"{user.display_name} had an account already and keeps its password."
                messages.success(request, f"{text} The role here is given.")
                return back(of)
            return _shown_once(request, of, user, password, role=values["role"].label)
    return show(request, of, refused=form)


def _shown_once(
    request: HttpRequest, of: Clinic, person: User, password: str, role: str = ""
) -> HttpResponse:
    """The page of a password that nobody can look up later; `role` for a new account."""
    context = {"clinic": of, "person": person, "role": role, "secret": password}
    return render(request, "clinic/password.html", context)


@require_POST
def new_password(request: HttpRequest, slug: str, user_uuid: uuid.UUID) -> HttpResponse:
    """Give a member a new password in place of a forgotten one; it is shown this once."""
    of = find(request, slug)
    person = or_404(selectors.user_of(of, user_uuid))
    try:
        password = passwords.give_password(
            user=person, clinic=of, by=access.user_of(request), at=timezone.now()
        )
    except RuleViolation as violation:
        messages.error(request, f"Nothing was changed. {violation.problems[0].message}")
        return back(of, "people")
    return _shown_once(request, of, person, password)


@require_POST
def change_role(request: HttpRequest, slug: str, user_uuid: uuid.UUID) -> HttpResponse:
    """Give a member another role."""
    of = find(request, slug)
    person = or_404(selectors.user_of(of, user_uuid))
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such role. Nothing was changed.")
        return back(of, "people")
    role = Role(form.cleaned_data["role"])

    def act() -> str:
        services.change_role(
            user=person, clinic=of, role=role, by=access.user_of(request), at=timezone.now()
        )
        return f"{person.display_name} is now: {role.label}."

    return _run(request, of, "people", act, person)


@require_POST
def remove_person(request: HttpRequest, slug: str, user_uuid: uuid.UUID) -> HttpResponse:
    """Take a member's role away."""
    of = find(request, slug)
    person = or_404(selectors.user_of(of, user_uuid))

    def act() -> str:
        services.remove_role(user=person, clinic=of, by=access.user_of(request), at=timezone.now())
        return f"{person.display_name} has no role here any more."

    return _run(request, of, "people", act, person)


@require_POST
def add_client(request: HttpRequest, slug: str) -> HttpResponse:
    """Make an API client; its token is shown this once."""
    of = find(request, slug)
    form = ApiClientForm(request.POST)
    if form.is_valid():
        try:
            client, token = clients.issue_api_client(
                clinic=of,
                name=form.cleaned_data["client_name"],
                scopes=[Scope(scope) for scope in form.cleaned_data["scopes"]],
                by=access.user_of(request),
                at=timezone.now(),
            )
        except RuleViolation as violation:
            form.refuse(violation)
        else:
            context = {"clinic": of, "client": client, "secret": token}
            return render(request, "clinic/token.html", context)
    return show(request, of, refused=form)


@require_POST
def revoke_client(request: HttpRequest, slug: str, client_uuid: uuid.UUID) -> HttpResponse:
    """End an API client's token at once."""
    of = find(request, slug)
    client = or_404(selectors.api_client_of(of, client_uuid))

    def act() -> str:
        clients.revoke_api_client(client=client, by=access.user_of(request), at=timezone.now())
        return f"{client.name} is revoked: its token opens nothing any more."

    return _run(request, of, "clients", act)


def find(request: HttpRequest, slug: str) -> Clinic:
    """The clinic, which the user must be allowed to manage."""
    clinics = access.clinics_or_refuse(request, Action.MANAGE_CLINIC)
    return access.choose(clinics, slug)[0]


def or_404(found: T | None) -> T:
    """What was found, or 404."""
    if found is None:
        raise Http404
    return found


def _run(
    request: HttpRequest, of: Clinic, part: str, act: Callable[[], str], about: User | None = None
) -> HttpResponse:
    """Do it, and say what came of it: on this page, or on the first one for who has just given up
    the right to see this one."""
    try:
        messages.success(request, act())
        if about is not None and about.pk == access.user_of(request).pk:
            return HttpResponseRedirect(reverse("home"))
    except RuleViolation as violation:
        for problem in violation.problems:
            messages.error(request, f"Nothing was changed. {problem.message}")
    return back(of, part)


def back(of: Clinic, part: str = "") -> HttpResponse:
    """To a part of the clinic's page."""
    address = reverse("clinic_settings", args=[of.slug])
    return HttpResponseRedirect(f"{address}#{part}" if part else address)


def show(
    request: HttpRequest,
    of: Clinic,
    refused: PageForm | None = None,
    compare: list[Compared] | None = None,
) -> HttpResponse:
    """Render the page; a form that was refused is shown as it was typed."""
    now = timezone.now()
    rows = [_client(client, now) for client in selectors.api_clients_of(of)]
    context: dict[str, Any] = {
        "clinic": of,
        "clinic_links": clinic_links(
            access.clinics_or_refuse(request, Action.MANAGE_CLINIC),
            of.slug,
            lambda slug: reverse("clinic_settings", args=[slug]),
            together=False,
        ),
        "settings_form": SettingsForm(initial=SettingsForm.opening_values(of)),
        "contact_form": ContactSettingsForm(initial=ContactSettingsForm.opening_values(of)),
        "person_form": PersonForm(),
        "client_form": ApiClientForm(),
        "refused": refused,
        "compare": compare or [],
        "changed_by": selectors.last_event("clinic", of.uuid) if compare else None,
        "pumps": count_active(of),
        "gaps": gaps_of(of),
        "people": _people(request, of, refused),
        "clients": [client for client in rows if client.state == "in use"],
        "ended": [client for client in rows if client.state != "in use"],
        "timezones": _timezones(),
        "roles": [(role.label, ROLE_WORDS[role]) for role in Role],
        "token_days": clients.TOKEN_LIFETIME.days,
    }
    match refused:
        case SettingsForm():
            context["settings_form"] = refused
        case ContactSettingsForm():
            context["contact_form"] = refused
        case PersonForm():
            context["person_form"] = refused
        case ApiClientForm():
            context["client_form"] = refused
    return render(request, "clinic/page.html", context, status=422 if refused else 200)


def _people(request: HttpRequest, of: Clinic, refused: PageForm | None) -> list[Person]:
    me = access.user_of(request).pk
    return [
        Person(
            membership,
            RoleForm(initial={"role": membership.role}, auto_id=f"role_{membership.pk}_%s"),
            membership.user_id == me,
            _email_form(membership, refused),
        )
        for membership in selectors.members_of(of)
    ]


def _email_form(membership: Membership, refused: PageForm | None) -> EmailForm:
    if isinstance(refused, EmailForm) and getattr(refused, "about", None) == membership.user_id:
        return refused
    initial = {"email": membership.user.email}
    return EmailForm(initial=initial, auto_id=f"email_{membership.pk}_%s")


def _client(client: ApiClient, now: datetime) -> Client:
    state = "in use"
    if client.revoked_at is not None:
        state = "revoked"
    elif client.expires_at <= now:
        state = "expired"
    scopes = [str(Scope(scope).label) for scope in client.scopes if scope in Scope.values]
    return Client(client, scopes, state, len(client.clinics.all()) - 1)


@lru_cache(maxsize=1)
def _timezones() -> list[str]:
    """The names that people choose from; any that Python knows can be typed."""
    areas = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian",
             "Pacific")  # fmt: skip
    return sorted(
        name for name in zoneinfo.available_timezones() if name.partition("/")[0] in areas
    )
