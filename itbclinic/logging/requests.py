"""A number for each request, and one line about it without anything of a patient."""

import logging
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from accounts.models import ApiClient, User
from itbclinic.logging.records import context

logger = logging.getLogger(__name__)

QUIET: Final = ("/healthz", "/readyz")  # asked every few seconds; only a failure is worth a line
TELLING_NOTHING: Final = ("slug", "kind")  # words of ours in addresses, apart from uuids


class RequestLogMiddleware:
    """Outermost, so that its time is the whole and every record inside has the number.

    The answer carries the number as `X-Request-ID`: who reports a fault can name it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Always a number of our own: one from outside could be anything, a name too.
        request_id = uuid.uuid4().hex
        before = context.set({"request_id": request_id})
        began = time.monotonic()
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = request_id
            _log(request, response, round((time.monotonic() - began) * 1000))
            return response
        finally:
            context.reset(before)


def _log(request: HttpRequest, response: HttpResponse, duration_ms: int) -> None:
    healthy = request.path in QUIET and response.status_code == 200
    level = logging.ERROR if response.status_code >= 500 else logging.INFO
    logger.log(
        logging.DEBUG if healthy else level,
        "request",
        extra={
            "method": request.method,
            "path": path_of(request),
            "status": response.status_code,
            "duration_ms": duration_ms,
            **who(request),
        },
    )


def path_of(request: HttpRequest) -> str:
    """The address without its query string, and without any part that somebody typed.

    What leads nowhere is not written at all: a mistyped address may be a name. A key in the
    address, as for a new password, is written as its name.
    """
    path = request.path
    if path.startswith(settings.STATIC_URL):
        return path
    try:
        match = request.resolver_match or resolve(request.path_info)
    except Resolver404:
        return "(no such address)"
    for name, value in match.kwargs.items():
        if not isinstance(value, uuid.UUID) and name not in TELLING_NOTHING:
            path = path.replace(str(value), f"<{name}>")
    return path


def who(request: HttpRequest) -> dict[str, Any]:
    """Ids of whoever asked, as far as the request has found out: logging asks the database
    nothing, and /healthz works without one."""
    client = getattr(request, "auth", None)
    if isinstance(client, ApiClient):
        clinics = getattr(client, "_prefetched_objects_cache", {}).get("clinics", ())
        ids = sorted(clinic.pk for clinic in clinics)
        return {"api_client_id": str(client.uuid), "clinic_ids": ids}
    user = getattr(request, "_cached_user", None)
    if isinstance(user, User):
        ids = sorted(getattr(user, "_roles_by_clinic", None) or ())
        return {"user_id": str(user.uuid), "clinic_ids": ids}
    return {}
