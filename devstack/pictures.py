"""`make pictures`: the README's pictures, taken of a demo that runs, so that they stay true."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from . import chromium
from .paths import PROJECT, Layout, StackError, read_json

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = PROJECT / "docs" / "pictures"
NAMES = ("board.png", "visit.png", "summary.png")
SIZE = {"width": 1280, "height": 900}
COLOURS = 128  # a page has few; this makes a picture a third as large


def take(layout: Layout) -> None:
    """Sign in to the running demo as its nurse, and take each picture."""
    from playwright.sync_api import sync_playwright

    demo = read_json(layout.demo_json)
    if demo is None:
        raise StackError("no demo runs; start one with `make demo` in another terminal")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium.ensure()), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        _sign_in(page, demo)
        for name, open_it in zip(NAMES, (_board, _visit, _summary), strict=True):
            open_it(page, demo["url"])
            _keep(page.screenshot(), name)
            print(f"docs/pictures/{name}")
        browser.close()


def _sign_in(page: Page, demo: dict[str, Any]) -> None:
    nurse = next(user for user in demo["users"] if user["role"] == "nurse")
    page.goto(f"{demo['url']}/accounts/login/")
    page.fill("input[name=login]", nurse["username"])
    page.fill("input[name=password]", nurse["password"])
    page.press("input[name=password]", "Enter")
    page.wait_for_url(re.compile(r"/(\?.*)?$"))


def _board(page: Page, url: str) -> None:
    page.goto(f"{url}/?clinic=wasatch")
    page.wait_for_load_state("networkidle")


def _visit(page: Page, url: str) -> None:
    """A refill, half typed, with what it changes beside it."""
    page.goto(f"{url}/?clinic=wasatch&tab=soon")
    page.locator(".board .go a", has_text="Visit").last.click()
    page.fill("#visit_volume_ml", "20")
    inside = page.locator(".side-by-side tr", has_text="In the reservoir").inner_text()
    expected = re.search(r"about ([\d.]+) mL", inside)
    page.fill("#visit_aspirated_ml", expected[1] if expected else "3")
    page.locator(".visit-side, .visit-grid").first.wait_for()
    page.wait_for_timeout(1500)  # the panel follows what was typed


def _summary(page: Page, url: str) -> None:
    page.goto(f"{url}/summaries/")
    page.locator("main a[href*='/summaries/']").first.click()
    page.wait_for_load_state("networkidle")


def _keep(picture: bytes, name: str) -> None:
    from PIL import Image

    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS).save(
        FOLDER / name, optimize=True
    )
