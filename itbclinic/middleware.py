"""What every page of patient data has in common."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


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
