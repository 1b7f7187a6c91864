"""Whose row it is, as far as that can be read, and what rows of a sheet have in common."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeVar

from . import cells
from .dates import LocalMoment, moment
from .errors import CellError
from .row_types import Identity, RowError
from .sheet import RawRow

T = TypeVar("T")


def shared_numbers(rows: Sequence[RawRow]) -> dict[int, tuple[RowError, ...]]:
    """Rows whose MRN or serial number an earlier row of the sheet has for somebody else.

    The earlier row counts whether or not it can be imported: which of the two is wrong, only a
    person can say.
    """
    by_mrn: dict[str, tuple[int, Identity]] = {}
    by_serial: dict[str, tuple[int, Identity]] = {}
    found: dict[int, tuple[RowError, ...]] = {}
    for raw in rows:
        identity = identity_of(raw)
        if not identity.mrn:
            continue
        errors = []
        line, first = by_mrn.setdefault(identity.mrn.casefold(), (raw.row, identity))
        if not first.same_person(identity):
            errors.append(_shared("MRN", "duplicate_mrn", line, "another name or date of birth"))
        if identity.serial_number:
            line, first = by_serial.setdefault(identity.serial_number, (raw.row, identity))
            if not first.same_mrn(identity):
                errors.append(_shared("Pump Serial", "duplicate_serial", line, "another MRN"))
        if errors:
            found[raw.row] = tuple(errors)
    return found


def _shared(column: str, code: str, line: int, with_what: str) -> RowError:
    return RowError(
        column, code, f"{column} is also in line {line}, with {with_what}. Correct the wrong one."
    )


def independent_groups(rows: Sequence[RawRow]) -> list[list[RawRow]]:
    """The rows in groups that share no MRN and no serial number, in the sheet's order."""
    groups: list[list[RawRow]] = []
    group_of: dict[str, int] = {}
    for raw in rows:
        identity = identity_of(raw)
        keys = [f"mrn {identity.mrn.casefold()}"] if identity.mrn else []
        keys += [f"serial {identity.serial_number}"] if identity.serial_number else []
        known = sorted({group_of[key] for key in keys if key in group_of})
        target = known[0] if known else len(groups)
        if not known:
            groups.append([])
        groups[target].append(raw)
        for other in known[1:]:  # this row ties two groups together
            groups[target] += groups[other]
            groups[other] = []
            group_of.update({key: target for key, group in group_of.items() if group == other})
        group_of.update(dict.fromkeys(keys, target))
    return [sorted(group, key=lambda raw: raw.row) for group in groups if group]


def identity_of(raw: RawRow) -> Identity:
    """Who the row speaks of, as far as that can be read; it never raises."""

    def read(column: str, reader: Callable[[str, str], T], otherwise: T) -> T:
        try:
            return reader(column, raw.cells.get(column, ""))
        except CellError:
            return otherwise

    def day(column: str, text: str) -> date | None:
        return moment(column, text).day

    return Identity(
        mrn=read("MRN", mrn, ""),
        family_name=read("Last Name", family_name, ""),
        given_name=read("First Name", given_name, ""),
        date_of_birth=read("DOB", day, None),
        serial_number=read("Pump Serial", serial_number, ""),
    )


def last_refill_of(raw: RawRow) -> LocalMoment | None:
    """The row's refill where it can be read; it never raises."""
    try:
        return moment("Last Refill", raw.cells.get("Last Refill", ""))
    except CellError:
        return None


def mrn(column: str, text: str) -> str:
    return cells.identifier(column, text, 32)


def serial_number(column: str, text: str) -> str:
    """A pump's serial number, without spaces and in capitals, as it is printed on the device."""
    return cells.identifier(column, re.sub(r"\s", "", cells.tidy(text)), 40).upper()


def family_name(column: str, text: str) -> str:
    value = cells.words(column, text, 120)
    if not value:
        raise cells.missing(column)
    return value


def given_name(column: str, text: str) -> str:
    """A first name; a dash says that the patient has none."""
    value = family_name(column, text)
    return "" if cells.tidy(value) == "-" else value
