"""When a refused row of an earlier run needs nobody's attention any more.

A row is settled by the row that took its place: imported, found on record, or refused anew. What a
refused row says of a later refill is never settled by a sheet that knows only an earlier one.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from accounts import audit
from accounts.models import Clinic, User
from visits.domain.roster_file import HEADINGS, RawRow
from visits.domain.roster_identity import identity_of, last_refill_of
from visits.domain.roster_types import Identity
from visits.models import ImportRow, ImportRun
from visits.selectors.imports import open_refused_rows


@dataclass(frozen=True, slots=True)
class Seen:
    """A row of a sheet as far as it can be told whose and of when it is.

    `wrong` are the columns that it was refused for.
    """

    cells: Mapping[str, str]
    identity: Identity
    refilled_on: date | None
    wrong: frozenset[str] = frozenset()

    @classmethod
    def of(cls, raw: RawRow, wrong: Iterable[str] = ()) -> "Seen":
        refill = last_refill_of(raw)
        return cls(raw.cells, identity_of(raw), refill.day if refill else None, frozenset(wrong))

    def same_text(self, other: "Seen", apart_from: Collection[str] = ()) -> bool:
        return all(
            self.cells.get(h, "") == other.cells.get(h, "") for h in HEADINGS if h not in apart_from
        )

    def same_pump(self, other: "Seen") -> bool:
        """Two of the three agree: MRN, serial number, and name with date of birth."""
        mine, theirs = self.identity, other.identity
        agree = [
            mine.same_mrn(theirs),
            bool(mine.serial_number) and mine.serial_number == theirs.serial_number,
            any(mine.name_key) and any(theirs.name_key) and mine.same_person(theirs),
        ]
        return sum(agree) >= 2


def takes_the_place(new: Seen, old: Seen, outcome: str) -> bool:
    """Whether what came of `new` leaves nothing to do about the refused `old`."""
    if new.same_text(old):
        return True
    if not new.same_pump(old):
        return False
    if old.refilled_on is None:
        # It may speak of a refill that the sheet with this row did not know yet: only the same row
        # with its wrong cells mended takes its place.
        mended = new.same_text(old, apart_from=old.wrong)
        return mended and outcome != ImportRow.Outcome.UNCHANGED
    return new.refilled_on is None or old.refilled_on <= new.refilled_on


class OpenRows:
    """The clinic's open refused rows of earlier runs.

    Args:
        of_run: the run that goes on now; its own rows settle nothing of each other.
    """

    def __init__(
        self, clinic: Clinic, *, by: User, now: datetime, of_run: ImportRun | None = None
    ) -> None:
        self._clinic, self._by, self._now = clinic, by, now
        self._open = {
            row.pk: Seen.of(RawRow(row.row, row.raw), [error["column"] for error in row.errors])
            for row in open_refused_rows([clinic.pk])
            if of_run is None or row.run_id != of_run.pk
        }

    def settled_by(self, row: ImportRow, seen: Seen) -> list[int]:
        """Mark what `row` took the place of, in the running transaction.

        Returns:
            Their keys, to `forget` once the transaction is committed.
        """
        found = [pk for pk, old in self._open.items() if takes_the_place(seen, old, row.outcome)]
        for old in ImportRow.objects.select_for_update().filter(pk__in=found).order_by("pk"):
            if old.settled_by_row_id is not None or old.dismissed_at is not None:
                continue
            old.settled_by_row = row
            old.save(update_fields=["settled_by_row"])
            audit.record(
                event="roster.row_settled",
                by=self._by,
                at=self._now,
                clinic_id=self._clinic.pk,
                subject_type="import_row",
                subject_id=old.uuid,
                after={"settled_by": str(row.uuid), "outcome": row.outcome},
            )
        return found

    def forget(self, keys: list[int]) -> None:
        for key in keys:
            self._open.pop(key, None)
