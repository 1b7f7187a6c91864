"""How sign-in behaves: accounts are made by an administrator, never by a visitor."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedSignupAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Refuses sign-up: a stranger must not be able to make an account in a clinic's system."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
