"""Refused rows as a file to mend and import again: the original headings, the cells word for word,
and in a last column what to correct, which the importer leaves out when the file comes back.

A cell such as `=HYPERLINK(…)` must stay text when a spreadsheet opens the file, and must come back
as it was typed when the file is imported:

- In the workbook every cell is stored as text and formatted as text. No spreadsheet runs it or
  turns its dates round, and it comes back exactly.
- CSV has no types, so such a cell begins with a zero-width space. A spreadsheet then sees no
  formula, and the importer leaves that character out wherever it reads a cell or a heading
  (`visits.domain.roster_cells`, `roster_file`).

A row with more cells than headings is left out of both: under headings its cells would look as if
they stood where they belong, which is what the importer doubted. It is mended in the clinic's own
sheet.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils.escape import escape
from openpyxl.writer.excel import save_workbook

from itbclinic.csv_cells import marked
from rosters.domain.sheet import ADVICE, HEADINGS
from rosters.models import ImportRow

MARK: Final = "\u200b"
SURPLUS: Final = "too_many_cells"
# A workbook writes control characters as _x000D_; a text that already has that form is written so
# that it comes back as it was.
_LOOKS_ESCAPED: Final = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


def can_be_mended(row: ImportRow) -> bool:
    """Whether the row's cells surely stand under their own headings."""
    return all(error.get("code") != SURPLUS for error in row.errors)


def columns_of(rows: Iterable[ImportRow]) -> list[str]:
    """The headings that the importer knows, then what else the sheets had."""
    others = {name for row in rows for name in row.raw if name not in HEADINGS}
    return [*HEADINGS, *sorted(others)]


def _lines(rows: Sequence[ImportRow]) -> list[list[str]]:
    """The headings and the rows, each with its advice at its end; an empty sheet needs none."""
    columns = columns_of(rows)
    if not rows:
        return [columns]
    cells = [[*(row.raw.get(name, "") for name in columns), _advice(row)] for row in rows]
    return [[*columns, ADVICE], *cells]


def _advice(row: ImportRow) -> str:
    """What is wrong with the row, each sentence once; every sentence names its column."""
    return " ".join(dict.fromkeys(error["message"] for error in row.errors))


def as_csv(rows: Sequence[ImportRow]) -> bytes:
    """The rows as CSV in UTF-8 with the mark by which spreadsheets know it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([_marked(cell) for cell in line] for line in _lines(rows))
    return ("\ufeff" + out.getvalue()).encode()


def _marked(cell: str) -> str:
    return marked(cell, MARK)


def as_workbook(rows: Sequence[ImportRow]) -> bytes:
    """The rows as XLSX, every cell text."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Refused rows"
    sheet.freeze_panes = "A2"
    for number, line in enumerate(_lines(rows)):
        for place, text in enumerate(line, start=1):
            cell = sheet.cell(row=number + 1, column=place)
            cell.value = escape(_LOOKS_ESCAPED.sub("_x005F_", text))
            cell.data_type = "s"  # never a formula, whatever it begins with
            cell.number_format = "@"
            if number == 0:
                cell.font = Font(bold=True)
    out = io.BytesIO()
    save_workbook(book, out)
    return out.getvalue()
