"""Reads single cells as nurses type them: words, identifiers, modes, contacts.

Every reader returns a value or raises `CellError` with a sentence that names the column and the
way out. Where two readings are possible, none is taken.
"""

import re
import unicodedata
from typing import Final

from .errors import CellError

_INVISIBLE: Final = dict.fromkeys(
    [
        *(0x00AD, 0x061C, 0x180E, 0xFEFF),
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x206A),
    ]
)
_DASHES: Final = dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63], "-")
_QUOTES: Final = {
    **dict.fromkeys([0x2018, 0x2019, 0x201A, 0x201B, 0x02BC, 0x00B4, 0x0060], "'"),
    **dict.fromkeys([0x201C, 0x201D, 0x201E, 0x201F], '"'),
}
_FULL_WIDTH: Final = {0xFF00 + offset: chr(0x20 + offset) for offset in range(1, 0x5F)}
_MICRO: Final = {0x00B5: "u", 0x03BC: "u"}

# What people type where there is nothing to say. A "?" is not among them: it is a doubt.
_NOTHING: Final = frozenset({"", "-", "--", "---", "n/a", "na", "n.a.", "none", "nil", "null"})
_EXCEL_ERROR: Final = re.compile(
    r"#(REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|N/A|SPILL!|CALC!|#+|GETTING_DATA)", re.IGNORECASE
)
LONGEST_VALUE: Final = 60  # of a number or a date with all that may stand around it
# Shown to whoever reads a report or a log of it, so never quoted there (docs/house.md, Habits).
IDENTIFYING: Final = frozenset(
    {"MRN", "Last Name", "First Name", "DOB", "Guardian", "Guardian Phone", "Email", "Pump Serial"}
)


def tidy(text: str) -> str:
    """The cell for reading: plain spaces, quotes, dashes and digits, no invisible characters."""
    plain = text.translate(_INVISIBLE).translate(_FULL_WIDTH).translate(_DASHES).translate(_QUOTES)
    return " ".join(plain.translate(_MICRO).split())


def plain(text: str) -> str:
    """As `tidy`, without the apostrophe that marks a cell as text in Excel."""
    return tidy(text).removeprefix("'").lstrip()


def tidy_words(text: str) -> str:
    """A name or a remark word for word: only space around it and invisible characters go."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_INVISIBLE).split())


def is_nothing(text: str) -> bool:
    """Whether the cell says that there is nothing to say."""
    return tidy(text).casefold() in _NOTHING


def shown(column: str, text: str) -> str:
    """The column, with what was typed unless that would identify the patient."""
    if column in IDENTIFYING:
        return column
    short = text if len(text) <= 40 else text[:39] + "…"
    return f"{column} “{short}”"


def check_cell(column: str, text: str) -> None:
    """Refuse what Excel shows in place of a value.

    Raises:
        CellError: `excel_error`.
    """
    if _EXCEL_ERROR.fullmatch(text.strip()):
        raise CellError(
            "excel_error",
            f"{column} shows Excel's error {text.strip()}. Type the value itself into the cell.",
        )


def missing(column: str) -> CellError:
    return CellError("missing", f"{column} is empty. Type it into the sheet and import again.")


def words(column: str, text: str, longest: int) -> str:
    """A name or another text that is kept as typed; a formula in it stays harmless text.

    Raises:
        CellError: `too_long` or `excel_error`.
    """
    check_cell(column, text)
    value = tidy_words(text)
    if len(value) > longest:
        raise CellError(
            "too_long", f"{column} has more than {longest} characters. Shorten it in the sheet."
        )
    return value


_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ./_-]*[A-Za-z0-9])?")
_EXPONENT: Final = re.compile(r"[0-9](?:[.,][0-9]+)?E\+?[0-9]+", re.IGNORECASE)


def identifier(column: str, text: str, longest: int) -> str:
    """An MRN or a serial number, without the `.0` and the apostrophe that Excel leaves.

    Raises:
        CellError: `missing`, `bad_identifier` or `too_long`.
    """
    check_cell(column, text)
    value = plain(text)
    value = re.sub(r"(?<=^)([0-9]+)\.0+$", r"\1", value)
    if value.casefold() in _NOTHING:
        raise missing(column)
    if _EXPONENT.fullmatch(value) and "+" in value:
        raise CellError(
            "bad_identifier",
            f"{column} is a number that Excel has shortened (such as 7.03E+11). Format the column "
            "as text and type it again.",
        )
    if not _IDENTIFIER.fullmatch(value):
        raise CellError(
            "bad_identifier",
            f"{column} has characters that such a number does not have. Only letters, digits and "
            "- . / are read; check it.",
        )
    if len(value) > longest:
        raise CellError("too_long", f"{column} has more than {longest} characters. Check it.")
    return value


_MODES: Final = {
    **dict.fromkeys(
        (
            "simple", "continuous", "simplecontinuous", "simplecont", "cont", "continuoussimple",
            "simplecontinuousmode", "simplemode", "continuousmode",
        ),
        "simple_continuous",
    ),
    **dict.fromkeys(("flex", "flexmode", "flexdosing", "flexdose"), "flex"),
    **dict.fromkeys(("minimumrate", "minrate", "minimumratemode"), "minimum_rate"),
    **dict.fromkeys(("stopped", "pumpstopped", "stoppedpump"), "stopped"),
}  # fmt: skip


def mode(column: str, text: str) -> str:
    """The infusion mode by its name in docs/calculations.md, Programs.

    Raises:
        CellError: `missing`, or `unknown_mode` with what to do about a mode without columns here.
    """
    value = tidy(text)
    check_cell(column, value)
    if is_nothing(value):
        raise missing(column)
    found = _MODES.get(re.sub(r"[\s._-]", "", value.casefold()))
    if found is None:
        raise CellError(
            "unknown_mode",
            f"{shown(column, value)} is not known. Write Simple continuous, Flex, Minimum rate or "
            "Stopped; for another one leave Mode, Daily Dose and Schedule empty, import the row, "
            "and record the program on the patient's page.",
        )
    return found


_EMAIL: Final = re.compile(r"[^@\s,;<>()]+@[^@\s,;<>()]+\.[^@\s,;<>().]{2,}")


def email(column: str, text: str) -> str:
    """One e-mail address, or nothing.

    Raises:
        CellError: `contact_unclear`.
    """
    value = tidy(text)
    if value.casefold() in _NOTHING:
        return ""
    value = re.sub(r"^mailto:\s*", "", value, flags=re.IGNORECASE)
    if len(value) > 254 or not value.isascii() or not _EMAIL.fullmatch(value):
        raise _contact_unclear(column, "one e-mail address")
    return value


def phone(column: str, text: str, longest: int = 40) -> str:
    """A telephone number with the remarks around it, or nothing.

    Raises:
        CellError: `contact_unclear`.
    """
    value = tidy_words(text)
    if is_nothing(value):
        return ""
    plain = re.sub(r"^([0-9]{7,})\.0+$", r"\1", tidy(value))
    if len(value) > longest or sum(char in "0123456789" for char in plain) < 7:
        raise _contact_unclear(column, "a telephone number")
    return plain if plain.isdigit() else value


def _contact_unclear(column: str, what: str) -> CellError:
    return CellError(
        "contact_unclear",
        f"{column} cannot be read as {what}, so it was not taken over. It stays in the sheet's "
        "row as typed; enter it on the patient's page.",
    )
