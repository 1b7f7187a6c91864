"""Where a user lands, the session, and what the sign-in pages do not do."""

from django.contrib.auth.decorators import login_not_required
from django.urls import path, reverse_lazy
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView, TemplateView

from . import session, views

# Addresses of allauth for what this application does not do: e-mail addresses and accounts are an
# administrator's, on the clinic's page, and no mail leaves from a sign-in page.
NOT_OURS = (
    "email/",
    "confirm-email/",
    "confirm-email/<str:key>/",
    "password/set/",
    "password/reset/done/",
    "password/reset/key/done/",
    "password/reset/key/<str:key>/",
    "login/code/confirm/",
)
LED_HOME = RedirectView.as_view(url=reverse_lazy("home"))

urlpatterns = [
    path("home/", views.home, name="home"),
    path("session/", session.session, name="session"),
    # Passwords are given out by an administrator: no mail may be sent from a sign-in page.
    path(
        "accounts/password/reset/",
        login_not_required(
            require_safe(TemplateView.as_view(template_name="account/password_reset.html"))
        ),
        name="account_reset_password",
    ),
    *(path(f"accounts/{address}", LED_HOME) for address in NOT_OURS),
]
