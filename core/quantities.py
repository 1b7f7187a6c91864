"""Quantities as staff read and type them: the one formatter, the one reader, exact rounding."""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Final

PER_ML: Final = "mcg per mL"  # “per”: a slash has been read as a 1

# Thousands are groups of three, so a decimal comma (285,5) and a shifted one (0,411) do not fit.
NUMBER: Final = r"(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+"
MOST_DIGITS: Final = 15


def read_number(text: str) -> Decimal | None:
    """A number without its unit, exactly as typed: `1,000`, `0.048`; None where it is no number or
    may be read in two ways. `20,5` taken as 205 would be a tenfold dose."""
    if not re.fullmatch(NUMBER, text) or sum(map(str.isdigit, text)) > MOST_DIGITS:
        return None
    return Decimal(text.replace(",", ""))


def rounded(value: Fraction | Decimal | int, places: int) -> Decimal:
    """The value to so many decimal places, half to even, without ever passing a binary float."""
    scaled = round(Fraction(value) * 10**places)  # Fraction rounds half to even
    # Made digit by digit: Decimal arithmetic rounds, or raises, beyond its context's 28 digits.
    digits = tuple(map(int, str(abs(scaled))))
    return Decimal((int(scaled < 0), digits, -places))


def plain(value: Fraction | Decimal | int, places: int = 12) -> str:
    """A decimal string without exponent and without trailing zeros: `350`, `0.048`."""
    text = ""
    if isinstance(value, Decimal) and value.is_finite():
        text = f"{value:f}"  # exact as it stands, and most are: rounding takes ten times as long
    if not text or len(text.partition(".")[2]) > places:
        text = f"{rounded(value, places):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def format_quantity(value: Fraction | Decimal | int, unit: str, places: int = 3) -> str:
    """A quantity as staff read it: `1,000 mcg`, `0.048 mL/day`.

    A leading zero, no trailing one, thousands with a comma, a space before the unit: `.5` and
    `5.0` have been read as 5 and 50.
    """
    whole, _, fraction = plain(value, places).partition(".")
    sign = "−" if whole.startswith("-") else ""
    grouped = f"{int(whole.lstrip('-')):,}"
    number = sign + grouped + ("." + fraction if fraction else "")
    return f"{number} {unit}" if unit else number
