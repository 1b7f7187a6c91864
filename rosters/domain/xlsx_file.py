"""XLSX workbooks as text: each cell as the person who looks at the sheet sees it, or clearer."""

import io
import math
import re
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Final

from openpyxl import load_workbook
from openpyxl.utils.escape import unescape

from core.words import count

from .errors import RosterFileError

Lines = list[list[str]]

_MAX_UNPACKED_BYTES: Final = 400 * 1024 * 1024
_MOST_COLUMNS: Final = 200
_EXACT_INTEGER: Final = 10**15  # Excel keeps fifteen digits of a number and drops the rest
_NOT_READABLE: Final = (
    "The file cannot be read as an Excel workbook. Open it in Excel, save it as .xlsx or as "
    "CSV UTF-8, and import that."
)


def unpacked_bytes(content: bytes) -> int:
    """How large a workbook says that its parts are; nothing more than that is ever unpacked.

    Anything that is no ZIP archive has none.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OverflowError):
        return 0


def read_xlsx(content: bytes, most_rows: int) -> list[tuple[str, Lines]]:
    """Each sheet's name and lines; line 1 comes first and empty lines are there.

    Raises:
        RosterFileError: it is no workbook, or far too large.
    """
    try:
        if unpacked_bytes(content) > _MAX_UNPACKED_BYTES:
            raise RosterFileError("The workbook is too large. Save the roster's sheet on its own.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of styles and drawings it leaves out
            return _sheets(content, most_rows)
    except RosterFileError:
        raise
    except Exception:
        # openpyxl raises whatever a broken part leads to, and its words may quote a cell.
        raise RosterFileError(_NOT_READABLE) from None


def _sheets(content: bytes, most_rows: int) -> list[tuple[str, Lines]]:
    """Reads values and formulas side by side: a formula without a stored result looks empty."""
    values = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    formulas = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
    found: list[tuple[str, Lines]] = []
    try:
        for sheet in values.worksheets:
            twin = formulas[sheet.title]
            # Other programs write a wrong extent, which would hide rows and columns.
            sheet.reset_dimensions()
            twin.reset_dimensions()
            pairs = zip_longest(sheet.iter_rows(), twin.iter_rows(), fillvalue=())
            found.append((sheet.title, _lines(pairs, most_rows)))
    finally:
        values.close()
        formulas.close()
    return found


def _lines(pairs: Iterator[Any], most_rows: int) -> Lines:
    lines: Lines = []
    filled = 0
    for cells, formula_cells in pairs:
        line = [
            _text(cell, formula)
            for cell, formula in zip_longest(
                cells[:_MOST_COLUMNS], formula_cells[:_MOST_COLUMNS], fillvalue=None
            )
        ]
        while line and not line[-1]:
            line.pop()
        filled += bool(line)
        if filled > most_rows + 100:
            raise RosterFileError(
                f"A sheet has more than {count(most_rows, 'row')}. Split it first."
            )
        lines.append(line)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _text(cell: Any, formula: Any) -> str:
    value = None if cell is None else cell.value
    if value is None:
        return _formula_text(formula)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return _moment_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat(timespec="minutes")
    if isinstance(value, int | float):
        return _number_text(value, str(getattr(cell, "number_format", "")))
    return unescape(str(value)).replace("\r", "") if isinstance(value, str) else str(value)


def _formula_text(formula: Any) -> str:
    """What was typed, where no result is stored with it: the reader of the cell then refuses it."""
    if formula is None or getattr(formula, "data_type", "") != "f" or formula.value is None:
        return ""
    return str(getattr(formula.value, "text", formula.value))


def _moment_text(value: datetime) -> str:
    """A date cell in ISO form; Excel's fraction of a day is rounded to the second it stands for."""
    rounded = (value + timedelta(microseconds=500_000)).replace(microsecond=0)
    if rounded.time() == time(0):
        return rounded.date().isoformat()
    return rounded.isoformat(sep=" ", timespec="seconds" if rounded.second else "minutes")


def _number_text(value: float, number_format: str) -> str:
    """The decimal that Excel shows: fifteen digits, never the tail of a binary fraction."""
    if not math.isfinite(value) or abs(value) >= _EXACT_INTEGER:
        return f"{value:.6E}"  # digits are lost already; readers refuse this form
    text = format(Decimal(format(value, ".15g")), "f")
    if re.fullmatch(r"0{2,}", number_format) and text.isdigit():
        return text.zfill(len(number_format))  # an MRN shown as 00703000
    return text
