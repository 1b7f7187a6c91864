"""Whether somebody is still signed in, asked by a page before it sends what was typed."""

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.views.decorators.http import require_safe


@require_safe
def session(request: HttpRequest) -> HttpResponse:
    """The token that forms send now; a new one was made where somebody signed in in another tab.

    Whoever is not signed in is led to sign-in, which the page takes as the answer.
    """
    return HttpResponse(get_token(request), content_type="text/plain")
