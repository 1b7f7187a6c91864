"""Who calls the API: a bearer token of one API client, bound to clinics and scopes."""

from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import selectors
from accounts.models import ApiClient
from accounts.services import clients


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer itb_…`. The client takes the user's place: `request.auth`."""

    def authenticate(self, request: Request) -> tuple[None, ApiClient] | None:
        parts = get_authorization_header(request).split()
        if not parts:
            return None
        if len(parts) != 2 or parts[0].lower() != b"bearer":
            raise AuthenticationFailed("Send the header `Authorization: Bearer itb_…`.")
        try:
            token = parts[1].decode("ascii")
        except UnicodeDecodeError as error:
            raise AuthenticationFailed("The token has characters that no token has.") from error
        now = timezone.now()
        client = selectors.active_api_client(token, now)
        if client is None:
            raise AuthenticationFailed(
                "The token is unknown, revoked or expired. Ask for a new one."
            )
        clients.touch_api_client(client=client, now=now)
        return None, client

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="itb"'


class HasScope(BasePermission):
    """The view's `required_scope` must be one of the token's."""

    message = "This token's scopes do not cover this address."

    def has_permission(self, request: Request, view: object) -> bool:
        client = request.auth
        scope = getattr(view, "required_scope", None)
        return isinstance(client, ApiClient) and scope in client.scopes


def client_of(request: Request | HttpRequest) -> ApiClient:
    """The API client of an authenticated request."""
    client = request.auth  # type: ignore[union-attr]
    assert isinstance(client, ApiClient)
    return client
