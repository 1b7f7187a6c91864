"""A long import is followed row by row: it tells how far it is, may stop, and goes on later."""

from typing import Final

from rosters.domain.row_types import WHOLE_ROW, RowError
from rosters.domain.sheet import RawRow
from rosters.models import ImportRow, ImportRun

from .report import RowReport

NOT_REACHED: Final = RowError(
    WHOLE_ROW,
    "not_reached",
    "The import has not come to this row: it is still running, or it was interrupted. Import the "
    "sheet again; rows that are in the record already stay as they are.",
)


class Progress:
    """Whoever follows a long import, row by row; this one lets it run from its first to its last.

    `run` is an import that was cut off and goes on; `known` are the lines that a rehearsal need
    not look at again.
    """

    run: ImportRun | None = None
    known: frozenset[int] = frozenset()

    def begun(self, run: ImportRun) -> None:
        """The raw rows are kept; inside the transaction that keeps them."""

    def after_row(self, raw: RawRow, result: RowReport | None) -> bool:
        """Outside the row's transaction, whose end it was. False ends the import here."""
        return True


def is_reached(row: ImportRow) -> bool:
    """Whether the import came to the row."""
    return all(error.get("code") != NOT_REACHED.code for error in row.errors)
