"""How sign-in behaves: accounts are made by an administrator, never by a visitor."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from .models import User
from .services import sign_in, system_user
from .services.passwords import password_chosen


class ClosedSignupAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Refuses sign-up: a stranger must not be able to make an account in a clinic's system."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def clean_password(self, password: str, user: User | None = None) -> str:
        """Refuse the password that is to be changed: whoever gave it would still know it."""
        if user is not None and user.check_password(password):
            raise ValidationError("You have this password already. Choose another one.")
        return str(super().clean_password(password, user=user))

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("home")

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse who tried too often, and write it into the log."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            sign_in.sign_in_held_off(**_attempt(credentials))
            raise

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        super().authentication_failed(request, **credentials)
        sign_in.sign_in_failed(**_attempt(credentials))

    @transaction.atomic
    def login(self, request: HttpRequest, user: User) -> None:
        """Begin the session; the second factor has been asked for, where there is one."""
        super().login(request, user)
        sign_in.signed_in(user=user, at=timezone.now())

    @transaction.atomic
    def logout(self, request: HttpRequest) -> None:
        user = request.user
        super().logout(request)
        if isinstance(user, User):
            sign_in.signed_out(user=user, at=timezone.now())

    @transaction.atomic
    def set_password(self, user: User, password: str) -> None:
        """Save what the person chose, and that they chose it."""
        super().set_password(user, password)
        password_chosen(user=user, at=timezone.now())


def _attempt(credentials: dict[str, Any]) -> dict[str, Any]:
    return {
        "username": str(credentials.get("username", "")),
        "by": system_user("system-sign-in"),
        "at": timezone.now(),
    }
