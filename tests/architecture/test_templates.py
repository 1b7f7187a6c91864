"""A template is read in review like any other source: in lines, not in columns."""

from pathlib import Path

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
LONGEST = 160
FEWEST = 150  # so that a folder that was moved is noticed, rather than nothing looked at


def test_no_template_line_is_above_160_characters() -> None:
    paths = [path for path in TEMPLATES.rglob("*.*") if path.suffix in {".html", ".txt", ".svg"}]
    assert len(paths) >= FEWEST
    long = [
        f"{path.relative_to(TEMPLATES)}:{number} has {len(line)} characters"
        for path in sorted(paths)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if len(line) > LONGEST
    ]
    assert not long, "\n".join(long)
