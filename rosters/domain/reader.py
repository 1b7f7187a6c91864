"""Reads the cells of one row and collects what is wrong, so that one import names it all."""

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from . import cells
from .dates import LocalMoment, moment
from .errors import CellError
from .row_types import Context, RowError, RowWarning
from .sheet import RawRow

T = TypeVar("T")


class RowReader:
    """One row being read against its context."""

    def __init__(self, raw: RawRow, context: Context) -> None:
        self.raw = raw
        self.context = context
        self.errors: list[RowError] = []
        self.warnings: list[RowWarning] = []

    def text(self, column: str) -> str:
        return self.raw.cells.get(column, "")

    def says(self, column: str) -> bool:
        """Whether the cell says anything."""
        return not cells.is_nothing(self.text(column))

    def refuse(self, column: str, code: str, message: str) -> None:
        self.errors.append(RowError(column, code, message))

    def warn(self, code: str, message: str) -> None:
        self.warnings.append(RowWarning(code, message))

    def take(self, column: str, reader: Callable[[str, str], T]) -> T | None:
        """The cell's value, or None with its error noted."""
        try:
            return reader(column, self.text(column))
        except CellError as error:
            self.refuse(column, error.code, error.message)
            return None

    def require(self, column: str, reader: Callable[[str, str], T]) -> T | None:
        """As `take`, and an empty cell is an error."""
        if not self.says(column):
            self.refuse(column, "missing", cells.missing(column).message)
            return None
        return self.take(column, reader)

    def optional(self, column: str, reader: Callable[[str, str], T]) -> T | None:
        """As `take`, and an empty cell is None."""
        return self.take(column, reader) if self.says(column) else None

    def contact(self, column: str, reader: Callable[[str, str], str]) -> str:
        """A contact that cannot be read must not keep a pump from having dates: it is a warning."""
        try:
            return reader(column, self.text(column)) if self.says(column) else ""
        except CellError as error:
            self.warn("contact_unclear", error.message)
            return ""

    def moment(self, column: str, text: str) -> LocalMoment:
        return moment(column, text, day_first_sheet=self.context.day_first_sheet)

    def day(self, column: str, text: str) -> date:
        return self.moment(column, text).day
