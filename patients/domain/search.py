"""What somebody typed to find a patient: the words to look for, and a phone number's digits.

`fold` takes away what people leave out when they type a name: capitals, accents, apostrophes. The
database folds the names by the same rules (`patients.selectors.search`), and a test holds the two
together.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

# Combining marks, as the database's regular expression knows them, too.
MARKS: Final = "\\u0300-\\u036F"
# Letters that Unicode does not decompose: one for one, and those that become two.
LETTERS_FROM: Final = "đðøłıħŧςĸ‐‑–—"
LETTERS_TO: Final = "ddolihtσk----"
DROPPED: Final = "'’ʼ‘`´"  # O'Neil and O’Neil and Oneil
PAIRS: Final = (("ß", "ss"), ("æ", "ae"), ("œ", "oe"), ("þ", "th"))
FEWEST_PHONE_DIGITS: Final = 7
_MARK: Final = re.compile(f"[{MARKS}]")
_TABLE: Final = str.maketrans(LETTERS_FROM, LETTERS_TO, DROPPED)
_SEPARATORS: Final = re.compile(r"[\s,;]+")
_LABEL: Final = re.compile(r"^mrn[:#.]*$|^mrn[:#]+")
_NUMBER: Final = re.compile(r"[\d()+\-./]*\d[\d()+\-./]*", re.ASCII)
_PUNCTUATION: Final = re.compile(r"[()+\-./]*")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that must be found: all of the words in the name or a number, or the digits in a
    phone number of the family."""

    words: tuple[str, ...]
    digits: str = ""


def fold(text: str) -> str:
    """`NGUYỄN` -> `nguyen`, `Zoë` -> `zoe`, `Sørensen` -> `sorensen`."""
    plain = _MARK.sub("", unicodedata.normalize("NFKD", text)).lower().translate(_TABLE)
    for one, two in PAIRS:
        plain = plain.replace(one, two)
    return plain


def read(text: str) -> list[Wanted]:
    """What must be found, all of it: `SMITH-JONES, Leila`, `MRN 710041`, `(801) 555-0031`."""
    found: list[Wanted] = []
    run: list[str] = []
    for word in (_LABEL.sub("", one) for one in _SEPARATORS.split(fold(text))):
        if _NUMBER.fullmatch(word):
            run.append(word)  # a phone number may be written with blanks in it
            continue
        found += _numbers(run)
        run = []
        if word and not _PUNCTUATION.fullmatch(word):
            found.append(Wanted((word,)))
    return [*found, *_numbers(run)]


def _numbers(run: list[str]) -> list[Wanted]:
    """Numbers that stand beside each other: one phone number, or each of them a number."""
    digits = "".join(sign for word in run for sign in word if sign.isdigit())
    if len(digits) < FEWEST_PHONE_DIGITS:
        return [Wanted((word,)) for word in run]
    if len(digits) == 11 and digits.startswith("1"):
        digits = digits[1:]  # +1 801 555 0031
    return [Wanted(tuple(run), digits)]
