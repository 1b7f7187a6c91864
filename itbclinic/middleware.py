"""What every page of patient data has in common."""

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme

KEY: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class SignInMiddleware(LoginRequiredMiddleware):
    """Leads to sign-in, and from there to a page that can be opened.

    What was sent may go to an address that takes nothing else: after sign-in one lands on the page
    that the form stood on. What was typed is shown: a browser's Back leads to sign-in, for no page
    is in any cache. With script the page asks before it sends (static/itb.js), and keeps the form.
    """

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> Any:
        if request.method in ("GET", "HEAD"):
            return super().handle_no_permission(request, view_func)
        page = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
        ours = url_has_allowed_host_and_scheme(page, allowed_hosts={request.get_host()})
        parts = urlsplit(page)
        back = parts._replace(scheme="", netloc="", fragment="").geturl() if ours else ""
        back = back or reverse("home")
        typed = [] if "HX-Request" in request.headers else _typed(request)
        if typed:
            context = {"typed": typed, "back": back}
            return render(request, "account/not_saved.html", context, status=403)
        return redirect_to_login(back, reverse("account_login"))


def _typed(request: HttpRequest) -> list[tuple[str, str]]:
    """What a form says by its fields' names; not what the page itself put into it, nor a choice
    from a list of the clinic's, which is sent as a key."""
    return [
        (name.replace("_", " ").replace("-", " "), ", ".join(said))
        for name, values in request.POST.lists()
        if not name.startswith(("csrf", "seen_", "key", "password", "save"))
        and not name.endswith("-count")
        and (said := [value for value in values if value.strip() and not KEY.fullmatch(value)])
    ]


class OwnPasswordMiddleware:
    """Leads whoever signs in with a password that was handed over to choose another one first."""

    open_pages: Final = ("account_change_password", "account_logout")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        """The page of the password instead of what was asked for."""
        match = request.resolver_match
        asked = match.url_name if match else ""
        given = request.user.is_authenticated and request.user.password_was_given
        if not given or asked in self.open_pages:
            return None
        return HttpResponseRedirect(reverse("account_change_password"))


class OtherMethodMiddleware:
    """Shows a page that leads on where an address does not take what was sent, such as the address
    of a form that is opened again from the browser's history. The API answers for itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or request.path.startswith("/api/"):
            return response
        if not request.user.is_authenticated:
            return response
        allow = response["Allow"]
        reads = request.method in ("GET", "HEAD")
        context = {"page": page_above(request.path), "for_a_form": reads and "POST" in allow}
        shown = render(request, "405.html", context, status=405)
        shown["Allow"] = allow
        return shown


def page_above(path: str) -> str:
    """The nearest page above an address, where its form stands; empty where there is none.

    The names of addresses are the folders of the pages that they belong to.
    """
    parts = path.strip("/").split("/")
    for length in range(len(parts) - 1, 0, -1):
        above = f"/{'/'.join(parts[:length])}/"
        try:
            resolve(above)
        except Resolver404:
            continue
        return above
    return ""


class PrivatePagesMiddleware:
    """Keeps pages out of every cache: a shared computer must not show them after sign-out.

    The API's conditional requests still work: `private, no-cache` lets a client keep a copy that
    it revalidates each time.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            api = request.path.startswith("/api/")
            response["Cache-Control"] = "private, no-cache" if api else "private, no-store"
        response["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        return response
