"""What an uploaded spreadsheet may be: the limits, and the file's first reading."""

from datetime import timedelta
from typing import Final

from core.words import count

from .errors import RosterFileError
from .sheet import RosterSheet, read_roster
from .xlsx_file import unpacked_bytes

SUFFIXES: Final = (".csv", ".xlsx")
MAX_BYTES: Final = 5 * 1024 * 1024
MAX_ROWS: Final = 5_000
# A workbook of 5,000 full rows unpacks to about 12 MB; whatever holds more is no roster.
MAX_UNPACKED_BYTES: Final = 60 * 1024 * 1024
LEASE: Final = timedelta(seconds=90)  # renewed with the progress
SLICE: Final = timedelta(seconds=25)  # then other tasks have their turn; scans must not wait long
MAX_ATTEMPTS: Final = 3  # without any progress between them

TOO_LARGE: Final = (
    "The file is larger than 5 MB. A roster of 5,000 rows is smaller: save the sheet with the "
    "patients on its own, without pictures, and upload that."
)


def suffix_of(name: str) -> str:
    """The end of a file's name, such as `.csv`. The name itself may hold a patient's."""
    dot = name.rfind(".")
    return name[dot:].strip().lower() if dot >= 0 else ""


def check_file(content: bytes, suffix: str) -> RosterSheet:
    """Read an upload for the first time.

    Raises:
        RosterFileError: with one sentence for the person who chose the file.
    """
    if suffix not in SUFFIXES:
        raise RosterFileError(
            "Choose a CSV or an Excel file whose name ends in .csv or .xlsx. Other files can be "
            "saved as one of these: in Excel, File > Save As."
        )
    if len(content) > MAX_BYTES:
        raise RosterFileError(TOO_LARGE)
    if unpacked_bytes(content) > MAX_UNPACKED_BYTES:
        raise RosterFileError(
            "The workbook unpacks to far more than a roster. Save the sheet with the patients on "
            "its own, as CSV UTF-8, and upload that."
        )
    sheet = read_roster(content, suffix)
    if len(sheet.rows) > MAX_ROWS:
        raise RosterFileError(
            f"The sheet has {count(len(sheet.rows), 'row')}; at most {MAX_ROWS:,} can be uploaded "
            "at once. Split it, each part with the headings, and upload the parts one by one."
        )
    return sheet
