"""`make pictures`: the README's pictures, taken of a demo of their own, so that they stay true.

A nurse looks at the board, refills a pump that is due, books its next refill, and opens the paper
that the family takes home. Every name is invented; the dates count from today.
"""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from . import chromium, demo, pango, procs
from .paths import PROJECT, Layout

FOLDER = PROJECT / "docs" / "pictures"
NAMES = ("board.png", "visit.png", "summary.png")
WIDTH, TALLEST = 1280, 1400
COLORS = 256  # a palette makes a picture a third as large
NURSE = "harbor-nurse"  # her clinic is small: every state of a pump stands near its board's top


def take(layout: Layout) -> None:
    """Run a demo in `var/pictures`, take each picture of it, and remove it."""
    program = chromium.ensure()
    pango.ensure()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with demo.throwaway(layout.var / "pictures") as told, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(base_url=told["url"], viewport={"width": WIDTH, "height": TALLEST})
        page.goto("/accounts/login/")
        page.fill("input[name=login]", NURSE)
        page.fill("input[name=password]", told["users"][0]["password"])  # all users have this one
        page.press("input[name=password]", "Enter")
        page.wait_for_selector(".board")
        for name, steps in zip(NAMES, (_board, _visit, _summary), strict=True):
            _keep(page, name, height=steps(page))
        browser.close()


def _board(page: Page) -> float:
    """The board, down to the last row for which there is room."""
    page.goto("/")
    rows = page.locator(".board tbody tr").count()
    ends = (_end(page, f".board tbody tr:nth-child({row + 1})") for row in range(rows))
    return max(end for end in ends if end <= TALLEST)


def _visit(page: Page) -> float:
    """A refill that is typed and not yet saved, with what it changes beside it."""
    page.goto("/?tab=soon")
    row = page.locator(".board tr.is-due", has_text="Not booked").filter(has_not_text="flex").last
    full = _ml(row.locator(".c-pump").inner_text())
    row.get_by_role("link", name="Visit").click()
    inside = page.locator(".side-by-side tr", has_text="In the reservoir")
    page.fill("#visit_aspirated_ml", f"{float(_ml(inside.inner_text())):.1f}")
    page.fill("#visit_volume_ml", full)
    page.fill("#visit_lot_number", "EX-2047")
    page.fill("#visit_expires_on", f"{datetime.now(UTC).date() + timedelta(days=400)}")
    inside.locator("b").wait_for()
    alarm = page.locator(".side-by-side tr", has_text="alarm").locator("b").inner_text()
    printed = datetime.strptime(alarm, "%d-%b-%Y").replace(tzinfo=UTC).date()
    page.fill("#visit_printed_alarm_date", f"{printed}")
    page.get_by_text("Not written yet").wait_for(state="hidden")
    return _end(page, ".visit-side", margin=24)


def _summary(page: Page) -> float:
    """That visit saved, the next refill booked, and the paper that tells the family."""
    page.get_by_role("button", name="Save the visit").last.click()
    page.get_by_role("link", name="Book the next refill").click()
    name = page.locator(".person a").inner_text()
    page.locator("[data-pick]").last.click()
    page.locator("#verdict [role=status]").wait_for()
    page.get_by_role("button", name="Book", exact=True).click()
    page.get_by_text("Booked for").wait_for()
    row = page.locator(".paper-table tr", has_text=name).filter(has_text="Ready")
    procs.wait_until(lambda: bool(page.goto("/summaries/")) and row.count() > 0, 60, 1)
    row.get_by_role("link", name=name).first.click()
    return _end(page, "article.avs", margin=24)


def _ml(text: str) -> str:
    """The figure before the first `mL`."""
    return str(re.findall(r"[\d.]+(?= mL)", text)[0])


def _end(page: Page, selector: str, margin: float = 0) -> float:
    """Where this ends, in pixels from the top."""
    box = page.locator(selector).bounding_box()
    return box["y"] + box["height"] + margin if box else TALLEST


def _keep(page: Page, name: str, height: float) -> None:
    page.evaluate("document.activeElement.blur()")  # no field has the keyboard's frame
    taken = page.screenshot(
        full_page=True, animations="disabled",
        clip={"x": 0, "y": 0, "width": WIDTH, "height": round(height)},
    )  # fmt: skip
    # This palette keeps a color of which there is little, such as a red number.
    picture = Image.open(io.BytesIO(taken)).convert("RGB")
    picture = picture.quantize(COLORS, Image.Quantize.MAXCOVERAGE)
    picture.save(FOLDER / name, optimize=True)
    print(f"docs/pictures/{name}", flush=True)
