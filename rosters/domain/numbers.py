"""Reads numbers with their units exactly as they were typed: doses, concentrations, volumes.

Every reader returns a value or raises `CellError`. Where two readings are possible (a decimal
comma, a range, a dose by the hour), none is taken.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.quantities import NUMBER, read_number

from .cells import LONGEST_VALUE, check_cell, plain, shown
from .errors import CellError

_QUANTITY: Final = re.compile(rf"({NUMBER})\s*([A-Za-z%/].*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact number in the application's unit, and whether it was typed in another one."""

    value: Decimal
    converted: bool = False


def decimal_of(column: str, text: str) -> Decimal:
    """The number itself, exactly as typed.

    Raises:
        CellError: `not_a_number`.
    """
    found = read_number(text)
    if found is None:
        raise _not_a_number(column, text)
    return found


def _not_a_number(column: str, text: str) -> CellError:
    return CellError(
        "not_a_number",
        f"{shown(column, text)} cannot be read as one number. Write only the number, with a "
        "decimal point, and its unit.",
    )


_MASS: Final = {
    **dict.fromkeys(("mcg", "mcgs", "ug", "microgram", "micrograms"), 1),
    **dict.fromkeys(("mg", "mgs", "milligram", "milligrams"), 1000),
}
_PER_DAY: Final = ("", "/day", "/d", "/24h", "/24hr", "/24hrs", "/24hours", "daily", "aday")
_PER_ML: Final = ("/ml", "/cc", "/1ml")


def _factors(suffixes: tuple[str, ...]) -> dict[str, int]:
    return {mass + suffix: factor for mass, factor in _MASS.items() for suffix in suffixes}


_DOSE_UNITS: Final = {**dict.fromkeys(_PER_DAY, 1), **_factors(_PER_DAY)}
_CONCENTRATION_UNITS: Final = {"": 1, **_factors(_PER_ML)}
_STEP_UNITS: Final = {"": 1, **_factors(("",))}
_VOLUME_UNITS: Final = dict.fromkeys(("", "ml", "mls", "cc", "milliliter", "milliliters"), 1)


def _quantity(column: str, text: str, units: dict[str, int], way_out: str) -> Quantity:
    value = plain(text)
    check_cell(column, value)
    match = _QUANTITY.fullmatch(value) if len(value) <= LONGEST_VALUE else None
    if match is None:
        raise _not_a_number(column, value)
    unit = re.sub(r"[\s.]", "", (match[2] or "").casefold().replace("per", "/"))
    if unit not in units:
        raise CellError("unknown_unit", f"{shown(column, value)} has a unit that is {way_out}")
    factor = units[unit]
    return Quantity(decimal_of(column, match[1]) * factor, factor != 1)


def dose_per_day(column: str, text: str) -> Quantity:
    """A day's dose in mcg; bare is mcg/day. A rate an hour is refused: it is the classic mistake.

    Raises:
        CellError: `not_a_number` or `unknown_unit`.
    """
    return _quantity(
        column, text, _DOSE_UNITS, "not read here. Write the dose of 24 hours as mcg/day."
    )


def step_dose(column: str, text: str) -> Quantity:
    """The whole dose of one flex step in mcg.

    Raises:
        CellError: `not_a_number` or `unknown_unit`.
    """
    return _quantity(
        column, text, _STEP_UNITS, "not read here. Write each step's whole dose in mcg, no rate."
    )


def concentration(column: str, text: str) -> Quantity:
    """A concentration in mcg/mL; bare is mcg/mL.

    Raises:
        CellError: `not_a_number` or `unknown_unit`.
    """
    return _quantity(
        column, text, _CONCENTRATION_UNITS, "not read here. Write the concentration in mcg per mL."
    )


def volume(column: str, text: str) -> Quantity:
    """A volume in mL.

    Raises:
        CellError: `not_a_number` or `unknown_unit`.
    """
    return _quantity(column, text, _VOLUME_UNITS, "not read here. Write the volume in mL.")


def check_decimals(column: str, value: Decimal, places: int) -> None:
    """Refuse what the record would have to round: a figure is stored as it was typed.

    Raises:
        CellError: `too_many_decimals`.
    """
    exponent = value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > places:
        raise CellError(
            "too_many_decimals",
            f"{column} has more than {places} decimals. Write the figure that the pump shows.",
        )
