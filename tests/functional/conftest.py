"""Pages in a real browser: signed in without the sign-in page, every console message an error."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from accounts.models import Clinic, User
from devstack import chromium
from followup.services import delivering, scans
from tests import factories

expect.set_options(timeout=15_000)  # a machine that does other work too
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright's loop stays in the thread until the session ends."""
    items.sort(key=lambda item: "tests/functional" in item.path.as_posix())


@pytest.fixture(scope="session")
def playwright() -> Iterator[Any]:
    """Playwright's own loop runs in this thread, and Django would take that for async code."""
    from playwright.sync_api import sync_playwright

    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as running:
        yield running
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {
        **browser_type_launch_args,
        "executable_path": str(chromium.ensure()),
        "args": CHROMIUM_ARGS,
    }


@pytest.fixture
def fresh_rate_limits(transactional_db: None) -> None:
    """Sign-in counts its attempts in the database's cache."""
    cache.clear()


@pytest.fixture
def clinic(db: None) -> Clinic:
    """A clinic without daylight saving: what the tests expect holds at every hour of the year."""
    return factories.clinic("wasatch", timezone="America/Phoenix")


@pytest.fixture
def checked_now(transactional_db: None) -> None:
    """Complete scans and a delivery just now: the red banners are gone."""
    scans.sweep(clock=timezone.now)
    scans.due_scan(clock=timezone.now)
    delivering.deliver(clock=timezone.now)


class Seat:
    """A signed-in user at a browser. It collects what the console says: anything is a fault."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.said: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))

    def open(self, path: str) -> Page:
        """Go to an address of the site."""
        self.page.goto(self.base + path)
        return self.page

    def check(self) -> None:
        """No fault by axe at both widths, nothing wider than the screen, a silent console."""
        self.page.wait_for_load_state()
        # Figures that are waited for are dimmed, and axe would read them as too pale.
        expect(self.page.locator(".htmx-request, [aria-busy]")).to_have_count(0)
        for size in (WIDE, NARROW):
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            found = Axe().run(self.page).response["violations"]
            assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == []
            width = self.page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"], f"{self.page.url} is {width} wide"
        self.page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        assert self.said == []

    def visible_in_print(self, selector: str) -> bool:
        """Whether something shows on paper."""
        self.page.emulate_media(media="print")
        shown = self.page.locator(selector).first.is_visible()
        self.page.emulate_media(media="screen")
        return shown


SeatOf = Callable[..., Seat]


@pytest.fixture
def seat_of(browser: Browser, live_server: Any) -> Iterator[SeatOf]:
    """`seat_of(user)`: a browser in which the user is signed in; `script=False` without script."""
    contexts = []

    def sit(user: User | None = None, *, script: bool = True) -> Seat:
        context = browser.new_context(viewport=WIDE, java_script_enabled=script)  # type: ignore[arg-type]
        contexts.append(context)
        if user is not None:
            client = Client()
            client.force_login(user)
            name = settings.SESSION_COOKIE_NAME
            value = client.cookies[name].value
            context.add_cookies([{"name": name, "value": value, "url": live_server.url}])
        return Seat(context.new_page(), live_server.url)

    yield sit
    for context in contexts:
        context.close()
