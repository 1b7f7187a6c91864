"""Where a user lands: the first page that the user's role is for."""

from typing import cast

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User
from itbclinic.pages.shared.frame import entries


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Go on to the first page of the navigation; say so where there is none."""
    found = entries(request, cast(User, request.user))
    by_label = {entry.label: entry.url for entry in found}
    for label in ("Refills", "Clinic", "Audit", "Catalogue"):
        if label in by_label:
            return HttpResponseRedirect(by_label[label])
    return render(request, "no_page.html")
