"""Reads a clinic's spreadsheet, CSV or XLSX, into rows of text under known headings.

Nothing is interpreted here. A file whose rows could be cut wrongly is refused as a whole with one
sentence: a row that silently takes part of its neighbour is worse than no import.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.words import count

from .csv_file import read_csv
from .errors import RosterFileError
from .xlsx_file import read_xlsx

HEADINGS: Final = (
    "MRN",
    "Last Name",
    "First Name",
    "DOB",
    "Guardian",
    "Guardian Phone",
    "Email",
    "Language",
    "Diagnosis",
    "Pump Model",
    "Pump Serial",
    "Implanted",
    "Last Refill",
    "Volume (mL)",
    "Concentration",
    "Daily Dose",
    "Mode",
    "Schedule",
    "Low Alarm (mL)",
    "Alarm Date",
    "Next Appt",
    "Notes",
)
# The last column of the files with refused rows: it speaks to a person and is left out when such a
# file comes back.
ADVICE: Final = "What to correct"
# Without one of the others a date would rest on less than the clinic knows.
OPTIONAL: Final = frozenset(
    {"Guardian", "Guardian Phone", "Email", "Language", "Diagnosis", "Next Appt", "Notes"}
)
MAX_BYTES: Final = 20 * 1024 * 1024
MAX_ROWS: Final = 20_000
_LINES_BEFORE_HEADINGS: Final = 20  # titles, a logo, Excel's own "sep=;"
_CELLS_OF_A_PATIENT: Final = 8  # a row with so many cells may be one
_FEWEST_HEADINGS: Final = 4  # a line with fewer is no heading line

_OLE_MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # .xls, and any XLSX with a password
_ZIP_MAGIC: Final = b"PK\x03\x04"
_OTHER_SUFFIXES: Final = frozenset({"xls", "xlsb", "ods", "numbers", "pdf", "doc", "docx"})


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as typed. `row` is its line in the sheet; a quoted line break makes no new line."""

    row: int
    cells: dict[str, str]
    surplus_cells: int = 0  # cells beyond the last heading: its commas cannot be trusted


@dataclass(frozen=True, slots=True)
class RosterSheet:
    """The rows that hold anything, and the headings in the sheet's own order."""

    headings: tuple[str, ...]
    rows: tuple[RawRow, ...]

    def position(self, column: str) -> int:
        """Where a column stands, to put errors in the sheet's order; the whole row comes first."""
        return self.headings.index(column) if column in self.headings else -1


def read_roster(content: bytes, filename_suffix: str) -> RosterSheet:
    """Read the bytes of a spreadsheet.

    Args:
        filename_suffix: such as `.csv`; what the bytes are counts for more than what they say.

    Raises:
        RosterFileError: with one sentence for the person who chose the file.
    """
    _refuse_foreign(content, filename_suffix)
    if content.startswith(_ZIP_MAGIC):
        return _xlsx_sheet(content)
    return _csv_sheet(content)


def _refuse_foreign(content: bytes, filename_suffix: str) -> None:
    suffix = filename_suffix.strip().lower().rpartition(".")[2]
    if not content.strip():
        raise RosterFileError("The file is empty. Choose the spreadsheet with the patients.")
    if len(content) > MAX_BYTES:
        raise RosterFileError("The file is larger than 20 MB. Save the roster's sheet on its own.")
    if content.startswith(_OLE_MAGIC):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise RosterFileError(
                "The file is protected by a password. Save a copy without one and import that."
            )
        raise RosterFileError(
            "This is an old Excel file (.xls). Save it as .xlsx or as CSV UTF-8 and import that."
        )
    if suffix in _OTHER_SUFFIXES or content.startswith(b"%PDF"):
        raise RosterFileError(
            "This kind of file cannot be read. Save it as .xlsx or as CSV UTF-8 and import that."
        )


def _csv_sheet(content: bytes) -> RosterSheet:
    lines = read_csv(content, _LINES_BEFORE_HEADINGS, _known_headings)
    return _as_sheet(lines, surplus_is_doubtful=True)


def _xlsx_sheet(content: bytes) -> RosterSheet:
    """The one sheet of the workbook that has the headings."""
    sheets = read_xlsx(content, MAX_ROWS)
    with_headings = [
        (name, lines) for name, lines in sheets if _heading_index(lines, complete=True) is not None
    ]
    if len(with_headings) > 1:
        names = ", ".join(f"“{name}”" for name, _ in with_headings)
        raise RosterFileError(
            f"More than one sheet of this workbook has the headings: {names}. "
            "Save the current one as a file of its own and import that."
        )
    best = (
        with_headings[0]
        if with_headings
        else max(sheets, key=lambda sheet: _most_headings(sheet[1]), default=("", []))
    )
    others = [name for name, lines in sheets if name != best[0] and _may_hold_patients(lines)]
    if others:
        names = ", ".join(f"“{name}”" for name in others)
        raise RosterFileError(
            f"Other sheets of this workbook have wide rows too: {names}. If patients are in them, "
            "put them under the headings; save the sheet to import as a file of its own."
        )
    return _as_sheet(best[1], surplus_is_doubtful=False)


def _may_hold_patients(lines: Sequence[Sequence[str]]) -> bool:
    """Whether a sheet looks like a roster: it must not be left out without a word."""
    widest = max((sum(1 for cell in line if _visible(cell)) for line in lines), default=0)
    return widest >= _CELLS_OF_A_PATIENT or _most_headings(lines) >= _FEWEST_HEADINGS


def _key(heading: str) -> str:
    """Headings are compared without case, spaces, byte order mark and invisible characters."""
    text = unicodedata.normalize("NFKC", heading).casefold()
    return "".join(char for char in text if not char.isspace() and char.isprintable())


_BY_KEY: Final = {_key(heading): heading for heading in (*HEADINGS, ADVICE)}


def _known_headings(cells: Sequence[str]) -> int:
    return len({_BY_KEY[_key(cell)] for cell in cells if _key(cell) in _BY_KEY})


def _most_headings(lines: Sequence[Sequence[str]]) -> int:
    return max((_known_headings(line) for line in lines[:_LINES_BEFORE_HEADINGS]), default=0)


def _heading_index(lines: Sequence[Sequence[str]], *, complete: bool = False) -> int | None:
    """The line that holds the headings: the first near the top with enough of them.

    Never a later one with more: the rows above it would vanish. A first line that lacks a heading
    is refused with that heading's name.
    """
    top = lines[:_LINES_BEFORE_HEADINGS]
    enough = [i for i, line in enumerate(top) if _known_headings(line) >= _FEWEST_HEADINGS]
    if not enough:
        return None
    index = enough[0]
    if complete and _REQUIRED - {_BY_KEY.get(_key(cell)) for cell in top[index]}:
        return None
    return index


_REQUIRED: Final = frozenset(HEADINGS) - OPTIONAL


def _as_sheet(lines: Sequence[Sequence[str]], *, surplus_is_doubtful: bool) -> RosterSheet:
    index = _heading_index(lines)
    if index is None:
        raise RosterFileError(
            "No line with the headings was found. The first line must name the columns: "
            + ", ".join(HEADINGS)
            + "."
        )
    names = _column_names(lines[index])
    _check_headings([name for name in names if name in (*HEADINGS, ADVICE)], names)
    rows = tuple(
        _raw_row(number, line, names, surplus_is_doubtful)
        for number, line in enumerate(lines[index + 1 :], start=index + 2)
        if _holds_anything(line, names) and not _is_heading_again(line, names)
    )
    if not rows:
        raise RosterFileError("The sheet has headings but no rows. Nothing was imported.")
    if len(rows) > MAX_ROWS:
        raise RosterFileError(
            f"The sheet has more than {count(MAX_ROWS, 'row')}. Split it and try again."
        )
    return RosterSheet(headings=tuple(dict.fromkeys(names)), rows=rows)


def _holds_anything(line: Sequence[str], names: Sequence[str]) -> bool:
    advised = names.index(ADVICE) if ADVICE in names else None
    return any(_visible(cell) for place, cell in enumerate(line) if place != advised)


def _is_heading_again(line: Sequence[str], names: Sequence[str]) -> bool:
    """The headings repeated at the top of a printed page are no patient."""
    pairs = [(cell, name) for cell, name in zip(line, names, strict=False) if _visible(cell)]
    return len(line) <= len(names) and all(_key(cell) == _key(name) for cell, name in pairs)


def _column_names(line: Sequence[str]) -> list[str]:
    """One name for each column: ours where it is known, else the typed one, else its place."""
    names: list[str] = []
    for index, cell in enumerate(line):
        known = _BY_KEY.get(_key(cell))
        name = known or " ".join(_visible(cell).split()) or f"(column {index + 1})"
        if known is None and name in names:
            name = f"{name} (column {index + 1})"
        names.append(name)
    return names


def _check_headings(known: Sequence[str], names: Sequence[str]) -> None:
    twice = sorted({name for name in known if known.count(name) > 1})
    if twice:
        raise RosterFileError(
            f"The heading “{twice[0]}” is there twice. Rename or remove one of the two columns."
        )
    missing = [name for name in HEADINGS if name not in known]
    known_too = (*HEADINGS, ADVICE)
    unknown = [name for name in names if name not in known_too and not name.startswith("(column")]
    if unknown and missing:
        # Renamed, perhaps: without this, a whole column of telephone numbers could be left behind.
        listed = ", ".join(f"“{name}”" for name in missing)
        raise RosterFileError(
            f"The sheet has no heading {listed}, but “{unknown[0][:40]}”, which is not known. "
            "Rename that column, or add the missing one; it may stay empty."
        )
    required = [name for name in missing if name not in OPTIONAL]
    if required:
        listed = ", ".join(f"“{name}”" for name in required)
        raise RosterFileError(
            f"The sheet has no heading {listed}. Add the column; where nothing is known its cells "
            "may stay empty."
        )


def _raw_row(
    number: int, line: Sequence[str], names: Sequence[str], surplus_is_doubtful: bool
) -> RawRow:
    padded = [*line, *[""] * (len(names) - len(line))]  # Excel drops empty cells at the end
    cells = {
        name: _storable(cell)
        for name, cell in zip(names, padded, strict=False)
        if name in HEADINGS or (_visible(cell) and name != ADVICE)
    }
    surplus = [(i, cell) for i, cell in enumerate(line) if i >= len(names) and _visible(cell)]
    cells.update({f"(column {index + 1})": _storable(cell) for index, cell in surplus})
    return RawRow(number, cells, len(surplus) if surplus_is_doubtful else 0)


def _visible(cell: str) -> str:
    return cell.strip(_BLANK)


_BLANK: Final = " \t\r\n\v\f\u00a0\u2007\u202f\u3000\u200b\u200c\u200d\u2060\ufeff"
_UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")  # PostgreSQL's JSON refuses them


def _storable(cell: str) -> str:
    return _UNSTORABLE.sub("\ufffd", cell)
