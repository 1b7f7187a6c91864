"""The headers of every class of response, pinned."""

import pytest
from django.test import Client

from accounts.models import Clinic, User
from tests import factories

pytestmark = pytest.mark.django_db
POLICY = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
    "font-src 'self'", "connect-src 'self'", "form-action 'self'", "frame-ancestors 'none'",
    "base-uri 'none'", "object-src 'none'", "manifest-src 'self'",
}  # fmt: skip


@pytest.fixture
def answers(client: Client, clinic: Clinic, nurse: User) -> dict[str, dict[str, str]]:
    found = {"sign-in": client.get("/accounts/login/")}
    _, token = factories.api_client(clinic)
    headers = {"Authorization": f"Bearer {token}"}
    found["api"] = client.get("/api/v1/refills-due/", headers=headers)
    found["api error"] = client.get("/api/v1/refills-due/")
    found["docs"] = client.get("/api/v1/docs/")
    client.force_login(nurse)
    found["page"] = client.get("/")
    found["not found"] = client.get("/nowhere/")
    return {name: dict(answer.headers) for name, answer in found.items()}


def test_the_content_security_policy_is_strict_everywhere(
    answers: dict[str, dict[str, str]],
) -> None:
    for name, headers in answers.items():
        found = {part.strip() for part in headers["Content-Security-Policy"].split(";")}
        assert found == POLICY, name


def test_pages_of_patient_data_are_kept_in_no_cache(answers: dict[str, dict[str, str]]) -> None:
    assert answers["page"]["Cache-Control"] == "private, no-store"
    assert "private" in answers["api"]["Cache-Control"]
    for headers in answers.values():
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"


def test_no_page_has_inline_script_style_or_handlers(client: Client, nurse: User) -> None:
    client.force_login(nurse)
    for url in ("/", "/accounts/password/change/", "/nowhere/", "/api/v1/docs/"):
        text = client.get(url).content.decode()
        assert "<style" not in text, url
        assert " style=" not in text, url
        assert " onclick=" not in text, url
        assert "<script>" not in text, url
