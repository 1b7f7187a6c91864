"""What an import came to, row by row; `to_json` is the file of `--report` (docs/contracts.md)."""

from dataclasses import dataclass, field
from typing import Any

from alarms.models import Projection
from rosters.domain.row_types import RowError, RowWarning
from rosters.models import ImportRow


@dataclass(frozen=True, slots=True)
class RowReport:
    """What came of one row. `row` is its line in the sheet."""

    row: int
    mrn: str
    outcome: str
    errors: tuple[RowError, ...] = ()
    warnings: tuple[RowWarning, ...] = ()
    projection: Projection | None = None

    @property
    def is_recorded(self) -> bool:
        return self.outcome != ImportRow.Outcome.REFUSED


@dataclass(slots=True)
class ImportReport:
    """What came of a sheet. A dry run has the same report and changed nothing."""

    dry_run: bool
    run_uuid: str | None = None
    stopped: bool = False  # whoever follows it let it end before the last row
    results: list[RowReport] = field(default_factory=list)

    def count(self, outcome: str) -> int:
        return sum(result.outcome == outcome for result in self.results)

    @property
    def rows(self) -> int:
        return len(self.results)

    @property
    def imported(self) -> int:
        return self.count(ImportRow.Outcome.IMPORTED)

    @property
    def unchanged(self) -> int:
        return self.count(ImportRow.Outcome.UNCHANGED)

    @property
    def refused(self) -> int:
        return self.count(ImportRow.Outcome.REFUSED)

    @property
    def errors(self) -> list[tuple[int, RowError]]:
        """Every error with its line; within a row by column, as the sheet has them."""
        return [(r.row, error) for r in self.results for error in r.errors]

    @property
    def warnings(self) -> list[tuple[int, RowWarning]]:
        """Warnings of rows that are in the record; a refused row's are said when it is imported."""
        return [(r.row, w) for r in self.results if r.is_recorded for w in r.warnings]

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "imported": self.imported,
            "unchanged": self.unchanged,
            "refused": self.refused,
            "dry_run": self.dry_run,
            "run": self.run_uuid,
            "errors": [
                {"row": row, "column": e.column, "code": e.code, "message": e.message}
                for row, e in self.errors
            ],
            "warnings": [
                {"row": row, "code": w.code, "message": w.message} for row, w in self.warnings
            ],
            "projections": [dates_of(result) for result in self.results if result.is_recorded],
        }


def dates_of(result: RowReport) -> dict[str, Any]:
    """The computed dates of a row, as far as they are known."""
    found = result.projection
    known = found is not None and not found.unknown_reason
    alarm_date = found.alarm_date if found is not None and known else None
    due_on = found.refill_due_on if found is not None and known else None
    return {
        "row": result.row,
        "mrn": result.mrn,
        "alarm_date": alarm_date.isoformat() if alarm_date else None,
        "refill_due_on": due_on.isoformat() if due_on else None,
    }
