"""These tests kill workers and servers, which live by the true clock."""

import pytest


@pytest.fixture(autouse=True)
def clock() -> None:
    """The true one: processes of their own run beside these tests."""
