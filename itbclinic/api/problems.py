"""Errors as `application/problem+json` (RFC 9457), with a sentence for each field."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from core.rules import Problem, RuleViolation

CONTENT_TYPE = "application/problem+json"


class BadQuery(exceptions.APIException):
    """A query parameter that cannot be used; each problem names its parameter."""

    status_code = status.HTTP_400_BAD_REQUEST

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("Some parameters cannot be used.")
        self.problems = problems


def handle(error: Exception, context: dict[str, object]) -> Response | None:
    """DRF's exception handler: every error the API answers goes through here."""
    problems: tuple[Problem, ...] | list[Problem] = ()
    if isinstance(error, RuleViolation):
        problems = error.problems
        error = BadQuery(list(problems))
    elif isinstance(error, BadQuery):
        problems = error.problems
    response = exception_handler(error, context)
    if response is None:
        return None
    detail = error.detail if isinstance(error, exceptions.APIException) else _plain(error)
    response.data = body(response.status_code, str(detail), list(problems))
    response.content_type = CONTENT_TYPE
    return response


def _plain(error: Exception) -> str:
    if isinstance(error, Http404):
        return "There is nothing at this address for this token."
    if isinstance(error, PermissionDenied):
        return "This is not allowed."
    return "This could not be done."


def body(code: int, detail: str, problems: list[Problem]) -> dict[str, object]:
    """The problem document."""
    titles = {400: "Bad request", 401: "Not signed in", 403: "Not allowed", 404: "Not found"}
    found: dict[str, object] = {
        "type": "about:blank",
        "title": titles.get(code, "Error"),
        "status": code,
        "detail": detail,
    }
    if problems:
        found["errors"] = [
            {"field": p.field, "code": p.code, "message": p.message} for p in problems
        ]
    return found


def not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """The answer for an address under /api/ that does not exist."""
    return JsonResponse(
        body(404, "There is nothing at this address.", []), status=404, content_type=CONTENT_TYPE
    )
