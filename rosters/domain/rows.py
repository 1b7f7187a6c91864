"""One row of the roster, from text to typed facts, or to everything that is wrong with it.

Pure: what the clinic has (catalogue, time zone, date) comes in as arguments. Whether the row agrees
with what is recorded already is for the service to say.
"""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final

from core.quantities import format_quantity
from core.words import format_date
from dosing.domain.checks import concentration_problem

from . import cells, numbers
from .dates import LocalMoment, writes_day_first
from .errors import CellError
from .identity import family_name, given_name, identity_of, mrn, serial_number
from .programs import read_program
from .reader import RowReader
from .row_types import (
    WHOLE_ROW,
    CataloguePump,
    Contact,
    Context,
    Identity,
    RefusedRow,
    RosterRow,
    RowError,
)
from .sheet import RawRow, RosterSheet

DATE_COLUMNS: Final = ("DOB", "Implanted", "Last Refill", "Alarm Date")
_RELATIONSHIP: Final = (
    r"(?:(?:foster|step|grand|adoptive|biological|legal|primary|older|younger)[ -]?)*"
    r"(?:mother|father|parents?|mom|mum|dad|guardian|aunt|uncle|sister|brother|sibling|spouse|wife|"
    r"husband|partner|son|daughter|self|patient|caregiver|carer|nurse|social worker|group home|"
    r"case manager|friend)"
)
_RELATIONSHIPS: Final = re.compile(
    rf"{_RELATIONSHIP}(?:\s*(?:/|&|,|\+|\band\b)\s*{_RELATIONSHIP})*", re.IGNORECASE
)


def read_row(raw: RawRow, context: Context) -> RosterRow | RefusedRow:
    """Read one row; every error in it is found, whatever the others are."""
    reader = RowReader(raw, context)
    identity = identity_of(raw)
    if raw.surplus_cells:
        reader.refuse(
            WHOLE_ROW,
            "too_many_cells",
            "This line has more cells than headings, so its cells may stand under the wrong ones. "
            "Put text with a comma in it into quotation marks, or save the sheet as .xlsx.",
        )
        return RefusedRow(raw.row, identity, tuple(reader.errors), ())
    row = _read(reader, identity)
    if row is None or reader.errors:
        return RefusedRow(raw.row, identity, tuple(reader.errors), tuple(reader.warnings))
    return row


def in_sheet_order(errors: Iterable[RowError], sheet: RosterSheet) -> tuple[RowError, ...]:
    """Errors by column as the sheet has them; the first found in a column stays first."""
    return tuple(sorted(errors, key=lambda error: sheet.position(error.column)))


def day_first_sheet(sheet: RosterSheet) -> bool:
    """Whether the sheet's dates prove that it writes the day before the month."""
    return writes_day_first(
        row.cells.get(column, "") for row in sheet.rows for column in DATE_COLUMNS
    )


def _read(reader: RowReader, identity: Identity) -> RosterRow | None:
    for column, part in (
        ("MRN", mrn),
        ("Last Name", family_name),
        ("First Name", given_name),
        ("Pump Serial", serial_number),
    ):
        reader.take(column, part)
    birth = reader.require("DOB", reader.day)
    model = _model(reader)
    implanted = reader.optional("Implanted", reader.day)
    refill = reader.require("Last Refill", reader.moment)
    refilled_at = refill.instant(reader.context.zone) if refill else None
    volume = _volume(reader, model)
    concentration = _concentration(reader)
    program = read_program(reader, model, refilled_at, concentration)
    alarm = _low_alarm(reader, model)
    printed = reader.optional("Alarm Date", reader.day)
    _check_dates(reader, birth, implanted, refill)
    if birth is None or model is None or refilled_at is None:
        return None
    if volume is None or concentration is None:
        return None
    return RosterRow(
        row=reader.raw.row,
        identity=identity,
        date_of_birth=birth,
        language=_remark(reader, "Language", 40),
        diagnosis=_remark(reader, "Diagnosis", 200),
        contact=_contact(reader),
        catalogue_number=model.catalogue_number,
        implanted_on=implanted,
        refilled_at=refilled_at,
        refill_is_timed=refill is not None and refill.at is not None,
        volume_ml=volume,
        concentration_mcg_per_ml=concentration,
        program=program,
        low_reservoir_alarm_ml=alarm,
        printed_alarm_date=printed,
        warnings=tuple(reader.warnings),
    )


def _remark(reader: RowReader, column: str, longest: int) -> str:
    return reader.contact(column, lambda c, text: cells.words(c, text, longest))


def _contact(reader: RowReader) -> Contact:
    """Guardian holds a relationship (“Mother”) or a name; both are kept as what they are."""
    guardian = _remark(reader, "Guardian", 120)
    is_relationship = bool(_RELATIONSHIPS.fullmatch(guardian)) and len(guardian) <= 60
    return Contact(
        relationship=guardian if is_relationship else "",
        name="" if is_relationship else guardian,
        phone=reader.contact("Guardian Phone", cells.phone),
        email=reader.contact("Email", cells.email),
    )


def _model_key(text: str) -> str:
    plain = cells.tidy(text).casefold().removeprefix("medtronic ")
    return re.sub(r"[\s\u00ae\u2122-]|\((?:r|tm)\)", "", plain)


def _model(reader: RowReader) -> CataloguePump | None:
    column = "Pump Model"
    typed = reader.require(column, lambda c, text: cells.words(c, text, 200))
    if typed is None:
        return None
    key = _model_key(typed)
    found = [
        model
        for model in reader.context.catalogue
        if key in {_model_key(label) for label in (model.catalogue_number, *model.names)}
    ]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{model.catalogue_number}" for model in reader.context.catalogue)
    why = "names more than one model of" if found else "is not in"
    reader.refuse(
        column,
        "unknown_pump_model",
        f"{cells.shown(column, typed)} {why} the clinic's catalogue ({known}). Write one of these, "
        "or have the model added to the catalogue.",
    )
    return None


def _volume(reader: RowReader, model: CataloguePump | None) -> Decimal | None:
    column = "Volume (mL)"
    quantity = reader.require(column, numbers.volume)
    if quantity is None or not _fits_column(reader, column, quantity.value, 3):
        return None
    if quantity.value <= 0:
        reader.refuse(column, "not_positive", f"{column} must be more than zero. Check it.")
        return None
    if model is not None and quantity.value > model.limits.reservoir_ml:
        reader.refuse(
            column,
            "fill_exceeds_reservoir",
            f"{cells.shown(column, reader.text(column))} does not fit: the reservoir of this model "
            f"holds {format_quantity(model.limits.reservoir_ml, 'mL')}. Check the volume and the "
            "model.",
        )
        return None
    return quantity.value


def _fits_column(reader: RowReader, column: str, value: Decimal, places: int) -> bool:
    try:
        numbers.check_decimals(column, value, places)
    except CellError as error:
        reader.refuse(column, error.code, error.message)
        return False
    return True


def _concentration(reader: RowReader) -> Decimal | None:
    column = "Concentration"
    quantity = reader.require(column, numbers.concentration)
    if quantity is None or not _fits_column(reader, column, quantity.value, 3):
        return None
    typed = cells.shown(column, cells.tidy(reader.text(column)))
    problem = concentration_problem(column, typed, quantity.value)
    if problem is not None:
        reader.refuse(column, problem.code, problem.message)
        return None
    if quantity.converted:
        reader.warn(
            "concentration_unit_converted",
            f"{typed} was taken as {format_quantity(quantity.value, 'mcg per mL')}.",
        )
    return quantity.value


def _low_alarm(reader: RowReader, model: CataloguePump | None) -> Decimal | None:
    """The pump's own alarm volume; None where the cell is blank and the default is assumed."""
    column = "Low Alarm (mL)"
    quantity = reader.optional(column, numbers.volume)
    if quantity is None or not _fits_column(reader, column, quantity.value, 3):
        return None
    if quantity.value <= 0:
        # No pump is set so, and it would put the alarm date where the reservoir is empty.
        reader.refuse(
            column,
            "not_positive",
            f"{column} must be more than zero. Check it; leave it empty if it is not known.",
        )
    elif model is not None and quantity.value >= model.limits.reservoir_ml:
        reader.refuse(
            column,
            "alarm_not_below_reservoir",
            f"{cells.shown(column, reader.text(column))} is not below the reservoir's "
            f"{format_quantity(model.limits.reservoir_ml, 'mL')}. Check it; leave it empty if "
            "it is not known.",
        )
    return quantity.value


def _check_dates(
    reader: RowReader, birth: date | None, implanted: date | None, refill: LocalMoment | None
) -> None:
    """Dates that have not come yet, or that come in an order that cannot be."""
    days = {"DOB": birth, "Implanted": implanted, "Last Refill": refill.day if refill else None}
    for column, day in list(days.items()):
        if day is not None and day > reader.context.as_of:
            reader.refuse(
                column,
                "date_in_future",
                f"{cells.shown(column, reader.text(column))} is after "
                f"{format_date(reader.context.as_of)}, the day of this import. Check the date.",
            )
            days[column] = None  # one error is enough for it
    for earlier, later in (("DOB", "Implanted"), ("Implanted", "Last Refill")):
        first, second = days[earlier], days[later]
        if first is not None and second is not None and second < first:
            reader.refuse(
                later,
                "dates_out_of_order",
                f"{later} is before {earlier}, which cannot be. Check both dates.",
            )
