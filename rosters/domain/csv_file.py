"""CSV as people's programs write it: any of three delimiters, and quotes that must be closed."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Final

from .errors import RosterFileError

_DELIMITERS: Final = (",", ";", "\t")
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


def read_csv(
    content: bytes, lines_before_headings: int, known_headings: Callable[[Sequence[str]], int]
) -> list[list[str]]:
    """Every record of the file, blank ones included, so that a record's place is its line.

    The delimiter is the one under which a line near the top has most of the known headings.

    Raises:
        RosterFileError: not UTF-8, or a quotation mark that swallows what follows it.
    """
    text = _decoded(content)
    delimiter = max(
        _DELIMITERS,
        key=lambda mark: max(
            (known_headings(line) for line in _top(text, mark, lines_before_headings)), default=0
        ),
    )
    return _records(text, delimiter)


def _decoded(content: bytes) -> str:
    if content.startswith(_UTF16_MARKS) or b"\x00" in content:
        raise RosterFileError(
            "The file is not UTF-8 text. In Excel choose “CSV UTF-8 (comma delimited)” and save "
            "it again."
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RosterFileError(
            f"The file is not UTF-8: line {line} has a letter that cannot be read. In Excel choose "
            "“CSV UTF-8 (comma delimited)” and save it again."
        ) from None


def _top(text: str, delimiter: str, count: int) -> list[list[str]]:
    lines: list[list[str]] = []
    try:
        for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            lines.append(line)
            if len(lines) == count:
                break
    except csv.Error:
        pass  # the wrong delimiter; the right one is read strictly below
    return lines


def _records(text: str, delimiter: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[list[str]] = []
    try:
        for record in reader:
            records.append(record)
            _refuse_swallowed(record, delimiter, len(records), widest=max(map(len, records[:20])))
    except csv.Error:
        raise RosterFileError(
            f"The quotation marks around line {len(records) + 1} do not match, so the lines after "
            "it cannot be told apart. Correct them, or save the sheet as .xlsx and import that."
        ) from None
    return records


def _refuse_swallowed(record: list[str], delimiter: str, number: int, *, widest: int) -> None:
    """A quotation mark that was never meant as one can hide whole patients inside one cell."""
    for cell in record:
        if "\n" not in cell and "\r" not in cell:
            continue
        if any(line.count(delimiter) >= max(widest // 2, 3) for line in cell.splitlines()):
            raise RosterFileError(
                f"Line {number} holds other lines within quotation marks, so rows would be lost. "
                "Correct the quotation marks, or save the sheet as .xlsx and import that."
            )
