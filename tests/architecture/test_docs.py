"""Pages that are cited exist, the sections too, and the links of our pages lead somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
NOT_OURS: Final = {
    ".git", ".venv", "var", "staticfiles", "test-results", "__pycache__",
    ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache",
}  # fmt: skip
SUFFIXES: Final = {
    ".py", ".md", ".html", ".toml", ".yml", ".yaml", ".js", ".css", ".svg", ".sh", ".txt",
}  # fmt: skip
NAMES: Final = {"Makefile", "Dockerfile", "run"}
PAGE: Final = re.compile(r"(?<![\w*/.-])[\w./-]*\w\.md\b")
# A section is cited by how its heading begins: a word, or a number such as 4.
SECTION: Final = re.compile(r"\b(docs/[\w/-]+\.md), (?:([A-Z]\w+)|(\d+)\b)")
LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
Found = tuple[Path, int, str]


def files() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*")):
        if NOT_OURS & set(path.relative_to(ROOT).parts) or not path.is_file():
            continue
        if path.suffix in SUFFIXES or path.name in NAMES:
            yield path


def matches(pattern: re.Pattern[str], paths: Iterator[Path]) -> Iterator[tuple[Path, int, str]]:
    for path in paths:
        # A path that code puts together from its parts reads as one.
        text = path.read_text(encoding="utf-8").replace('" / "', "/")
        for number, line in enumerate(text.splitlines(), start=1):
            for match in pattern.finditer(line):
                yield path, number, match[0]


def pages() -> Iterator[Path]:
    return (path for path in files() if path.suffix == ".md")


def headings(path: Path) -> list[str]:
    """The page's headings as they read, without what stands in a code block."""
    found, code = [], False
    for line in path.read_text().splitlines():
        code ^= line.startswith("```")
        if not code and re.match(r"#{1,6} ", line):
            found.append(line.lstrip("#").strip())
    return found


def anchors(path: Path) -> set[str]:
    """What a link to a heading is called: lower case, hyphens for spaces, no other signs."""
    return {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings(path)}


def where(found: Found) -> str:
    path, number, said = found
    return f"{path.relative_to(ROOT)}:{number}: {said}"


def is_there(found: Found) -> bool:
    """Code names a page by its path from the root; a page may name its neighbour."""
    path, _, said = found
    beside = path.suffix == ".md" and (path.parent / said).is_file()
    return beside or (ROOT / said).is_file()


def test_every_page_that_is_named_exists() -> None:
    found = list(matches(PAGE, files()))
    assert len(found) > 100
    assert len({path for path, _, _ in found if path.suffix == ".py"}) > 30
    assert [where(one) for one in found if not is_there(one)] == []


def test_every_section_that_is_cited_exists() -> None:
    found = list(matches(SECTION, files()))
    assert len(found) > 20
    missing = []
    for one in found:
        match = SECTION.fullmatch(one[2])
        assert match is not None
        page, word, number = ROOT / match[1], match[2], match[3]
        begins = f"{number}. " if number else word
        known = [*headings(page), *re.findall(r"^\| (I\d+) \|", page.read_text(), re.MULTILINE)]
        if not any(heading.startswith(begins) for heading in known):
            missing.append(where(one))
    assert missing == []


def test_the_links_of_our_pages_lead_somewhere() -> None:
    seen, broken = 0, []
    for one in matches(LINK, pages()):
        path, _, said = one
        target, _, anchor = LINK.fullmatch(said)[1].partition("#")  # type: ignore[index]
        if re.match(r"[a-z]+:", target):
            continue
        seen += 1
        page = path.parent / target if target else path
        if not page.exists() or (anchor and anchor not in anchors(page)):
            broken.append(where(one))
    assert seen > 70
    assert broken == []


@pytest.mark.parametrize(
    ("name", "from_a_page", "from_code"),
    [("no-such-page", False, False), ("design", True, False), ("docs/design", True, True)],
)
def test_a_page_that_does_not_exist_would_be_noticed(
    name: str, from_a_page: bool, from_code: bool
) -> None:
    assert is_there((ROOT / "docs" / "a-page", 1, f"{name}.md")) is from_code
    assert is_there(((ROOT / "docs" / "a-page").with_suffix(".md"), 1, f"{name}.md")) is from_a_page


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "adr").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 14
