"""A stack of its own for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.paths import Layout
from devstack.stack import Stack


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "servers: starts servers of its own, so not in make check")


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """A var/ that is not there yet; its path has blanks, since a person's may have them."""
    return tmp_path / "a folder" / "var"


@pytest.fixture
def stack(var: Path) -> Iterator[Stack]:
    """A stack that does not run yet; whatever the test leaves is removed."""
    made = Stack(Layout(var), durable=False)
    yield made
    made.reset()


@pytest.fixture(autouse=True)
def clock() -> None:
    """The true one: processes of their own run beside these tests."""
