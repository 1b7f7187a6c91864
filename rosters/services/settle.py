"""When a refused row of an earlier run needs nobody's attention any more.

A row is settled by the row that took its place: imported, found on record, or refused anew. What a
refused row says of a later refill is never settled by a sheet that knows only an earlier one.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from accounts import audit
from accounts.models import Clinic, User
from rosters.domain.cells import IDENTIFYING, plain
from rosters.domain.dates import moment
from rosters.domain.errors import CellError
from rosters.domain.identity import identity_of, last_refill_of
from rosters.domain.row_types import Identity
from rosters.domain.sheet import HEADINGS, RawRow
from rosters.models import ImportRow, ImportRun
from rosters.selectors import open_refused_rows

_DATES: Final = frozenset({"DOB", "Implanted", "Last Refill", "Alarm Date"})


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
        """Word for word, but for what a spreadsheet does to a cell that it opens and saves."""
        return all(self._said(h) == other._said(h) for h in HEADINGS if h not in apart_from)

    def _said(self, heading: str) -> Any:
        """A date however it is written; else the text without marks that nobody sees."""
        text = self.cells.get(heading, "")
        if heading in _DATES:
            try:
                return moment(heading, text)
            except CellError:
                pass
        return plain(text)

    def same_pump(self, other: "Seen") -> bool:
        """Two of the three agree: MRN, serial number, and name with date of birth."""
        mine, theirs = self.identity, other.identity
        agree = [
            mine.same_mrn(theirs),
            bool(mine.serial_number) and mine.serial_number == theirs.serial_number,
            any(mine.name_key) and any(theirs.name_key) and mine.same_person(theirs),
        ]
        return sum(agree) >= 2

    def names_a_refill(self, today: date) -> bool:
        """Whether the refill that it speaks of can be told: a day that was refused and is still
        to come is none, whatever was meant by it."""
        if self.refilled_on is None:
            return False
        return "Last Refill" not in self.wrong or self.refilled_on <= today


def takes_the_place(new: Seen, old: Seen) -> bool:
    """Whether `new` leaves nothing to do about the refused `old`, whatever came of it."""
    if new.same_text(old):
        return True
    if old.refilled_on is None or not new.same_pump(old):
        return False
    return new.refilled_on is None or old.refilled_on <= new.refilled_on


def is_mended(new: Seen, old: Seen, outcome: str, today: date) -> bool:
    """Whether `new` is the refused `old` with its wrong cells mended.

    Where the old row's refill cannot be told, it may be one that the sheet with this row did not
    know yet. So whatever else is said of the refill must be the same, and it must be new.
    """
    if old.names_a_refill(today) or outcome == ImportRow.Outcome.UNCHANGED:
        return False
    # Whose it is, `same_pump` says: a number or a name may have been mended as well.
    return new.same_pump(old) and new.same_text(old, apart_from=old.wrong | IDENTIFYING)


class OpenRows:
    """The clinic's open refused rows of earlier runs.

    Args:
        of_run: the run that goes on now; its own rows settle nothing of each other.
    """

    def __init__(
        self, clinic: Clinic, *, by: User, now: datetime, of_run: ImportRun | None = None
    ) -> None:
        self._clinic, self._by, self._now = clinic, by, now
        self._today = now.astimezone(clinic.zone).date()
        rows = [
            row
            for row in open_refused_rows([clinic.pk])
            if of_run is None or row.run_id != of_run.pk
        ]
        self._run_of = {row.pk: row.run_id for row in rows}
        self._open = {
            row.pk: Seen.of(RawRow(row.row, row.raw), [error["column"] for error in row.errors])
            for row in rows
        }
        self._came: dict[frozenset[int], set[int]] = defaultdict(set)

    def settled_by(self, row: ImportRow, seen: Seen) -> list[int]:
        """Mark what `row` took the place of, in the running transaction.

        Returns:
            Their keys, to `forget` once the transaction is committed.
        """
        found = [pk for pk, old in self._open.items() if takes_the_place(seen, old)]
        found += self._mended_by(row, seen, but=found)
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

    def _mended_by(self, row: ImportRow, seen: Seen, *, but: Collection[int]) -> list[int]:
        """What `row` is with its wrong cells mended.

        Two rows of one sheet may differ in nothing but their wrong cells. Which of them came back
        cannot be told then, so both stay until both came back.
        """
        meant: dict[int, list[int]] = defaultdict(list)
        for pk, old in self._open.items():
            if pk not in but and is_mended(seen, old, row.outcome, self._today):
                meant[self._run_of[pk]].append(pk)
        found = []
        for keys in meant.values():
            came = self._came[frozenset(keys)]
            came.add(row.pk)
            if len(came) >= self._how_many(keys):
                found += keys
        return found

    def _how_many(self, keys: Collection[int]) -> int:
        """Of open rows, those that differ: the same line copied twice is one."""
        different: list[Seen] = []
        for key in keys:
            if not any(self._open[key].same_text(other) for other in different):
                different.append(self._open[key])
        return len(different)

    def forget(self, keys: list[int]) -> None:
        for key in keys:
            self._open.pop(key, None)
