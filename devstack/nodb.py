"""A pytest plugin for `make check`: leaves out what needs a server or a browser, or takes long."""

from __future__ import annotations

import pytest

FIXTURES = {
    "db", "transactional_db", "django_db_reset_sequences", "django_db_serialized_rollback",
    "live_server", "admin_user", "admin_client", "page", "browser", "context",
}  # fmt: skip
MARKERS = ("django_db", "servers", "browser", "slow")


def _needs_server(item: pytest.Item) -> bool:
    if any(item.get_closest_marker(name) for name in MARKERS):
        return True
    if FIXTURES & set(getattr(item, "fixturenames", ())):
        return True
    bases = getattr(getattr(item, "cls", None), "__mro__", ())
    return any(base.__name__ == "TransactionTestCase" for base in bases)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect, and let pytest count what was left out."""
    left_out = [item for item in items if _needs_server(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
