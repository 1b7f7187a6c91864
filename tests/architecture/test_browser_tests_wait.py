"""What a page shows is asked with `expect`, which waits: after a click the page may still load."""

import re
from pathlib import Path

FUNCTIONAL = Path(__file__).parents[1] / "functional"
AT_ONCE = re.compile(
    r"assert .*\.(is_visible|is_hidden|is_checked|is_enabled|text_content|input_value)\(|"
    r"assert .* in page\.inner_text\(|assert page\.(url|title)|if .*page\.locator\("
)


def looked_at_once(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if AT_ONCE.search(line)]


def test_no_browser_test_looks_before_the_page_is_there() -> None:
    found = {
        path.name: lines
        for path in sorted(FUNCTIONAL.glob("*_in_browser.py"))
        if (lines := looked_at_once(path.read_text()))
    }
    assert found == {}


def test_a_look_at_once_is_seen() -> None:
    assert looked_at_once('    assert page.get_by_text("Printed").is_visible()')
    assert looked_at_once('    assert page.url.endswith("/summaries/")')
    assert looked_at_once('    if page.locator(".error-summary").count():')
    assert not looked_at_once('    expect(page.get_by_text("Printed")).to_be_visible()')
