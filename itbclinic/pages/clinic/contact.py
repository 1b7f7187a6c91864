"""How families reach a clinic, and where its people get reminders: parts of the clinic's page."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts import selectors
from accounts.services import contact
from core.rules import RuleViolation, fingerprint
from itbclinic.pages.shared import access
from itbclinic.pages.shared.compare import is_stale
from visits.services.contact import change_contact_settings

from . import views
from .forms import ContactSettingsForm, EmailForm


@require_POST
def save_contact(request: HttpRequest, slug: str) -> HttpResponse:
    """Change how families reach the clinic."""
    of = views.find(request, slug)
    form = ContactSettingsForm(request.POST)
    if form.is_valid():
        try:
            change_contact_settings(
                clinic=of,
                by=access.user_of(request),
                now=timezone.now(),
                seen=form.cleaned_data["seen"],
                **form.values(),
            )
        except RuleViolation as violation:
            form.refuse(violation)
            if is_stale(violation):
                of = views.find(request, slug)
                form.show_seen(fingerprint(selectors.contact_settings_of(of)))
        else:
            messages.success(request, "Saved how families reach the clinic.")
            return views.back(of, "contact")
    return views.show(request, of, refused=form)


@require_POST
def change_email(request: HttpRequest, slug: str, user_uuid: uuid.UUID) -> HttpResponse:
    """Set where a member gets reminders."""
    of = views.find(request, slug)
    person = views.or_404(selectors.user_of(of, user_uuid))
    form = EmailForm(request.POST)
    form.about = person.pk  # type: ignore[attr-defined]
    if form.is_valid():
        try:
            contact.change_email(
                user=person,
                clinic=of,
                email=form.cleaned_data["email"],
                by=access.user_of(request),
                at=timezone.now(),
            )
        except RuleViolation as violation:
            form.refuse(violation)
        else:
            messages.success(request, f"Saved the e-mail address of {person.display_name}.")
            return views.back(of, "people")
    return views.show(request, of, refused=form)
