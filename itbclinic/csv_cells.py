"""Cells of CSV files that stay text when a spreadsheet opens them."""

from collections.abc import Sequence
from typing import Final

# What begins a formula, the full-width forms that some spreadsheets read alike among them.
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def marked(cell: str, mark: str = "'") -> str:
    """The cell, with a mark before what a spreadsheet would run as a formula."""
    return mark + cell if cell.startswith(FORMULA_SIGNS) else cell


def as_csv_row(cells: Sequence[str]) -> list[str]:
    """The cells for a reader: an apostrophe before what a spreadsheet would run as a formula."""
    return [marked(cell) for cell in cells]
